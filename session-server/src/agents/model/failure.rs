//! What can go wrong with a model, each said with the cure.

use std::error::Error;

use reqwest::StatusCode;

use super::Model;

/// The most of a server's own words that are passed on, in characters.
const MOST_SAID: usize = 300;

/// Why there is no answer, or no whole one. Texts are the server's own.
#[derive(Debug)]
pub(super) enum Failure {
    /// No connection.
    Unreachable(String),
    /// A connection that was lost before the answer began.
    Unanswered(String),
    /// An answer that is a refusal.
    Status(StatusCode, Option<String>),
    /// An answer of another kind of content.
    OtherContent(String),
    /// An answer that no chat gives.
    OtherAnswer,
    /// An error in the place of an answer, or in the middle of one.
    Reported(Option<String>),
    /// An answer that broke off.
    BrokeOff(String),
    /// An answer that nothing has been heard of for long.
    Silent,
}

impl Failure {
    /// What became of a request that got no answer.
    pub(super) fn of_request(error: &reqwest::Error) -> Self {
        if error.is_connect() {
            Self::Unreachable(cause(error))
        } else {
            Self::Unanswered(cause(error))
        }
    }

    /// One or two sentences for the user. No key is in them, whatever the server says.
    pub(super) fn tell(&self, model: &Model) -> String {
        let place = &model.place;
        match self {
            Self::Unreachable(cause) => format!(
                "Cannot reach the model: is its server running at {place}? ({})",
                quotable(cause, model)
            ),
            Self::Unanswered(cause) => format!(
                "The model's server hung up without an answer: see its log. ({})",
                quotable(cause, model)
            ),
            Self::Status(status, said) => {
                let sentence = refusal(*status, model);
                with_words(&sentence, said.as_deref(), model)
            }
            Self::OtherContent(kind) => format!(
                "What answers at {place} sent {} and no chat: check --model-url.",
                quotable(kind, model)
            ),
            Self::OtherAnswer => {
                format!("What answers at {place} speaks no chat completions: check --model-url.")
            }
            Self::Reported(said) => {
                let sentence = "The model's server failed during the answer: try again.";
                with_words(sentence, said.as_deref(), model)
            }
            Self::BrokeOff(cause) => format!(
                "The model's answer broke off before its end: try again. ({})",
                quotable(cause, model)
            ),
            Self::Silent => {
                "The model fell silent in the middle of its answer: see its server's log, and try \
                 again."
                    .to_owned()
            }
        }
    }
}

fn refusal(status: StatusCode, model: &Model) -> String {
    let Model { name, place, key, .. } = model;
    let code = status.as_u16();
    match code {
        401 | 403 if key.is_some() => {
            format!("The model's server refuses the key ({code}): check MODEL_API_KEY.")
        }
        401 | 403 => format!(
            "The model's server wants a key ({code}): set MODEL_API_KEY and start the session server anew."
        ),
        404 => format!(
            "There is no model “{name}” at {place} ({code}): check --model and --model-url."
        ),
        429 => {
            format!("The model's server is asked too much ({code}): wait a little, then try again.")
        }
        300..=399 => format!("The model's server has moved ({code}): check --model-url."),
        500.. => format!("The model's server failed ({code}): see its log, or try again later."),
        _ => format!("The model's server refuses the request ({code})."),
    }
}

fn with_words(sentence: &str, said: Option<&str>, model: &Model) -> String {
    match said.map(|said| quotable(said, model)) {
        Some(said) if !said.is_empty() => format!("{sentence} It says: “{said}”"),
        _ => sentence.to_owned(),
    }
}

/// Another's words: without the key, on one line, and not too many.
fn quotable(text: &str, model: &Model) -> String {
    let text = match &model.key {
        Some(key) => text.replace(key.as_str(), "…"),
        None => text.to_owned(),
    };
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.char_indices().nth(MOST_SAID) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// What is at the bottom of an error. The errors above it name addresses, which may hide a password.
pub(super) fn cause(error: &dyn Error) -> String {
    let mut bottom = error;
    while let Some(deeper) = bottom.source() {
        bottom = deeper;
    }
    bottom.to_string()
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;

    use super::{Failure, MOST_SAID, Model};

    fn told(said: &str) -> String {
        let model =
            Model::new("http://h/v1", "m".to_owned(), Some("word".into())).expect("a model");
        Failure::Status(StatusCode::BAD_REQUEST, Some(said.to_owned())).tell(&model)
    }

    #[test]
    fn a_servers_words_are_passed_on_short_on_one_line_and_without_the_key() {
        let sentence = "The model's server refuses the request (400).";
        assert_eq!(told(" \n"), sentence);
        assert_eq!(told("a\n word"), format!("{sentence} It says: “a …”"));
        // The key must be gone before the cut, which could leave half of it.
        let long = format!("{}wor", "é".repeat(MOST_SAID - 2));
        assert_eq!(
            told(&format!("{long}d{long}")),
            format!("{sentence} It says: “{}…é…”", "é".repeat(MOST_SAID - 2))
        );
    }
}
