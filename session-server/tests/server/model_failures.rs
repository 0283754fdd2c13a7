//! What can go wrong with a model, and that its key shows nowhere.

use std::fs::File;

use serde_json::Value;

use crate::model::{MODEL_KEY, ask, read_until_said, start};
use crate::stand_in::{Request, StandIn};
use crate::support::{Chat, Folder, Server, chunk, program, said, shape};

/// The one error of a turn; whatever was open is closed before it.
fn error(records: &[Value]) -> String {
    let shape = shape(records);
    assert_eq!(shape.last().map(String::as_str), Some("error"), "{shape:?}");
    let starts = shape.iter().filter(|kind| kind.ends_with("-start")).count();
    let ends = shape.iter().filter(|kind| kind.ends_with("-end")).count();
    assert_eq!(starts, ends, "{shape:?}");
    let texts: Vec<_> = records
        .iter()
        .filter_map(chunk)
        .filter_map(|chunk| Some(chunk["errorText"].as_str()?.to_owned()))
        .collect();
    assert_eq!(texts.len(), 1, "{texts:?}");
    texts[0].clone()
}

/// What a turn comes to.
fn turn(chat: &Chat<'_>, answer: impl FnOnce()) -> Vec<Value> {
    let seq = ask(chat, "hello");
    answer();
    let records = chat.read_turn("", seq);
    let last = records.iter().rposition(|r| chunk(r).is_some_and(|c| c["type"] == "start"));
    records[last.expect("a start")..].to_vec()
}

