//! Bodies for `.in`, by example: what `JSON.stringify` gives has to reach the wire unharmed.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use std::borrow::Cow;

use trigger_chat_transport::wire::input::{MessagePayload, STOP_BODY, Trigger, message_body, slim};

use crate::reference;

const SUBMIT: MessagePayload<'_> = MessagePayload {
    chat_id: "c",
    trigger: Trigger::SubmitMessage,
    message: Some("{}"),
    message_id: None,
    action: None,
    metadata: None,
    extra: None,
};

fn with_extra(extra: &str) -> String {
    message_body(&MessagePayload { extra: Some(extra), ..SUBMIT })
}

#[test]
fn a_stop_has_nothing_but_its_kind() {
    assert_eq!(STOP_BODY, r#"{"kind":"stop"}"#);
}

#[test]
fn values_of_the_app_keep_their_spelling() {
    let value = r#"{"z":1,"a":[15000000000,1e400,-0,0.10],"__proto__":{"x":"\ud83c"}}"#;
    let body = message_body(&MessagePayload {
        message: Some(value),
        metadata: Some(value),
        extra: Some(r#"{"own":{"z":1,"a":[1e400,-0]},"__proto__":0}"#),
        ..SUBMIT
    });
    assert_eq!(
        body,
        format!(
            r#"{{"kind":"message","payload":{{"own":{{"z":1,"a":[1e400,-0]}},"__proto__":0,"message":{value},"chatId":"c","trigger":"submit-message","metadata":{value}}}}}"#
        )
    );
}

#[test]
fn an_extra_that_is_no_object_adds_nothing() {
    let without = message_body(&SUBMIT);
    for extra in ["null", "5", "[]", r#"["chatId"]"#, r#""text""#, "{}", ""] {
        assert_eq!(with_extra(extra), without, "{extra}");
    }
}

#[test]
fn the_names_of_the_apps_members_are_kept() {
    assert!(with_extra(r#"{"a\"b\\c\n\u0001é":1}"#).contains(r#""a\"b\\c\n\u0001é":1"#));
}

#[test]
fn two_names_with_different_lone_surrogates_stay_two_names() {
    let body = with_extra(r#"{"\ud83c":1,"\ud83d":2}"#);
    assert!(body.contains(r#"{"\ud83c":1,"\ud83d":2,"#), "{body}");
}

#[test]
fn a_message_that_is_given_is_the_only_one() {
    for trigger in [Trigger::SubmitMessage, Trigger::RegenerateMessage] {
        let body = message_body(&MessagePayload {
            trigger,
            message: Some(r#"{"id":"m"}"#),
            extra: Some(r#"{"message":1}"#),
            ..SUBMIT
        });
        assert_eq!(body.matches(r#""message":"#).count(), 1, "{body}");
    }
}

#[test]
fn a_chat_id_and_a_message_id_may_be_any_text() {
    let text = "\" \\ \u{0}\u{1f}\u{7f}\u{2028} é 🎉 </script>";
    let body = message_body(&MessagePayload { chat_id: text, message_id: Some(text), ..SUBMIT });
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body["payload"]["chatId"], text);
    assert_eq!(body["payload"]["messageId"], text);
}

#[test]
fn a_trigger_is_known_by_its_name() {
    for trigger in [Trigger::SubmitMessage, Trigger::RegenerateMessage] {
        assert_eq!(Trigger::from_name(trigger.name()), Some(trigger));
    }
    for name in ["", "action", "preload", "Submit-Message"] {
        assert_eq!(Trigger::from_name(name), None);
    }
}

#[test]
fn a_slimmed_value_keeps_its_spelling() {
    let output = r#"{"z":1,"a":[15000000000,1e400,-0],"__proto__":"\ud83c"}"#;
    let message = format!(
        r#" {{ "parts" : [ 5, "tool-a", [], {{"output":{output} ,"input":[1],"state":"output-av\u0061ilable","type":"tool-\ud83c"}} ],"role":"\u0061ssistant","id":5}}"#
    );
    assert_eq!(
        slim(&message),
        format!(
            r#"{{"id":5,"role":"\u0061ssistant","parts":[{{"type":"tool-\ud83c","state":"output-av\u0061ilable","output":{output}}}]}}"#
        )
    );
}

#[test]
fn a_null_is_a_value() {
    let message = r#"{"id":"a","role":"assistant","parts":[{"type":"tool-a","toolCallId":"1","state":"output-available","output":null,"approval":null}]}"#;
    assert_eq!(slim(message), message);
}

#[test]
fn the_order_of_parts_stays() {
    let part = |id| format!(r#"{{"type":"tool-a","toolCallId":"{id}","state":"output-denied"}}"#);
    let message =
        format!(r#"{{"role":"assistant","parts":[{},{},{}]}}"#, part("b"), part("c"), part("a"));
    assert_eq!(slim(&message), message);
}

#[test]
fn a_message_that_ships_whole_is_not_copied() {
    let message = r#"{"role":"user","parts":[{"type":"tool-a","state":"output-denied"}]}"#;
    assert!(matches!(slim(message), Cow::Borrowed(whole) if whole == message));
}

#[test]
fn an_output_may_nest_deeper_than_any_call_stack() {
    let output = "[".repeat(50_000) + &"]".repeat(50_000);
    let message = format!(
        r#"{{"role":"assistant","parts":[{{"type":"tool-a","state":"output-available","output":{output}}}]}}"#
    );
    assert_eq!(slim(&message), message);
    assert!(reference::is_json(&slim(&message)));
}
