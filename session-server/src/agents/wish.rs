//! What a turn is to do, read from the record that began it.

use serde_json::Value;
use serde_json::value::RawValue;

use super::Ask;
use super::actions::Action;
use super::history::History;
use super::worker::{Result, Worker, boot, message_id};
use crate::input::{Input, Message, Payload, Role, Trigger};
use crate::store::{Session, Turn};

/// What a turn is to do.
pub(super) enum Wish {
    /// Nothing but end, as after a head start whose answer is said.
    Nothing,
    /// To answer.
    Answer(Ask),
    /// To do this to what was said so far.
    Act { action: std::result::Result<Action, String>, history: History, ask: Ask },
}

impl Worker {
    /// What the turn is to do.
    pub(super) async fn wish(&self, session: &Session, turn: Turn) -> Result<Wish> {
        let fresh = message_id(session, turn.input);
        let Some(seq) = turn.input else {
            let wish = boot(session).map(|payload| Wish::Answer(ask(fresh, &payload)));
            return Ok(wish.unwrap_or(Wish::Nothing));
        };
        let Some(record) = self.server.store.in_record(&self.session, seq).await? else {
            return Ok(Wish::Nothing);
        };
        let Ok(Input::Message(payload)) = Input::parse(&record.body) else {
            return Ok(Wish::Nothing);
        };
        let asked = ask(fresh, &payload);
        if payload.role() == Role::Question {
            return Ok(Wish::Answer(asked));
        }
        if payload.trigger == Trigger::Action {
            let history = self.history(session, seq.checked_sub(1)).await?;
            return Ok(Wish::Act { action: Action::parse(payload.action), history, ask: asked });
        }
        let history = self.history(session, Some(seq)).await?;
        Ok(Wish::Answer(asked.again(&history, payload.message.as_ref())))
    }

    /// What was said up to this record of `.in`, or at the session's creation.
    pub(super) async fn history(&self, session: &Session, last: Option<u64>) -> Result<History> {
        let records = match last {
            Some(seq) => self.server.store.history(&self.session, seq).await?,
            None => Vec::new(),
        };
        Ok(History::of(session, &records))
    }
}

impl Ask {
    /// Asks once more what the last exchange asks. Where the client sends back the message that
    /// answers it, with what became of its tool calls, that message goes on.
    fn again(self, history: &History, message: Option<&Message>) -> Self {
        let sent_back = message.map(Message::id).unwrap_or_default();
        let Some(exchange) = history.of_answer(sent_back) else {
            return self;
        };
        let goes_on = exchange.answer.as_deref() == Some(sent_back);
        Self {
            message_id: if goes_on { sent_back.to_owned() } else { self.message_id },
            text: exchange.text(),
            decisions: message.map(Message::decisions).unwrap_or_default(),
            ..self
        }
    }
}

fn ask(message_id: String, payload: &Payload<'_>) -> Ask {
    let metadata = payload.metadata.map(RawValue::get);
    let metadata = metadata.and_then(|json| serde_json::from_str(json).ok());
    Ask {
        message_id,
        text: payload.message.as_ref().map(Message::text).unwrap_or_default(),
        metadata: metadata.unwrap_or(Value::Null),
        decisions: Vec::new(),
    }
}
