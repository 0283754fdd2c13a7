//! An incremental decoder of the WHATWG event stream, on bytes.
//!
//! Follows <https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation>
//! with three deliberate differences, none of which the service's streams can show: an event's `id`
//! is reported with that event alone instead of being carried on to later ones (the cursor is the
//! caller's), an event without a name has the empty name instead of `message`, and one event has a
//! bounded size.
//!
//! Whole events that lie inside one read are borrowed from it. Only an event that a read cuts in two
//! is copied, once, and no byte is scanned twice: a large event in small reads costs linear time.

use std::borrow::Cow;
use std::mem;
use std::str::Utf8Error;

use memchr::memchr2;

use super::digits::whole_number;
use super::error::WireError;

/// The most bytes that one line, or the data of one event, may have. A batch carries up to 1,000
/// records of the service, whose own bound is 1 MiB for each record but far less for a batch.
pub const MAX_EVENT_BYTES: usize = 16 * 1024 * 1024;

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// One dispatched event. Bytes that are not UTF-8 are replaced as the standard says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event<'a> {
    /// The `event` field; empty when the event had none.
    pub name: Cow<'a, str>,
    /// The `id` field of this very event. A value with a NUL is ignored, as the standard says.
    pub id: Option<Cow<'a, str>>,
    /// The `data` lines, joined by line feeds.
    pub data: Cow<'a, str>,
}

/// The decoder's state between two reads.
#[derive(Debug, Default)]
pub struct EventStreamDecoder {
    /// A line whose end has not been read yet.
    line: Vec<u8>,
    /// The event whose blank line has not been read yet.
    block: Block<'static>,
    /// The last read ended in a CR, so a LF at the start of the next one belongs to it.
    after_carriage_return: bool,
    /// The first line has been seen, so no byte order mark can follow.
    past_first_line: bool,
    retry_ms: Option<u64>,
    too_large: bool,
}

impl EventStreamDecoder {
    /// Takes the next bytes of the body and hands each event that they complete to `on_event`, in
    /// order. What is left over waits for the next call.
    ///
    /// # Errors
    /// [`WireError::EventTooLarge`] when a line or an event outgrows [`MAX_EVENT_BYTES`]. The error
    /// is sticky: the decoder has lost its place.
    pub fn push(
        &mut self,
        bytes: &[u8],
        mut on_event: impl FnMut(Event<'_>),
    ) -> Result<(), WireError> {
        self.take(bytes, &mut on_event)
    }

    fn take<'a>(
        &mut self,
        mut bytes: &'a [u8],
        on_event: &mut dyn FnMut(Event<'_>),
    ) -> Result<(), WireError> {
        if self.too_large {
            return Err(WireError::EventTooLarge);
        }
        if self.after_carriage_return && !bytes.is_empty() {
            self.after_carriage_return = false;
            bytes = bytes.strip_prefix(b"\n").unwrap_or(bytes);
        }
        let mut block: Block<'a> = mem::take(&mut self.block);
        while let Some((line, rest)) = self.split_line(bytes) {
            bytes = rest;
            let line = if self.line.is_empty() {
                Cow::Borrowed(line)
            } else {
                let mut whole = mem::take(&mut self.line);
                whole.extend_from_slice(line);
                Cow::Owned(whole)
            };
            self.bounded(line.len())?;
            let line = self.without_byte_order_mark(line);
            if line.is_empty() {
                if let Some(event) = block.as_event() {
                    on_event(event);
                }
                block = Block::default();
            } else {
                self.take_line(line, &mut block)?;
            }
        }
        self.line.extend_from_slice(bytes);
        self.bounded(self.line.len())?;
        self.block = block.into_owned();
        Ok(())
    }

    /// The last reconnection time that the stream asked for, in milliseconds.
    pub fn retry_ms(&self) -> Option<u64> {
        self.retry_ms
    }

    /// The next line without its ending, and what follows; `None` when no line ends in `bytes`.
    fn split_line<'b>(&mut self, bytes: &'b [u8]) -> Option<(&'b [u8], &'b [u8])> {
        let (line, ending_on) = bytes.split_at_checked(memchr2(b'\n', b'\r', bytes)?)?;
        let (ending, rest) = ending_on.split_first()?;
        if *ending != b'\r' {
            return Some((line, rest));
        }
        self.after_carriage_return = rest.is_empty();
        Some((line, rest.strip_prefix(b"\n").unwrap_or(rest)))
    }

