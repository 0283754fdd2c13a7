//! Slimming, and the bodies that messages ride in: valid JSON, with the members that the protocol
//! names and no others, each as it was spelled.
//!
//! An input is texts with a NUL between them: JSON of a message, of the app's own members, of the
//! client data and of an action, then a chat id and a message id. Those at the end may be missing.
#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use serde_json::value::RawValue;
use trigger_chat_transport::wire::input::{MessagePayload, Trigger, message_body, slim};

#[allow(dead_code, reason = "shared with the tests of `wire`, which use all of it")]
#[path = "../../tests/wire/delivery.rs"]
mod delivery;
#[allow(dead_code, reason = "shared with the tests of `wire`, which use all of it")]
#[path = "../../tests/wire/reference.rs"]
mod reference;

use reference::{CannotTell, Members, is_json, members, string, trimmed};

fuzz_target!(|input: &str| {
    let mut texts = input.split('\0');
    let message = texts.next().unwrap_or_default();
    check_slimming(message);
    let mut json = || texts.next().filter(|text| is_json(text));
    let (extra, metadata, action) = (json(), json(), json());
    let chat_id = texts.next().unwrap_or_default();
    let message_id = texts.next();
    let payload = MessagePayload {
        chat_id,
        trigger: Trigger::SubmitMessage,
        message: Some(message).filter(|text| is_json(text)),
        message_id,
        action: None,
        metadata,
        extra,
    };
    check_body(&payload);
    check_body(&MessagePayload { message_id: None, metadata: None, ..payload });
    check_body(&MessagePayload { trigger: Trigger::RegenerateMessage, ..payload });
    check_body(&MessagePayload { trigger: Trigger::RegenerateMessage, message: None, ..payload });
    check_body(&MessagePayload { trigger: Trigger::Action, message: None, action, ..payload });
});

fn check_slimming(message: &str) {
    let slimmed = slim(message);
    if !is_json(message) {
        return;
    }
    assert!(is_json(&slimmed), "{slimmed}");
    if let Ok(expected) = slimmed_message(message) {
        assert_eq!(slimmed, expected.as_deref().unwrap_or(message));
        assert_eq!(slim(&slimmed), slimmed, "slimmed twice");
    }
}

/// The protocol's "Slimming", on texts: `None` for a message that ships whole.
fn slimmed_message(message: &str) -> Result<Option<String>, CannotTell> {
    let Some(message) = members(message)? else { return Ok(None) };
    let parts = message.get("parts").map_or("", |parts| parts.get());
    let Ok(parts) = serde_json::from_str::<Vec<&RawValue>>(parts) else { return Ok(None) };
    let mut slimmed = Vec::new();
    for part in parts {
        slimmed.extend(slimmed_part(part.get())?);
    }
    if text(&message, "role").as_deref() != Some("assistant") || slimmed.is_empty() {
        return Ok(None);
    }
    let kept = picked(&message, &["id", "role"]);
    Ok(Some(format!(
        "{{{}}}",
        [kept, vec![format!(r#""parts":[{}]"#, slimmed.join(","))]].concat().join(",")
    )))
}

fn slimmed_part(part: &str) -> Result<Option<String>, CannotTell> {
    let Some(part) = members(part)? else { return Ok(None) };
    let Some(part_type) = text(&part, "type") else { return Ok(None) };
    let is_dynamic = part_type == "dynamic-tool";
    if !is_dynamic && !part_type.starts_with("tool-") {
        return Ok(None);
    }
    let resolution: &[&str] = match text(&part, "state").as_deref() {
        Some("output-available") => &["output", "approval"],
        Some("output-error") => &["errorText", "approval"],
        Some("approval-responded" | "output-denied") => &["approval"],
        _ => return Ok(None),
    };
    let mut kept = picked(&part, &["type", "toolCallId", "state"]);
    // The published client: only where it is a string.
    if is_dynamic && text(&part, "toolName").is_some() {
        kept.extend(picked(&part, &["toolName"]));
    }
    kept.extend(picked(&part, resolution));
    Ok(Some(format!("{{{}}}", kept.join(","))))
}

/// The members of these names that there are, as they are spelled.
fn picked(object: &Members, names: &[&str]) -> Vec<String> {
    let member = |name: &&str| Some(format!(r#""{name}":{}"#, object.get(*name)?.get()));
    names.iter().filter_map(member).collect()
}

fn text(object: &Members, name: &str) -> Option<String> {
    object.get(name).and_then(|value| string(value))
}

fn check_body(payload: &MessagePayload<'_>) {
    let body = message_body(payload);
    assert!(is_json(&body), "{body}");
    let Ok(extra) = members(payload.extra.unwrap_or("{}")) else { return };
    let extra = extra.unwrap_or_default();
    let mut envelope = members(&body).expect("two plain names").expect("an object");
    assert_eq!(text(&envelope, "kind").as_deref(), Some("message"));
    let sent = envelope.remove("payload").expect("a payload");
    assert_eq!(envelope.len(), 1, "{body}");
    let mut sent =
        members(sent.get()).expect("names of `extra`, and plain ones").expect("an object");

    let mut own: BTreeMap<String, String> = spelled(extra);
    for name in ["chatId", "trigger", "messageId", "metadata"] {
        own.remove(name);
    }
    if payload.message.is_some() || payload.trigger == Trigger::SubmitMessage {
        own.remove("message");
    }
    if payload.action.is_some() {
        own.remove("action");
    }
    let mut take = |name: &str| sent.remove(name);
    let texts = [
        ("chatId", Some(payload.chat_id)),
        ("trigger", Some(payload.trigger.name())),
        ("messageId", payload.message_id),
    ];
    for (name, value) in texts {
        let taken = take(name).map(|taken| string(&taken).expect("a string"));
        assert_eq!(taken.as_deref(), value, "{name}");
    }
    let message = payload.message.map(slim);
    let values = [
        ("message", message.as_deref()),
        ("metadata", payload.metadata),
        ("action", payload.action),
    ];
    for (name, value) in values {
        if value.is_some() || !own.contains_key(name) {
            assert_eq!(take(name).as_ref().map(|taken| taken.get()), value.map(trimmed), "{name}");
        }
    }
    assert_eq!(spelled(sent), own, "the app's own members");
}

fn spelled(members: Members) -> BTreeMap<String, String> {
    members.into_iter().map(|(name, value)| (name, value.get().to_owned())).collect()
}
