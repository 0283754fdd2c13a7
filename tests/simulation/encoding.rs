//! Bytes of `.out`, written from the protocol's text and the captures: nothing here is shared with
//! the code under test.

use crate::model_server::{Kind, Written};
use crate::random::Random;

pub(crate) const DONE: &str = "data: [DONE]\n\n";

pub(crate) fn ping(now: u64, tail: u64) -> String {
    let tail = format!(r#"{{"seq_num":{tail},"timestamp":{now}}}"#);
    format!("event: ping\ndata: {{\"timestamp\":{now},\"tail\":{tail}}}\n\n")
}

pub(crate) fn error() -> String {
    "event: error\ndata: the storage is away for a moment\n\n".to_owned()
}

/// One v2 event. Its `id` is S2's own triple: whoever takes it for the cursor is lost.
pub(crate) fn batch(records: &[Written], random: &mut Random) -> String {
    let last = records.last().map_or(0, |record| record.seq);
    let records: Vec<_> = records.iter().map(|record| v2_record(record, random)).collect();
    let list = records.join(",");
    format!("event: batch\nid: {},{},{}\ndata: {{\"records\":[{list}]}}\n\n", last + 7, last, 512)
}

/// The same event as a careless proxy leaves it: whole as an event, cut as JSON.
pub(crate) fn damaged(batch: &str, random: &mut Random) -> String {
    let data = batch.find("\ndata: ").expect("a batch has data") + 7;
    let mut end = data + random.below(batch.len() - data - 3);
    while !batch.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}\n\n", &batch[..end])
}

fn v2_record(record: &Written, random: &mut Random) -> String {
    let head = format!(r#""seq_num":{},"timestamp":1795466592237"#, record.seq);
    match &record.kind {
        Kind::Chunk { json, part, .. } => data(&head, json, *part, random),
        Kind::Boundary { token, data_part: Some(part), .. } => {
            data(&head, &boundary_chunk(token.as_deref()), *part, random)
        }
        Kind::Boundary { told, taken, token, closes, .. } => {
            let mut headers = r#"["trigger-control","turn-complete"]"#.to_owned();
            for (name, value) in [
                ("public-access-token", token.clone()),
                ("session-in-event-id", told.map(|seq| seq.to_string())),
                ("session-in-consumed-id", taken.map(|seq| seq.to_string())),
                ("session-closed", closes.then(|| "true".to_owned())),
            ] {
                if let Some(value) = value {
                    headers.push_str(&format!(r#",["{name}","{value}"]"#));
                }
            }
            format!(r#"{{{head},"headers":[{headers}]}}"#)
        }
        Kind::Closed => format!(r#"{{{head},"headers":[["trigger-control","session-closed"]]}}"#),
        Kind::Notice(subtype) => {
            format!(r#"{{{head},"headers":[["trigger-control","{subtype}"]]}}"#)
        }
        Kind::Trim => format!(r#"{{{head},"headers":[["","trim"]],"body":"\u0000\u0013"}}"#),
    }
}

fn data(head: &str, chunk: &str, part: u64, random: &mut Random) -> String {
    let envelope = format!(r#"{{"data":{chunk},"id":"part-{part}"}}"#);
    format!(r#"{{{head},"body":{}}}"#, string(&envelope, random))
}

/// The end of a turn, as older agents write it.
fn boundary_chunk(token: Option<&str>) -> String {
    match token {
        Some(token) => {
            format!(r#"{{"type":"trigger:turn-complete","publicAccessToken":"{token}"}}"#)
        }
        None => r#"{"type":"trigger:turn-complete"}"#.to_owned(),
    }
}

/// A JSON string, as one of the serializers writes it that may stand at the other end.
fn string(text: &str, random: &mut Random) -> String {
    let plain = serde_json::to_string(text).expect("a string is JSON");
    if random.percent(70) {
        return plain;
    }
    let mut escaped = String::new();
    for char in plain.chars() {
        if char.is_ascii() {
            escaped.push(char);
        } else {
            for unit in char.encode_utf16(&mut [0; 2]) {
                escaped.push_str(&format!("\\u{unit:04X}"));
            }
        }
    }
    escaped
}

/// A token that tells its lifetime, in seconds. Its signature is a name.
pub(crate) fn jwt(issued_at: u64, expires_at: u64, name: &str) -> String {
    let claims = format!(r#"{{"sub":"x","iat":{issued_at},"exp":{expires_at}}}"#);
    format!("eyJhbGciOiJIUzI1NiJ9.{}.{name}", base64url(claims.as_bytes()))
}

fn base64url(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for piece in bytes.chunks(3) {
        let byte = |at: usize| u32::from(piece.get(at).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..=piece.len() {
            text.push(DIGITS[(bits >> (18 - 6 * digit) & 63) as usize].into());
        }
    }
    text
}

/// The v1 event of a record, where that version has one.
pub(crate) fn v1_event(record: &Written) -> Option<String> {
    let chunk = match &record.kind {
        Kind::Chunk { json, .. } => json.clone(),
        Kind::Boundary { token, .. } => boundary_chunk(token.as_deref()),
        Kind::Notice(_) | Kind::Closed | Kind::Trim => return None,
    };
    Some(format!("id: {}\ndata: {chunk}\n\n", record.seq))
}
