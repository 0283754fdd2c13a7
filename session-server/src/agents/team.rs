//! `team`: has two other agents work inside its tool calls, both at once, and puts together what they
//! say. What they say while they work goes along in batches.

use std::time::Duration;

use serde_json::json;

use super::chunk::{Batch, Chunk, Kind, Start};
use super::{Ask, Script};

/// The pause between two batches unless the metadata sets `paceMs`.
const PACE_MS: u64 = 80;

/// How many chunks of a member are in a batch.
const BATCH: usize = 4;

const TOOL: &str = "delegate";

/// Who is asked, and how each begins.
const MEMBERS: [(&str, &str); 2] = [
    ("optimist", "Seen from the sunny side, this will turn out well:"),
    ("sceptic", "Before anyone celebrates, it should be asked what is behind this:"),
];

/// A member at work.
struct Member {
    name: &'static str,
    call: String,
    text: String,
    /// Its own answer, in batches.
    batches: Vec<Vec<Chunk>>,
}

/// Has the members work, then sums up.
pub(super) fn answer(ask: &Ask) -> Result<Script, String> {
    let pace = ask.pace(PACE_MS)?;
    let members = MEMBERS.map(|(name, opening)| Member::of(ask, name, opening));
    let mut script = Script::default();
    script.then(Chunk::StartStep);
    script.part(Kind::Text, "I ask an optimist and a sceptic.", pace);
    for member in &members {
        let (tool_call_id, tool_name) = (member.call.clone(), TOOL.to_owned());
        let input = json!({ "to": member.name, "task": ask.text });
        script.then(Chunk::ToolInputAvailable { tool_call_id, tool_name, input });
    }
    work(&mut script, &members, pace);
    script.then(Chunk::FinishStep);
    script.step(&[(Kind::Text, "Both have spoken. I leave it to you.")], pace);
    script.then(Chunk::Finish);
    Ok(script)
}

impl Member {
    fn of(ask: &Ask, name: &'static str, opening: &str) -> Self {
        let text = format!("{opening} “{}”.", ask.text.trim());
        let call = format!("{}_{name}", ask.message_id);
        let message_id = format!("{call}_message");
        let answer = Script::saying(&text, Duration::ZERO)
            .begun_by(Chunk::Start(Start { message_id, message_metadata: None }));
        let chunks: Vec<_> = answer.steps.into_iter().map(|step| step.chunk).collect();
        Self { name, call, text, batches: chunks.chunks(BATCH).map(<[_]>::to_vec).collect() }
    }
}

/// Has the members speak by turns, and each call end with its member's message.
fn work(script: &mut Script, members: &[Member], pace: Duration) {
    let longest = members.iter().map(|member| member.batches.len()).max().unwrap_or_default();
    for seq in 0..longest {
        for Member { call, text, batches, .. } in members {
            let Some(chunks) = batches.get(seq) else {
                continue;
            };
            let data = Batch { tool_call_id: call.clone(), seq, chunks: chunks.clone() };
            script.after(pace, Chunk::SubAgent { data, transient: true });
            if seq + 1 == batches.len() {
                let output = json!({
                    "id": format!("{call}_message"),
                    "role": "assistant",
                    "parts": [{ "type": "step-start" }, { "type": "text", "text": text, "state": "done" }],
                });
                script.then(Chunk::ToolOutputAvailable { tool_call_id: call.clone(), output });
            }
        }
    }
}
