//! An incremental decoder of the WHATWG event stream, on bytes.
//!
//! Follows <https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation>
//! with three deliberate differences, none of which the service's streams can show: an event's `id`
//! is reported with that event alone instead of being carried on to later ones (the cursor is the
//! caller's), an event without a name has the empty name instead of `message`, and one event has a
//! bounded size.
//!
//! The event that is being read lies in the decoder's own buffers, which serve one event after the
//! other. No byte is scanned twice: a large event in small reads costs linear time.

use std::mem;

use memchr::memchr2;

use super::digits::whole_number;
use super::error::WireError;

/// The most bytes that one line, or the data of one event, may have. A batch carries up to 1,000
/// records of the service, whose own bound is 1 MiB for each record but far less for a batch.
pub const MAX_EVENT_BYTES: usize = 16 * 1024 * 1024;

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// One dispatched event. Bytes that are not UTF-8 are replaced as the standard says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event<'a> {
    /// The `event` field; empty when the event had none.
    pub name: &'a str,
    /// The `id` field of this very event. A value with a NUL is ignored, as the standard says.
    pub id: Option<&'a str>,
    /// The `data` lines, joined by line feeds.
    pub data: &'a str,
}

/// The decoder's state between two reads.
#[derive(Debug, Default)]
pub struct EventStreamDecoder {
    /// A line whose end has not been read yet.
    line: Vec<u8>,
    /// The last read ended in a CR, so a LF at the start of the next one belongs to it.
    after_carriage_return: bool,
    /// The first line has been seen, so no byte order mark can follow.
    past_first_line: bool,
    /// The fields of the event whose blank line has not been read yet.
    name: String,
    id: String,
    has_id: bool,
    data: String,
    has_data: bool,
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

    fn take(
        &mut self,
        mut bytes: &[u8],
        on_event: &mut dyn FnMut(Event<'_>),
    ) -> Result<(), WireError> {
        if self.too_large {
            return Err(WireError::EventTooLarge);
        }
        if self.after_carriage_return && !bytes.is_empty() {
            self.after_carriage_return = false;
            bytes = bytes.strip_prefix(b"\n").unwrap_or(bytes);
        }
        while let Some((end_of_line, rest)) = self.split_line(bytes) {
            bytes = rest;
            let mut line = mem::take(&mut self.line);
            if line.is_empty() {
                self.take_line(end_of_line, on_event)?;
            } else {
                line.extend_from_slice(end_of_line);
                self.take_line(&line, on_event)?;
                line.clear();
            }
            self.line = line;
        }
        self.line.extend_from_slice(bytes);
        self.bounded(self.line.len())
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

    fn take_line(
        &mut self,
        line: &[u8],
        on_event: &mut dyn FnMut(Event<'_>),
    ) -> Result<(), WireError> {
        self.bounded(line.len())?;
        let line = self.without_byte_order_mark(line);
        if line.is_empty() {
            self.dispatch(on_event);
            return Ok(());
        }
        let (name, value) = split_field(line);
        match name {
            b"data" => {
                if mem::replace(&mut self.has_data, true) {
                    self.data.push('\n');
                }
                push_text(&mut self.data, value);
                self.bounded(self.data.len())?;
            }
            b"event" => {
                self.name.clear();
                push_text(&mut self.name, value);
            }
            b"id" if value.iter().all(|byte| *byte != 0) => {
                self.has_id = true;
                self.id.clear();
                push_text(&mut self.id, value);
            }
            b"retry" => self.retry_ms = whole_number(value).or(self.retry_ms),
            // A comment (its name is empty) or a field of a later standard.
            _ => {}
        }
        Ok(())
    }

    /// Only the first line can begin with one, be it an empty line otherwise.
    fn without_byte_order_mark<'a>(&mut self, line: &'a [u8]) -> &'a [u8] {
        if mem::replace(&mut self.past_first_line, true) {
            return line;
        }
        line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line)
    }

    /// Hands on the event that a blank line ends. One without data is none.
    fn dispatch(&mut self, on_event: &mut dyn FnMut(Event<'_>)) {
        if mem::take(&mut self.has_data) {
            let id = self.has_id.then_some(&*self.id);
            on_event(Event { name: &self.name, id, data: &self.data });
        }
        self.has_id = false;
        self.name.clear();
        self.data.clear();
    }

    fn bounded(&mut self, bytes: usize) -> Result<(), WireError> {
        self.too_large |= bytes > MAX_EVENT_BYTES;
        if self.too_large { Err(WireError::EventTooLarge) } else { Ok(()) }
    }
}

/// A line's field name, and its value: what follows the colon, without one space that may come first.
fn split_field(line: &[u8]) -> (&[u8], &[u8]) {
    // A field's name is short: the colon is near.
    let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
    let (name, value) = line.split_at_checked(colon).unwrap_or_default();
    let value = value.strip_prefix(b":").unwrap_or_default();
    (name, value.strip_prefix(b" ").unwrap_or(value))
}

/// Appends UTF-8, with what is none replaced: as `String::from_utf8_lossy` does, but by the code that
/// proves UTF-8. That one has its own.
fn push_text(text: &mut String, mut bytes: &[u8]) {
    loop {
        let error = match str::from_utf8(bytes) {
            Ok(valid) => return text.push_str(valid),
            Err(error) => error,
        };
        let (valid, rest) = bytes.split_at_checked(error.valid_up_to()).unwrap_or_default();
        text.push_str(str::from_utf8(valid).unwrap_or_default());
        text.push(char::REPLACEMENT_CHARACTER);
        // The end broke off where the length is not known.
        bytes = error.error_len().and_then(|length| rest.get(length..)).unwrap_or_default();
    }
}
