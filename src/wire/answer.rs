//! The service's JSON answers to an append, and to the question whether one has landed.

use std::borrow::Cow;

use trigger_chat_stream::json::{Malformed, Scanned, Scanner};

use super::members::Members;

/// What a `200` to an append says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AppendAnswer {
    /// The record's seq in `.in`. Older servers never send it, and none does for a repeat.
    pub seq: Option<u64>,
    /// The run waits for a deployment.
    pub pending_version: bool,
}

impl AppendAnswer {
    /// Reads the answer: an object, or nothing at all. `None` for anything else, such as a proxy's
    /// page: the service has not spoken.
    pub fn read(body: &str) -> Option<Self> {
        if body.is_empty() {
            return Some(Self::default());
        }
        let answer = Members::read(body).ok()?;
        Some(Self { seq: answer.number("seq"), pending_version: answer.flag("pendingVersion") })
    }
}

/// Whether an append has landed, as the answer of `.in/records` tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Landing {
    /// It has.
    Landed {
        /// The record's seq, where it is readable.
        seq: Option<u64>,
    },
    /// Not so far.
    Missing,
    /// The answer is no list of records.
    Unreadable,
}

impl Landing {
    /// Looks for the part id among the records of the answer.
    pub fn find(body: &str, part_id: &str) -> Self {
        scan_records(body, part_id).unwrap_or(Self::Unreadable)
    }
}

fn scan_records(body: &str, part_id: &str) -> Scanned<Landing> {
    let records = Members::read(body)?.get("records");
    let mut landing = Landing::Missing;
    let mut scanner = Scanner::new(records.ok_or(Malformed)?);
    let mut items = scanner.enter_array()?;
    while scanner.next_element(&mut items)? {
        let record = Members::read(scanner.value()?)?;
        if record.text("id").is_some_and(|id| id == part_id) {
            landing = Landing::Landed { seq: record.number("seqNum") };
        }
    }
    Ok(landing)
}

/// What a refusal says beside its status.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Refusal<'a> {
    /// The stable name of the error.
    pub code: Option<Cow<'a, str>>,
    /// Why the session was closed.
    pub closed_reason: Option<Cow<'a, str>>,
    /// The service's own sentence.
    pub error: Option<Cow<'a, str>>,
}

impl<'a> Refusal<'a> {
    /// Reads the answer's body, which may be anything: a proxy's page, or nothing.
    pub fn read(body: &'a str) -> Self {
        let refusal = Members::read(body).unwrap_or_default();
        Self {
            code: refusal.text("code"),
            closed_reason: refusal.text("closedReason"),
            error: refusal.text("error"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn an_answer_gives_what_it_has() {
        let full = AppendAnswer::read(r#"{"ok":true,"seq":7,"pendingVersion":true}"#);
        assert_eq!(full, Some(AppendAnswer { seq: Some(7), pending_version: true }));
        for body in [r#"{"ok":true}"#, "", r#"{"seq":"7"}"#, r#"{"seq":-1}"#] {
            assert_eq!(AppendAnswer::read(body), Some(AppendAnswer::default()), "{body}");
        }
    }

    #[test]
    fn a_page_in_the_place_of_an_answer_is_none() {
        for body in ["<html>", "ok", "[]", "7", r#"{"seq":7"#] {
            assert_eq!(AppendAnswer::read(body), None, "{body}");
        }
    }

    #[test]
    fn a_record_is_found_by_its_part_id() {
        let body = r#"{"records":[{"data":{"id":"b"},"id":"a","seqNum":4},
            {"id":"\u0062","seqNum":5,"headers":[]},{"id":"d"},{}]}"#;
        assert_eq!(Landing::find(body, "a"), Landing::Landed { seq: Some(4) });
        assert_eq!(Landing::find(body, "b"), Landing::Landed { seq: Some(5) });
        assert_eq!(Landing::find(body, "c"), Landing::Missing);
        assert_eq!(Landing::find(body, "d"), Landing::Landed { seq: None });
        assert_eq!(Landing::find(r#"{"records":[]}"#, "a"), Landing::Missing);
    }

    #[test]
    fn what_is_no_list_of_records_tells_nothing() {
        for body in ["", "<html>", "[]", "{}", r#"{"records":{}}"#, r#"{"records":[7]}"#] {
            assert_eq!(Landing::find(body, "a"), Landing::Unreadable, "{body}");
        }
    }

    #[test]
    fn a_refusal_gives_what_it_has() {
        let closed = r#"{"ok":false,"error":"closed","code":"session_closed","closedReason":"d\u00e9j\u00e0"}"#;
        assert_eq!(
            Refusal::read(closed),
            Refusal {
                code: Some("session_closed".into()),
                closed_reason: Some("déjà".into()),
                error: Some("closed".into()),
            }
        );
        let reasonless = r#"{"ok":false,"error":"closed","closedReason":null}"#;
        assert_eq!(Refusal::read(reasonless).closed_reason, None);
        assert_eq!(Refusal::read("<html>"), Refusal::default());
    }
}
