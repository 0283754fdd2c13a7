//! The bound on one event's size.
//!
//! 16 MiB byte by byte would take seconds, so these tests choose their own cuts: large reads up to
//! the edge, then every way over it.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use trigger_chat_transport::wire::error::WireError;
use trigger_chat_transport::wire::event_stream::{EventStreamDecoder, MAX_EVENT_BYTES};

use crate::delivery::deliver;

const EARLIER: &[u8] = b"data: earlier\n\n";
const LATER: &[u8] = b"data: later\n\n";

/// The lengths of the events' data, and the error, with `stream` cut in several ways.
fn outcome(stream: &[u8]) -> (Vec<usize>, Option<WireError>) {
    let whole = lengths([stream]);
    assert_eq!(lengths(stream.chunks(65_521)), whole, "in reads of a prime size");
    // Byte by byte where the bound is: the last bytes of the large event and what follows it.
    let (start, edge) = stream.split_at(stream.len().saturating_sub(64));
    assert_eq!(lengths([start].into_iter().chain(edge.chunks(1))), whole, "byte by byte");
    whole
}

fn lengths<'a>(reads: impl IntoIterator<Item = &'a [u8]>) -> (Vec<usize>, Option<WireError>) {
    let outcome = deliver(reads, |event| vec![event.data.len()]);
    (outcome.items, outcome.error)
}

fn stream(parts: &[&[u8]]) -> Vec<u8> {
    [EARLIER, &parts.concat(), LATER].concat()
}

const TOO_LARGE: Option<WireError> = Some(WireError::EventTooLarge);

#[test]
fn a_line_of_the_very_bound_passes_and_one_byte_more_does_not() {
    let value = vec![b'x'; MAX_EVENT_BYTES - 4];
    let fitting = stream(&[b"data:", &value[1..], b"\r\n\r\n"]);
    assert_eq!(outcome(&fitting), (vec![7, MAX_EVENT_BYTES - 5, 5], None));
    let too_long = stream(&[b"data:", &value, b"\r\n\r\n"]);
    assert_eq!(outcome(&too_long), (vec![7], TOO_LARGE));
}

#[test]
fn a_byte_order_mark_counts_as_a_part_of_its_line() {
    let value = vec![b'x'; MAX_EVENT_BYTES - 8];
    let fitting = [b"\xEF\xBB\xBFdata:", &value[..], b"\n\n"].concat();
    assert_eq!(outcome(&fitting), (vec![MAX_EVENT_BYTES - 8], None));
    let too_long = [b"\xEF\xBB\xBFdata:x", &value[..], b"\n\n"].concat();
    assert_eq!(outcome(&too_long), (vec![], TOO_LARGE));
}

#[test]
fn the_data_of_many_lines_is_bounded_as_a_whole() {
    let half = vec![b'x'; MAX_EVENT_BYTES / 2];
    let fitting = stream(&[b"data:", &half, b"\ndata:", &half[1..], b"\n\n"]);
    assert_eq!(outcome(&fitting), (vec![7, MAX_EVENT_BYTES, 5], None));
    let too_long = stream(&[b"data:", &half, b"\ndata:", &half, b"\n\n"]);
    assert_eq!(outcome(&too_long), (vec![7], TOO_LARGE));
}

#[test]
fn a_line_that_never_ends_is_refused_as_soon_as_it_outgrows_the_bound() {
    let mut decoder = EventStreamDecoder::default();
    let mebibyte = vec![b'x'; 1 << 20];
    for _ in 0..MAX_EVENT_BYTES >> 20 {
        assert_eq!(decoder.push(&mebibyte, |_| ()), Ok(()));
    }
    assert_eq!(decoder.push(b"x", |_| ()), Err(WireError::EventTooLarge));
}

#[test]
fn comments_and_unknown_fields_are_bounded_too() {
    let value = vec![b'x'; MAX_EVENT_BYTES];
    for start in [b":", b"x"] {
        let stream = stream(&[start, &value, b"\n"]);
        assert_eq!(lengths([&stream[..]]), (vec![7], TOO_LARGE));
    }
}

#[test]
fn a_stream_of_many_events_may_be_of_any_size() {
    let event = [b"data:", &vec![b'x'; 6 << 20][..], b"\n\n"].concat();
    let mut decoder = EventStreamDecoder::default();
    let mut events = 0;
    for _ in 0..5 {
        assert_eq!(decoder.push(&event, |_| events += 1), Ok(()));
    }
    assert_eq!(events, 5);
}
