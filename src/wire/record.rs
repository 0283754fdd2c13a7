//! Records of `.out`: from an event's data to what one record is, without building a tree.
//!
//! Two forms, as the protocol has them: v2, where a `batch` event holds S2 records whose bodies are
//! JSON in JSON, and v1, where an event's data is one bare chunk.

use std::borrow::Cow;

use super::control::{Control, Headers, TurnComplete};
use trigger_chat_stream::error::WireError;
use trigger_chat_stream::json::{Malformed, RawString, Scanned, Scanner};

/// What one record is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record<'a> {
    /// A chunk for the application.
    Data(Data<'a>),
    /// The service speaks to the client.
    Control {
        /// What it says.
        control: Control<'a>,
        /// As in [`Data::part_id`], where an older agent wrote this as data.
        part_id: Option<Cow<'a, str>>,
    },
    /// S2's own (`trim`, `fence`). Only the cursor moves.
    Command,
    /// Not to be handed on: no chunk in it, or none that is valid. Only the cursor moves.
    Malformed,
}

impl Record<'_> {
    /// The part id, where the record has one.
    pub fn part_id(&self) -> Option<&str> {
        match self {
            Self::Data(Data { part_id, .. }) | Self::Control { part_id, .. } => part_id.as_deref(),
            Self::Command | Self::Malformed => None,
        }
    }
}

/// A data record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Data<'a> {
    /// The chunk's own JSON, untouched, proven valid. Any JSON value but `null`.
    pub chunk: &'a str,
    /// The chunk's `type`, where it is an object that has one.
    pub chunk_type: Option<Cow<'a, str>>,
    /// Where the text of a plain delta begins in `chunk`: an object with a `type` of `text-delta`,
    /// `reasoning-delta` or `tool-input-delta`, an `id`, last a `delta`, and nothing else. Behind the
    /// text stands `"}` alone.
    pub delta_at: Option<usize>,
    /// Identifies the writer's part: a writer's retry has the same one under a new seq.
    pub part_id: Option<Cow<'a, str>>,
}

/// Decodes the data of one `batch` event: `on_record` gets each record with its `seq_num`, in order.
/// `body` is scratch space, kept by the caller so that its allocation serves every record.
///
/// A record that is broken is reported as [`Record::Malformed`], so that the cursor still moves; one
/// whose `seq_num` is no whole number is passed over.
///
/// # Errors
/// [`WireError::MalformedBatch`] when the text is not JSON of the form `{"records":[…]}`. The records
/// before the fault have been reported.
pub fn decode_batch(
    batch: &str,
    body: &mut String,
    mut on_record: impl FnMut(u64, Record<'_>),
) -> Result<(), WireError> {
    scan_batch(batch, body, &mut on_record).map_err(|Malformed| WireError::MalformedBatch)
}

fn scan_batch(
    batch: &str,
    body: &mut String,
    on_record: &mut dyn FnMut(u64, Record<'_>),
) -> Scanned<()> {
    let mut scanner = Scanner::new(batch);
    let mut members = scanner.enter_object()?;
    while let Some(key) = scanner.next_key(&mut members)? {
        if !key.is("records") {
            scanner.value()?;
            continue;
        }
        let mut records = scanner.enter_array()?;
        while scanner.next_element(&mut records)? {
            let record = RawRecord::scan(&mut scanner, body)?;
            if let Some(seq) = record.seq {
                on_record(seq, record.decode(body));
            }
        }
    }
    scanner.end()
}

/// Decodes the data of one v1 event.
pub fn decode_v1(data: &str) -> Record<'_> {
    let mut scanner = Scanner::new(data);
    let scanned = RawChunk::scan(&mut scanner);
    match (scanned, scanner.end()) {
        (Ok(chunk), Ok(())) => chunk.into_record(None),
        _ => Record::Malformed,
    }
}

/// A record as it stands in its batch.
#[derive(Default)]
struct RawRecord<'a> {
    seq: Option<u64>,
    headers: Option<&'a str>,
    /// Its value is in the scratch space.
    has_body: bool,
}

impl<'a> RawRecord<'a> {
    fn scan(scanner: &mut Scanner<'a>, body: &mut String) -> Scanned<Self> {
        let mut record = Self::default();
        if scanner.peek() != Some(b'{') {
            scanner.value()?;
            return Ok(record);
        }
        let mut members = scanner.enter_object()?;
        while let Some(key) = scanner.next_key(&mut members)? {
            if key.is("seq_num") {
                record.seq = scanner.integer_or_skip()?;
            } else if key.is("body") {
                record.has_body = scanner.peek() == Some(b'"');
                if record.has_body {
                    body.clear();
                    scanner.json_string_into(body)?;
                } else {
                    scanner.value()?;
                }
            } else {
                let value = scanner.value()?;
                if key.is("headers") && value != "null" {
                    record.headers = Some(value);
                }
            }
        }
        Ok(record)
    }

