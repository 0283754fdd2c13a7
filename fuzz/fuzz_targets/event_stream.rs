//! The event-stream decoder: any bytes, however they are cut, give the events that the standard says.
//!
//! An input is a stream, and behind it the places at which it is cut: two bytes for each, and last
//! one that says how many there are.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[allow(dead_code, reason = "shared with the tests of `wire`, which use all of it")]
#[path = "../../tests/wire/delivery.rs"]
mod delivery;
#[allow(dead_code, reason = "shared with the tests of `wire`, which use all of it")]
#[path = "../../tests/wire/reference.rs"]
mod reference;

use delivery::{Outcome, Seen, deliver};

const MAX_CUTS: usize = 8;

fuzz_target!(|input: &[u8]| {
    let (stream, cuts) = stream_and_cuts(input);
    let (items, retry_ms) = reference::events(stream);
    let expected = Outcome { items, error: None, retry_ms };
    let gives_the_same = |way: &str, reads: &[&[u8]]| {
        let seen = deliver(reads.iter().copied(), |event| vec![Seen::from(event)]);
        assert_eq!(seen, expected, "{way}");
    };
    gives_the_same("whole", &[stream]);
    let bytes: Vec<&[u8]> = stream.chunks(1).collect();
    gives_the_same("byte by byte", &bytes);
    let with_empty_reads: Vec<&[u8]> = bytes.iter().flat_map(|byte| [&b""[..], byte]).collect();
    gives_the_same("byte by byte, with empty reads between", &with_empty_reads);
    let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &stream[pair[0]..pair[1]]).collect();
    gives_the_same(&format!("cut at {cuts:?}"), &pieces);
});

/// The stream of an input, and where to cut it, from its start to its end.
fn stream_and_cuts(input: &[u8]) -> (&[u8], Vec<usize>) {
    let (count, rest) = input.split_last().map_or((0, input), |(last, rest)| (*last, rest));
    let count = (usize::from(count) % MAX_CUTS).min(rest.len() / 2);
    let (stream, places) = rest.split_at(rest.len() - 2 * count);
    let place = |bytes: &[u8]| usize::from(bytes[0]) << 8 | usize::from(bytes[1]);
    let mut cuts: Vec<usize> =
        places.chunks(2).map(|bytes| place(bytes) % (stream.len() + 1)).collect();
    cuts.extend([0, stream.len()]);
    cuts.sort_unstable();
    (stream, cuts)
}
