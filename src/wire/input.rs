//! The bodies that are appended to a session's `.in`, built as text, once, so that every retry of a
//! send has the same bytes.

use std::borrow::Cow;

use trigger_chat_stream::json::{Malformed, RawString, Scanned, Scanner};

/// The body that stops the running turn.
pub const STOP_BODY: &str = r#"{"kind":"stop"}"#;

/// Why a message is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// The person wrote a message, or answered a tool's request.
    SubmitMessage,
    /// The last answer is wanted anew.
    RegenerateMessage,
    /// The person adds a message to what the running turn was asked. It is a submitted one on the wire,
    /// and rides whole.
    Steer,
    /// The app wants something of its own done.
    Action,
}

impl Trigger {
    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SubmitMessage | Self::Steer => "submit-message",
            Self::RegenerateMessage => "regenerate-message",
            Self::Action => "action",
        }
    }

    /// Reads the AI SDK's name of a trigger. It has none for an action.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::SubmitMessage, Self::RegenerateMessage]
            .into_iter()
            .find(|trigger| trigger.name() == name)
    }
}

/// A `message` record's payload. Values marked JSON are text as `JSON.stringify` gives it.
#[derive(Debug, Clone, Copy)]
pub struct MessagePayload<'a> {
    /// The app's chat id.
    pub chat_id: &'a str,
    /// Why it is sent.
    pub trigger: Trigger,
    /// JSON of the one message that is sent; none with [`Trigger::RegenerateMessage`], where the
    /// agent slices its own history.
    pub message: Option<&'a str>,
    /// The AI SDK's `messageId`: the message to replace.
    pub message_id: Option<&'a str>,
    /// JSON of the action; only with [`Trigger::Action`].
    pub action: Option<&'a str>,
    /// JSON of the client data.
    pub metadata: Option<&'a str>,
    /// JSON of the app's own `body` object. Its members ride beside the fixed ones, which win.
    pub extra: Option<&'a str>,
}

/// Builds the body of a `message` record: `{"kind":"message","payload":{…}}`. An assistant's
/// message is slimmed on the way, see [`slim`].
pub fn message_body(payload: &MessagePayload<'_>) -> String {
    let mut body = String::from(r#"{"kind":"message","payload":"#);
    let mut object = ObjectWriter::open(&mut body);
    if let Some(extra) = payload.extra {
        // What is no object has no members to add: `JSON.stringify` gave valid JSON.
        let _ = add_extra(extra, payload, &mut object);
    }
    match payload.message {
        Some(message) if payload.trigger == Trigger::Steer => object.member("message", message),
        Some(message) => object.member("message", &slim(message)),
        None => {}
    }
    object.string("chatId", payload.chat_id);
    object.string("trigger", payload.trigger.name());
    if let Some(message_id) = payload.message_id {
        object.string("messageId", message_id);
    }
    object.optional("action", payload.action);
    object.optional("metadata", payload.metadata);
    object.close();
    body.push('}');
    body
}

fn add_extra(
    extra: &str,
    payload: &MessagePayload<'_>,
    object: &mut ObjectWriter<'_>,
) -> Scanned<()> {
    let mut scanner = Scanner::new(extra);
    let mut members = scanner.enter_object()?;
    while let Some(key) = scanner.next_key(&mut members)? {
        let value = scanner.value()?;
        if !is_fixed(&key.decode(), payload) {
            object.raw_member(key, value);
        }
    }
    Ok(())
}

fn is_fixed(key: &str, payload: &MessagePayload<'_>) -> bool {
    match key {
        "chatId" | "trigger" | "messageId" | "metadata" => true,
        "message" => payload.message.is_some() || payload.trigger == Trigger::SubmitMessage,
        _ => false,
    }
}

/// Reduces an assistant message with resolved tool parts to those parts, each to its resolution:
/// the agent has the rest. Any other message stays as it is. Takes and gives JSON.
///
/// Rule of the published client (`slimSubmitMessageForWire`); it keeps an answer to a tool under
/// the size limit of an append.
pub fn slim(message: &str) -> Cow<'_, str> {
    match slim_assistant(message) {
        Ok(Some(slimmed)) => Cow::Owned(slimmed),
        Ok(None) | Err(Malformed) => Cow::Borrowed(message),
    }
}

fn slim_assistant(message: &str) -> Scanned<Option<String>> {
    let [id, role, parts] = members(message, ["id", "role", "parts"])?;
    if !role.is_some_and(|role| is_string(role, |role| role == "assistant")) {
        return Ok(None);
    }
    let mut slim_parts = String::new();
    if let Some(parts) = parts.filter(|parts| parts.starts_with('[')) {
        let mut scanner = Scanner::new(parts);
        let mut items = scanner.enter_array()?;
        while scanner.next_element(&mut items)? {
            push_slim_part(scanner.value()?, &mut slim_parts)?;
        }
    }
    if slim_parts.is_empty() {
        return Ok(None);
    }
    let mut slimmed = String::new();
    let mut object = ObjectWriter::open(&mut slimmed);
    object.optional("id", id);
    object.optional("role", role);
    slim_parts.push(']');
    object.member("parts", &slim_parts);
    object.close();
    Ok(Some(slimmed))
}

