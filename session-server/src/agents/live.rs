//! Turns whose words come from elsewhere while they are said: the worker writes down what arrives.
//!
//! No step of such an answer is known beforehand. A worker that goes on with one reads in `.out` what
//! its predecessor wrote, and has the model go on from there, in the same message and the same part.

use std::pin::pin;

use futures_util::{Stream, StreamExt};

use super::Ask;
use super::chunk::{Chunk, Kind};
use super::draft::Draft;
use super::model::{Conversation, Model, Piece, Speaker};
use super::worker::{BURST, Result, Worker};
use crate::store::{Answer, End, Session, Turn};

impl Worker {
    /// Has the model answer the turn's question.
    pub(super) async fn converse(
        &mut self,
        session: &Session,
        turn: Turn,
        ask: &Ask,
        model: &Model,
    ) -> Result<()> {
        let mut exchanges = self.history(session, turn.input).await?.exchanges;
        let Some(asked) = exchanges.pop().filter(|_| !ask.text.trim().is_empty()) else {
            let error = "There is no text to answer: this agent reads nothing else.";
            return self.fail(session, turn, ask, error.to_owned()).await;
        };
        let mut answers = self.server.store.answers(&self.session).await?;
        let mut conversation = Conversation::default();
        for exchange in exchanges {
            conversation.add(Speaker::User, &exchange.text());
            let kept = answers.remove(&exchange.asked).filter(|_| exchange.answer.is_some());
            conversation.add(Speaker::Assistant, &exchange.told.or(kept).unwrap_or_default());
        }
        conversation.add(Speaker::User, &ask.text);

        let mut draft = self.begin(turn, ask).await?;
        conversation.go_on_from(draft.text());
        let last = self.write_down(&mut draft, model.answer(&conversation)).await?;
        let answer = Some(Answer { question: asked.asked, text: draft.text().to_owned() });
        self.complete(session, &draft.ended_by(last), End { answer, ..End::default() }).await
    }

    /// Ends the turn with an error, as the user is to read it, however far it has come.
    pub(super) async fn fail(
        &self,
        session: &Session,
        turn: Turn,
        ask: &Ask,
        error_text: String,
    ) -> Result<()> {
        let draft = self.begin(turn, ask).await?;
        self.complete(session, &draft.ended_by([Chunk::Error { error_text }]), End::default()).await
    }

    /// Begins the turn's message, or finds out how far it has come.
    async fn begin(&self, turn: Turn, ask: &Ask) -> Result<Draft> {
        if turn.step > 0 {
            return Ok(Draft::of(&self.written().await?));
        }
        self.write(&[ask.start(), Chunk::StartStep]).await?;
        Ok(Draft::default())
    }

    /// Writes what comes as it comes, until it ends or the turn does; returns what is to end it with.
    async fn write_down(
        &mut self,
        draft: &mut Draft,
        reply: impl Stream<Item = std::result::Result<Piece, String>>,
    ) -> Result<Vec<Chunk>> {
        // A text that goes on after a break is not broken once more, by new thoughts on how to go on.
        let goes_on = !draft.text().is_empty();
        let mut reply = pin!(reply.ready_chunks(BURST));
        loop {
            let arrived = tokio::select! {
                biased;
                Ok(()) = self.wake.changed() => {
                    if self.server.store.is_stopped(&self.session).await? {
                        return Ok(vec![Chunk::Abort]);
                    }
                    continue;
                }
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
                    Ok(Piece::Reasoning(words)) => {
                        chunks.extend(draft.say(Kind::Reasoning, &words))
                    }
                    Ok(Piece::Text(words)) => chunks.extend(draft.say(Kind::Text, &words)),
                    Err(error_text) => error = Some(Chunk::Error { error_text }),
                }
            }
            if !self.write(&chunks).await? {
                return Ok(Vec::new());
            }
            if let Some(error) = error {
                return Ok(vec![error]);
            }
        }
    }

    /// Writes these chunks; false where the turn has ended without this worker.
    async fn write(&self, chunks: &[Chunk]) -> Result<bool> {
        let parts = self.parts(chunks).await?;
        Ok(self.server.store.write_steps(&self.session, &parts).await?)
    }
}
