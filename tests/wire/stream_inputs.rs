//! Generated event streams, and the ways to cut them. Shared with the parity example, so that the
//! npm parser is compared on what the properties are checked on.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// What streams are made of: all that the standard gives a meaning, and its neighbours.
const TOKENS: &[&[u8]] = &[
    b"data",
    b"data:",
    b"data: ",
    b"data:x",
    b"event",
    b"event:",
    b"event: ping",
    b"id",
    b"id:",
    b"id: 7",
    b"retry",
    b"retry: 12",
    b":",
    b": ",
    b"::",
    b" ",
    b"  ",
    b"\t",
    b"x",
    b"[DONE]",
    b"0",
    b"Data: ",
    b"\0",
    "é".as_bytes(),
    "日".as_bytes(),
    "🎉".as_bytes(),
    b"\xEF\xBB\xBF",
    b"\xEF",
    b"\xBB",
    b"\xBF",
    b"\xE2\x82",
    b"\xAC",
    b"\xF0\x9F",
    b"\xFF",
    "\u{2028}".as_bytes(),
];

const ENDINGS: &[&[u8]] = &[b"\n", b"\r", b"\r\n", b"\n\n", b"\r\r", b"\r\n\r\n", b"\n\r"];

const LINE_ENDINGS: &[&[u8]] = &[b"\n", b"\r", b"\r\n"];

/// The bytes of a stream: lines that mean something, among pieces that mostly do not.
pub(crate) fn stream() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![3 => select(TOKENS), 2 => select(ENDINGS)].prop_map(<[u8]>::to_vec);
    let pieces = vec(prop_oneof![1 => line(), 1 => piece], 0..50);
    (start(), pieces).prop_map(|(start, pieces)| [start, pieces.concat()].concat())
}

/// Byte order marks and empty lines, in any order: only a mark at the very start is dropped.
fn start() -> impl Strategy<Value = Vec<u8>> {
    let mark = Just(&b"\xEF\xBB\xBF"[..]);
    vec(prop_oneof![mark, select(LINE_ENDINGS)], 0..4).prop_map(|pieces| pieces.concat())
}

/// A line with its ending, often an empty one.
fn line() -> impl Strategy<Value = Vec<u8>> {
    let field = select(&["data", "data", "event", "id", "retry", ""][..]);
    let colon = select(&[":", ": ", ":  ", ""][..]);
    let value = vec(select(TOKENS), 0..3);
    let line = (field, colon, value).prop_map(|(field, colon, value)| {
        [field.as_bytes(), colon.as_bytes(), &value.concat()].concat()
    });
    let text = prop_oneof![2 => line, 1 => Just(Vec::new())];
    (text, select(LINE_ENDINGS)).prop_map(|(text, ending)| [&text[..], ending].concat())
}

/// A stream, in the reads it comes in.
pub(crate) fn reads() -> impl Strategy<Value = Vec<Vec<u8>>> {
    cut(stream())
}

/// Any way to cut a stream into reads; some reads are empty.
pub(crate) fn cut(stream: impl Strategy<Value = Vec<u8>>) -> impl Strategy<Value = Vec<Vec<u8>>> {
    (stream, vec(any::<Index>(), 0..20)).prop_map(|(stream, cuts)| {
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
        cuts.extend([0, stream.len()]);
        cuts.sort_unstable();
        cuts.windows(2).map(|pair| stream[pair[0]..pair[1]].to_vec()).collect()
    })
}