/// Appends the part, reduced, when it is a resolved tool part: `[{…}`, then `,{…}`.
fn push_slim_part(part: &str, out: &mut String) -> Scanned<()> {
    if !part.starts_with('{') {
        return Ok(());
    }
    let [kind, state, tool_call_id, tool_name, output, error_text, approval] = members(
        part,
        ["type", "state", "toolCallId", "toolName", "output", "errorText", "approval"],
    )?;
    let is_dynamic = kind.is_some_and(|kind| is_string(kind, |kind| kind == "dynamic-tool"));
    let is_tool = kind.is_some_and(|kind| is_string(kind, |kind| kind.starts_with("tool-")));
    let Some(resolution) = state.and_then(Resolution::of).filter(|_| is_dynamic || is_tool) else {
        return Ok(());
    };
    out.push(if out.is_empty() { '[' } else { ',' });
    let mut object = ObjectWriter::open(out);
    object.optional("type", kind);
    object.optional("toolCallId", tool_call_id);
    object.optional("state", state);
    if is_dynamic {
        object.optional("toolName", tool_name.filter(|name| name.starts_with('"')));
    }
    match resolution {
        Resolution::Output => object.optional("output", output),
        Resolution::Error => object.optional("errorText", error_text),
        Resolution::Answer => {}
    }
    object.optional("approval", approval);
    object.close();
    Ok(())
}

/// How a tool part was resolved.
#[derive(Clone, Copy)]
enum Resolution {
    Output,
    Error,
    Answer,
}

impl Resolution {
    fn of(state: &str) -> Option<Self> {
        let state = Scanner::new(state).string().ok()?.decode();
        Some(match &*state {
            "output-available" => Self::Output,
            "output-error" => Self::Error,
            "approval-responded" | "output-denied" => Self::Answer,
            _ => return None,
        })
    }
}

fn is_string(value: &str, test: impl FnOnce(&str) -> bool) -> bool {
    Scanner::new(value).string().is_ok_and(|string| test(&string.decode()))
}

/// The values of an object's members of these names, as they stand.
pub(super) fn members<'a, const N: usize>(
    object: &'a str,
    names: [&str; N],
) -> Scanned<[Option<&'a str>; N]> {
    let mut values = [None; N];
    collect_members(object, &names, &mut values)?;
    Ok(values)
}

/// The work of [`members`], once for every count of names.
fn collect_members<'a>(
    object: &'a str,
    names: &[&str],
    values: &mut [Option<&'a str>],
) -> Scanned<()> {
    let mut scanner = Scanner::new(object);
    let mut items = scanner.enter_object()?;
    while let Some(key) = scanner.next_key(&mut items)? {
        let value = scanner.value()?;
        for (name, place) in names.iter().zip(values.iter_mut()) {
            if key.is(name) {
                *place = Some(value);
            }
        }
    }
    Ok(())
}

/// Writes one JSON object, member by member.
struct ObjectWriter<'a> {
    out: &'a mut String,
    is_empty: bool,
}

impl<'a> ObjectWriter<'a> {
    fn open(out: &'a mut String) -> Self {
        out.push('{');
        Self { out, is_empty: true }
    }

    /// A member whose value is JSON already.
    fn member(&mut self, key: &str, value: &str) {
        self.key(key);
        self.out.push_str(value);
    }

    /// A member whose name and value are JSON already: both stay as they are spelled.
    fn raw_member(&mut self, key: RawString<'_>, value: &str) {
        self.separate();
        self.out.push('"');
        self.out.push_str(key.raw());
        self.out.push_str("\":");
        self.out.push_str(value);
    }

    /// A member that is left out where there is no value.
    fn optional(&mut self, key: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.member(key, value);
        }
    }

    fn string(&mut self, key: &str, value: &str) {
        self.key(key);
        push_string(self.out, value);
    }

    fn key(&mut self, key: &str) {
        self.separate();
        push_string(self.out, key);
        self.out.push(':');
    }

    fn separate(&mut self) {
        if !self.is_empty {
            self.out.push(',');
        }
        self.is_empty = false;
    }

    fn close(self) {
        self.out.push('}');
    }
}

/// Appends `text` as a JSON string, quotes included.
fn push_string(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\0'..='\x1f' => push_control(out, character),
            _ => out.push(character),
        }
    }
    out.push('"');
}

