//! The agent whose tool asks first.

use serde_json::{Value, json};

use crate::support::{Chat, Folder, Server, chunk, said_in, shape, submit};

/// What the user has decided on a call.
fn decided(call: &Value, approved: bool, reason: Option<&str>) -> Value {
    let mut part = json!({
        "type": "tool-send_email",
        "toolCallId": call["toolCallId"],
        "state": "approval-responded",
        "approval": { "id": call["approvalId"], "approved": approved },
    });
    if let Some(reason) = reason {
        part["approval"]["reason"] = json!(reason);
    }
    part
}

/// Sends the message back as clients do, with these parts and no others, and reads what comes of it.
fn send_back(chat: &Chat<'_>, message: &Value, parts: &[Value]) -> Vec<Value> {
    let cursor = chat.tail();
    let seq = chat.say(&json!({ "kind": "message", "payload": {
        "chatId": "c",
        "trigger": "submit-message",
        "message": { "id": message, "role": "assistant", "parts": parts },
        "metadata": { "paceMs": 0 },
    } }));
    chat.read_turn(&cursor, seq)
}

fn ask(chat: &Chat<'_>, text: &str) -> Vec<Value> {
    chat.ask(text, json!({ "paceMs": 0 }))
}

fn chunks(records: &[Value], kind: &str) -> Vec<Value> {
    records.iter().filter_map(chunk).filter(|chunk| chunk["type"] == kind).collect()
}

/// The id of the message that these records begin or go on with.
fn message_id(records: &[Value]) -> Value {
    chunks(records, "start")[0]["messageId"].clone()
}

#[test]
fn the_turn_ends_with_the_question_and_the_input_is_whole() {
    let server = Server::start();
    let records = ask(&server.chat("c", "approval"), "Say “hello”,\nplease");
    assert_eq!(
        shape(&records),
        [
            "start",
            "start-step",
            "text-start",
            "text-delta",
            "text-end",
            "tool-input-start",
            "tool-input-delta",
            "tool-input-available",
            "tool-approval-request",
            "finish-step",
            "finish"
        ]
    );
    let call = &chunks(&records, "tool-input-available")[0];
    assert_eq!(call["toolName"], "send_email");
    assert_eq!(
        call["input"],
        json!({ "to": "ada@example.com", "subject": "Say “hello”,", "body": "Say “hello”,\nplease" })
    );
    let deltas = chunks(&records, "tool-input-delta");
    let typed: String =
        deltas.iter().filter_map(|delta| delta["inputTextDelta"].as_str()).collect();
    assert_eq!(serde_json::from_str::<Value>(&typed).ok().as_ref(), Some(&call["input"]));
    assert_eq!(chunks(&records, "tool-approval-request")[0]["toolCallId"], call["toolCallId"]);
}

#[test]
fn an_approved_call_is_made_and_the_same_message_goes_on() {
    let server = Server::start();
    let chat = server.chat("c", "approval");
    let asked = ask(&chat, "write");
    let request = &chunks(&asked, "tool-approval-request")[0];
    let answer = send_back(&chat, &message_id(&asked), &[decided(request, true, None)]);
    assert_eq!(message_id(&answer), message_id(&asked));
    assert_eq!(
        shape(&answer),
        [
            "start",
            "tool-output-available",
            "start-step",
            "text-start",
            "text-delta",
            "text-end",
            "finish-step",
            "finish"
        ]
    );
    let output = &chunks(&answer, "tool-output-available")[0];
    assert_eq!(output["toolCallId"], request["toolCallId"]);
    assert_eq!(output["output"], json!({ "sent": true, "to": "ada@example.com" }));
    assert_eq!(said_in(&answer, "text-delta"), "The email to ada@example.com is on its way.");
}

#[test]
fn a_denied_call_is_not_made_and_the_reason_is_heard() {
    let server = Server::start();
    let chat = server.chat("c", "approval");
    for (reason, said) in [
        (Some("not now"), "stays here, as you say: “not now”."),
        (None, "The email to ada@example.com stays here."),
    ] {
        let asked = ask(&chat, "write");
        let request = &chunks(&asked, "tool-approval-request")[0];
        let answer = send_back(&chat, &message_id(&asked), &[decided(request, false, reason)]);
        assert_eq!(chunks(&answer, "tool-output-denied")[0]["toolCallId"], request["toolCallId"]);
        assert!(chunks(&answer, "tool-output-available").is_empty());
        let text = said_in(&answer, "text-delta");
        assert!(text.ends_with(said), "{text}");
    }
}

