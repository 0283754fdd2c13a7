//! What holds for any input.
//!
//! The inputs are the same in every run. `PROPTEST_CASES` asks for more of them, and
//! `PROPTEST_RNG_SEED` for others (natively: wasm32 has no environment).

use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestRunner};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use trigger_chat_transport::wire::answer::{AppendAnswer, Refusal};
use trigger_chat_transport::wire::error::WireError;
use trigger_chat_transport::wire::record::decode_v1;

use crate::delivery::{Item, Kind, Seen, batch_event, decode, deliver, deliver_every_way};
use crate::json_inputs::{self, damaged};
use crate::{reference, stream_inputs};

/// Runs `test` on `cases` inputs; shows the smallest one that fails.
fn check<S: Strategy>(cases: u32, inputs: S, test: impl Fn(S::Value)) {
    let wished = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    let mut config =
        Config { cases: wished.unwrap_or(cases), failure_persistence: None, ..Config::default() };
    if matches!(config.rng_seed, RngSeed::Random) {
        config.rng_seed = RngSeed::Fixed(0);
    }
    let outcome = TestRunner::new(config).run(&inputs, |input| {
        test(input);
        Ok::<(), TestCaseError>(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}

#[test]
fn the_decoder_agrees_with_the_standard_however_a_stream_is_cut() {
    check(1500, stream_inputs::reads(), |reads| {
        let (events, retry_ms) = reference::events(&reads.concat());
        let seen = deliver(reads.iter().map(Vec::as_slice), |event| vec![Seen::from(event)]);
        assert_eq!((seen.items, seen.retry_ms, seen.error), (events, retry_ms, None));
    });
}

#[test]
fn a_stream_gives_the_same_events_every_way_it_is_delivered() {
    check(150, stream_inputs::stream(), |stream| {
        deliver_every_way(&stream, |event| vec![Seen::from(event)]);
    });
}

#[test]
fn a_stream_of_any_bytes_gives_what_the_standard_says() {
    check(300, any::<Vec<u8>>(), |stream| {
        let (events, _) = reference::events(&stream);
        assert_eq!(deliver([&stream[..]], |event| vec![Seen::from(event)]).items, events);
    });
}

#[test]
fn a_batch_decodes_to_the_records_it_was_built_from() {
    check(400, json_inputs::batch(), |(text, records)| {
        assert!(reference::is_json(&text), "the generator is wrong");
        let records: Vec<Item> =
            records.into_iter().map(|(seq, kind)| Item::Record(seq, kind)).collect();
        assert_eq!(decode(&text), records);
    });
}

#[test]
fn a_batch_decodes_the_same_however_its_event_is_cut() {
    let batches = json_inputs::batch().prop_map(|(text, _)| text);
    let cut = batches.prop_flat_map(|batch| {
        let stream = batch_event(&batch).into_bytes();
        (Just(batch), stream_inputs::cut(Just(stream)))
    });
    check(100, cut, |(batch, reads)| {
        let seen = deliver(reads.iter().map(Vec::as_slice), |event| decode(event.data));
        assert_eq!((seen.items, seen.error), (decode(&batch), None));
    });
}

#[test]
fn valid_json_is_taken_and_anything_else_is_refused() {
    check(2500, damaged(json_inputs::json()), |text| {
        let kind = Kind::from(decode_v1(&text));
        let is_chunk = reference::is_json(&text) && reference::trimmed(&text) != "null";
        assert_eq!(kind != Kind::Malformed, is_chunk);
        if let Ok(expected) = reference::chunk_record(&text, None) {
            assert_eq!(kind, expected);
        }
    });
}

#[test]
fn a_damaged_body_is_read_as_a_tree_of_it_would_be() {
    check(1500, damaged(json_inputs::envelope()), |body| {
        let Ok(expected) = reference::record(&body) else { return };
        let body = serde_json::to_string(&body).unwrap();
        let items = decode(&format!(r#"{{"records":[{{"seq_num":7,"body":{body}}}]}}"#));
        assert_eq!(items, [Item::Record(7, expected)]);
    });
}

#[test]
fn a_damaged_batch_is_told_and_no_other_is() {
    let batches = json_inputs::batch().prop_map(|(text, _)| text);
    check(500, damaged(batches), |text| {
        let Ok(is_batch) = reference::is_batch(&text) else { return };
        let items = decode(&text);
        let faults = items.iter().filter(|item| **item == Item::Fault(WireError::MalformedBatch));
        assert_eq!(faults.count(), usize::from(!is_batch));
    });
}

#[test]
fn the_records_of_a_cut_batch_are_a_start_of_the_whole_ones() {
    let cut = (json_inputs::batch(), any::<prop::sample::Index>());
    check(250, cut, |((text, _), at)| {
        let at = text.floor_char_boundary(at.index(text.len()));
        let mut items = decode(&text[..at]);
        assert_eq!(items.pop(), Some(Item::Fault(WireError::MalformedBatch)));
        assert!(decode(&text).starts_with(&items));
    });
}

#[test]
fn an_answer_may_be_any_text() {
    let answers = prop_oneof![any::<String>(), damaged(json_inputs::json())];
    check(500, answers, |text| {
        AppendAnswer::read(&text);
        Refusal::read(&text);
    });
}

#[test]
fn an_answer_is_read_as_a_tree_of_it_would_be() {
    let answer = (
        prop::option::of(any::<u64>()),
        prop::option::of(any::<bool>()),
        prop::option::of(any::<String>()),
        json_inputs::value(),
    );
    check(300, answer, |(seq, pending, reason, other)| {
        let answer = serde_json::json!({
            "seq": seq, "pendingVersion": pending, "closedReason": reason, "code": reason,
            "other": other,
        });
        let text = answer.to_string();
        let read = AppendAnswer::read(&text);
        assert_eq!(read, Some(AppendAnswer { seq, pending_version: pending == Some(true) }));
        let refusal = Refusal::read(&text);
        assert_eq!(refusal.closed_reason.as_deref(), reason.as_deref());
        assert_eq!(refusal.code.as_deref(), reason.as_deref());
        assert_eq!(refusal.error, None);
    });
}
