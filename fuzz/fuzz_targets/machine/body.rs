//! What a subscription's body brings: pieces of the captures, whole events, or any bytes.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use trigger_chat_transport::chat::action::RequestId;

use crate::program::Program;

const CAPTURES: [&[u8]; 6] = [
    include_bytes!("../../../tests/fixtures/s2/turn-1-whole.sse"),
    include_bytes!("../../../tests/fixtures/s2/turn-1-resume-from-5.sse"),
    include_bytes!("../../../tests/fixtures/s2/turn-2-upgrade-and-close.sse"),
    include_bytes!("../../../tests/fixtures/s2/after-trim.sse"),
    include_bytes!("../../../tests/fixtures/s2/idle-long-poll.sse"),
    include_bytes!("../../../tests/fixtures/s2/missing-stream.sse"),
];

/// More chunks than the machine hands on without merging deltas.
const MANY: usize = 70;

/// How far each body has come in its capture, and what was written last.
#[derive(Default)]
pub(crate) struct Body {
    places: BTreeMap<RequestId, (usize, usize)>,
    last_seq: u64,
}

impl Body {
    /// The next bytes of this request's body.
    pub(crate) fn next(&mut self, request: RequestId, program: &mut Program<'_>) -> Vec<u8> {
        match program.choice(11) {
            0 => self.piece(request, program),
            1 => {
                let mut piece = self.piece(request, program);
                let place = program.choice(256) * 16 + program.choice(16);
                if let Some(byte) = piece.get_mut(place) {
                    *byte ^= 1 << program.choice(8);
                }
                piece
            }
            2 => program.bytes().to_vec(),
            3 => {
                let records: Vec<Value> =
                    (0..=program.choice(4)).map(|_| self.record(program)).collect();
                event("batch", &json!({ "records": records }))
            }
            4 => event("ping", &json!({ "timestamp": 1 })),
            5 => b"data: [DONE]\n\n".to_vec(),
            6 => b"event: error\ndata: away\n\n".to_vec(),
            7 => {
                let chunk = chunk(program);
                let id = self.seq(program);
                format!("id: {id}\ndata: {chunk}\n\n").into_bytes()
            }
            // So many deltas that they are merged.
            8 => {
                let chunk = chunk(program);
                let mut record = || {
                    self.last_seq += 1;
                    data_record(self.last_seq, &format!(r#"{{"data":{chunk}}}"#))
                };
                let records: Vec<Value> = (0..MANY).map(|_| record()).collect();
                event("batch", &json!({ "records": records }))
            }
            // A batch that is none, and one that is not finished.
            9 => b"event: batch\ndata: {\"records\":[5,\n\n".to_vec(),
            _ => b"event: batch\ndata: {\"records\":[{\"seq_num\":".to_vec(),
        }
    }

    /// The next piece of a capture; a body stays with the one it began with.
    fn piece(&mut self, request: RequestId, program: &mut Program<'_>) -> Vec<u8> {
        let choice = program.choice(CAPTURES.len());
        let (capture, place) = self.places.entry(request).or_insert((choice, 0));
        let rest = CAPTURES[*capture].get(*place..).unwrap_or_default();
        let length = rest.len().min(16 * program.choice(256));
        *place += length;
        rest[..length].to_vec()
    }

    /// A seq near the last one: mostly behind it, sometimes the same or an earlier one.
    fn seq(&mut self, program: &mut Program<'_>) -> u64 {
        let step = [1, 1, 1, 2, 7, 0][program.choice(6)];
        self.last_seq += step;
        self.last_seq - if step == 0 { self.last_seq / 2 } else { 0 }
    }

    fn record(&mut self, program: &mut Program<'_>) -> Value {
        let seq = self.seq(program);
        let control = |mut headers: Vec<[&str; 2]>, subtype| {
            headers.insert(0, ["trigger-control", subtype]);
            json!({ "seq_num": seq, "headers": headers })
        };
        match program.choice(10) {
            0..=3 => {
                let part = program.choice(16);
                let chunk = chunk(program);
                data_record(seq, &format!(r#"{{"data":{chunk},"id":"part-{part}"}}"#))
            }
            4 | 5 => {
                let consumed = program.choice(10);
                let highest = (consumed + program.choice(2)).to_string();
                let consumed = consumed.to_string();
                let all = [
                    ["session-in-event-id", &*consumed],
                    ["session-in-consumed-id", &*highest],
                    ["public-access-token", "fresh"],
                    ["session-closed", "true"],
                    ["session-closed-reason", "done"],
                ];
                let given = program.choice(32);
                let headers = all.into_iter().enumerate();
                let headers = headers.filter(|(bit, _)| given >> bit & 1 == 1);
                control(headers.map(|(_, header)| header).collect(), "turn-complete")
            }
            6 => control(vec![["session-closed-reason", "done"]], "session-closed"),
            7 => {
                control(Vec::new(), ["pending-version", "upgrade-required", "x"][program.choice(3)])
            }
            8 => json!({ "seq_num": seq, "headers": [["", "trim"]], "body": "\0\u{13}" }),
            _ => json!({ "seq_num": seq, "body": program.text() }),
        }
    }
}

fn data_record(seq: u64, envelope: &str) -> Value {
    json!({ "seq_num": seq, "body": envelope })
}

/// As text, for the order of its members tells: the text of a delta is the last of them.
fn chunk(program: &mut Program<'_>) -> String {
    let id = program.choice(2);
    match program.choice(6) {
        0 => r#"{"type":"start"}"#.to_owned(),
        1 => r#"{"type":"trigger:turn-complete","publicAccessToken":"older"}"#.to_owned(),
        2 => r#"{"type":"data-x","data":[null,{"__proto__":1}]}"#.to_owned(),
        3 => format!(r#"{{"type":"reasoning-delta","id":"{id}","delta":"\ud83c"}}"#),
        _ => format!(
            r#"{{"type":"text-delta","id":"{id}","delta":"é
"}}"#
        ),
    }
}

fn event(name: &str, data: &Value) -> Vec<u8> {
    format!("event: {name}\nid: 1,2,3\ndata: {data}\n\n").into_bytes()
}
