//! Records of `.out`: from an event's data to what one record is, without building a tree.
//!
//! Two forms, as the protocol has them: v2, where a `batch` event holds S2 records whose bodies are
//! JSON in JSON, and v1, where an event's data is one bare chunk.

use std::borrow::Cow;

use super::control::{Control, Headers, TurnComplete};
use super::error::WireError;
use super::json::{Malformed, RawString, Scanned, Scanner};

/// What one record is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record<'a> {
    /// A chunk for the application.
    Data(Data<'a>),
    /// The service speaks to the client.
    Control(Control<'a>),
    /// S2's own (`trim`, `fence`). Only the cursor moves.
    Command,
    /// Not to be handed on: no chunk in it, or none that is valid. Only the cursor moves.
    Malformed,
}

/// A data record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Data<'a> {
    /// The chunk's own JSON, untouched, proven valid. Any JSON value but `null`.
    pub chunk: &'a str,
    /// The chunk's `type`, where it is an object that has one.
    pub chunk_type: Option<Cow<'a, str>>,
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
/// [`WireError::MalformedBatch`] when the text is not JSON of the form `{"records":[{…}, …]}`. The
/// records before the fault have been reported.
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
    on_record: &mut impl FnMut(u64, Record<'_>),
) -> Scanned<()> {
    let mut scanner = Scanner::new(batch);
    scanner.object(|scanner, key| {
        if !key.is("records") {
            return scanner.value().map(|_| ());
        }
        scanner.array(|scanner| {
            let record = RawRecord::scan(scanner)?;
            if let Some(seq) = record.seq {
                on_record(seq, record.decode(body));
            }
            Ok(())
        })
    })?;
    scanner.end()
}

/// Decodes the data of one v1 event.
pub fn decode_v1(data: &str) -> Record<'_> {
    let scan = || {
        let mut scanner = Scanner::new(data);
        let chunk = scanner.value()?;
        scanner.end()?;
        data_record(chunk, None)
    };
    scan().unwrap_or(Record::Malformed)
}

/// A record as it stands in its batch.
struct RawRecord<'a> {
    seq: Option<u64>,
    headers: Option<&'a str>,
    body: Option<RawString<'a>>,
}

impl<'a> RawRecord<'a> {
    fn scan(scanner: &mut Scanner<'a>) -> Scanned<Self> {
        let mut record = Self { seq: None, headers: None, body: None };
        scanner.object(|scanner, key| {
            match &*key.decode() {
                "seq_num" => record.seq = scanner.integer_or_skip()?,
                "headers" => record.headers = Some(scanner.value()?),
                "body" => record.body = scanner.string_or_skip()?,
                _ => {
                    scanner.value()?;
                }
            }
            Ok(())
        })?;
        Ok(record)
    }

    fn decode<'b>(&self, body: &'b mut String) -> Record<'b>
    where
        'a: 'b,
    {
        self.decode_strictly(body).unwrap_or(Record::Malformed)
    }

    fn decode_strictly<'b>(&self, body: &'b mut String) -> Scanned<Record<'b>>
    where
        'a: 'b,
    {
        if let Some(headers) = self.headers {
            let headers = Headers::scan(&mut Scanner::new(headers))?;
            if headers.is_command {
                return Ok(Record::Command);
            }
            if let Some(control) = headers.control() {
                return Ok(Record::Control(control));
            }
        }
        body.clear();
        self.body.ok_or(Malformed)?.decode_json_into(body);
        scan_envelope(body)
    }
}

/// Reads `{ "data": <chunk>, "id": <part id> }`.
fn scan_envelope(body: &str) -> Scanned<Record<'_>> {
    let mut chunk = None;
    let mut part_id = None;
    let mut scanner = Scanner::new(body);
    scanner.object(|scanner, key| {
        if key.is("data") {
            chunk = Some(scanner.value()?);
        } else if key.is("id") {
            part_id = scanner.string_or_skip()?;
        } else {
            scanner.value()?;
        }
        Ok(())
    })?;
    scanner.end()?;
    data_record(chunk.ok_or(Malformed)?, part_id)
}

fn data_record<'a>(chunk: &'a str, part_id: Option<RawString<'a>>) -> Scanned<Record<'a>> {
    if chunk == "null" {
        return Err(Malformed);
    }
    let mut chunk_type = None;
    let mut token = None;
    if chunk.starts_with('{') {
        Scanner::new(chunk).object(|scanner, key| {
            match &*key.decode() {
                "type" => chunk_type = scanner.string_or_skip()?,
                "publicAccessToken" => token = scanner.string_or_skip()?,
                _ => {
                    scanner.value()?;
                }
            }
            Ok(())
        })?;
    }
    let chunk_type = chunk_type.map(RawString::decode);
    Ok(match chunk_type.as_deref() {
        Some(chunk_type) if chunk_type.starts_with("trigger:") => {
            Record::Control(legacy_control(chunk_type, token))
        }
        _ => Record::Data(Data { chunk, chunk_type, part_id: part_id.map(RawString::decode) }),
    })
}

/// Older agents write control as chunks whose type starts with `trigger:`. None of them is ever for
/// the application.
fn legacy_control<'a>(chunk_type: &str, token: Option<RawString<'a>>) -> Control<'a> {
    match chunk_type {
        "trigger:turn-complete" => Control::TurnComplete(TurnComplete {
            public_access_token: token.map(RawString::decode),
            ..TurnComplete::default()
        }),
        "trigger:upgrade-required" => Control::UpgradeRequired,
        _ => Control::Unknown,
    }
}
