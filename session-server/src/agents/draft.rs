//! A message while it is written: what its chunks so far have come to, and what may follow them.

use super::chunk::{Chunk, Kind, Part};
use crate::text;

/// The longest piece of a text in one chunk: a record has room for it, also where each byte becomes six in
/// JSON.
const PIECE_BYTES: usize = 128 * 1024;

/// How far a message has come.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    open: Option<Part>,
    /// How many parts were begun.
    parts: usize,
    text: String,
}

impl Draft {
    /// The message that these chunks make.
    pub(crate) fn of<'a>(chunks: impl IntoIterator<Item = &'a Chunk>) -> Self {
        let mut draft = Self::default();
        for chunk in chunks {
            draft.note(chunk);
        }
        draft
    }

    /// What its text parts say so far, put together.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The chunks that say more: in the open part where it is of this kind, else in a new one.
    pub(crate) fn say(&mut self, kind: Kind, words: &str) -> Vec<Chunk> {
        let mut chunks = Vec::new();
        let part = match self.open.take_if(|part| part.kind == kind) {
            Some(part) => part,
            None => {
                let part = Part::nth(self.parts + 1, kind);
                chunks.extend(self.open.as_ref().map(Part::end));
                chunks.push(part.start());
                part
            }
        };
        chunks.extend(text::pieces(words, PIECE_BYTES).map(|words| part.delta(words.to_owned())));
        for chunk in &chunks {
            self.note(chunk);
        }
        self.open = Some(part);
        chunks
    }

    /// The chunks that end the message: what closes its open part, and then `last`.
    pub(crate) fn ended_by(&self, last: impl IntoIterator<Item = Chunk>) -> Vec<Chunk> {
        self.open.as_ref().map(Part::end).into_iter().chain(last).collect()
    }

    fn note(&mut self, chunk: &Chunk) {
        match chunk {
            Chunk::ReasoningStart { id } => self.begin(Kind::Reasoning, id),
            Chunk::TextStart { id } => self.begin(Kind::Text, id),
            Chunk::TextDelta { delta, .. } => self.text.push_str(delta),
            Chunk::ReasoningEnd { .. } | Chunk::TextEnd { .. } => self.open = None,
            _ => {}
        }
    }

    fn begin(&mut self, kind: Kind, id: &str) {
        self.open = Some(Part { kind, id: id.to_owned() });
        self.parts += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::{Chunk, Draft, Kind};

    fn spelled(chunks: &[Chunk]) -> Vec<String> {
        chunks.iter().map(Chunk::to_json).collect()
    }

    #[test]
    fn words_of_another_kind_close_the_open_part_and_begin_a_new_one() {
        let mut draft = Draft::default();
        draft.say(Kind::Reasoning, "hm");
        let turned = draft.say(Kind::Text, "a");
        assert_eq!(
            spelled(&turned),
            [
                r#"{"type":"reasoning-end","id":"reasoning-1"}"#,
                r#"{"type":"text-start","id":"text-2"}"#,
                r#"{"type":"text-delta","id":"text-2","delta":"a"}"#,
            ]
        );
        let more = draft.say(Kind::Text, "b");
        assert_eq!(spelled(&more), [r#"{"type":"text-delta","id":"text-2","delta":"b"}"#]);
        assert_eq!(draft.text(), "ab");
    }

    #[test]
    fn a_draft_read_from_its_chunks_goes_on_as_the_one_that_wrote_them() {
        let mut first = Draft::default();
        let mut chunks = first.say(Kind::Reasoning, "hm");
        chunks.extend(first.say(Kind::Text, "a"));
        let mut second = Draft::of(&chunks);
        assert_eq!(second.text(), "a");
        assert_eq!(second.say(Kind::Text, "b"), first.say(Kind::Text, "b"));
        let end = Chunk::TextEnd { id: "text-2".to_owned() };
        assert_eq!(second.ended_by([Chunk::Abort]), [end, Chunk::Abort]);
    }
}
