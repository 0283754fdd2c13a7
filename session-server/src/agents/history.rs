//! What an agent remembers: the exchanges of the conversation, read anew for each turn from what has
//! come in. So an agent that was killed remembers what it did before, and what was taken back is gone.

use serde_json::value::RawValue;

use super::actions::Action;
use super::worker::{boot, message_id};
use crate::input::{Input, Message, Payload, Role, Trigger};
use crate::store::{InRecord, Session};

/// A question of the user, and what became of it.
#[derive(Debug)]
pub(crate) struct Exchange {
    /// The `.in` record that asked; none for what came with the session's creation.
    pub(crate) asked: Option<u64>,
    /// The user's message, and those that were taken into its turn.
    questions: Vec<Message>,
    /// The id of the message that answers; none where that was taken back.
    pub(crate) answer: Option<String>,
    /// What the answer says, where the session was made with it.
    pub(crate) told: Option<String>,
}

impl Exchange {
    /// What the user says in it.
    pub(crate) fn text(&self) -> String {
        self.questions.iter().map(Message::text).collect::<Vec<_>>().join("\n\n")
    }

    fn knows(&self, id: &str) -> bool {
        self.answer.as_deref() == Some(id) || self.questions.iter().any(|said| said.id() == id)
    }
}

/// The exchanges, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct History {
    pub(crate) exchanges: Vec<Exchange>,
}

impl History {
    /// What these records of `.in`, all from the first on, have made of the conversation.
    pub(crate) fn of(session: &Session, records: &[InRecord]) -> Self {
        let given = boot(session).map(|payload| Self::given(payload, message_id(session, None)));
        let mut history = given.unwrap_or_default();
        for record in records {
            if let Ok(Input::Message(payload)) = Input::parse(&record.body) {
                history.take_in(record, payload, message_id(session, Some(record.seq)));
            }
        }
        history
    }

    /// The exchange that this message answers, or else the last.
    pub(crate) fn of_answer(&self, id: &str) -> Option<&Exchange> {
        let answers = |exchange: &&Exchange| exchange.answer.as_deref() == Some(id);
        self.exchanges.iter().rfind(answers).or(self.exchanges.last())
    }

    /// Does what the action does to the conversation; false where there is nothing to do it to.
    pub(crate) fn heed(&mut self, action: &Action) -> bool {
        match action {
            Action::Undo => self.exchanges.pop().is_some(),
            Action::Rollback { target_message_id } => self.roll_back_to(target_message_id),
            Action::Summarize | Action::Close { .. } => true,
        }
    }

    /// What the session was made with.
    fn given(payload: Payload<'_>, answer: String) -> Self {
        let mut history = Self::default();
        let earlier = payload.head_start_messages.map(RawValue::get);
        let earlier: Vec<Message> =
            earlier.and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default();
        // The last of them is the message that is to be answered.
        for message in earlier.into_iter().rev().skip(1).rev() {
            if message.is_from_user() {
                history.ask(None, message, None, Some(String::new()));
            } else if let Some(exchange) = history.exchanges.last_mut() {
                exchange.answer = Some(message.id().to_owned());
                exchange.told = Some(message.text());
            }
        }
        if payload.role() == Role::Question
            && let Some(message) = payload.message
        {
            history.ask(None, message, Some(answer), None);
        }
        history
    }

    fn take_in(&mut self, record: &InRecord, payload: Payload<'_>, answer: String) {
        match (payload.trigger, payload.message) {
            (Trigger::SubmitMessage, Some(message)) if message.is_from_user() => {
                match self.exchanges.last_mut().filter(|_| record.is_injected) {
                    Some(exchange) => exchange.questions.push(message),
                    None => self.ask(Some(record.seq), message, Some(answer), None),
                }
            }
            (Trigger::RegenerateMessage, _) => {
                if let Some(exchange) = self.exchanges.last_mut() {
                    exchange.answer = Some(answer);
                }
            }
            (Trigger::Action, _) => {
                if let Ok(action) = Action::parse(payload.action) {
                    self.heed(&action);
                }
            }
            _ => {}
        }
    }

    fn ask(
        &mut self,
        asked: Option<u64>,
        message: Message,
        answer: Option<String>,
        told: Option<String>,
    ) {
        self.exchanges.push(Exchange { asked, questions: vec![message], answer, told });
    }

    /// Keeps what was said up to this message, and the message.
    fn roll_back_to(&mut self, id: &str) -> bool {
        let Some(at) = self.exchanges.iter().rposition(|exchange| exchange.knows(id)) else {
            return false;
        };
        self.exchanges.truncate(at + 1);
        if let Some(exchange) = self.exchanges.last_mut()
            && exchange.answer.as_deref() != Some(id)
        {
            let kept = exchange.questions.iter().position(|said| said.id() == id);
            exchange.questions.truncate(kept.map_or(0, |at| at + 1));
            exchange.answer = None;
        }
        true
    }
}
