//! The agent that hears the user while it tells.

use serde_json::{Value, json};

use crate::support::{Chat, Folder, Server, chunk, consumed, said, shape, submit};
use crate::told::{notes, tells_the_story};

/// Has the user say this in a message of this id, while the agent tells.
fn steer(chat: &Chat<'_>, id: &str, text: &str) -> u64 {
    let mut record = submit(text, json!(null));
    record["payload"]["message"]["id"] = json!(id);
    chat.say(&record)
}

/// Has the agent begin a story that is long enough to speak into.
fn begin(chat: &Chat<'_>, words: u64) {
    chat.say(&submit("tell", json!({ "words": words, "paceMs": 5 })));
    read_to_the_first_word(chat, "");
}

fn read_to_the_first_word(chat: &Chat<'_>, cursor: &str) {
    chat.read_until(cursor, |record| chunk(record).is_some_and(|c| c["type"] == "text-delta"));
}

#[test]
fn a_message_during_the_turn_is_taken_in_where_a_step_ends() {
    let server = Server::start();
    let chat = server.chat("c", "steered");
    begin(&chat, 600);
    let seq = steer(&chat, "s1", "more gulls");
    let records = chat.read_turn("", seq);

    let notes = notes(&records);
    assert_eq!(notes.len(), 1);
    let data = json!({ "messageIds": ["s1"], "messages": [{ "id": "s1", "text": "more gulls" }] });
    assert_eq!(notes[0]["data"], data);
    let kinds: Vec<_> =
        records.iter().filter_map(chunk).map(|chunk| chunk["type"].clone()).collect();
    let at = kinds.iter().position(|kind| kind == "data-pending-message-injected").expect("a note");
    assert_eq!((&kinds[at - 1], &kinds[at + 1]), (&json!("finish-step"), &json!("start-step")));
    assert_eq!(kinds.iter().filter(|kind| *kind == "start").count(), 1);
    tells_the_story(&records, &["You say “more gulls”. I hear you, and tell on."]);

    // One turn, which has consumed both messages; the chat goes on with the next.
    let ends: Vec<_> = records.iter().filter_map(consumed).collect();
    assert_eq!(ends, [seq]);
    let next = chat.ask("again", json!({ "words": 5, "paceMs": 0 }));
    assert_eq!(next.iter().filter_map(consumed).collect::<Vec<_>>(), [seq + 1]);
    assert!(self::notes(&next).is_empty());
}

#[test]
fn messages_that_come_together_are_taken_in_together() {
    let server = Server::start();
    let chat = server.chat("c", "steered");
    begin(&chat, 600);
    steer(&chat, "s1", "gulls");
    let seq = steer(&chat, "s2", "fog");
    let records = chat.read_turn("", seq);
    let ids: Vec<_> = notes(&records)
        .iter()
        .flat_map(|note| note["data"]["messageIds"].as_array().cloned().unwrap_or_default())
        .collect();
    assert_eq!(ids, ["s1", "s2"]);
}

#[test]
fn a_message_that_was_taken_in_is_a_part_of_the_exchange_it_came_in() {
    let server = Server::start();
    let chat = server.chat("c", "steered");
    chat.ask("first", json!({ "words": 5, "paceMs": 0 }));
    begin(&chat, 600);
    let seq = steer(&chat, "s1", "gulls");
    chat.read_turn("", seq);
    let act = |action: Value| {
        let cursor = chat.tail();
        let seq = chat.say(&json!({ "kind": "message", "payload": {
            "chatId": "c", "trigger": "action", "action": action,
        } }));
        said(&chat.read_turn(&cursor, seq))
    };
    let summary = act(json!({ "type": "summarize" }));
    assert_eq!(summary, "You have spoken **2 times**:\n\n- “first”\n- “tell gulls”\n");
    act(json!({ "type": "undo" }));
    let summary = act(json!({ "type": "summarize" }));
    assert_eq!(summary, "You have spoken **1 time**:\n\n- “first”\n");
}

#[test]
fn a_server_killed_around_a_note_tells_on_without_a_gap() {
    let folder = Folder::new();
    let db = folder.file("s.sqlite");
    let server = Server::on(&db);
    let chat = server.chat("c", "steered");
    let token = chat.token.clone();
    begin(&chat, 600);
    steer(&chat, "s1", "gulls");
    // In the words that answer it.
    chat.read_until("", |record| chunk(record).is_some_and(|c| c["delta"] == "“gulls”. "));
    drop(server);

    let server = Server::on(&db);
    let chat = server.chat_with("c", token);
    let seq = steer(&chat, "s2", "fog");
    let records = chat.read_turn("", seq);
    assert_eq!(notes(&records).len(), 2);
    let interludes =
        ["gulls", "fog"].map(|word| format!("You say “{word}”. I hear you, and tell on."));
    tells_the_story(&records, &interludes.each_ref().map(String::as_str));
}

#[test]
fn a_stop_ends_the_turn_and_what_waits_begins_its_own() {
    let server = Server::start();
    let chat = server.chat("c", "steered");
    chat.say(&submit("tell", json!({ "words": 300, "paceMs": 1000 })));
    read_to_the_first_word(&chat, "");
    let seq = steer(&chat, "s1", "1 word at 0 ms");
    chat.say(&json!({ "kind": "stop" }));
    let stopped = chat.read_until("", |record| consumed(record).is_some());
    assert_eq!(shape(&stopped).last().map(String::as_str), Some("abort"));
    let end = stopped.last().expect("its end")["seq_num"].to_string();
    let own = chat.read_turn(&end, seq);
    assert!(notes(&own).is_empty());
    assert_eq!(shape(&own)[0], "start");
}
