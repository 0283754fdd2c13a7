//! What a model is told of the conversation, also after a restart in the middle of it.

use std::path::Path;

use serde_json::{Value, json};

use crate::model::{ask, read_until_said, server, start};
use crate::stand_in::StandIn;
use crate::support::{Chat, Folder, Server, chunk, consumed, said, said_in, shape};

pub(crate) fn on(model: &StandIn, db: &Path) -> Server {
    server(model, &["--db", db.to_str().expect("a plain path")])
}

pub(crate) fn user(text: &str) -> (String, String) {
    ("user".to_owned(), text.to_owned())
}

pub(crate) fn assistant(text: &str) -> (String, String) {
    ("assistant".to_owned(), text.to_owned())
}

fn regenerate(chat: &Chat<'_>) -> u64 {
    chat.say(&json!({ "kind": "message", "payload": {
        "chatId": "c", "trigger": "regenerate-message",
    } }))
}

/// Asks, answers, and returns what the model was told.
pub(crate) fn turn(
    chat: &Chat<'_>,
    model: &StandIn,
    text: &str,
    answer: &str,
) -> Vec<(String, String)> {
    let seq = ask(chat, text);
    answer_with(chat, model, seq, answer)
}

fn answer_with(chat: &Chat<'_>, model: &StandIn, seq: u64, answer: &str) -> Vec<(String, String)> {
    let request = model.request();
    let told = request.messages();
    request.stream().reasoning("not to be told").text(answer).finish();
    chat.read_turn("", seq);
    told
}

#[test]
fn each_turn_tells_what_was_said_before_and_a_restart_forgets_nothing() {
    let model = StandIn::start();
    let folder = Folder::new();
    let db = folder.file("s.sqlite");
    let first = on(&model, &db);
    let chat = first.chat("c", "model");
    let token = chat.token.clone();
    assert_eq!(turn(&chat, &model, "one", "1"), [user("one")]);
    let second = [user("one"), assistant("1"), user("two")];
    assert_eq!(turn(&chat, &model, "two", "2"), second);
    drop(first);

    let again = on(&model, &db);
    let chat = again.chat_with("c", token);
    let third = [user("one"), assistant("1"), user("two"), assistant("2"), user("three")];
    assert_eq!(turn(&chat, &model, "three", "3"), third);
}

#[test]
fn a_regenerated_answer_takes_the_place_of_the_last_one() {
    let model = StandIn::start();
    let server = start(&model);
    let chat = server.chat("c", "model");
    turn(&chat, &model, "one", "1");
    let second = [user("one"), assistant("1"), user("two")];
    assert_eq!(turn(&chat, &model, "two", "2"), second);
    let seq = regenerate(&chat);
    assert_eq!(answer_with(&chat, &model, seq, "2, better"), second);
    let third = [user("one"), assistant("1"), user("two"), assistant("2, better"), user("three")];
    assert_eq!(turn(&chat, &model, "three", "3"), third);
}

#[test]
fn stopped_and_failed_answers_are_remembered_as_far_as_they_were_said() {
    let model = StandIn::start();
    let server = start(&model);
    let chat = server.chat("c", "model");
    ask(&chat, "one");
    let stream = model.request().stream();
    stream.text("stopped");
    read_until_said(&chat, "", "stopped");
    let stop = chat.say(&json!({ "kind": "stop" }));
    chat.read_turn("", stop);

    let seq = ask(&chat, "two");
    model.request().answer(500, "text/plain", "");
    chat.read_turn("", seq);
    // Nothing was said, and a model takes turns: what the user says twice running is one message.
    let told = [user("one"), assistant("stopped"), user("two\n\nthree")];
    assert_eq!(turn(&chat, &model, "three", "3"), told);
}

