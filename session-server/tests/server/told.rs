//! What became of a story, whatever was taken in while it was told.

use serde_json::{Value, json};

use crate::support::{Server, chunk, said};

/// The notes of what was taken in.
pub(crate) fn notes(records: &[Value]) -> Vec<Value> {
    let chunks = records.iter().filter_map(chunk);
    chunks.filter(|chunk| chunk["type"] == "data-pending-message-injected").collect()
}

/// Whatever was taken in, what is left without it must be the story, whole and in order.
#[track_caller]
pub(crate) fn tells_the_story(records: &[Value], interludes: &[&str]) {
    let mut text = said(records);
    for interlude in interludes {
        assert!(text.contains(interlude), "no {interlude:?} in {text}");
        text = text.replace(interlude, "");
    }
    let server = Server::start();
    let words = text.split_whitespace().filter(|word| word.contains(char::is_alphanumeric)).count();
    let whole = server.chat("c", "story").ask("tell", json!({ "words": words, "paceMs": 0 }));
    assert_eq!(text.replace("\n\n", ""), said(&whole).replace("\n\n", ""));
}
