//! Deltas that wait in their numbers become one.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::harness::*;
use crate::out::batch;

/// Fewer wait, and all are handed on as they were written.
const MANY: usize = 64;

/// What a read of these chunks hands on.
fn read_of(chunks: &[String], coalesces: bool) -> Vec<Value> {
    let mut chat = Harness::streaming_where(|chat| chat.set_coalesces(coalesces));
    let records: Vec<_> = chunks
        .iter()
        .enumerate()
        .map(|(seq, chunk)| {
            let body = format!(r#"{{"data":{chunk},"id":"part-{seq}"}}"#);
            json!({ "seq_num": seq, "timestamp": 1, "body": body }).to_string()
        })
        .collect();
    let orders = chat.tell(bytes(2, &batch(&records)));
    let emitted = orders.iter().find_map(|order| order.strip_prefix("emit to 1: "));
    serde_json::from_str(emitted.expect("chunks are handed on")).expect("an array of chunks")
}

fn delta(kind: &str, id: &str, text: &str) -> String {
    let text = Value::from(text);
    format!(r#"{{"type":"{kind}","id":"{id}","delta":{text}}}"#)
}

fn words(count: usize) -> Vec<String> {
    (0..count).map(|number| delta("text-delta", "t", &format!("{number} "))).collect()
}

#[test]
fn few_chunks_are_handed_on_as_they_were_written() {
    assert_eq!(read_of(&words(MANY), true).len(), MANY);
}

#[test]
fn behind_many_chunks_the_deltas_of_a_part_are_one() {
    let read = read_of(&words(1_000), true);
    assert_eq!(read.len(), MANY);
    let text: String = read.iter().map(|chunk| chunk["delta"].as_str().unwrap()).collect();
    let written: String = (0..1_000).map(|number| format!("{number} ")).collect();
    assert_eq!(text, written);
}

#[test]
fn nothing_is_merged_where_the_app_does_not_want_it() {
    assert_eq!(read_of(&words(1_000), false).len(), 1_000);
}

#[test]
fn a_chunk_that_has_more_than_a_delta_stays_as_it_is_and_parts_its_neighbours() {
    for other in [
        json!({ "type": "text-end", "id": "t" }),
        json!({ "type": "text-delta", "id": "u", "delta": "x" }),
        json!({ "type": "reasoning-delta", "id": "t", "delta": "x" }),
        json!({ "type": "data-delta", "id": "t", "delta": "x" }),
        json!({ "type": "text-delta", "id": "t", "delta": 1 }),
        json!({ "type": "text-delta", "id": 1, "delta": "x" }),
        json!({ "type": "text-delta", "delta": "x" }),
        json!({ "type": "text-delta", "id": "t", "delta": "x", "providerMetadata": {} }),
    ] {
        let mut chunks = words(MANY);
        chunks.extend([other.to_string(), words(1).remove(0), words(1).remove(0)]);
        let read = read_of(&chunks, true);
        assert_eq!(read[MANY], other);
        assert_eq!(read[MANY + 1..], [json!({ "type": "text-delta", "id": "t", "delta": "0 0 " })]);
    }
}

#[test]
fn halves_of_a_surrogate_pair_meet() {
    let mut chunks = words(MANY);
    let half = |unit: &str| format!(r#"{{"type":"text-delta","id":"u","delta":"{unit}"}}"#);
    chunks.extend([half(r"\ud83c"), half(r"\udf89")]);
    assert_eq!(read_of(&chunks, true)[MANY]["delta"], "🎉");
}

/// The chunks with adjacent deltas merged, as a reader of whole values would do it.
fn merged(chunks: &[Value]) -> Vec<Value> {
    let mut read: Vec<Value> = Vec::new();
    for chunk in chunks {
        match read.last_mut() {
            Some(last)
                if last["delta"].is_string()
                    && chunk["delta"].is_string()
                    && last["type"] == chunk["type"]
                    && last["id"] == chunk["id"] =>
            {
                let text = [&last["delta"], &chunk["delta"]].map(|text| text.as_str().unwrap());
                last["delta"] = text.concat().into();
            }
            _ => read.push(chunk.clone()),
        }
    }
    read
}

proptest! {
    #[test]
    fn whatever_is_merged_reads_the_same(
        parts in prop::collection::vec(("(text|reasoning)", "[ab]", "[ -~é🎉\n\"\\\\]{0,6}", 0..8), 70..200)
    ) {
        let chunks: Vec<_> = parts
            .iter()
            .map(|(kind, id, text, other)| match other {
                0 => json!({ "type": format!("{kind}-end"), "id": id }).to_string(),
                _ => delta(&format!("{kind}-delta"), id, text),
            })
            .collect();
        let written: Vec<Value> =
            chunks.iter().map(|chunk| serde_json::from_str(chunk).unwrap()).collect();
        prop_assert_eq!(&read_of(&chunks, false), &written);
        prop_assert_eq!(merged(&read_of(&chunks, true)), merged(&written));
    }
}