    fn decode<'b>(&self, body: &'b str) -> Record<'b>
    where
        'a: 'b,
    {
        self.decode_strictly(body).unwrap_or(Record::Malformed)
    }

    fn decode_strictly<'b>(&self, body: &'b str) -> Scanned<Record<'b>>
    where
        'a: 'b,
    {
        if let Some(headers) = self.headers {
            let headers = Headers::scan(&mut Scanner::new(headers))?;
            if headers.is_command {
                return Ok(Record::Command);
            }
            if let Some(control) = headers.control() {
                return Ok(Record::Control { control, part_id: None });
            }
        }
        if self.has_body { scan_envelope(body) } else { Err(Malformed) }
    }
}

/// Reads `{ "data": <chunk>, "id": <part id> }`.
fn scan_envelope(body: &str) -> Scanned<Record<'_>> {
    let mut chunk = None;
    let mut part_id = None;
    let mut scanner = Scanner::new(body);
    let mut members = scanner.enter_object()?;
    while let Some(key) = scanner.next_key(&mut members)? {
        if key.is("data") {
            chunk = Some(RawChunk::scan(&mut scanner)?);
        } else if key.is("id") {
            part_id = scanner.string_or_skip()?;
        } else {
            scanner.value()?;
        }
    }
    scanner.end()?;
    Ok(chunk.ok_or(Malformed)?.into_record(part_id))
}

/// A chunk as it stands in its text, and what of it the client looks at.
struct RawChunk<'a> {
    text: &'a str,
    chunk_type: Option<RawString<'a>>,
    /// Where the text of its `delta` begins, if all it has beside is a `type` and an `id`.
    delta_at: Option<usize>,
    public_access_token: Option<RawString<'a>>,
    last_event_id: Option<RawString<'a>>,
}

impl<'a> RawChunk<'a> {
    fn scan(scanner: &mut Scanner<'a>) -> Scanned<Self> {
        let mut chunk_type = None;
        let mut public_access_token = None;
        let mut last_event_id = None;
        let mut members = 0_u32;
        let mut has_id = false;
        let mut delta_at = None;
        let start = scanner.position();
        if scanner.peek() == Some(b'{') {
            let mut items = scanner.enter_object()?;
            while let Some(key) = scanner.next_key(&mut items)? {
                members = members.saturating_add(1);
                // Whatever follows a delta is more than a plain one has.
                delta_at = None;
                if key.is("type") {
                    chunk_type = scanner.string_or_skip()?;
                } else if key.is("id") {
                    has_id |= scanner.string_or_skip()?.is_some();
                } else if key.is("delta") {
                    // Behind the quote.
                    let at = scanner.position().saturating_sub(start).saturating_add(1);
                    delta_at = scanner.string_or_skip()?.map(|_| at);
                } else if key.is("publicAccessToken") {
                    public_access_token = scanner.string_or_skip()?;
                } else if key.is("lastEventId") {
                    last_event_id = scanner.string_or_skip()?;
                } else {
                    scanner.value()?;
                }
            }
        } else {
            scanner.value()?;
        }
        let text = scanner.text_since(start)?;
        let is_plain = members == 3 && has_id && text.ends_with("\"}");
        let delta_at = delta_at.filter(|_| is_plain);
        Ok(Self { text, chunk_type, delta_at, public_access_token, last_event_id })
    }

    fn into_record(self, part_id: Option<RawString<'a>>) -> Record<'a> {
        if self.text == "null" {
            return Record::Malformed;
        }
        let chunk_type = self.chunk_type.map(RawString::decode);
        let part_id = part_id.map(RawString::decode);
        match chunk_type.as_deref() {
            Some(chunk_type) if chunk_type.starts_with("trigger:") => {
                Record::Control { control: self.legacy_control(chunk_type), part_id }
            }
            _ => Record::Data(Data {
                chunk: self.text,
                delta_at: self.delta_at.filter(|_| is_delta(chunk_type.as_deref())),
                chunk_type,
                part_id,
            }),
        }
    }

    /// Older agents, and an app's own route, write control as chunks whose type starts with `trigger:`.
    /// None of them is ever for the application.
    fn legacy_control(&self, chunk_type: &str) -> Control<'a> {
        match chunk_type {
            "trigger:turn-complete" => Control::TurnComplete(TurnComplete {
                public_access_token: self.public_access_token.map(RawString::decode),
                ..TurnComplete::default()
            }),
            "trigger:session-state" => {
                Control::SessionState { last_event_id: self.last_event_id.map(RawString::decode) }
            }
            "trigger:upgrade-required" => Control::UpgradeRequired,
            _ => Control::Unknown,
        }
    }
}

fn is_delta(chunk_type: Option<&str>) -> bool {
    matches!(chunk_type, Some("text-delta" | "reasoning-delta" | "tool-input-delta"))
}
