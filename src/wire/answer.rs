//! The service's JSON answers to an append.

use std::borrow::Cow;

use super::input::members;
use super::json::Scanner;

/// What a `200` to an append says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AppendAnswer {
    /// The record's seq in `.in`. Older servers never send it, and none does for a repeat.
    pub seq: Option<u64>,
    /// The run waits for a deployment.
    pub pending_version: bool,
}

impl AppendAnswer {
    /// Reads the answer. What is missing or unreadable is simply not known.
    pub fn read(body: &str) -> Self {
        let [seq, pending_version] = members(body, ["seq", "pendingVersion"]).unwrap_or_default();
        Self {
            seq: seq.and_then(|seq| seq.parse().ok()),
            pending_version: pending_version == Some("true"),
        }
    }
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
        let [code, closed_reason, error] =
            members(body, ["code", "closedReason", "error"]).unwrap_or_default();
        let text = |value: Option<&'a str>| Some(Scanner::new(value?).string().ok()?.decode());
        Self { code: text(code), closed_reason: text(closed_reason), error: text(error) }
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
        assert_eq!(full, AppendAnswer { seq: Some(7), pending_version: true });
        for body in [r#"{"ok":true}"#, "", "<html>", r#"{"seq":"7"}"#, r#"{"seq":-1}"#] {
            assert_eq!(AppendAnswer::read(body), AppendAnswer::default(), "{body}");
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