    /// Only the first line can begin with one, be it an empty line otherwise.
    fn without_byte_order_mark<'a>(&mut self, line: Cow<'a, [u8]>) -> Cow<'a, [u8]> {
        if mem::replace(&mut self.past_first_line, true) || !line.starts_with(BYTE_ORDER_MARK) {
            return line;
        }
        without_prefix(line, BYTE_ORDER_MARK.len())
    }

    fn take_line<'a>(
        &mut self,
        line: Cow<'a, [u8]>,
        block: &mut Block<'a>,
    ) -> Result<(), WireError> {
        let (name_end, value_start) = field_bounds(&line);
        match line.get(..name_end).unwrap_or_default() {
            b"data" => {
                let bytes = block.push_data(without_prefix(line, value_start));
                self.bounded(bytes)?;
            }
            b"event" => block.name = without_prefix(line, value_start),
            b"id" => {
                let id = without_prefix(line, value_start);
                if id.iter().all(|byte| *byte != 0) {
                    block.id = Some(id);
                }
            }
            b"retry" => {
                if let Some(ms) = whole_number(line.get(value_start..).unwrap_or_default()) {
                    self.retry_ms = Some(ms);
                }
            }
            // A comment (its name is empty) or a field of a later standard.
            _ => {}
        }
        Ok(())
    }

    fn bounded(&mut self, bytes: usize) -> Result<(), WireError> {
        self.too_large |= bytes > MAX_EVENT_BYTES;
        if self.too_large { Err(WireError::EventTooLarge) } else { Ok(()) }
    }
}

/// The fields of the event that is being read.
#[derive(Debug, Default)]
struct Block<'a> {
    name: Cow<'a, [u8]>,
    id: Option<Cow<'a, [u8]>>,
    data: Option<Cow<'a, [u8]>>,
}

impl<'a> Block<'a> {
    /// Adds one `data` line; returns how long the data is now.
    fn push_data(&mut self, line: Cow<'a, [u8]>) -> usize {
        match &mut self.data {
            None => self.data.insert(line).len(),
            Some(data) => {
                let data = data.to_mut();
                data.push(b'\n');
                data.extend_from_slice(&line);
                data.len()
            }
        }
    }

    /// An event without data is not dispatched.
    fn as_event(&self) -> Option<Event<'_>> {
        Some(Event {
            data: text(self.data.as_deref()?),
            name: text(&self.name),
            id: self.id.as_deref().map(text),
        })
    }

    fn into_owned(self) -> Block<'static> {
        Block {
            name: Cow::Owned(self.name.into_owned()),
            id: self.id.map(|id| Cow::Owned(id.into_owned())),
            data: self.data.map(|data| Cow::Owned(data.into_owned())),
        }
    }
}

/// UTF-8, with what is none replaced.
fn text(bytes: &[u8]) -> Cow<'_, str> {
    match str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(error) => Cow::Owned(replaced(bytes, error)),
    }
}

/// The same as `String::from_utf8_lossy`, by the code that proves UTF-8: that one has its own.
#[cold]
fn replaced(mut bytes: &[u8], mut error: Utf8Error) -> String {
    let mut text = String::new();
    loop {
        let (valid, rest) = bytes.split_at_checked(error.valid_up_to()).unwrap_or_default();
        text.push_str(str::from_utf8(valid).unwrap_or_default());
        text.push(char::REPLACEMENT_CHARACTER);
        // The end broke off where the length is not known.
        bytes = error.error_len().and_then(|length| rest.get(length..)).unwrap_or_default();
        match str::from_utf8(bytes) {
            Ok(valid) => {
                text.push_str(valid);
                return text;
            }
            Err(next) => error = next,
        }
    }
}

/// Where a line's field name ends, and where its value starts: after the colon, and after one space
/// that may follow it.
fn field_bounds(line: &[u8]) -> (usize, usize) {
    // A field's name is short: the colon is near.
    let Some(colon) = line.iter().position(|byte| *byte == b':') else {
        return (line.len(), line.len());
    };
    let after_colon = colon.saturating_add(1);
    let has_space = line.get(after_colon) == Some(&b' ');
    (colon, after_colon.saturating_add(usize::from(has_space)))
}

fn without_prefix(line: Cow<'_, [u8]>, length: usize) -> Cow<'_, [u8]> {
    match line {
        Cow::Borrowed(line) => Cow::Borrowed(line.get(length..).unwrap_or_default()),
        Cow::Owned(mut line) => {
            line.drain(..length.min(line.len()));
            Cow::Owned(line)
        }
    }
}
