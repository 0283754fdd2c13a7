//! Somebody at a page: what they want next, given what they see.

use crate::random::Random;

/// What one user does and does not do.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Habits {
    pub(crate) wishes: u32,
    /// Sends while another turn may still run.
    pub(crate) overlaps: bool,
    pub(crate) stops: bool,
    /// The service numbers its boundaries. Where it does not, two that are outstanding cannot be told
    /// apart: then a turn is given up, or left, only while it is the only one.
    pub(crate) has_numbers: bool,
    /// Loads the page anew, or lets a stream go and comes back to it.
    pub(crate) leaves: bool,
    /// The app does not store whether a turn runs, or which.
    pub(crate) forgets: bool,
    /// The consumer takes its time, at times.
    pub(crate) is_slow: bool,
}

/// What a user sees of their page.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View {
    pub(crate) has_session: bool,
    pub(crate) has_open_stream: bool,
    /// A send or a stop was not answered yet.
    pub(crate) is_sending: bool,
    /// The app's stored state says that a turn runs, or does not say.
    pub(crate) may_be_streaming: bool,
    /// The end of a turn that was given up was not seen yet.
    pub(crate) has_given_up: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    Nothing,
    Start,
    Send,
    /// Two messages, one right after the other.
    SendTwice,
    Stop,
    /// Stops, and sends before the stop is answered.
    StopAndSend,
    Abort,
    /// The app was built with `stopOnAbort: false`.
    LetGo,
    Reload,
    /// Disposes of the transport and goes on with it, as StrictMode does.
    Dispose,
    Cancel,
    /// Asks for the next attempt now.
    Retry,
    Reconnect,
    /// StrictMode runs the resume effect twice.
    ReconnectTwice,
}

#[derive(Debug)]
pub(crate) struct User {
    pub(crate) habits: Habits,
    wishes_left: u32,
    random: Random,
}

impl User {
    pub(crate) fn new(habits: Habits, random: Random) -> Self {
        Self { habits, wishes_left: habits.wishes, random }
    }

    /// How long they think before the next wish; `None` once they have none.
    pub(crate) fn thinks_for(&mut self) -> Option<u64> {
        self.wishes_left = self.wishes_left.checked_sub(1)?;
        let most = self.random.one_of(&[5, 100, 1_000, 8_000, 70_000]);
        Some(self.random.within(1..most))
    }

    /// How long the consumer takes before it wants more.
    pub(crate) fn digests_for(&mut self) -> u64 {
        let is_slow = self.habits.is_slow && self.random.percent(20);
        if is_slow { self.random.within(1..30_000) } else { self.random.within(0..5) }
    }

    /// Whether the app's storage loses a member.
    pub(crate) fn forgets(&mut self) -> bool {
        self.habits.forgets && self.random.percent(50)
    }

    pub(crate) fn next_wish(&mut self, view: View) -> Wish {
        let wishes = if view.has_open_stream || view.is_sending {
            self.while_waiting(view)
        } else {
            self.while_idle(view)
        };
        let total = wishes.iter().map(|(_, weight)| weight).sum();
        let mut drawn = self.random.within(0..total);
        for (wish, weight) in wishes {
            match drawn.checked_sub(weight) {
                None => return wish,
                Some(rest) => drawn = rest,
            }
        }
        Wish::Nothing
    }

    fn may_stop(&self, view: View) -> bool {
        self.habits.stops && (self.habits.has_numbers || !view.has_given_up)
    }

    fn while_waiting(&self, view: View) -> Vec<(Wish, u64)> {
        let mut wishes = vec![(Wish::Nothing, 30), (Wish::Reconnect, 2), (Wish::Retry, 3)];
        if self.may_stop(view) {
            wishes.extend([(Wish::Stop, 10), (Wish::Abort, 10)]);
        }
        if self.habits.leaves && (self.habits.has_numbers || !view.is_sending) {
            wishes.extend([
                (Wish::Reload, 20),
                (Wish::Cancel, 6),
                (Wish::Dispose, 6),
                (Wish::LetGo, 6),
            ]);
        }
        if self.habits.overlaps {
            wishes.extend([(Wish::Send, 16), (Wish::SendTwice, 3)]);
            if self.habits.stops {
                wishes.push((Wish::StopAndSend, 6));
            }
        }
        wishes
    }

    fn while_idle(&self, view: View) -> Vec<(Wish, u64)> {
        let mut wishes = vec![(Wish::Nothing, 5)];
        if !view.has_session {
            wishes.push((Wish::Start, 10));
        }
        if view.may_be_streaming {
            wishes.extend([(Wish::Reconnect, 30), (Wish::ReconnectTwice, 15)]);
        } else {
            wishes.push((Wish::Reconnect, 5));
        }
        if self.habits.overlaps || !view.may_be_streaming {
            wishes.push((Wish::Send, 40));
        }
        if self.habits.overlaps {
            wishes.push((Wish::SendTwice, 4));
        }
        if self.may_stop(view) {
            wishes.push((Wish::Stop, 3));
        }
        if self.habits.leaves {
            wishes.extend([(Wish::Reload, 5), (Wish::Dispose, 2)]);
        }
        wishes
    }
}
