//! The agent that a model answers for: what comes of what the model says.

use serde_json::{Value, json};

use crate::stand_in::{StandIn, delta, event};
use crate::support::{Chat, Folder, Server, chunk, program, said, said_in, shape, submit};

/// The key that servers here call their model with.
pub(crate) const MODEL_KEY: &str = "sk-never-to-be-seen";

/// A server whose model is the stand-in.
pub(crate) fn server(model: &StandIn, more: &[&str]) -> Server {
    let args = ["--port", "0", "--model-url", &model.url, "--model", "parrot"];
    Server::run(program(&[&args, more].concat()).env("MODEL_API_KEY", MODEL_KEY))
}

/// A server that keeps nothing.
pub(crate) fn start(model: &StandIn) -> Server {
    server(model, &["--db", ":memory:"])
}

/// Submits a text.
pub(crate) fn ask(chat: &Chat<'_>, text: &str) -> u64 {
    chat.say(&submit(text, json!(null)))
}

/// The records up to the one that says this.
pub(crate) fn read_until_said(chat: &Chat<'_>, cursor: &str, words: &str) -> Vec<Value> {
    chat.read_until(cursor, |record| chunk(record).is_some_and(|chunk| chunk["delta"] == words))
}

#[test]
fn words_come_as_the_model_says_them_and_to_the_byte() {
    let model = StandIn::start();
    let server = start(&model);
    let chat = server.chat("c", "model");
    let seq = ask(&chat, "hello");
    let request = model.request();
    assert_eq!(request.path, "POST /v1/chat/completions");
    assert_eq!(request.body["model"], "parrot");
    assert_eq!(request.body["stream"], true);
    assert_eq!(request.messages(), [("user".to_owned(), "hello".to_owned())]);

    // Each is read before the next is said, so none waits for another.
    let stream = request.stream();
    stream.event(&delta(json!({ "role": "assistant", "content": "" })));
    stream.text("one");
    read_until_said(&chat, "", "one");
    stream.bytes(b": a comment\n\n").text(" two\n");
    read_until_said(&chat, "", " two\n");
    // An event cut inside of a character.
    let event = event(&delta(json!({ "content": "日本語 🎉" })));
    let cut = event.find('🎉').expect("the character") + 2;
    stream.text(" three ").bytes(&event.as_bytes()[..cut]);
    read_until_said(&chat, "", " three ");
    stream.bytes(&event.as_bytes()[cut..]).finish();

    let records = chat.read_turn("", seq);
    assert_eq!(said(&records), "one two\n three 日本語 🎉");
    assert_eq!(
        shape(&records),
        ["start", "start-step", "text-start", "text-delta", "text-end", "finish-step", "finish"]
    );
}

