//! What clients have agents do besides answering.

use serde_json::{Value, json};

use crate::model::start;
use crate::stand_in::StandIn;
use crate::support::{Chat, Folder, Server, chunk, consumed, header, said, shape, submit};

/// Sends an action, and reads what comes of it.
fn act(chat: &Chat<'_>, action: Value) -> Vec<Value> {
    send(chat, json!({ "trigger": "action", "action": action }))
}

fn regenerate(chat: &Chat<'_>) -> Vec<Value> {
    send(chat, json!({ "trigger": "regenerate-message" }))
}

fn send(chat: &Chat<'_>, mut payload: Value) -> Vec<Value> {
    payload["chatId"] = json!("c");
    payload["metadata"] = json!({ "paceMs": 0 });
    let cursor = chat.tail();
    let seq = chat.say(&json!({ "kind": "message", "payload": payload }));
    chat.read_turn(&cursor, seq)
}

/// Has the user say this in a message of this id.
fn say(chat: &Chat<'_>, id: &str, text: &str) -> Vec<Value> {
    let mut record = submit(text, json!({ "paceMs": 0 }));
    record["payload"]["message"]["id"] = json!(id);
    let cursor = chat.tail();
    let seq = chat.say(&record);
    chat.read_turn(&cursor, seq)
}

/// The id of the message that these records begin.
fn message_id(records: &[Value]) -> Value {
    records.iter().find_map(chunk).expect("a chunk")["messageId"].clone()
}

/// Checks that the turn has no words.
#[track_caller]
fn is_silent(records: &[Value]) {
    assert_eq!(shape(records), [""; 0]);
    assert_eq!(
        records.last().and_then(|end| header(end, "trigger-control")),
        Some("turn-complete")
    );
}

#[track_caller]
fn fails_with(records: &[Value], words: &str) {
    assert_eq!(shape(records), ["error"]);
    let text = records.iter().find_map(chunk).expect("a chunk")["errorText"].to_string();
    assert!(text.contains(words), "{text}");
}

#[test]
fn undo_takes_the_last_exchange_back() {
    let server = Server::start();
    let chat = server.chat("c", "echo");
    for text in ["one", "two", "three"] {
        say(&chat, text, text);
    }
    is_silent(&act(&chat, json!({ "type": "undo" })));
    assert_eq!(said(&regenerate(&chat)), "two");
    is_silent(&act(&chat, json!({ "type": "undo" })));
    assert_eq!(said(&regenerate(&chat)), "one");
    // More than there is to undo is nothing to stumble over.
    is_silent(&act(&chat, json!({ "type": "undo" })));
    is_silent(&act(&chat, json!({ "type": "undo" })));
    assert_eq!(said(&say(&chat, "four", "four")), "four");
    assert_eq!(said(&regenerate(&chat)), "four");
}

#[test]
fn what_was_taken_back_stays_so_after_a_kill() {
    let folder = Folder::new();
    let db = folder.file("s.sqlite");
    let server = Server::on(&db);
    let chat = server.chat("c", "echo");
    let token = chat.token.clone();
    say(&chat, "u1", "one");
    say(&chat, "u2", "two");
    is_silent(&act(&chat, json!({ "type": "undo" })));
    drop(server);

    let server = Server::on(&db);
    assert_eq!(said(&regenerate(&server.chat_with("c", token))), "one");
}

#[test]
fn rollback_keeps_what_was_said_up_to_a_message() {
    let server = Server::start();
    let chat = server.chat("c", "echo");
    say(&chat, "u1", "one");
    let second = message_id(&say(&chat, "u2", "two"));
    say(&chat, "u3", "three");
    is_silent(&act(&chat, json!({ "type": "rollback", "targetMessageId": second })));
    assert_eq!(said(&regenerate(&chat)), "two");
    is_silent(&act(&chat, json!({ "type": "rollback", "targetMessageId": "u1" })));
    assert_eq!(said(&regenerate(&chat)), "one");
    let gone = act(&chat, json!({ "type": "rollback", "targetMessageId": "u3" }));
    fails_with(&gone, "no message `u3`");
    assert_eq!(said(&regenerate(&chat)), "one");
}

#[test]
fn a_model_is_told_nothing_of_what_was_taken_back() {
    let model = StandIn::start();
    let server = start(&model);
    let chat = server.chat("c", "model");
    let turn = |id: &str, text: &str, answer: &str| {
        let mut record = submit(text, json!(null));
        record["payload"]["message"]["id"] = json!(id);
        let seq = chat.say(&record);
        let request = model.request();
        let told = request.messages();
        request.stream().text(answer).finish();
        chat.read_turn("", seq);
        told.into_iter().map(|(_, text)| text).collect::<Vec<_>>()
    };
    turn("u1", "one", "1");
    turn("u2", "two", "2");
    is_silent(&act(&chat, json!({ "type": "undo" })));
    assert_eq!(turn("u3", "three", "3"), ["one", "1", "three"]);
    is_silent(&act(&chat, json!({ "type": "rollback", "targetMessageId": "u1" })));
    assert_eq!(turn("u4", "four", "4"), ["one\n\nfour"]);
}

#[test]
fn a_summary_is_a_message_of_its_own() {
    let server = Server::start();
    let chat = server.chat("c", "echo");
    assert_eq!(said(&act(&chat, json!({ "type": "summarize" }))), "Nothing has been said yet.");
    say(&chat, "u1", "one");
    say(&chat, "u2", "two  lines\n");
    let records = act(&chat, json!({ "type": "summarize" }));
    assert_eq!(said(&records), "You have spoken **2 times**:\n\n- “one”\n- “two lines”\n");
    assert_eq!(shape(&records)[0], "start");
    assert_eq!(said(&regenerate(&chat)), "two  lines\n");
}

#[test]
fn an_action_that_is_not_known_is_an_error_and_changes_nothing() {
    let server = Server::start();
    let chat = server.chat("c", "echo");
    say(&chat, "u1", "one");
    fails_with(&act(&chat, json!({ "type": "dance" })), "dance");
    fails_with(&act(&chat, json!({ "type": "rollback" })), "targetMessageId");
    fails_with(&act(&chat, json!(null)), "no `action`");
    assert_eq!(said(&regenerate(&chat)), "one");
}

#[test]
fn a_close_ends_the_conversation_with_its_turn() {
    let server = Server::start();
    let chat = server.chat("c", "echo");
    say(&chat, "u1", "one");
    let cursor = chat.tail();
    let seq = chat.say(&json!({ "kind": "message", "payload": {
        "chatId": "c", "trigger": "action", "action": { "type": "close", "reason": "done" },
    } }));
    let closed = |record: &Value| header(record, "trigger-control") == Some("session-closed");
    let records = chat.read_until(&cursor, closed);
    let end = &records[0];
    assert_eq!(header(end, "trigger-control"), Some("turn-complete"));
    assert_eq!(consumed(end), Some(seq));
    assert_eq!(header(end, "session-closed"), Some("true"));
    for record in [end, records.last().expect("the close")] {
        assert_eq!(header(record, "session-closed-reason"), Some("done"));
    }
    let refused = chat.append(&submit("two", json!(null)));
    refused.is_refused_with(409, "closed");
    assert_eq!(refused.json()["closedReason"], "done");
}
