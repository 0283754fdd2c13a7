//! Instances that are killed or stand still while they write an answer.

use serde_json::{Value, json};

use crate::log::{Log, pause, wake};
use crate::reader::{
    Reader, append_until_taken, assert_one_turn, assert_part_ids_are_unique, chunks, commands,
    paced, part_ids, session_id, undisturbed, words,
};
use crate::stand_in::StandIn;
use crate::support::{Server, all_records, chunk, said, shape, submit};
use crate::told::{notes, tells_the_story};

#[test]
fn an_answer_whose_writer_is_killed_goes_on_at_the_other_instance() {
    for (agent, text, metadata) in
        [("echo", words(200), json!({})), ("story", "tell".to_owned(), json!({ "words": 200 }))]
    {
        let log = Log::start();
        let (one, other) = (log.instance(), log.instance());
        let here = one.chat("c", agent);
        let there = other.chat_with("c", here.token.clone());
        here.say(&paced(&text, metadata.clone(), 20));
        let mut reader = Reader::default();
        reader.read_more(&here, 20);
        drop(one);
        reader.read_turn(&there);
        assert_one_turn(&reader.records, &undisturbed(agent, &text, metadata));
        let next = there.ask("again", json!({ "words": 5, "paceMs": 0 }));
        assert!(!said(&next).is_empty());
    }
}

#[test]
fn a_models_answer_goes_on_at_the_other_instance_from_the_words_that_were_written() {
    let log = Log::start();
    let model = StandIn::start();
    let with_model = ["--model-url", &model.url, "--model", "parrot"];
    let one = log.instance_with(&with_model);
    let here = one.chat("c", "model");
    here.say(&submit("hello", json!(null)));
    let begun = model.request().stream();
    let mut reader = Reader::default();
    for word in ["one ", "twö ", "three "] {
        begun.text(word);
        reader.read_until(&here, |record| chunk(record).is_some_and(|c| c["delta"] == word));
    }
    let other = log.instance_with(&with_model);
    let there = other.chat_with("c", here.token.clone());
    drop(one);

    let request = model.request();
    let told = request.messages();
    assert_eq!(told[..2], [("user", "hello"), ("assistant", "one twö three ")].map(owned));
    request.stream().text("four ").text("five").finish();
    reader.read_turn(&there);
    let deltas: Vec<_> = chunks(&reader.records)
        .iter()
        .filter_map(|c| Some(c["delta"].as_str()?.to_owned()))
        .collect();
    assert_eq!(deltas.concat(), "one twö three four five");
    assert_eq!(
        shape(&reader.records),
        ["start", "start-step", "text-start", "text-delta", "text-end", "finish-step", "finish"]
    );
    assert_part_ids_are_unique(&reader.records);

    // And it is remembered whole.
    there.say(&submit("again", json!(null)));
    let request = model.request();
    let expected = [("user", "hello"), ("assistant", "one twö three four five"), ("user", "again")];
    assert_eq!(request.messages(), expected.map(owned));
    request.stream().text("well").finish();
    reader.read_turn(&there);
    assert!(model.is_idle());
}

fn owned((role, text): (&str, &str)) -> (String, String) {
    (role.to_owned(), text.to_owned())
}

/// Two instances, of which now one, now the other, and now both are killed while an answer is written
/// and read.
struct Siege {
    log: Log,
    instances: [Server; 2],
    token: String,
    reader: Reader,
}

impl Siege {
    fn of(agent: &str) -> Self {
        let log = Log::start();
        let instances = [log.instance(), log.instance()];
        let token = instances[0].chat("c", agent).token;
        Self { log, instances, token, reader: Reader::default() }
    }

    fn chat(&self, at: usize) -> crate::support::Chat<'_> {
        self.instances[at].chat_with("c", self.token.clone())
    }

    /// Reads a little further, and kills.
    fn kill(&mut self, round: usize) {
        let chat = self.instances[round % 2].chat_with("c", self.token.clone());
        // A number that has no rhythm in common with the rounds.
        self.reader.read_more(&chat, 1 + round * 7 % 12);
        let killed: &[usize] = match round % 3 {
            0 => &[0],
            1 => &[1],
            _ => &[0, 1],
        };
        for at in killed {
            self.instances[*at].child.kill().expect("it runs");
        }
        for at in killed {
            self.instances[*at] = self.log.instance();
        }
    }

    fn read_turn(&mut self) {
        let chat = self.instances[0].chat_with("c", self.token.clone());
        self.reader.read_turn(&chat);
    }
}

#[test]
fn an_answer_is_exact_however_often_its_writers_are_killed() {
    let mut siege = Siege::of("echo");
    siege.chat(0).say(&paced(&words(400), json!({}), 20));
    for round in 0..9 {
        siege.kill(round);
    }
    siege.read_turn();
    assert_one_turn(&siege.reader.records, &undisturbed("echo", &words(400), json!({})));
    assert!(commands(&siege.reader.records, "fence") > 0);
}

