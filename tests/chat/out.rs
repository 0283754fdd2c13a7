//! The texts of `.out`, as the service writes them.

pub(crate) const PING: &str = "event: ping\ndata: {\"timestamp\":1795466593323}\n\n";
pub(crate) const DONE: &str = "data: [DONE]\n\n";
/// What a proxy says in place of the header, to a reader that sees none.
pub(crate) const SETTLED: &str = "event: settled\ndata: true\n\n";
pub(crate) const ERROR: &str = "event: error\ndata: storage is away\n\n";
/// A batch that a proxy has cut, in an event that is whole.
pub(crate) const BROKEN_BATCH: &str = "event: batch\nid: 9,9,9\ndata: {\"records\":[{\"seq_nu\n\n";

/// One `batch` event. Its `id` is S2's own triple, which is no cursor.
pub(crate) fn batch(records: &[String]) -> String {
    format!("event: batch\nid: 99,99,99\ndata: {{\"records\":[{}]}}\n\n", records.join(","))
}

/// A data record with the chunk `{"type":"<kind>"}`.
pub(crate) fn chunk(seq: u64, kind: &str) -> String {
    data(seq, &format!(r#"{{"type":"{kind}"}}"#))
}

/// A data record.
pub(crate) fn data(seq: u64, chunk: &str) -> String {
    let body = format!(r#"{{"data":{chunk},"id":"part-{seq}"}}"#).replace('"', "\\\"");
    format!(r#"{{"seq_num":{seq},"timestamp":1,"body":"{body}"}}"#)
}

/// A control record with its sibling headers.
pub(crate) fn control(seq: u64, subtype: &str, siblings: &[(&str, &str)]) -> String {
    let mut headers = format!(r#"["trigger-control","{subtype}"]"#);
    for (name, value) in siblings {
        headers.push_str(&format!(r#",["{name}","{value}"]"#));
    }
    format!(r#"{{"seq_num":{seq},"timestamp":1,"headers":[{headers}]}}"#)
}

/// The boundary of a turn that had consumed this much of `.in`.
pub(crate) fn boundary(seq: u64, consumed: u64) -> String {
    control(seq, "turn-complete", &[("session-in-event-id", &consumed.to_string())])
}

/// S2's own record.
pub(crate) fn trim(seq: u64) -> String {
    format!(r#"{{"seq_num":{seq},"timestamp":1,"headers":[["","trim"]],"body":"\u0000\u0013"}}"#)
}
