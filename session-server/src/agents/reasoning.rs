//! `reasoning`: thinks about the user's words, aloud, and then answers.
//!
//! It understands nothing: it looks at the words from two sides and says which one it takes. What it
//! shows is the way a message with a reasoning part goes.

use std::fmt::Write;

use super::chunk::Kind;
use super::{Ask, Script};

/// The pause between two words unless the metadata sets `paceMs`.
const PACE_MS: u64 = 25;

/// The most words that are looked at one by one.
const MOST_WORDS: usize = 12;

/// Thinks, then answers.
pub(super) fn answer(ask: &Ask) -> Result<Script, String> {
    let pace = ask.pace(PACE_MS)?;
    let matter = Matter::of(&ask.text);
    let parts = [(Kind::Reasoning, &*matter.thought()), (Kind::Text, &*matter.answer())];
    Ok(Script::of_parts(&parts, pace))
}

/// What there is to think about.
struct Matter<'a> {
    /// The words, without the punctuation around them.
    words: Vec<&'a str>,
    is_question: bool,
}

impl<'a> Matter<'a> {
    fn of(text: &'a str) -> Self {
        let bare = |word: &'a str| word.trim_matches(|letter: char| !letter.is_alphanumeric());
        Self {
            words: text.split_whitespace().map(bare).filter(|word| !word.is_empty()).collect(),
            is_question: text.trim_end().ends_with(['?', '？', '؟']),
        }
    }

    fn thought(&self) -> String {
        let Some((first, last)) = self.words.first().zip(self.words.last()) else {
            return "There are no words here. Nothing to weigh, then; I can only say so."
                .to_owned();
        };
        let mut thought = format!("Let me look at the words: {}.\n\n", self.count());
        for word in self.words.iter().take(MOST_WORDS) {
            let _ = writeln!(thought, "- “{word}”: {}", plural(letters(word), "letter"));
        }
        if let Some(more @ 1..) = self.words.len().checked_sub(MOST_WORDS) {
            let _ = writeln!(thought, "- and {more} more");
        }
        let _ = write!(
            thought,
            "\nThere are two ways to take this.\n\n\
             1. By its order: it goes from “{first}” to “{last}”, so the end would matter most.\n\
             2. By its weight: “{}” is the longest word, so the rest would stand around it.\n\n\
             {}",
            self.heaviest(),
            if self.is_question {
                "It ends with a question mark. A question waits at its end: the first way."
            } else {
                "Nothing is asked outright, so the end is no better than the rest: the second way."
            }
        );
        thought
    }

    fn answer(&self) -> String {
        let Some(last) = self.words.last() else {
            return "You sent **no words**, so there was nothing to think about.".to_owned();
        };
        let (what, way, word) = if self.is_question {
            ("asked", "by its order", *last)
        } else {
            ("said", "by its weight", self.heaviest())
        };
        format!(
            "You {what} something in **{}**, and I take it to be about **{word}**.\n\n\
             - Taken {way}, after weighing two ways\n\
             - The longest word is “{}”, with {}",
            self.count(),
            self.heaviest(),
            plural(letters(self.heaviest()), "letter")
        )
    }

    fn count(&self) -> String {
        plural(self.words.len(), "word")
    }

    /// The longest word, the first of them where there are several.
    fn heaviest(&self) -> &'a str {
        self.words.iter().rev().max_by_key(|word| letters(word)).copied().unwrap_or_default()
    }
}

fn letters(word: &str) -> usize {
    word.chars().count()
}

fn plural(count: usize, thing: &str) -> String {
    format!("{count} {thing}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::Matter;

    #[test]
    fn the_thought_goes_through_the_words_and_the_answer_follows_from_it() {
        let matter = Matter::of("Why is the lighthouse, at night, so bright?");
        let thought = matter.thought();
        for said in ["8 words", "“lighthouse”: 10 letters", "“bright”", "the first way"] {
            assert!(thought.contains(said), "no {said:?} in {thought}");
        }
        let answer = matter.answer();
        assert!(answer.contains("asked something in **8 words**"), "{answer}");
        assert!(answer.contains("about **bright**"), "{answer}");
        assert!(Matter::of("one dear dove").answer().contains("about **dear**"));
    }

    #[test]
    fn a_long_text_is_not_gone_through_to_the_end() {
        let text = "word ".repeat(30);
        let thought = Matter::of(&text).thought();
        assert!(thought.contains("30 words") && thought.contains("and 18 more"), "{thought}");
        assert!(!Matter::of("word ".repeat(12).as_str()).thought().contains("more\n"));
    }

    #[test]
    fn no_words_are_said_to_be_none() {
        for text in ["", " ?! "] {
            assert!(Matter::of(text).thought().contains("no words"));
            assert!(Matter::of(text).answer().contains("no words"));
        }
    }
}