#[test]
fn a_message_taken_in_between_kills_is_answered_exactly_once() {
    let mut siege = Siege::of("steered");
    siege.chat(1).say(&paced("tell", json!({ "words": 400 }), 10));
    for round in 0..9 {
        siege.kill(round);
        if round == 2 {
            let mut message = submit("more gulls", json!(null));
            message["payload"]["message"]["id"] = json!("s1");
            append_until_taken(&siege.chat(round % 2), "steer", &message);
        }
    }
    siege.read_turn();
    assert_eq!(part_ids(&siege.chat(0)).len(), 2);
    let records = &siege.reader.records;
    assert_part_ids_are_unique(records);
    let notes = notes(records);
    assert_eq!(notes.len(), 1, "{notes:?}");
    let data = json!({ "messageIds": ["s1"], "messages": [{ "id": "s1", "text": "more gulls" }] });
    assert_eq!(notes[0]["data"], data);
    let interlude = "You say “more gulls”. I hear you, and tell on.";
    assert_eq!(said(records).matches(interlude).count(), 1);
    tells_the_story(records, &[interlude]);
    // Nothing is left to be answered.
    let end = siege.reader.records.len();
    siege.chat(1).say(&paced("tell", json!({ "words": 5 }), 0));
    siege.read_turn();
    let expected = undisturbed("steered", "tell", json!({ "words": 5 }));
    assert_one_turn(&siege.reader.records[end..], &expected);
}

#[test]
fn a_message_whose_writer_was_killed_before_its_note_was_written_is_still_answered() {
    let log = Log::start();
    let one = log.instance();
    let here = one.chat("c", "steered");
    let token = here.token.clone();
    here.say(&paced("tell", json!({ "words": 200 }), 5));
    let mut reader = Reader::default();
    reader.read_more(&here, 5);
    let id = session_id(&here);
    drop(one);

    // What a killed writer leaves behind that was about to take a message in.
    let mut message = submit("more gulls", json!(null));
    message["payload"]["message"]["id"] = json!("s1");
    let part = json!({ "data": message.to_string(), "id": "steer" });
    log.push(&format!("session/{id}/in"), &json!([{ "body": part.to_string() }]));
    let out = all_records(&log.events(&format!("session/{id}/out")));
    let states = all_records(&log.events(&format!("session/{id}/state")));
    let state = states.last().and_then(|record| record["body"].as_str()).expect("a state");
    let mut state: Value = serde_json::from_str(state).expect("JSON");
    state["turn"]["injecting"] = json!({ "at": out.len(), "messages": [1] });
    log.push(&format!("session/{id}/state"), &json!([{ "body": state.to_string() }]));

    let other = log.instance();
    reader.read_turn(&other.chat_with("c", token));
    assert_eq!(notes(&reader.records).len(), 1);
    tells_the_story(&reader.records, &["You say “more gulls”. I hear you, and tell on."]);
}

#[test]
fn an_instance_that_stood_still_loses_its_turn_and_writes_nothing_any_more() {
    let log = Log::start();
    let one = log.instance();
    let here = one.chat("c", "echo");
    here.say(&paced(&words(300), json!({}), 20));
    let mut reader = Reader::default();
    reader.read_more(&here, 20);
    pause(&one);
    let other = log.instance();
    let there = other.chat_with("c", here.token.clone());
    reader.read_until(&there, |record| commands(std::slice::from_ref(record), "fence") == 1);
    reader.read_more(&there, 10);
    // Both run now, and each holds the turn for its own, for a moment.
    wake(&one);
    reader.read_turn(&here);
    assert_one_turn(&reader.records, &undisturbed("echo", &words(300), json!({})));
    assert_eq!(commands(&reader.records, "fence"), 1);

    // The one that was woken is none the worse for it.
    let end = reader.records.len();
    here.say(&paced("again", json!({}), 0));
    reader.read_turn(&there);
    assert_one_turn(&reader.records[end..], &undisturbed("echo", "again", json!({})));
}

#[test]
fn an_instance_that_stood_still_past_the_end_of_its_turn_writes_nothing_any_more() {
    let log = Log::start();
    let one = log.instance();
    let here = one.chat("c", "echo");
    here.say(&paced(&words(100), json!({}), 20));
    let mut reader = Reader::default();
    reader.read_more(&here, 20);
    pause(&one);
    let other = log.instance();
    let there = other.chat_with("c", here.token.clone());
    reader.read_turn(&there);
    assert_one_turn(&reader.records, &undisturbed("echo", &words(100), json!({})));
    wake(&one);
    let end = reader.records.len();
    there.say(&paced(&words(50), json!({}), 20));
    reader.read_turn(&here);
    assert_one_turn(&reader.records[end..], &undisturbed("echo", &words(50), json!({})));
}
