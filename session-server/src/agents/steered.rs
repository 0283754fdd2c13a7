//! `steered`: tells a story, chapter by chapter, and hears what the user says meanwhile.
//!
//! A message that comes while it tells is taken into the turn where the next chapter would begin, and
//! answered there. The note of that in `.out` is all that a worker needs to find its place again.

use std::time::Duration;

use super::chunk::{Chunk, Injected, Injection, Kind};
use super::script::Script;
use super::worker::{Result, Worker};
use super::{Ask, story};
use crate::input::{Input, Message};
use crate::store::InRecord;

/// The pause between two words of an answer in between.
const PACE: Duration = Duration::from_millis(20);

/// Tells a story in as many steps as it has chapters.
pub(super) fn answer(ask: &Ask) -> std::result::Result<Script, String> {
    let (story, pace) = story::told(ask)?;
    let mut script = Script::steered();
    for chapter in story.split("\n\n## ").enumerate() {
        let text = match chapter {
            (0, opening) => opening.to_owned(),
            (_, chapter) => format!("## {chapter}"),
        };
        script.step(&[(Kind::Text, &text)], pace);
    }
    script.then(Chunk::Finish);
    Ok(script)
}

impl Worker {
    /// Puts into a script what the messages have made of it that its turn has taken in so far.
    pub(super) async fn recall_injections(&self, script: &mut Script) -> Result<()> {
        if script.is_steered() {
            for (at, chunk) in self.written().await?.into_iter().enumerate() {
                if let Chunk::Injected { id, data } = chunk {
                    script.insert(at, |script| interlude(script, id, data));
                }
            }
        }
        Ok(())
    }

    /// Takes in the messages that wait, where this is a place to; returns how many steps are written
    /// with that.
    pub(super) async fn take_in_what_waits(&self, script: &mut Script, at: usize) -> Result<usize> {
        if !script.takes_in(at) {
            return Ok(0);
        }
        let waiting = self.server.store.waiting_questions(&self.session).await?;
        let Some(first) = waiting.first() else {
            return Ok(0);
        };
        let (id, data) = (format!("injection-{}", first.seq), injection(&waiting));
        let note = Chunk::Injected { id: id.clone(), data: data.clone() };
        let note = self.parts([&note]).await?;
        self.server.store.inject(&self.session, &note, &waiting).await?;
        script.insert(at, |script| interlude(script, id, data));
        Ok(1)
    }
}

fn injection(records: &[InRecord]) -> Injection {
    let message = |record: &InRecord| match Input::parse(&record.body) {
        Ok(Input::Message(payload)) => payload.message,
        _ => None,
    };
    let injected =
        |message: Message| Injected { id: message.id().to_owned(), text: message.text() };
    let messages: Vec<_> = records.iter().filter_map(message).map(injected).collect();
    Injection { message_ids: messages.iter().map(|message| message.id.clone()).collect(), messages }
}

/// The note that messages were taken in, and what is said to them.
fn interlude(script: &mut Script, id: String, data: Injection) {
    let quotes: Vec<_> =
        data.messages.iter().map(|message| format!("“{}”", message.text.trim())).collect();
    let text = format!("You say {}. I hear you, and tell on.", quotes.join(" and "));
    script.then(Chunk::Injected { id, data });
    script.step(&[(Kind::Text, &text)], PACE);
}