#[test]
fn a_refusal_says_what_to_do_and_what_the_server_says() {
    let model = StandIn::start();
    let server = start(&model);
    let chat = server.chat("c", "model");
    let because = r#"{"error":{"message":"because","type":"x"}}"#;
    for (status, body, cure) in [
        (400, because, "refuses the request (400)"),
        (401, because, "(401): check MODEL_API_KEY"),
        (403, because, "(403): check MODEL_API_KEY"),
        (404, because, "“parrot” at http://127.0.0.1:"),
        (404, r#"{"error":"because"}"#, "check --model and --model-url"),
        (429, because, "(429): wait"),
        (500, r#"{"message":"because"}"#, "(500): see its log"),
        (503, r#"{"detail":"because"}"#, "(503): see its log"),
    ] {
        let records = turn(&chat, || model.request().answer(status, "application/json", body));
        let text = error(&records);
        assert!(text.contains(cure) && text.ends_with("It says: “because”"), "{text}");
        assert_eq!(said(&records), "");
    }
    for (kind, body, words) in [
        (
            "text/plain",
            "upstream is down\n",
            "(502): see its log, or try again later. It says: “up",
        ),
        ("text/html", "<h1>Bad gateway</h1>", "(502): see its log, or try again later."),
    ] {
        let text = error(&turn(&chat, || model.request().answer(502, kind, body)));
        assert!(text.contains(words) && !text.contains('<'), "{text}");
    }
    let moved = error(&turn(&chat, || model.request().redirect("/v2/chat/completions")));
    assert!(moved.contains("(308): check --model-url"), "{moved}");
    assert!(model.is_idle());
}

#[test]
fn a_server_that_wants_a_key_where_there_is_none_is_told_apart() {
    let model = StandIn::start();
    let server =
        Server::with(&["--db", ":memory:", "--model-url", &model.url, "--model", "parrot"]);
    let chat = server.chat("c", "model");
    let text = error(&turn(&chat, || {
        let request = model.request();
        assert!(!request.headers.contains_key("authorization"));
        request.answer(401, "application/json", "{}");
    }));
    assert!(text.contains("(401): set MODEL_API_KEY"), "{text}");
}

#[test]
fn a_server_that_does_not_run_is_asked_after() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/v1", free.local_addr().expect("its address"));
    drop(free);
    let server = Server::with(&["--db", ":memory:", "--model-url", &url, "--model", "parrot"]);
    let text = error(&turn(&server.chat("c", "model"), || {}));
    assert!(text.contains(&format!("is its server running at {url}? (")), "{text}");
}

#[test]
fn an_answer_that_breaks_off_stays_as_far_as_it_came() {
    let model = StandIn::start();
    let server = start(&model);
    let chat = server.chat("c", "model");
    let lost = turn(&chat, || {
        let stream = model.request().stream();
        stream.text("half an ");
        read_until_said(&chat, "", "half an ");
        stream.break_off();
    });
    assert_eq!(said(&lost), "half an ");
    let text = error(&lost);
    assert!(text.contains("broke off before its end"), "{text}");

    let ended = turn(&chat, || {
        model.request().stream().reasoning("hm");
    });
    assert_eq!(said(&ended), "hm");
    let text = error(&ended);
    assert!(
        text.contains("broke off before its end: try again. (the stream just ended)"),
        "{text}"
    );
}

#[test]
fn a_connection_lost_before_the_answer_is_no_refused_one() {
    let model = StandIn::start();
    let server = start(&model);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/v1", listener.local_addr().expect("its address"));
    drop(server);
    let server = Server::with(&["--db", ":memory:", "--model-url", &url, "--model", "parrot"]);
    let text = error(&turn(&server.chat("c", "model"), || {
        drop(listener.accept().expect("a connection"));
    }));
    assert!(text.contains("hung up without an answer"), "{text}");
}

#[test]
fn an_error_inside_the_stream_ends_the_answer() {
    let model = StandIn::start();
    let server = start(&model);
    let chat = server.chat("c", "model");
    let records = turn(&chat, || {
        let stream = model.request().stream();
        stream.text("so far").event(r#"{"error":{"message":"out of memory","code":500}}"#);
    });
    assert_eq!(said(&records), "so far");
    let text = error(&records);
    assert!(
        text.contains("failed during the answer: try again. It says: “out of memory”"),
        "{text}"
    );
}

#[test]
fn a_body_that_is_no_chat_is_said_to_be_none() {
    let model = StandIn::start();
    let server = start(&model);
    let chat = server.chat("c", "model");
    for (kind, body, words) in [
        ("text/html", "<html>", "sent text/html and no chat: check --model-url"),
        ("application/json", "{}", "speaks no chat completions: check --model-url"),
        ("application/json", "nonsense", "speaks no chat completions: check --model-url"),
        ("text/event-stream", "data: nonsense\n\n", "speaks no chat completions"),
        ("text/event-stream", "<html>", "broke off before its end"),
        ("application/json", r#"{"error":"no"}"#, "It says: “no”"),
    ] {
        let text = error(&turn(&chat, || model.request().answer(200, kind, body)));
        assert!(text.contains(words), "{kind} {body}: {text}");
    }
}

#[test]
fn a_message_without_text_is_not_sent_to_the_model() {
    let model = StandIn::start();
    let server = start(&model);
    let chat = server.chat("c", "model");
    let seq = ask(&chat, " \n");
    let text = error(&chat.read_turn("", seq));
    assert!(text.contains("no text to answer"), "{text}");
    assert!(model.is_idle());
}

#[test]
fn the_key_goes_to_the_model_and_nowhere_else() {
    let model = StandIn::start();
    let folder = Folder::new();
    let log = folder.file("stderr");
    let args = ["--port", "0", "--db", ":memory:", "--model-url", &model.url, "--model", "parrot"];
    let server = Server::run(
        program(&args)
            .env("MODEL_API_KEY", format!("{MODEL_KEY}\n"))
            .stderr(File::create(&log).expect("a file")),
    );
    let chat = server.chat("c", "model");
    let mut seen = String::new();
    let told = format!(r#"{{"error":{{"message":"no key {MODEL_KEY}: Bearer {MODEL_KEY}"}}}}"#);
    let in_kind = format!("text/{MODEL_KEY}");
    let answers: [fn(Request, &str, &str); 5] = [
        |request, told, _| request.answer(401, "application/json", told),
        |request, told, _| request.answer(500, "text/plain", told),
        |request, _, kind| request.answer(200, kind, ""),
        |request, told, _| {
            request.stream().event(told);
        },
        |request, _, _| request.stream().break_off(),
    ];
    for answer in answers {
        let records = turn(&chat, || {
            let request = model.request();
            let expected = format!("Bearer {MODEL_KEY}");
            assert_eq!(request.headers["authorization"], expected.as_str());
            assert!(!request.body.to_string().contains(MODEL_KEY));
            answer(request, &told, &in_kind);
        });
        error(&records);
        seen += &serde_json::to_string(&records).expect("JSON");
    }
    assert!(seen.contains("no key …"), "{seen}");
    seen += &chat.window("").body;
    for path in ["/app/agents", "/app/chats"] {
        seen += &server.get(path).fetch().body;
    }
    seen += &server.create(&crate::support::new_session("d", "poet")).body;
    drop(server);
    seen += &std::fs::read_to_string(&log).expect("text");
    assert!(!seen.contains(MODEL_KEY), "{seen}");
}

#[test]
fn flags_that_do_not_go_together_are_refused_in_one_sentence() {
    for (args, key, words) in [
        (vec!["--model-url", "http://h/v1"], "", "needs --model"),
        (vec!["--model", "m"], "", "needs --model-url"),
        (vec!["--model", "m", "--model-url", "h:1/v1"], "", "no http or https address"),
        (vec!["--model", "m", "--model-url", "http://h"], "se\ncret", "MODEL_API_KEY"),
    ] {
        let mut command = program(&["--port", "0", "--db", ":memory:"]);
        let output = command.args(&args).env("MODEL_API_KEY", key).output().expect("it runs");
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        let text = String::from_utf8(output.stderr).expect("text");
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(text.contains(words) && !text.contains("cret"), "{text}");
    }
}
