//! What a model is told: who said what, in order.

use serde::Serialize;

/// Asks a model to finish what it had begun to say.
const GO_ON: &str = "Your answer was cut off. Go on exactly where it broke off: \
                     your first character follows its last one. \
                     Repeat nothing and say nothing of the break.";

/// Who said something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Speaker {
    User,
    Assistant,
}

#[derive(Debug, Serialize)]
struct Message {
    role: Speaker,
    content: String,
}

/// A conversation, as the interface writes it.
#[derive(Debug, Default, Serialize)]
#[serde(transparent)]
pub(crate) struct Conversation {
    messages: Vec<Message>,
}

impl Conversation {
    /// Adds what someone said.
    ///
    /// Many models take nothing but turn after turn. So what was said without words is left out, and
    /// what one speaker said twice running, as after an answer that failed, becomes one message.
    pub(crate) fn add(&mut self, role: Speaker, text: &str) {
        if text.trim().is_empty() {
            return;
        }
        match self.messages.last_mut().filter(|message| message.role == role) {
            Some(message) => {
                message.content.push_str("\n\n");
                message.content.push_str(text);
            }
            None => self.messages.push(Message { role, content: text.to_owned() }),
        }
    }

    /// Has the model finish this answer, of which nothing may be said yet.
    pub(crate) fn go_on_from(&mut self, partial: &str) {
        if !partial.trim().is_empty() {
            self.add(Speaker::Assistant, partial);
            self.add(Speaker::User, GO_ON);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Conversation, Speaker};

    #[test]
    fn speakers_take_turns_whatever_was_left_unsaid() {
        let mut conversation = Conversation::default();
        conversation.add(Speaker::User, "a");
        conversation.add(Speaker::Assistant, " ");
        conversation.add(Speaker::User, "b");
        conversation.go_on_from("");
        let json = serde_json::to_string(&conversation).expect("JSON");
        assert_eq!(json, r#"[{"role":"user","content":"a\n\nb"}]"#);
        conversation.go_on_from("c");
        let json = serde_json::to_string(&conversation).expect("JSON");
        assert!(json.contains(r#"{"role":"assistant","content":"c"},{"role":"user","#), "{json}");
    }
}
