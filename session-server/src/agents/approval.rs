//! `approval`: has a tool that sends an email, and asks before each call.
//!
//! The turn ends with the question. When the client sends the message back with what the user has
//! decided, the next turn goes on in it. The calls are found again in the words they came from.

use std::time::Duration;

use serde_json::{Value, json};

use super::chunk::{Chunk, Kind};
use super::{Ask, Script};
use crate::input::Decision;

/// The pause between two words unless the metadata sets `paceMs`.
const PACE_MS: u64 = 20;

const TOOL: &str = "send_email";

/// Whom the emails go to; two where the user speaks of two.
const PEOPLE: [&str; 2] = ["ada@example.com", "grace@example.com"];

/// The most of the user's words that are a subject, in characters.
const LONGEST_SUBJECT: usize = 60;

/// Asks, or does what was decided.
pub(super) fn answer(ask: &Ask) -> Result<Script, String> {
    let pace = ask.pace(PACE_MS)?;
    let calls = Call::all(ask);
    if ask.decisions.is_empty() { Ok(propose(&calls, pace)) } else { go_on(&calls, ask, pace) }
}

/// A call of the tool.
struct Call {
    id: String,
    approval: String,
    to: &'static str,
    input: Value,
}

impl Call {
    /// The calls of the message that answers.
    fn all(ask: &Ask) -> Vec<Self> {
        let says_two = |word: &str| word.eq_ignore_ascii_case("two") || word == "2";
        let mut words = ask.text.split(|letter: char| !letter.is_alphanumeric());
        let count = if words.any(says_two) { 2 } else { 1 };
        let subject: String = ask.text.lines().next().unwrap_or_default().trim().to_owned();
        let subject: String = subject.chars().take(LONGEST_SUBJECT).collect();
        let call = |(number, to): (usize, &'static str)| Self {
            id: format!("{}_call_{number}", ask.message_id),
            approval: format!("{}_approval_{number}", ask.message_id),
            to,
            input: json!({ "to": to, "subject": subject, "body": ask.text }),
        };
        (1..).zip(PEOPLE).take(count).map(call).collect()
    }

    fn answers_to(&self, decision: &Decision) -> bool {
        self.id == decision.tool_call_id && self.approval == decision.approval_id
    }
}

fn propose(calls: &[Call], pace: Duration) -> Script {
    let mut script = Script::default();
    script.then(Chunk::StartStep);
    let text = match calls {
        [call] => format!("I have written an email to {}. May I send it?", call.to),
        _ => format!("I have written {} emails. May I send them?", calls.len()),
    };
    script.part(Kind::Text, &text, pace);
    for Call { id, input, .. } in calls {
        let (tool_call_id, tool_name) = (id.clone(), TOOL.to_owned());
        script.then(Chunk::ToolInputStart { tool_call_id, tool_name });
        for word in input.to_string().split_inclusive(' ') {
            let (tool_call_id, input_text_delta) = (id.clone(), word.to_owned());
            script.after(pace, Chunk::ToolInputDelta { tool_call_id, input_text_delta });
        }
        let (tool_call_id, tool_name) = (id.clone(), TOOL.to_owned());
        script.then(Chunk::ToolInputAvailable { tool_call_id, tool_name, input: input.clone() });
    }
    for Call { id, approval, .. } in calls {
        let (approval_id, tool_call_id) = (approval.clone(), id.clone());
        script.then(Chunk::ToolApprovalRequest { approval_id, tool_call_id });
    }
    script.then(Chunk::FinishStep);
    script.then(Chunk::Finish);
    script
}

fn go_on(calls: &[Call], ask: &Ask, pace: Duration) -> Result<Script, String> {
    let mut script = Script::default();
    let mut said = Vec::new();
    for decision in &ask.decisions {
        let Some(call) = calls.iter().find(|call| call.answers_to(decision)) else {
            return Err("Nothing here waits for that approval: ask for the email anew.".to_owned());
        };
        let (to, tool_call_id) = (call.to, call.id.clone());
        if decision.approved {
            let output = json!({ "sent": true, "to": to });
            script.then(Chunk::ToolOutputAvailable { tool_call_id, output });
            said.push(format!("The email to {to} is on its way."));
        } else {
            script.then(Chunk::ToolOutputDenied { tool_call_id });
            said.push(match decision.reason.as_deref() {
                Some(reason) => format!("The email to {to} stays here, as you say: “{reason}”."),
                None => format!("The email to {to} stays here."),
            });
        }
    }
    script.step(&[(Kind::Text, &said.join("\n\n"))], pace);
    script.then(Chunk::Finish);
    Ok(script)
}
