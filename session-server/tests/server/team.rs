//! The agent that has others work for it.

use serde_json::{Value, json};

use crate::support::{Folder, Server, chunk, said, submit};

fn chunks(records: &[Value], kind: &str) -> Vec<Value> {
    records.iter().filter_map(chunk).filter(|chunk| chunk["type"] == kind).collect()
}

/// What the member behind this call says, put together from its batches, which must be in order.
fn worked(records: &[Value], call: &Value) -> String {
    let batches: Vec<_> = chunks(records, "data-subagent")
        .into_iter()
        .filter(|batch| batch["data"]["toolCallId"] == *call)
        .collect();
    assert!(batches.len() > 2, "{batches:?}");
    for (seq, batch) in batches.iter().enumerate() {
        assert_eq!((&batch["data"]["seq"], &batch["transient"]), (&json!(seq), &json!(true)));
    }
    let spoken: Vec<_> = batches
        .iter()
        .flat_map(|batch| batch["data"]["chunks"].as_array().expect("chunks"))
        .collect();
    let kinds: Vec<_> = spoken.iter().map(|chunk| &chunk["type"]).collect();
    assert_eq!((kinds.first(), kinds.last()), (Some(&&json!("start")), Some(&&json!("finish"))));
    spoken.iter().filter_map(|chunk| chunk["delta"].as_str()).collect()
}

#[track_caller]
fn is_whole(records: &[Value]) {
    let calls = chunks(records, "tool-input-available");
    assert_eq!(calls.len(), 2);
    let outputs = chunks(records, "tool-output-available");
    assert_eq!(outputs.len(), 2);
    for output in outputs {
        let text = worked(records, &output["toolCallId"]);
        assert!(text.ends_with("“rain?”."), "{text}");
        assert_eq!(output["output"]["role"], "assistant");
        assert_eq!(output["output"]["parts"][1]["text"], text);
        assert!(calls.iter().any(|call| call["toolCallId"] == output["toolCallId"]));
    }
    assert!(said(records).ends_with("I leave it to you."));
}

#[test]
fn members_work_at_once_and_each_call_ends_with_what_its_member_said() {
    let server = Server::start();
    let records = server.chat("c", "team").ask("rain?", json!({ "paceMs": 0 }));
    is_whole(&records);
    let order: Vec<_> = chunks(&records, "data-subagent")
        .iter()
        .map(|batch| batch["data"]["toolCallId"].clone())
        .collect();
    assert!(order[0] != order[1] && order[0] == order[2], "{order:?}");
}

#[test]
fn a_server_killed_while_they_work_repeats_and_skips_no_batch() {
    let folder = Folder::new();
    let db = folder.file("s.sqlite");
    let server = Server::on(&db);
    let chat = server.chat("c", "team");
    let token = chat.token.clone();
    let seq = chat.say(&submit("rain?", json!({ "paceMs": 30 })));
    chat.read_until("", |record| chunk(record).is_some_and(|c| c["data"]["seq"] == 1));
    drop(server);

    let server = Server::on(&db);
    is_whole(&server.chat_with("c", token).read_turn("", seq));
}