fn push_control(out: &mut String, character: char) {
    out.push_str("\\u00");
    for shift in [4, 0] {
        let digit = u32::from(character) >> shift & 0xf;
        out.extend(char::from_digit(digit, 16));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    const SUBMIT: MessagePayload<'_> = MessagePayload {
        chat_id: "chat \"1\"",
        trigger: Trigger::SubmitMessage,
        message: Some(r#"{"id":"m1","role":"user","parts":[]}"#),
        message_id: None,
        action: None,
        metadata: None,
        extra: None,
    };

    #[test]
    fn a_submitted_message_rides_whole() {
        assert_eq!(
            message_body(&SUBMIT),
            r#"{"kind":"message","payload":{"message":{"id":"m1","role":"user","parts":[]},"chatId":"chat \"1\"","trigger":"submit-message"}}"#
        );
    }

    #[test]
    fn the_fixed_members_win_over_the_apps_own() {
        let payload = MessagePayload {
            message_id: Some("m1"),
            metadata: Some(r#"{"model":"x"}"#),
            extra: Some(r#"{"chatId":"other","temperature":0.5,"message":1,"tri\u0067ger":2}"#),
            ..SUBMIT
        };
        assert_eq!(
            message_body(&payload),
            r#"{"kind":"message","payload":{"temperature":0.5,"message":{"id":"m1","role":"user","parts":[]},"chatId":"chat \"1\"","trigger":"submit-message","messageId":"m1","metadata":{"model":"x"}}}"#
        );
    }

    #[test]
    fn a_message_for_the_running_turn_rides_whole() {
        let message = r#"{"role":"assistant","parts":[{"type":"tool-a","state":"output-denied"}]}"#;
        let payload = MessagePayload { trigger: Trigger::Steer, message: Some(message), ..SUBMIT };
        assert_eq!(
            message_body(&payload),
            r#"{"kind":"message","payload":{"message":{"role":"assistant","parts":[{"type":"tool-a","state":"output-denied"}]},"chatId":"chat \"1\"","trigger":"submit-message"}}"#
        );
    }

    #[test]
    fn a_regeneration_sends_no_message_of_its_own() {
        let payload = MessagePayload {
            trigger: Trigger::RegenerateMessage,
            message: None,
            message_id: Some("m2"),
            extra: Some(r#"{"message":1}"#),
            ..SUBMIT
        };
        assert_eq!(
            message_body(&payload),
            r#"{"kind":"message","payload":{"message":1,"chatId":"chat \"1\"","trigger":"regenerate-message","messageId":"m2"}}"#
        );
    }

    #[test]
    fn an_action_sends_itself_and_the_client_data() {
        let payload = MessagePayload {
            trigger: Trigger::Action,
            message: None,
            action: Some(r#"{"type":"undo"}"#),
            metadata: Some(r#"{"model":"x"}"#),
            ..SUBMIT
        };
        assert_eq!(
            message_body(&payload),
            r#"{"kind":"message","payload":{"chatId":"chat \"1\"","trigger":"action","action":{"type":"undo"},"metadata":{"model":"x"}}}"#
        );
    }

    #[test]
    fn resolved_tool_parts_are_all_that_an_assistant_message_ships() {
        let message = r#"{"id":"a1","role":"assistant","metadata":{"x":1},"parts":[
            {"type":"text","text":"hello"},
            {"type":"tool-a","toolCallId":"1","state":"output-available","input":{"big":1},"output":[1],"approval":{"id":"p"}},
            {"type":"dynamic-tool","toolCallId":"2","state":"output-error","toolName":"b","input":2,"errorText":"no","output":3},
            {"type":"tool-c","toolCallId":"3","state":"approval-responded","approval":{"approved":true},"output":4},
            {"type":"tool-d","toolCallId":"4","state":"output-denied"},
            {"type":"tool-e","toolCallId":"5","state":"input-available","input":5},
            null]}"#;
        assert_eq!(
            slim(message),
            concat!(
                r#"{"id":"a1","role":"assistant","parts":["#,
                r#"{"type":"tool-a","toolCallId":"1","state":"output-available","output":[1],"approval":{"id":"p"}},"#,
                r#"{"type":"dynamic-tool","toolCallId":"2","state":"output-error","toolName":"b","errorText":"no"},"#,
                r#"{"type":"tool-c","toolCallId":"3","state":"approval-responded","approval":{"approved":true}},"#,
                r#"{"type":"tool-d","toolCallId":"4","state":"output-denied"}]}"#
            )
        );
    }

    #[test]
    fn every_other_message_ships_whole() {
        for message in [
            r#"{"id":"u","role":"user","parts":[{"type":"tool-a","state":"output-available"}]}"#,
            r#"{"id":"a","role":"assistant","parts":[{"type":"text","text":"x"}]}"#,
            r#"{"id":"a","role":"assistant","parts":[{"type":"tool-a","state":"input-available"}]}"#,
            r#"{"id":"a","role":"assistant"}"#,
            r#"{"id":"a","role":"assistant","parts":"none"}"#,
            "null",
            "",
        ] {
            assert_eq!(slim(message), message);
        }
    }

    #[test]
    fn a_written_string_reads_back() {
        let text = "quote \" back \\ line\n tab\t nul \0 bell \u{7} é 🎉";
        let mut json = String::new();
        push_string(&mut json, text);
        assert_eq!(Scanner::new(&json).string().unwrap().decode(), text);
    }
}
