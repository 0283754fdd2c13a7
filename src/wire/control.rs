//! Control records: what the service says about the turn and the session, beside the chunks.

use std::borrow::Cow;

use trigger_chat_stream::digits::whole_number;
use trigger_chat_stream::json::{RawString, Scanned, Scanner};

/// A control record of `.out`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Control<'a> {
    /// A turn is over.
    TurnComplete(TurnComplete<'a>),
    /// The service has swapped the run for one of a newer version. Nothing to do.
    UpgradeRequired,
    /// The conversation is over, for good.
    SessionClosed {
        /// What the closer gave as its reason.
        reason: Option<Cow<'a, str>>,
    },
    /// The run waits for a deployment.
    PendingVersion,
    /// Where `.out` stands, told by an app's own route in the place of a record's seq.
    SessionState {
        /// The cursor.
        last_event_id: Option<Cow<'a, str>>,
    },
    /// A subtype that this version does not know. To be ignored.
    Unknown,
}

/// The boundary of a turn, with what it carries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TurnComplete<'a> {
    /// A fresh session token, to be used from now on.
    pub public_access_token: Option<Cow<'a, str>>,
    /// The `.in` seq up to which the agent had dealt with its input, as the service wrote it. It is
    /// held back behind any message that still waits, so it is a lower bound.
    pub session_in_event_id: Option<Cow<'a, str>>,
    /// The highest `.in` seq that the agent had taken by then, also past one that still waits: an
    /// upper bound. (Source: `SESSION_IN_CONSUMED_ID_HEADER` of `@trigger.dev/core` 4.8.3.)
    pub session_in_consumed_id: Option<Cow<'a, str>>,
    /// The session was closed with this turn.
    pub session_closed: bool,
    /// What the closer gave as its reason.
    pub session_closed_reason: Option<Cow<'a, str>>,
}

impl TurnComplete<'_> {
    /// `session-in-event-id` as a number; `None` where it is missing or is none.
    pub fn consumed_input_seq(&self) -> Option<u64> {
        whole_number(self.session_in_event_id.as_deref()?.as_bytes())
    }

    /// `session-in-consumed-id` as a number; `None` where it is missing or is none.
    pub fn highest_input_seq(&self) -> Option<u64> {
        whole_number(self.session_in_consumed_id.as_deref()?.as_bytes())
    }
}

/// What a record's headers say. Each header counts where it stands first.
#[derive(Default)]
pub(super) struct Headers<'a> {
    subtype: Option<RawString<'a>>,
    public_access_token: Option<RawString<'a>>,
    session_in_event_id: Option<RawString<'a>>,
    session_in_consumed_id: Option<RawString<'a>>,
    session_closed: Option<RawString<'a>>,
    session_closed_reason: Option<RawString<'a>>,
    /// S2's own record: its first header has an empty name.
    pub(super) is_command: bool,
}

impl<'a> Headers<'a> {
    /// Reads `[[name, value], …]`.
    pub(super) fn scan(scanner: &mut Scanner<'a>) -> Scanned<Self> {
        let mut headers = Self::default();
        let mut is_first = true;
        let mut pairs = scanner.enter_array()?;
        while scanner.next_element(&mut pairs)? {
            let [name, value] = scan_pair(scanner)?;
            if let Some(name) = name {
                headers.is_command |= is_first && name.is("");
                if let (Some(place), Some(value)) = (headers.place(name), value) {
                    place.get_or_insert(value);
                }
            }
            is_first = false;
        }
        Ok(headers)
    }

    fn place(&mut self, name: RawString<'_>) -> Option<&mut Option<RawString<'a>>> {
        Some(match &*name.decode() {
            "trigger-control" => &mut self.subtype,
            "public-access-token" => &mut self.public_access_token,
            "session-in-event-id" => &mut self.session_in_event_id,
            "session-in-consumed-id" => &mut self.session_in_consumed_id,
            "session-closed" => &mut self.session_closed,
            "session-closed-reason" => &mut self.session_closed_reason,
            _ => return None,
        })
    }

    /// The control record that these headers make, if they make one.
    pub(super) fn control(&self) -> Option<Control<'a>> {
        let text = |value: Option<RawString<'a>>| value.map(RawString::decode);
        Some(match &*self.subtype?.decode() {
            "turn-complete" => Control::TurnComplete(TurnComplete {
                public_access_token: text(self.public_access_token),
                session_in_event_id: text(self.session_in_event_id),
                session_in_consumed_id: text(self.session_in_consumed_id),
                session_closed: self.session_closed.is_some_and(|value| value.is("true")),
                session_closed_reason: text(self.session_closed_reason),
            }),
            "upgrade-required" => Control::UpgradeRequired,
            "session-closed" => Control::SessionClosed { reason: text(self.session_closed_reason) },
            "pending-version" => Control::PendingVersion,
            _ => Control::Unknown,
        })
    }
}

/// The two strings at the start of an array.
fn scan_pair<'a>(scanner: &mut Scanner<'a>) -> Scanned<[Option<RawString<'a>>; 2]> {
    let mut pair = [None; 2];
    let mut places = pair.iter_mut();
    let mut items = scanner.enter_array()?;
    while scanner.next_element(&mut items)? {
        let string = scanner.string_or_skip()?;
        if let Some(place) = places.next() {
            *place = string;
        }
    }
    Ok(pair)
}