#[test]
fn the_message_given_at_creation_is_part_of_the_conversation() {
    let model = StandIn::start();
    let server = start(&model);
    let mut session = crate::support::new_session("c", "model");
    session["triggerConfig"]["basePayload"] = json!({
        "chatId": "c",
        "trigger": "submit-message",
        "message": { "id": "u", "role": "user", "parts": [{ "type": "text", "text": "zero" }] },
    });
    let token = server.create(&session).json()["publicAccessToken"].as_str().map(str::to_owned);
    let chat = server.chat_with("c", token.expect("a token"));
    let request = model.request();
    assert_eq!(request.messages(), [user("zero")]);
    request.stream().text("0").finish();
    chat.read_until("", |record| chunk(record).is_some_and(|chunk| chunk["type"] == "finish"));
    assert_eq!(turn(&chat, &model, "one", "1"), [user("zero"), assistant("0"), user("one")]);
}

#[test]
fn an_answer_cut_off_by_a_kill_goes_on_in_the_same_part() {
    let model = StandIn::start();
    let folder = Folder::new();
    let db = folder.file("s.sqlite");
    let first = on(&model, &db);
    let chat = first.chat("c", "model");
    let token = chat.token.clone();
    turn(&chat, &model, "zero", "0");
    let seq = ask(&chat, "one");
    let stream = model.request().stream();
    stream.reasoning("thought").text("The first ").text("half, ");
    read_until_said(&chat, "", "half, ");
    drop(first);

    let second = on(&model, &db);
    let chat = second.chat_with("c", token);
    let request = model.request();
    let told = request.messages();
    let before = [user("zero"), assistant("0"), user("one"), assistant("The first half, ")];
    assert_eq!(told[..4], before);
    assert!(told[4].0 == "user" && told[4].1.contains("exactly where it broke off"), "{told:?}");
    assert_eq!(told.len(), 5);
    request.stream().reasoning("on how to go on").text("and the ").text("second.").finish();
    let records = last_message(&chat.read_turn("", seq));
    assert_eq!(said_in(&records, "text-delta"), "The first half, and the second.");
    assert_eq!(said_in(&records, "reasoning-delta"), "thought");
    assert_eq!(
        shape(&records),
        [
            "start",
            "start-step",
            "reasoning-start",
            "reasoning-delta",
            "reasoning-end",
            "text-start",
            "text-delta",
            "text-end",
            "finish-step",
            "finish"
        ]
    );
    let ids: Vec<_> = records
        .iter()
        .filter_map(chunk)
        .filter(|chunk| chunk["type"].as_str().is_some_and(|kind| kind.starts_with("text-")))
        .map(|chunk| chunk["id"].clone())
        .collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");

    // The whole of it is remembered, and not that it was cut.
    let told = turn(&chat, &model, "two", "2");
    assert_eq!(told[3..], [assistant("The first half, and the second."), user("two")]);
}

#[test]
fn an_answer_cut_off_while_it_was_only_thought_about_is_thought_about_anew() {
    let model = StandIn::start();
    let folder = Folder::new();
    let db = folder.file("s.sqlite");
    let first = on(&model, &db);
    let chat = first.chat("c", "model");
    let token = chat.token.clone();
    let seq = ask(&chat, "one");
    let stream = model.request().stream();
    stream.reasoning("old");
    read_until_said(&chat, "", "old");
    drop(first);

    let second = on(&model, &db);
    let chat = second.chat_with("c", token);
    let request = model.request();
    assert_eq!(request.messages(), [user("one")]);
    request.stream().text("answer").finish();
    let records = chat.read_turn("", seq);
    assert_eq!(said(&records), "oldanswer");
    assert_eq!(
        shape(&records)[2..6],
        ["reasoning-start", "reasoning-delta", "reasoning-end", "text-start"]
    );
    assert_eq!(records.iter().filter_map(consumed).collect::<Vec<_>>(), [seq]);
}

/// The records from the last start on.
fn last_message(records: &[Value]) -> Vec<Value> {
    let is_start = |record: &Value| chunk(record).is_some_and(|chunk| chunk["type"] == "start");
    records[records.iter().rposition(is_start).expect("a start")..].to_vec()
}
