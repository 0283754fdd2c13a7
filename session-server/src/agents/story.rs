//! `story`: a markdown story of a chosen length, told at a chosen pace.
//!
//! The text is put together from small stocks of sentences, people, things and places. Each stock is
//! walked with a stride of its own, so it takes long until a sentence comes back as it was.

use std::time::Duration;

use super::{Ask, LONGEST_PACE_MS, Script, within};

/// What is told when nothing is asked for.
const WORDS: u64 = 300;
const PACE_MS: u64 = 20;

/// The longest story.
const MOST_WORDS: u64 = 20_000;

/// Tells a story.
pub(super) fn answer(ask: &Ask) -> Result<Script, String> {
    let (story, pace) = told(ask)?;
    Ok(Script::saying(&story, pace))
}

/// The story and the pause between its words; length and pace come from the metadata, or else from the
/// user's text.
pub(super) fn told(ask: &Ask) -> Result<(String, Duration), String> {
    let words = ask.number("words")?;
    let words = words.or_else(|| number_before(&ask.text, "word"));
    let words = within("The number of words", words.unwrap_or(WORDS), 1, MOST_WORDS)?;
    let pace = ask.number("paceMs")?;
    let pace = pace.or_else(|| number_before(&ask.text, "ms"));
    let pace = within("The pace in ms", pace.unwrap_or(PACE_MS), 0, LONGEST_PACE_MS)?;
    let length = usize::try_from(words).map_err(|error| error.to_string())?;
    Ok((story(length), Duration::from_millis(pace)))
}

/// The number that stands before `unit` in the text, as in "200 words", "200-word" or "20ms".
fn number_before(text: &str, unit: &str) -> Option<u64> {
    let text = text.to_lowercase();
    text.match_indices(unit).find_map(|(at, _)| {
        let before = text[..at].trim_end_matches([' ', '-', '\u{a0}']);
        let digits = before.bytes().rev().take_while(u8::is_ascii_digit).count();
        // A number too long for a u64 is still a number, and out of bounds.
        (digits > 0).then(|| before[before.len() - digits..].parse().unwrap_or(u64::MAX))
    })
}

/// A story of exactly `length` words, as [`count`] counts them.
fn story(length: usize) -> String {
    let mut draft = Draft { text: String::new(), left: length, sentences: 0 };
    let mut chapter = 0;
    if draft.add("# The Keeper of Île-aux-Brumes 🌊".to_owned()) {
        while draft.add_chapter(chapter) {
            chapter += 1;
        }
    }
    draft.finish()
}

/// Words are what has a letter or a digit in it, so table rules and bullets are none.
fn count(text: &str) -> usize {
    text.split_whitespace().filter(|word| word.contains(char::is_alphanumeric)).count()
}

struct Draft {
    text: String,
    /// How many words are still to be told.
    left: usize,
    /// How many sentences have been made.
    sentences: usize,
}

impl Draft {
    /// Adds a chapter block by block; false when one no longer fits.
    fn add_chapter(&mut self, chapter: usize) -> bool {
        let title = pick(&TITLES, chapter, 1);
        let figure = match chapter % 4 {
            0 => list(chapter),
            1 => code(chapter),
            2 => table(chapter),
            _ => format!("> {}", pick(&SAYINGS, chapter / 4, 1)),
        };
        let opening = self.paragraph();
        if !self.add(format!("## {}. {title}\n\n{opening}", chapter + 1)) || !self.add(figure) {
            return false;
        }
        let closing = self.paragraph();
        self.add(closing)
    }

    /// Adds a block if it fits whole.
    fn add(&mut self, block: String) -> bool {
        let words = count(&block);
        if words > self.left {
            return false;
        }
        if !self.text.is_empty() {
            self.text.push_str("\n\n");
        }
        self.text.push_str(&block);
        self.left -= words;
        true
    }

    fn paragraph(&mut self) -> String {
        format!("{} {}", self.sentence(), self.sentence())
    }

    fn sentence(&mut self) -> String {
        let n = self.sentences;
        self.sentences += 1;
        let sentence = pick(&SENTENCES, n, 5)
            .replace("{who}", pick(&PEOPLE, n, 3))
            .replace("{thing}", pick(&THINGS, n, 4))
            .replace("{place}", pick(&PLACES, n, 2));
        let mut letters = sentence.chars();
        let first = letters.next().into_iter().flat_map(char::to_uppercase);
        first.chain(letters).collect()
    }

    /// Fills the rest with plain sentences and lets the last one trail off where the words run out.
    fn finish(mut self) -> String {
        if self.left == 0 {
            return self.text;
        }
        let mut rest = self.sentence();
        while count(&rest) < self.left {
            rest = format!("{rest} {}", self.sentence());
        }
        if count(&rest) > self.left {
            while count(&rest) > self.left {
                let last_space = rest.rfind(' ').unwrap_or_default();
                rest.truncate(last_space);
            }
            let kept = rest.trim_end_matches([',', ';', '.', '…']).len();
            rest.truncate(kept);
            rest.push('…');
        }
        self.add(rest);
        self.text
    }
}

