//! One order: which requests it meets, how many of them, and what becomes of those.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::body::Ending;

/// What a fault can be on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Place {
    Append,
    Subscribe,
    Records,
    /// What an agent writes to `.out`.
    Write,
}

/// What becomes of what a fault meets.
#[derive(Clone, Debug)]
pub(super) enum Effect {
    /// The answer comes so much later, and further faults may meet the same request.
    Delay(Duration),
    Spoil(Spoil),
    /// The record is written twice.
    Repeat,
}

/// What becomes of a request.
#[derive(Clone, Debug)]
pub(super) enum Spoil {
    /// No answer, and no effect.
    Refuse,
    /// This answer, and no effect.
    Answer(Canned),
    /// The effect without the answer.
    LoseAnswer,
    /// So many bytes of the body, and then this.
    Body { after: usize, ending: Ending },
    /// The body starts so many records earlier.
    Rewind(u64),
}

/// An answer that was made beforehand.
#[derive(Clone, Debug)]
pub(super) struct Canned {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

/// A fault that stands.
#[derive(Debug)]
pub(super) struct Fault {
    on: Place,
    chat: Option<String>,
    /// How many it still lets pass.
    skip: u64,
    /// How many it still meets; none: all that come.
    times: Option<u64>,
    /// The field that the order names its effect by.
    pub(super) kind: &'static str,
    pub(super) effect: Effect,
    /// As it was ordered.
    order: Map<String, Value>,
}

/// The fields that name an effect, and where each can be had.
const KINDS: [(&str, &[Place]); 10] = [
    ("refuse", REQUESTS),
    ("delayMs", REQUESTS),
    ("status", REQUESTS),
    ("loseAnswer", &[Place::Append]),
    ("cutAfterBytes", &[Place::Subscribe]),
    ("endAfterBytes", &[Place::Subscribe]),
    ("stallAfterBytes", &[Place::Subscribe]),
    ("errorAfterBytes", &[Place::Subscribe]),
    ("rewind", &[Place::Subscribe]),
    ("repeat", &[Place::Write]),
];
const REQUESTS: &[Place] = &[Place::Append, Place::Subscribe, Place::Records];

impl Fault {
    /// Reads an order, or says what is wrong with it.
    pub(super) fn parse(order: Value) -> Result<Self, String> {
        let Value::Object(order) = order else {
            return Err("a JSON object is expected".to_owned());
        };
        let mut fields = Fields(order.clone());
        let on: Place = fields.need("on")?;
        let (kind, places) = kind(&order)?;
        if !places.contains(&on) {
            return Err(format!("`{kind}` cannot be had on {}", order["on"]));
        }
        let chat = fields.take("chat")?;
        let skip = fields.take("skip")?.unwrap_or(0);
        let times = fields.take::<Option<u64>>("times")?.unwrap_or(Some(1));
        if times == Some(0) {
            return Err("`times` is 0: such a fault meets nothing".to_owned());
        }
        let effect = effect(kind, &mut fields)?;
        if let Some(field) = fields.0.keys().next() {
            return Err(format!("`{field}` means nothing beside `{kind}`"));
        }
        Ok(Self { on, chat, skip, times, kind, effect, order })
    }

    /// Whether it meets what has come for this chat; a fault counts what comes to it.
    pub(super) fn meets(&mut self, on: Place, chat: &str) -> bool {
        let is_meant = self.on == on && self.chat.as_deref().is_none_or(|meant| meant == chat);
        if !is_meant || self.is_spent() {
            return false;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        self.times = self.times.map(|times| times.saturating_sub(1));
        true
    }

    /// Whether it has met all that it was ordered for.
    pub(super) fn is_spent(&self) -> bool {
        self.times == Some(0)
    }

    /// Whether it takes a connection away from under a request.
    pub(super) fn hangs_up(&self) -> bool {
        matches!(self.effect, Effect::Spoil(Spoil::Refuse | Spoil::LoseAnswer))
    }

    /// The order as far as it is still open.
    pub(super) fn rest(&self) -> Value {
        let mut rest = self.order.clone();
        rest.insert("skip".to_owned(), self.skip.into());
        rest.insert("times".to_owned(), self.times.into());
        Value::Object(rest)
    }
}

/// The one effect that is named.
fn kind(order: &Map<String, Value>) -> Result<(&'static str, &'static [Place]), String> {
    let mut named = KINDS.into_iter().filter(|(name, _)| order.contains_key(*name));
    match (named.next(), named.next()) {
        (Some(kind), None) => Ok(kind),
        (Some((one, _)), Some((other, _))) => {
            Err(format!("`{one}` and `{other}` are two faults: order them one by one"))
        }
        (None, _) => {
            let names: Vec<_> = KINDS.iter().map(|(name, _)| *name).collect();
            Err(format!("it does nothing: one of these is missing: {}", names.join(", ")))
        }
    }
}

fn effect(kind: &'static str, fields: &mut Fields) -> Result<Effect, String> {
    let ending = match kind {
        "delayMs" => return Ok(Effect::Delay(Duration::from_millis(fields.need(kind)?))),
        "repeat" => return fields.need_true(kind).map(|()| Effect::Repeat),
        "refuse" => return fields.need_true(kind).map(|()| Effect::Spoil(Spoil::Refuse)),
        "loseAnswer" => return fields.need_true(kind).map(|()| Effect::Spoil(Spoil::LoseAnswer)),
        "rewind" => return Ok(Effect::Spoil(Spoil::Rewind(fields.need(kind)?))),
        "status" => return Ok(Effect::Spoil(Spoil::Answer(canned(fields)?))),
        "cutAfterBytes" => Ending::Cut,
        "endAfterBytes" => Ending::End,
        "errorAfterBytes" => Ending::Error,
        _ => Ending::Stall { pings: fields.take("pings")?.unwrap_or(false) },
    };
    Ok(Effect::Spoil(Spoil::Body { after: fields.need(kind)?, ending }))
}

fn canned(fields: &mut Fields) -> Result<Canned, String> {
    let status: u16 = fields.need("status")?;
    let status = Some(status)
        .filter(|status| (200..600).contains(status))
        .and_then(|status| StatusCode::from_u16(status).ok())
        .ok_or("`status`: it must be 200 to 599")?;
    let mut headers = HeaderMap::new();
    for (name, value) in fields.take::<Map<String, Value>>("headers")?.unwrap_or_default() {
        let value = value.as_str().and_then(|value| HeaderValue::from_str(value).ok());
        match (HeaderName::try_from(name.as_str()), value) {
            (Ok(name), Some(value)) => headers.append(name, value),
            _ => return Err(format!("`headers`: `{name}` is no header with a value of text")),
        };
    }
    Ok(Canned { status, headers, body: fields.take("body")?.unwrap_or_default() })
}

/// The fields of an order that are not read yet.
struct Fields(Map<String, Value>);

impl Fields {
    fn take<T: DeserializeOwned>(&mut self, name: &str) -> Result<Option<T>, String> {
        let value = self.0.remove(name).map(serde_json::from_value);
        value.transpose().map_err(|error| format!("`{name}`: {error}"))
    }

    fn need<T: DeserializeOwned>(&mut self, name: &str) -> Result<T, String> {
        self.take(name)?.ok_or_else(|| format!("`{name}` is missing"))
    }

    fn need_true(&mut self, name: &str) -> Result<(), String> {
        match self.need(name)? {
            true => Ok(()),
            false => Err(format!("`{name}`: it can only be true")),
        }
    }
}