#[test]
fn reasoning_is_a_part_of_its_own_before_the_text() {
    let model = StandIn::start();
    let server = start(&model);
    let chat = server.chat("c", "model");
    let seq = ask(&chat, "hello");
    let stream = model.request().stream();
    stream.reasoning("Let me ").reasoning("see.");
    stream.event(&delta(json!({ "reasoning": " Well.", "content": "Yes" })));
    stream.text(".").finish();
    let records = chat.read_turn("", seq);
    assert_eq!(said_in(&records, "reasoning-delta"), "Let me see. Well.");
    assert_eq!(said_in(&records, "text-delta"), "Yes.");
    assert_eq!(
        shape(&records)[2..],
        [
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
}

#[test]
fn a_server_that_streams_nothing_is_understood() {
    let model = StandIn::start();
    let server = start(&model);
    let chat = server.chat("c", "model");
    let seq = ask(&chat, "hello");
    let message = json!({ "role": "assistant", "reasoning_content": "hm", "content": "all é" });
    let body = json!({ "choices": [{ "message": message, "finish_reason": "stop" }] });
    model.request().answer(200, "application/json; charset=utf-8", &body.to_string());
    let records = chat.read_turn("", seq);
    assert_eq!(said_in(&records, "reasoning-delta"), "hm");
    assert_eq!(said_in(&records, "text-delta"), "all é");
    assert_eq!(shape(&records).last().map(String::as_str), Some("finish"));
}

#[test]
fn what_is_said_at_once_and_too_long_for_a_record_is_written_in_several() {
    let model = StandIn::start();
    let server = start(&model);
    let chat = server.chat("c", "model");
    let seq = ask(&chat, "hello");
    let text = "a long wörd, ".repeat(200_000);
    let body = json!({ "choices": [{ "message": { "role": "assistant", "content": text } }] });
    model.request().answer(200, "application/json", &body.to_string());
    let records = chat.read_turn("", seq);
    assert!(said_in(&records, "text-delta") == text);
    let longest = records.iter().filter_map(|record| Some(record["body"].as_str()?.len())).max();
    assert!(longest < Some(1024 * 1024), "{longest:?}");
}

#[test]
fn an_end_without_done_is_an_end_when_the_model_has_said_why_it_stops() {
    let model = StandIn::start();
    let server = start(&model);
    let chat = server.chat("c", "model");
    let seq = ask(&chat, "hello");
    let end = json!({ "choices": [{ "delta": { "content": "bye" }, "finish_reason": "length" }] });
    model.request().stream().event(&end.to_string());
    let records = chat.read_turn("", seq);
    assert_eq!(said(&records), "bye");
    assert_eq!(shape(&records).last().map(String::as_str), Some("finish"));
}

#[test]
fn a_stop_before_the_first_word_gives_the_request_up() {
    let model = StandIn::start();
    let server = start(&model);
    let chat = server.chat("c", "model");
    ask(&chat, "hello");
    // A model that takes its time to load.
    let request = model.request();
    let stop = chat.say(&json!({ "kind": "stop" }));
    request.wait_until_given_up();
    assert_eq!(shape(&chat.read_turn("", stop)), ["start", "start-step", "abort"]);
}

#[test]
fn a_stop_in_the_middle_closes_the_part_and_gives_the_request_up() {
    let model = StandIn::start();
    let server = start(&model);
    let stop = json!({ "kind": "stop" });
    for (chat, words) in [("a", "text"), ("b", "reasoning")] {
        let chat = server.chat(chat, "model");
        ask(&chat, "hello");
        let stream = model.request().stream();
        if words == "text" {
            stream.text(words)
        } else {
            stream.reasoning(words)
        };
        read_until_said(&chat, "", words);
        let stop = chat.say(&stop);
        stream.wait_until_given_up();
        let end = format!("{words}-end");
        assert_eq!(shape(&chat.read_turn("", stop))[4..], [end.as_str(), "abort"]);
    }
}

#[test]
fn a_close_gives_the_request_up() {
    let model = StandIn::start();
    let server = start(&model);
    let chat = server.chat("c", "model");
    ask(&chat, "hello");
    let request = model.request();
    let close = server.post("/api/v1/sessions/c/close").bearer(crate::support::KEY);
    assert_eq!(close.send("").status, 200);
    request.wait_until_given_up();
}

#[test]
fn the_agents_are_listed_and_the_model_only_where_there_is_one() {
    let model = StandIn::start();
    let without = Server::start();
    let agents = without.get("/app/agents").fetch().json();
    let scripted = json!([
        { "id": "echo", "name": "Echo", "description": "Says back what you say." },
        { "id": "story", "name": "Story", "description": "Tells one, as long and as fast as you like." },
        { "id": "reasoning", "name": "Reasoning", "description": "Thinks aloud first, then answers." },
        { "id": "approval", "name": "Approval", "description": "Asks you before it sends an email." },
        { "id": "steered", "name": "Steered", "description": "Tells a story, and hears you meanwhile." },
        { "id": "team", "name": "Team", "description": "Has two others work for it, and shows their work." },
        { "id": "stumble", "name": "Stumble", "description": "Fails in the middle of its answer." },
    ]);
    assert_eq!(agents, scripted);
    let refused = without.create(&crate::support::new_session("c", "model"));
    refused.is_refused_with(404, "there are: echo, story, reasoning, approval, ");

    let with = start(&model);
    let mut agents = with.get("/app/agents").fetch().json();
    let host = model.url.trim_start_matches("http://").trim_end_matches("/v1");
    let described = format!("Answers through {host}.");
    let last = agents.as_array_mut().expect("a list").pop();
    assert_eq!(last, Some(json!({ "id": "model", "name": "parrot", "description": described })));
    assert_eq!(agents, scripted);
    let made = with.call("PUT", "/app/chats/c").send(r#"{"agent":"model"}"#);
    assert_eq!(made.json()["agent"], "model");
    let refused = with.call("PUT", "/app/chats/c").send(r#"{"agent":"poet"}"#);
    refused.is_refused_with(400, "team, stumble, model");
}

#[test]
fn a_chat_with_a_model_that_is_gone_says_so_and_stays() {
    let model = StandIn::start();
    let folder = Folder::new();
    let db = folder.file("s.sqlite");
    let first = server(&model, &["--db", db.to_str().expect("a plain path")]);
    let chat = first.chat("c", "model");
    let token = chat.token.clone();
    let seq = ask(&chat, "hello");
    let stream = model.request().stream();
    stream.text("half");
    read_until_said(&chat, "", "half");
    drop(first);

    let second = Server::on(&db);
    let chat = second.chat_with("c", token);
    let records = chat.read_turn("", seq);
    assert_eq!(shape(&records)[4..], ["text-end", "error"]);
    let error = records.iter().filter_map(chunk).find(|chunk| chunk["type"] == "error");
    let text = error.expect("an error")["errorText"].to_string();
    assert!(text.contains("--model-url"), "{text}");
}