fn list(chapter: usize) -> String {
    let items: Vec<_> = (0..4)
        .map(|item| {
            let n = chapter + item * 2;
            format!("- **{}**, {}", pick(&THINGS, n, 1), pick(&REMARKS, n, 1))
        })
        .collect();
    format!("On the shelf by the stairs stood:\n\n{}", items.join("\n"))
}

fn code(chapter: usize) -> String {
    format!(
        "The lamp followed a rule that someone had pinned to the door:\n\n\
         ```rust\n\
         fn flash(night: u32) -> &'static str {{\n    \
         match night % {} {{\n        \
         0 => \"long\",\n        \
         1 => \"short, short\",\n        \
         _ => \"dark\",\n    \
         }}\n\
         }}\n\
         ```",
        3 + chapter % 5
    )
}

fn table(chapter: usize) -> String {
    let rows: Vec<_> = (0..4)
        .map(|row| {
            let n = chapter + row * 3;
            format!("| {} | {} | {} |", pick(&PEOPLE, n, 1), pick(&PLACES, n, 1), 2 + (n * 7) % 19)
        })
        .collect();
    format!(
        "The logbook kept count:\n\n| Who | Where | Nights |\n| --- | --- | ---: |\n{}",
        rows.join("\n")
    )
}

fn pick<'a>(stock: &[&'a str], n: usize, stride: usize) -> &'a str {
    stock[n * stride % stock.len()]
}

const TITLES: [&str; 10] = [
    "A Light Left On",
    "The Borrowed Boat",
    "Low Water",
    "The Letter in the Bell",
    "Snow over the Channel",
    "What the Tide Returned",
    "The Second Keeper",
    "A Song Without Its End",
    "The Long Calm",
    "Before the Morning Ferry",
];

const SENTENCES: [&str; 13] = [
    "On the third evening {who} carried {thing} up the hundred and twelve steps to {place}.",
    "Nobody had asked for {thing}, yet there it lay at {place}, still wet with salt.",
    "{who} counted the seconds between two flashes, as one counts the breath of a sleeping child.",
    "From {place} you could hear the sea turn over, slowly, like a page.",
    "“If the fog holds,” said {who}, “we shall need {thing} before midnight.”",
    "Below {place} the gulls had gone quiet, and that was never a good sign.",
    "So {who} lit the lamp by hand and wrote the hour down in small, careful figures.",
    "There was a smell of tar and oranges, and of {thing} warming near the stove.",
    "Later, when people spoke of that night, they always began with {thing} and ended with {place}.",
    "{who} laughed at that, then looked again, and did not laugh a second time.",
    "The wind came round to the north and brought {place} so near that it seemed a stone's throw away.",
    "It took an hour to mend {thing}, and another to admit that it had never been broken.",
    "By dawn {who} had walked to {place} and back, and the kettle was singing.",
];

const PEOPLE: [&str; 7] = [
    "Émile",
    "old Marguerite",
    "the pilot Søren",
    "Hana (花)",
    "the girl from the ferry",
    "Captain Nuñez",
    "the new keeper",
];

const THINGS: [&str; 9] = [
    "a brass compass",
    "the cracked lens",
    "a jar of blue ink",
    "the spare wick",
    "a letter marked 日本語",
    "the green umbrella",
    "a tin of ginger biscuits",
    "the birthday candles 🎉",
    "a radio that only knew one song",
];

const PLACES: [&str; 7] = [
    "the lantern room",
    "Café Zéphyr",
    "the north landing",
    "the drowned orchard",
    "Signal Rock",
    "the boathouse",
    "the far end of the mole",
];

const REMARKS: [&str; 5] = [
    "older than the tower itself",
    "never lent and never lost",
    "found after the great storm",
    "a gift, though no one remembers whose",
    "wrapped in last year's newspaper",
];

const SAYINGS: [&str; 3] = [
    "A lamp does not ask who is coming. 灯台は誰も選ばない。",
    "Write it down while it is still true.",
    "The sea keeps everything and hides nothing for long.",
];

#[cfg(test)]
mod tests {
    use super::{count, number_before, story};

    #[test]
    fn a_story_has_exactly_the_words_that_were_asked_for() {
        for length in (1..400).chain([1_000, 20_000]) {
            assert_eq!(count(&story(length)), length);
        }
    }

    #[test]
    fn a_story_of_the_usual_length_shows_what_markdown_can_do() {
        let text = story(300);
        for mark in
            ["# ", "\n## ", "\n- **", "\n```rust\n", "\n```\n", "\n| --- |", "É", "日本語", "🎉"]
        {
            assert!(text.contains(mark), "no {mark:?} in {text}");
        }
        assert_eq!(text, story(300));
    }

    #[test]
    fn length_and_pace_are_found_in_plain_words() {
        assert_eq!(number_before("tell me 200 words at 20 ms", "word"), Some(200));
        assert_eq!(number_before("tell me 200 words at 20 ms", "ms"), Some(20));
        assert_eq!(number_before("A 50-word story, 5MS", "word"), Some(50));
        assert_eq!(number_before("A 50-word story, 5MS", "ms"), Some(5));
        assert_eq!(number_before("forms and words", "ms"), None);
        assert_eq!(number_before("99999999999999999999999 words", "word"), Some(u64::MAX));
    }
}
