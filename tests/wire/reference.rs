//! What is right, said a second time: slowly, plainly, and without a line of the crate's own code.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use trigger_chat_transport::wire::control::{Control, TurnComplete};

use crate::delivery::{Kind, Seen};

/// The WHATWG's "interpreting an event stream", read off its text, on a whole stream. Two things
/// are the crate's own: an event's id is that of the event alone, and its name may be empty.
pub(crate) fn events(stream: &[u8]) -> (Vec<Seen>, Option<u64>) {
    // "Streams must be decoded using the UTF-8 decode algorithm", which strips one leading BOM.
    let text = String::from_utf8_lossy(stream);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    // "Lines must be separated by either CRLF, a single LF, or a single CR."
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut lines: Vec<&str> = text.split('\n').collect();
    // "Once the end of the file is reached, any pending data must be discarded."
    lines.pop();

    let mut events = Vec::new();
    let mut retry = None;
    let (mut name, mut id, mut data) = (String::new(), None, String::new());
    for line in lines {
        if line.is_empty() {
            // "If the data buffer is an empty string, set the data buffer and the event type buffer
            // to the empty string and return."
            if !data.is_empty() {
                // "If the data buffer's last character is a LF, then remove the last character."
                assert_eq!(data.pop(), Some('\n'));
                events.push(Seen { name, id, data });
            }
            (name, id, data) = (String::new(), None, String::new());
            continue;
        }
        // A line that starts with a colon has an empty field name, which no field has.
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => name = value.to_owned(),
            "data" => data += &format!("{value}\n"),
            "id" if !value.contains('\0') => id = Some(value.to_owned()),
            "retry" if value.chars().all(|digit| digit.is_ascii_digit()) => {
                retry = value.parse().ok().or(retry);
            }
            _ => {}
        }
    }
    (events, retry)
}

/// Whether `JSON.parse` takes the text. Nothing is built, so that depth, the range of numbers and
/// lone surrogates do not matter, as they do not to `JSON.parse`.
pub(crate) fn is_json(text: &str) -> bool {
    serde_json::from_str::<&RawValue>(text).is_ok()
}

/// A valid value as it stands in its text, without the white space around it.
pub(crate) fn trimmed(text: &str) -> &str {
    serde_json::from_str::<&RawValue>(text).unwrap().get()
}

pub(crate) type Members = BTreeMap<String, Box<RawValue>>;

/// serde_json has no string with a lone surrogate: with one in a member's name it cannot tell.
#[derive(Debug)]
pub(crate) struct CannotTell;

/// The members of an object; none for what is no object, or no JSON. As in `JSON.parse`, the last
/// of one name counts.
pub(crate) fn members(text: &str) -> Result<Option<Members>, CannotTell> {
    if !is_json(text) || !trimmed(text).starts_with('{') {
        return Ok(None);
    }
    serde_json::from_str(text).map(Some).map_err(|_| CannotTell)
}

/// The value of JSON that is a string; lone surrogates are replaced.
pub(crate) fn string(json: &RawValue) -> Option<String> {
    let inner = json.get().strip_prefix('"')?.strip_suffix('"')?;
    let mut units = Vec::new();
    let mut rest = inner.chars();
    while let Some(character) = rest.next() {
        if character != '\\' {
            units.extend(character.encode_utf16(&mut [0; 2]).iter());
            continue;
        }
        units.push(match rest.next()? {
            'b' => 8,
            'f' => 12,
            'n' => 10,
            'r' => 13,
            't' => 9,
            'u' => {
                let digits: String = rest.by_ref().take(4).collect();
                u16::from_str_radix(&digits, 16).ok()?
            }
            itself => u16::try_from(u32::from(itself)).ok()?,
        });
    }
    Some(String::from_utf16_lossy(&units))
}

/// What a data record with this body is.
pub(crate) fn record(body: &str) -> Result<Kind, CannotTell> {
    let Some(envelope) = members(body)? else { return Ok(Kind::Malformed) };
    let Some(chunk) = envelope.get("data") else { return Ok(Kind::Malformed) };
    chunk_record(chunk.get(), envelope.get("id").and_then(|id| string(id)))
}

/// What a record of this chunk is.
pub(crate) fn chunk_record(chunk: &str, part_id: Option<String>) -> Result<Kind, CannotTell> {
    if !is_json(chunk) || trimmed(chunk) == "null" {
        return Ok(Kind::Malformed);
    }
    let members = members(chunk)?.unwrap_or_default();
    let text = |name: &str| members.get(name).and_then(|value| string(value));
    let chunk_type = text("type");
    Ok(match chunk_type.as_deref() {
        Some("trigger:turn-complete") => Kind::Control(
            Control::TurnComplete(TurnComplete {
                public_access_token: text("publicAccessToken").map(Into::into),
                ..TurnComplete::default()
            }),
            part_id,
        ),
        Some("trigger:upgrade-required") => Kind::Control(Control::UpgradeRequired, part_id),
        Some("trigger:session-state") => Kind::Control(
            Control::SessionState { last_event_id: text("lastEventId").map(Into::into) },
            part_id,
        ),
        Some(other) if other.starts_with("trigger:") => Kind::Control(Control::Unknown, part_id),
        _ => Kind::Data { chunk: trimmed(chunk).to_owned(), chunk_type, part_id },
    })
}

/// Whether a text is a batch: an object whose `records`, where it has them, are an array.
pub(crate) fn is_batch(text: &str) -> Result<bool, CannotTell> {
    let Some(batch) = members(text)? else { return Ok(false) };
    let Some(records) = batch.get("records") else { return Ok(true) };
    let records = serde_json::from_str::<Vec<&RawValue>>(records.get());
    Ok(records.is_ok())
}
