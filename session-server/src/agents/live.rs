//! Turns whose words come from elsewhere while they are said: the worker writes down what arrives.
//!
//! No step of such an answer is known beforehand. A worker that goes on with one reads in `.out` what
//! its predecessor wrote, and has the model go on from there, in the same message and the same part.

use std::future;
use std::pin::pin;

use futures_util::{Stream, StreamExt, stream};

use super::chunk::{Chunk, Kind};
use super::draft::Draft;
use super::model::{Conversation, Model, Piece, Speaker};
use super::worker::{BURST, Worker, boot, message_id};
use crate::input::{Input, Role};
use crate::store::{self, Answer, Session, Turn};

/// A question of the user: the `.in` record that asked, none for the message given at creation, and
/// its text.
type Question = (Option<u64>, String);

impl Worker {
    /// Has the model answer the turn's question.
    pub(super) async fn converse(
        &mut self,
        session: &Session,
        turn: Turn,
        model: &Model,
    ) -> store::Result<()> {
        let mut questions = self.questions(session, turn)?;
        let Some((asked, text)) = questions.pop().filter(|(_, text)| !text.trim().is_empty())
        else {
            let error = "There is no text to answer: this agent reads nothing else.";
            return self.fail(session, turn, error.to_owned()).await;
        };
        let mut answers = self.server.store.answers(&self.session)?;
        let mut conversation = Conversation::default();
        for (question, text) in questions {
            conversation.add(Speaker::User, &text);
            conversation.add(Speaker::Assistant, &answers.remove(&question).unwrap_or_default());
        }
        conversation.add(Speaker::User, &text);

        let mut draft = self.begin(session, turn)?;
        conversation.go_on_from(draft.text());
        let last = self.write_down(&mut draft, model.answer(&conversation)).await?;
        let answer = Answer { question: asked, text: draft.text() };
        self.complete(session, &draft.ended_by(last), Some(answer))
    }

    /// Ends the turn with an error, as the user is to read it.
    pub(super) async fn fail(
        &mut self,
        session: &Session,
        turn: Turn,
        error: String,
    ) -> store::Result<()> {
        let mut draft = self.begin(session, turn)?;
        let failure = stream::once(future::ready(Err(error)));
        let last = self.write_down(&mut draft, failure).await?;
        self.complete(session, &draft.ended_by(last), None)
    }

    /// Begins the turn's message, or finds out how far it has come.
    fn begin(&self, session: &Session, turn: Turn) -> store::Result<Draft> {
        if turn.step > 0 {
            return Ok(Draft::of(&self.server.store.turn_chunks::<Chunk>(&self.session)?));
        }
        let message_id = message_id(session, turn);
        self.write(&[Chunk::Start { message_id }, Chunk::StartStep])?;
        Ok(Draft::default())
    }

    /// Writes what comes as it comes, until it ends or the turn does; returns what is to end it with.
    async fn write_down(
        &mut self,
        draft: &mut Draft,
        reply: impl Stream<Item = Result<Piece, String>>,
    ) -> store::Result<Vec<Chunk>> {
        // A text that goes on after a break is not broken once more, by new thoughts on how to go on.
        let goes_on = !draft.text().is_empty();
        let mut reply = pin!(reply.ready_chunks(BURST));
        loop {
            if self.server.store.is_stopped(&self.session)? {
                return Ok(vec![Chunk::Abort]);
            }
            let arrived = tokio::select! {
                Ok(()) = self.wake.changed() => continue,
                arrived = reply.next() => arrived,
            };
            let Some(arrived) = arrived else {
                return Ok(vec![Chunk::FinishStep, Chunk::Finish]);
            };
            let mut chunks = Vec::new();
            let mut error = None;
            for piece in arrived {
                match piece {
                    Ok(Piece::Reasoning(_)) if goes_on => {}
                    Ok(Piece::Reasoning(words)) => chunks.extend(draft.say(Kind::Reasoning, words)),
                    Ok(Piece::Text(words)) => chunks.extend(draft.say(Kind::Text, words)),
                    Err(error_text) => error = Some(Chunk::Error { error_text }),
                }
            }
            self.write(&chunks)?;
            if let Some(error) = error {
                return Ok(vec![error]);
            }
        }
    }

    fn write(&self, chunks: &[Chunk]) -> store::Result<()> {
        self.server.store.write_steps(&self.session, &self.parts(chunks)?)?;
        self.server.bells.ring(&self.session);
        Ok(())
    }

    /// All that the user has asked up to the turn, the question that it answers last.
    fn questions(&self, session: &Session, turn: Turn) -> store::Result<Vec<Question>> {
        let first = boot(session)
            .filter(|payload| payload.role() == Role::Question)
            .and_then(|payload| Some((None, payload.message?.text())));
        let records = match turn.input {
            Some(seq) => self.server.store.questions(&self.session, seq)?,
            None => Vec::new(),
        };
        let rest = records.iter().filter_map(|record| match Input::parse(&record.body) {
            Ok(Input::Message(payload)) => Some((Some(record.seq), payload.message?.text())),
            _ => None,
        });
        Ok(first.into_iter().chain(rest).collect())
    }
}
