//! What a call or a stream can fail with.

use super::action::PartId;
use crate::text::decimal;
use crate::wire::answer::Refusal;
use crate::wire::error::WireError;

/// Why a call or a stream failed.
#[derive(Debug, Clone)]
pub enum ChatError {
    /// The service refused. In JavaScript: an `Error` named `TriggerApiError`.
    Api(ApiError),
    /// The service acknowledged a send without proof, and its record was not to be found until the
    /// time was up; or an attempt of long ago may have landed, and there are no records to ask. It may
    /// have landed all the same. In JavaScript: an `Error` with the code
    /// `send_unproven`, and the part id.
    Unproven {
        /// The idempotency key.
        part_id: PartId,
    },
    /// The caller's own signal, or the transport's end. In JavaScript: an `Error` named `AbortError`.
    Aborted,
    /// Something else went wrong; the text says what, and what to do.
    Other(String),
    /// What the app's own callback, or the network, threw. It is handed on as it is.
    Foreign(Foreign),
}

impl ChatError {
    /// The HTTP status, where the service refused.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Api(error) => Some(error.status),
            _ => None,
        }
    }
}

impl From<WireError> for ChatError {
    fn from(error: WireError) -> Self {
        Self::Other(error.message().to_owned())
    }
}

/// The service's refusal of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    /// The sentence for the developer's eyes.
    pub message: String,
    /// The HTTP status.
    pub status: u16,
    /// The stable name of the error, where the service gave one.
    pub code: Option<String>,
    /// Why the session was closed, where it was and a reason was given.
    pub closed_reason: Option<String>,
}

/// The code of the refusal that ends a chat for good.
pub const SESSION_CLOSED: &str = "session_closed";

/// The service's limit is one for the record, in which the body is a JSON string.
const TOO_LARGE: &str = " bytes, and the service takes 1048576 with their escapes";

impl ApiError {
    /// A refusal of an append of `sent_bytes`, from its status and the answer's body.
    pub(super) fn of_append(status: u16, body: &str, sent_bytes: usize) -> Self {
        let refusal = Refusal::read(body);
        let detail = refusal.error.as_deref().unwrap_or(match status {
            401 | 403 => "the session token was refused, and a fresh one too",
            _ => "the service gave no reason",
        });
        let message = match status {
            413 => {
                let size = decimal(u64::try_from(sent_bytes).unwrap_or(u64::MAX));
                let detail = String::from("the message has ") + &size + TOO_LARGE;
                refused("Sending to", status, &detail)
            }
            _ => refused("Sending to", status, detail),
        };
        Self {
            message,
            status,
            code: refusal.code.map(Into::into),
            closed_reason: refusal.closed_reason.map(Into::into),
        }
    }

    /// A refusal of a subscription.
    pub(super) fn of_subscribe(status: u16) -> Self {
        let detail = match status {
            401 | 403 => "the session token was refused, and a fresh one too",
            404 => "there is no such session",
            409 | 410 => "the session is closed",
            _ => "the service gave no reason",
        };
        Self {
            message: refused("Reading", status, detail),
            status,
            code: None,
            closed_reason: None,
        }
    }

    /// A refusal of the app's own route.
    pub(super) fn of_head_start(status: u16) -> Self {
        Self {
            message: String::from("The head-start route answered with ") + &decimal(status.into()),
            status,
            code: None,
            closed_reason: None,
        }
    }

    /// The error of whoever sends to a chat that is known to be closed.
    pub(super) fn closed(chat_id: &str, reason: Option<&str>) -> Self {
        let mut message = String::from("Chat session ") + chat_id + " is closed";
        if let Some(reason) = reason {
            message = message + ": " + reason;
        }
        Self {
            message,
            status: 409,
            code: Some(SESSION_CLOSED.to_owned()),
            closed_reason: reason.map(ToOwned::to_owned),
        }
    }

    /// Whether the conversation is over. The code decides, not the sentence.
    pub(super) fn is_session_closed(&self) -> bool {
        self.status == 409 && self.code.as_deref() == Some(SESSION_CLOSED)
    }
}

fn refused(what: &str, status: u16, detail: &str) -> String {
    String::from(what) + " the chat session failed (" + &decimal(status.into()) + "): " + detail
}

/// A value of the driver's world that a machine only carries, by the number that the driver has for it: in the
/// browser, what JavaScript threw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Foreign(pub u32);