#[test]
fn two_calls_are_asked_for_at_once_and_decided_one_by_one() {
    let server = Server::start();
    let chat = server.chat("c", "approval");
    let asked = ask(&chat, "write two emails");
    let requests = chunks(&asked, "tool-approval-request");
    assert_eq!(requests.len(), 2);
    assert_ne!(requests[0]["toolCallId"], requests[1]["toolCallId"]);
    let parts = [decided(&requests[0], false, None), decided(&requests[1], true, None)];
    let answer = send_back(&chat, &message_id(&asked), &parts);
    assert_eq!(chunks(&answer, "tool-output-denied")[0]["toolCallId"], requests[0]["toolCallId"]);
    let outputs = chunks(&answer, "tool-output-available");
    assert_eq!(outputs.len(), 1);
    assert_eq!(outputs[0]["output"]["to"], "grace@example.com");
}

#[test]
fn a_decision_on_an_earlier_message_finds_it_and_one_on_no_message_is_an_error() {
    let server = Server::start();
    let chat = server.chat("c", "approval");
    let first = ask(&chat, "write two");
    let second = ask(&chat, "write");
    let request = &chunks(&first, "tool-approval-request")[1];
    let answer = send_back(&chat, &message_id(&first), &[decided(request, true, None)]);
    assert_eq!(message_id(&answer), message_id(&first));
    assert_eq!(chunks(&answer, "tool-output-available").len(), 1);

    let unknown = send_back(&chat, &json!("unknown"), &[decided(request, true, None)]);
    assert_eq!(shape(&unknown), ["start", "error"]);
    let misplaced = send_back(&chat, &message_id(&second), &[decided(request, true, None)]);
    assert_eq!(shape(&misplaced), ["start", "error"]);
}

#[test]
fn a_regenerated_question_asks_anew() {
    let server = Server::start();
    let chat = server.chat("c", "approval");
    let first = ask(&chat, "write");
    let cursor = chat.tail();
    let seq = chat.say(&json!({ "kind": "message", "payload": {
        "chatId": "c", "trigger": "regenerate-message", "metadata": { "paceMs": 0 },
    } }));
    let again = chat.read_turn(&cursor, seq);
    assert_ne!(message_id(&again), message_id(&first));
    let request = &chunks(&again, "tool-approval-request")[0];
    let answer = send_back(&chat, &message_id(&again), &[decided(request, true, None)]);
    assert_eq!(chunks(&answer, "tool-output-available").len(), 1);
}

#[test]
fn a_server_killed_between_question_and_decision_remembers_what_it_asked() {
    let folder = Folder::new();
    let db = folder.file("s.sqlite");
    let server = Server::on(&db);
    let chat = server.chat("c", "approval");
    let token = chat.token.clone();
    // Killed in the middle of the question, too.
    let seq = chat.say(&submit("write", json!({ "paceMs": 30 })));
    chat.read_until("", |record| chunk(record).is_some_and(|c| c["type"] == "tool-input-delta"));
    drop(server);

    let server = Server::on(&db);
    let asked = server.chat_with("c", token.clone()).read_turn("", seq);
    assert_eq!(chunks(&asked, "tool-input-start").len(), 1);
    drop(server);

    let server = Server::on(&db);
    let chat = server.chat_with("c", token);
    let request = &chunks(&asked, "tool-approval-request")[0];
    let answer = send_back(&chat, &message_id(&asked), &[decided(request, true, None)]);
    assert_eq!(message_id(&answer), message_id(&asked));
    assert_eq!(chunks(&answer, "tool-output-available").len(), 1);
}

#[test]
fn a_stop_in_the_middle_of_the_question_leaves_nothing_to_decide() {
    let server = Server::start();
    let chat = server.chat("c", "approval");
    chat.say(&submit("write", json!({ "paceMs": 1000 })));
    chat.read_until("", |record| chunk(record).is_some_and(|c| c["type"] == "text-delta"));
    let stop = chat.say(&json!({ "kind": "stop" }));
    let records = chat.read_turn("", stop);
    assert_eq!(shape(&records).last().map(String::as_str), Some("abort"));
    assert!(chunks(&records, "tool-approval-request").is_empty());
}
