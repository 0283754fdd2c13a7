//! S2 is away, or slow.

use std::fs::File;
use std::path::Path;
use std::process::Command;
use std::thread::{self, sleep};
use std::time::Duration;

use serde_json::json;

use crate::log::{Log, pause, wake};
use crate::reader::{
    Reader, append_until_taken, assert_one_turn, eventually, paced, part_ids, undisturbed, words,
};
use crate::support::{Folder, Server, header, refusal, said};

/// Keys that nobody is to see.
const S2_KEY: &str = "s2-key-never-to-be-seen";
const SECRET_KEY: &str = "tr_dev_never_to_be_seen";

/// What starts an instance that writes its log to this file.
fn logging(log: &Log, file: &Path) -> Command {
    let mut command = log.instance_program();
    command.stderr(File::create(file).expect("a file"));
    command
}

fn text(file: &Path) -> String {
    std::fs::read_to_string(file).unwrap_or_default()
}

#[test]
fn a_server_whose_log_is_away_says_so_and_listens_once_it_is_there() {
    let mut log = Log::on_disk();
    log.kill();
    let folder = Folder::new();
    let file = folder.file("stderr");
    let mut command = logging(&log, &file);
    let starting = thread::spawn(move || Server::run(&mut command));
    eventually("the second try", || {
        let tries = text(&file).matches("S2 does not answer").count();
        (tries > 1).then_some(())
    });
    assert!(text(&file).contains("trying again"));
    assert!(!starting.is_finished());
    log.start_again();
    let server = starting.join().expect("it listens");
    let chat = server.chat("c", "echo");
    assert_eq!(said(&chat.ask("hello", json!({ "paceMs": 0 }))), "hello");
}

#[test]
fn an_address_or_a_basin_that_is_none_is_refused_in_one_sentence() {
    for address in [
        "nonsense",
        "127.0.0.1:8080",
        "ftp://127.0.0.1",
        "http://127.0.0.1/path",
        "http://127.0.0.1?x=y",
        "http://name@127.0.0.1",
        "",
    ] {
        let text = refusal(&["--port", "0", "--s2", address]);
        assert!(text.contains("--s2 must be `cloud`, or an address"), "{address}: {text}");
    }
    let text = refusal(&["--port", "0", "--s2", "cloud"]);
    assert!(text.contains("S2_ACCESS_TOKEN"), "{text}");
    let text = refusal(&["--port", "0", "--s2", "http://127.0.0.1:1", "--s2-basin", "No!"]);
    assert!(text.contains("--s2-basin"), "{text}");
}

#[test]
fn a_turn_survives_the_death_of_s2_and_what_was_refused_meanwhile_is_taken_afterwards() {
    let mut log = Log::on_disk();
    let (one, other) = (log.instance(), log.instance());
    let here = one.chat("c", "echo");
    let there = other.chat_with("c", here.token.clone());
    here.say(&paced(&words(200), json!({}), 20));
    let mut reader = Reader::default();
    for round in 0..3 {
        reader.read_more(&here, 20);
        log.kill();
        let part_id = format!("p-{round}");
        let next = paced(&format!("next {round}"), json!({}), 0);
        for chat in [&here, &there] {
            let call = chat.server.post(&chat.path("in/append")).bearer(&chat.token);
            let answer = call.header("X-Part-Id", &part_id).send(&next.to_string());
            answer.is_refused_with(503, "S2 does not answer");
        }
        log.start_again();
        append_until_taken(&there, &part_id, &next);
        assert_eq!(append_until_taken(&here, &part_id, &next), None);
    }
    let turns = reader.turns(&there, 4);
    assert_eq!(part_ids(&here)[1..], ["p-0", "p-1", "p-2"]);
    assert_eq!(turns.len(), 4);
    assert_one_turn(turns[0], &undisturbed("echo", &words(200), json!({})));
    for (round, turn) in turns[1..].iter().enumerate() {
        assert_one_turn(turn, &undisturbed("echo", &format!("next {round}"), json!({})));
    }
}

#[test]
fn an_s2_that_stands_still_now_and_then_loses_nothing_and_doubles_nothing() {
    let log = Log::start();
    let (one, other) = (log.instance(), log.instance());
    let here = one.chat("c", "echo");
    let there = other.chat_with("c", here.token.clone());
    let mut reader = Reader::default();
    // Shorter and longer than a lease, and longer than S2 may take to answer.
    for (turn, seconds) in [1, 4, 7, 12].into_iter().enumerate() {
        let text = format!("{turn} {}", words(100));
        let part_id = format!("p-{turn}");
        append_until_taken(&here, &part_id, &paced(&text, json!({}), 20));
        let begin = reader.records.len();
        for part in [10, 20] {
            reader.read_more(&there, part);
            pause(&log.s2);
            sleep(Duration::from_secs(seconds));
            wake(&log.s2);
        }
        reader.read_turn(&here);
        let records = &reader.records[begin..];
        assert_one_turn(records, &undisturbed("echo", &text, json!({})));
    }
    assert_eq!(part_ids(&here), ["p-0", "p-1", "p-2", "p-3"]);
}

#[test]
fn appends_that_s2_holds_up_land_once() {
    let log = Log::start();
    let (one, other) = (log.instance(), log.instance());
    let here = one.chat("c", "echo");
    let there = other.chat_with("c", here.token.clone());
    for round in 0..3 {
        let part_id = format!("p-{round}");
        pause(&log.s2);
        thread::scope(|scope| {
            for chat in [&here, &there] {
                let append = || append_until_taken(chat, &part_id, &json!({ "kind": "stop" }));
                scope.spawn(append);
            }
            sleep(Duration::from_secs(8));
            wake(&log.s2);
        });
    }
    assert_eq!(part_ids(&there), ["p-0", "p-1", "p-2"]);
}

#[test]
fn what_is_said_of_faults_has_no_key_in_it() {
    let mut log = Log::on_disk();
    let folder = Folder::new();
    let file = folder.file("stderr");
    let mut command = logging(&log, &file);
    command.env("S2_ACCESS_TOKEN", S2_KEY).args(["--secret-key", SECRET_KEY]);
    let one = Server::run(&mut command);
    let created = one.post("/api/v1/sessions").bearer(SECRET_KEY);
    let created = created.send(&crate::support::new_session("c", "echo").to_string()).json();
    let token = created["publicAccessToken"].as_str().expect("a token").to_owned();
    let chat = one.chat_with("c", token.clone());
    chat.say(&paced(&words(100), json!({}), 20));
    let mut reader = Reader::default();
    reader.read_more(&chat, 10);
    log.kill();
    for body in [&json!({ "kind": "stop" }), &paced("next", json!({}), 0)] {
        chat.append(body).is_refused_with(503, "S2 does not answer");
    }
    log.start_again();
    pause(&log.s2);
    chat.append(&json!({ "kind": "stop" })).is_refused_with(503, "S2 does not answer");
    wake(&log.s2);
    reader.read_turn(&chat);
    let end = reader.records.last().and_then(|end| header(end, "public-access-token"));
    let said = text(&file);
    assert!(said.contains("S2 does not answer"), "{said}");
    for secret in [S2_KEY, SECRET_KEY, &token, end.expect("a token")] {
        assert!(!said.contains(secret), "{said}");
    }
}
