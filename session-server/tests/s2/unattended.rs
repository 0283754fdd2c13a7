//! Work that nobody waits for is done all the same.

use serde_json::json;

use crate::log::Log;
use crate::reader::{Reader, assert_one_turn, eventually, paced, undisturbed, words};
use crate::support::{Chat, all_records};

/// Asks now and then whether the session is settled, as a page does that was just opened, until it is.
fn settled(chat: &Chat<'_>) -> Vec<serde_json::Value> {
    eventually("the end of the turn", || {
        let call = chat.out().header("X-Peek-Settled", "1").header("Timeout-Seconds", "1");
        let answer = call.fetch();
        (answer.header("x-session-settled") == "true").then(|| all_records(&answer.body))
    })
}

#[test]
fn a_message_whose_instance_is_killed_at_once_is_answered_by_the_other() {
    let log = Log::start();
    let (one, other) = (log.instance(), log.instance());
    let here = one.chat("c", "echo");
    let there = other.chat_with("c", here.token.clone());
    here.say(&paced(&words(30), json!({}), 5));
    drop(one);
    let expected = undisturbed("echo", &words(30), json!({}));
    assert_one_turn(&settled(&there), &expected);
}

#[test]
fn an_instance_that_is_started_does_what_those_before_it_left_undone() {
    let log = Log::start();
    let (one, other) = (log.instance(), log.instance());
    let begun = one.chat("begun", "echo");
    begun.say(&paced(&words(100), json!({}), 20));
    Reader::default().read_more(&begun, 10);
    let waiting = other.chat("waiting", "echo");
    waiting.say(&paced(&words(30), json!({}), 5));
    let tokens = [begun.token, waiting.token];
    drop((one, other));

    let late = log.instance();
    for (name, token, count) in [("begun", &tokens[0], 100), ("waiting", &tokens[1], 30)] {
        let chat = late.chat_with(name, token.clone());
        let expected = undisturbed("echo", &words(count), json!({}));
        assert_one_turn(&settled(&chat), &expected);
    }
}

#[test]
fn the_message_that_came_with_a_sessions_creation_is_answered_though_its_instance_is_killed() {
    let log = Log::start();
    let (one, other) = (log.instance(), log.instance());
    let mut new = crate::support::new_session("c", "echo");
    let question = paced(&words(30), json!({}), 5);
    new["triggerConfig"]["basePayload"] = question["payload"].clone();
    let created = one.create(&new).json();
    drop(one);
    let token = created["publicAccessToken"].as_str().expect("a token").to_owned();
    let expected = undisturbed("echo", &words(30), json!({}));
    assert_one_turn(&settled(&other.chat_with("c", token)), &expected);
}
