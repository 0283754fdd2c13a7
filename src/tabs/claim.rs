//! The claim of one tab to one chat.
//!
//! ```text
//! Free ──Wanted──▶ Asking ──the lock──▶ Held ──Over──▶ Free
//!   │                └──no lock: denied──▶ Free          ▲
//!   └──Wanted, where there are no locks──▶ Settling ─────┤ a moment without an objection: Held
//!                                             ▲          │ an objection: Free
//!                                             └── Held, and was away for long
//! ```

use std::num::NonZeroU32;

use trigger_chat_base::rules::{Rule, holds};
use trigger_chat_base::time::Time;

/// How often an owner repeats its claim; the published client's number.
const BEAT_MS: u64 = 5_000;

/// How long the claim of a tab without locks counts, unless it is repeated.
const STALE_MS: u64 = 9_000;

/// How long such a tab has to answer then, when it is asked: with the above, the published client's ten
/// seconds.
const LAST_CHANCE_MS: u64 = 1_000;

/// How long to wait for objections, where there are no locks. A message takes a few milliseconds between
/// tabs that are not busy.
const OBJECTION_MS: u64 = 100;

/// How often a tab waits again that was frozen while it waited for the word of others.
const MAX_REPEATS: u8 = 2;

/// How long the last messages of an owner whose life has ended may take: they come another way.
const LAST_WORDS_MS: u64 = 100;

/// A tab, by a number that is its own; of two that want a chat, the lower one gets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TabId(pub u32);

/// The time for which an owner has its lock, by a number that is never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Life(pub NonZeroU32);

/// What the tab is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fact {
    /// The channel is open: at first, and again after the page was put away.
    Opened,
    /// The page is being put away or frozen: it lets go of its locks and its channel.
    Closed,
    /// A send wants the chat, or a stream that was resumed.
    Wanted,
    /// The turn that wanted it is over.
    Over,
    /// The answer to [`Order::Lock`]: this life, or none where another tab has the lock.
    Locked(Option<Life>),
    /// The answer to [`Order::Watch`]: this life has ended.
    Ended(Life),
    /// Another tab has said something about the chat.
    Heard(TabId, Message),
    /// A deadline may have passed.
    Woken,
}

/// What one tab tells all others about a chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Message {
    /// It owns the chat, while that life lasts; or until it falls silent, where it has no locks.
    Claim(Option<Life>),
    /// It wants to own the chat: who objects?
    Asking,
    /// It owns the chat no more.
    Release,
    /// It is there still; of the published client alone.
    Heartbeat,
    /// It is new: who owns the chat?
    Hello,
}

/// What the tab has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Say it to all other tabs.
    Post(Message),
    /// Ask for the lock of the chat, without waiting for it, and then for a new life.
    Lock,
    /// Let go of the lock, and then of the life.
    Unlock,
    /// Wait for the end of this life, beside the others.
    Watch(Life),
    /// Wait for no life any more.
    Unwatch,
    /// Whoever wanted the chat has it.
    Granted,
    /// Whoever wanted the chat does not get it.
    Denied,
    /// Another tab owns the chat now, or none does any more.
    ReadOnly(bool),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mine {
    Free,
    /// The lock is asked for.
    Asking,
    /// Without locks: who objects says so until then.
    Settling {
        until: Time,
        /// How often it has waited before, and was frozen meanwhile.
        repeats: u8,
    },
    /// The chat is this tab's, for that life. The claim is repeated at `beat`.
    Held {
        life: Option<Life>,
        beat: Time,
    },
}

/// Another tab, which owns the chat.
#[derive(Debug, Clone)]
struct Owner {
    tab: TabId,
    /// Its life; none where only silence tells of its end.
    life: Option<Life>,
    /// When it is given up, unless it is heard of.
    until: Option<Time>,
    /// How often it was asked whether it is there, for it was silent.
    doubts: u8,
    /// It has said that it lets go.
    has_released: bool,
}

/// The claim of one tab to one chat.
#[derive(Debug)]
pub struct Claim {
    tab: TabId,
    has_locks: bool,
    mine: Mine,
    /// One at most, but for what comes late of one that was.
    owners: Vec<Owner>,
    /// As it was told.
    is_read_only: bool,
    is_open: bool,
    /// Put away with a claim that was its own, or was about to be.
    wants_back: bool,
}

impl Claim {
    /// The claim of a tab with this id, which differs from all others. `has_locks`: the browser has Web
    /// Locks.
    pub fn new(tab: TabId, has_locks: bool) -> Self {
        Self {
            tab,
            has_locks,
            mine: Mine::Free,
            owners: Vec::new(),
            is_read_only: false,
            is_open: false,
            wants_back: false,
        }
    }

    /// Whether this tab owns the chat, or is about to.
    pub fn is_held(&self) -> bool {
        self.mine != Mine::Free || self.wants_back
    }

    /// Whether this tab owns the chat.
    pub fn owns(&self) -> bool {
        matches!(self.mine, Mine::Held { .. })
    }

    /// Whether another tab owns the chat.
    pub fn is_read_only(&self) -> bool {
        self.is_read_only
    }

    /// Whether the chat is that tab's, as far as this one knows.
    pub fn is_owner(&self, tab: TabId) -> bool {
        self.owners.iter().any(|owner| owner.tab == tab)
    }

    /// When [`Fact::Woken`] is due.
    pub fn deadline(&self) -> Option<Time> {
        let mine = match self.mine {
            Mine::Settling { until, .. } => Some(until),
            Mine::Held { beat, .. } => Some(beat),
            Mine::Free | Mine::Asking => None,
        };
        let owners = self.owners.iter().filter_map(|owner| owner.until);
        mine.into_iter().chain(owners).min().filter(|_| self.is_open)
    }

    /// Takes a fact; appends the orders that follow from it to `out`.
    pub fn handle(&mut self, now: Time, fact: Fact, out: &mut Vec<Order>) {
        self.notice_absence(now, out);
        match fact {
            Fact::Opened => self.opened(now, out),
            Fact::Closed => self.closed(out),
            Fact::Wanted => self.wanted(now, out),
            Fact::Over => self.over(out),
            Fact::Locked(life) => self.locked(life, now, out),
            Fact::Ended(life) => self.ended(life, now),
            Fact::Heard(tab, message) => self.heard(tab, message, now, out),
            Fact::Woken => self.woken(now, out),
        }
        let is_read_only = !self.owners.is_empty() && !self.owns();
        if self.is_read_only != is_read_only {
            self.is_read_only = is_read_only;
            out.push(Order::ReadOnly(is_read_only));
        }
    }

    // The page

    fn opened(&mut self, now: Time, out: &mut Vec<Order>) {
        if self.is_open {
            return;
        }
        self.is_open = true;
        out.push(Order::Post(Message::Hello));
        for owner in &mut self.owners {
            // It may have ended meanwhile.
            owner.until = owner.life.is_none().then(|| now.after(STALE_MS));
            out.extend(owner.life.map(Order::Watch));
        }
        if std::mem::take(&mut self.wants_back) {
            self.ask(now, out);
        }
    }

    fn closed(&mut self, out: &mut Vec<Order>) {
        self.wants_back |= self.mine != Mine::Free;
        self.let_go(out);
        out.push(Order::Unwatch);
        self.is_open = false;
    }

    // The turn

    fn wanted(&mut self, now: Time, out: &mut Vec<Order>) {
        match self.mine {
            Mine::Held { .. } => out.push(Order::Granted),
            Mine::Free if !self.owners.is_empty() => out.push(Order::Denied),
            Mine::Free if self.is_open => self.ask(now, out),
            Mine::Free => self.wants_back = true,
            Mine::Asking | Mine::Settling { .. } => {}
        }
    }

    fn ask(&mut self, now: Time, out: &mut Vec<Order>) {
        if self.has_locks {
            self.mine = Mine::Asking;
            out.push(Order::Lock);
        } else {
            self.settle(now, out);
        }
    }

    fn settle(&mut self, now: Time, out: &mut Vec<Order>) {
        out.push(Order::Post(Message::Asking));
        let wait = if holds(Rule::ClaimsWaitForObjections) { OBJECTION_MS } else { 0 };
        let repeats = match self.mine {
            Mine::Settling { repeats, .. } => repeats.saturating_add(1),
            _ => 0,
        };
        self.mine = Mine::Settling { until: now.after(wait), repeats };
    }

    fn over(&mut self, out: &mut Vec<Order>) {
        self.wants_back = false;
        self.let_go(out);
    }

    fn let_go(&mut self, out: &mut Vec<Order>) {
        match std::mem::replace(&mut self.mine, Mine::Free) {
            Mine::Held { life, .. } => {
                out.push(Order::Post(Message::Release));
                if life.is_some() {
                    out.push(Order::Unlock);
                }
            }
            Mine::Settling { .. } => out.push(Order::Post(Message::Release)),
            // The lock is let go of when it comes.
            Mine::Free | Mine::Asking => {}
        }
    }

    fn locked(&mut self, life: Option<Life>, now: Time, out: &mut Vec<Order>) {
        let is_wanted = self.mine == Mine::Asking;
        if is_wanted {
            self.mine = Mine::Free;
        }
        match life {
            Some(_) if !is_wanted => {
                out.extend(holds(Rule::UnwantedLocksAreReleased).then_some(Order::Unlock));
            }
            // A tab without locks was quicker.
            Some(_) if self.owners.iter().any(|owner| owner.life.is_none()) => {
                out.extend([Order::Unlock, Order::Denied]);
            }
            Some(_) => {
                // Nobody else has the lock: whoever had it is gone.
                self.owners.clear();
                self.hold(life, now, out);
            }
            None if is_wanted && holds(Rule::LocksDecide) => out.push(Order::Denied),
            None if is_wanted => self.hold(None, now, out),
            None => {}
        }
    }

    fn hold(&mut self, life: Option<Life>, now: Time, out: &mut Vec<Order>) {
        out.extend([Order::Post(Message::Claim(life)), Order::Granted]);
        self.mine = Mine::Held { life, beat: now.after(BEAT_MS) };
    }

    // Other tabs

    fn heard(&mut self, tab: TabId, message: Message, now: Time, out: &mut Vec<Order>) {
        match message {
            Message::Hello if holds(Rule::OwnersAnswerHellos) => self.answer(out),
            Message::Hello => {}
            Message::Claim(life) if !self.outranks(tab, life) => self.yield_to(tab, life, now, out),
            Message::Claim(_) => self.answer(out),
            Message::Asking => match self.mine {
                Mine::Settling { .. } if tab < self.tab => self.yield_to(tab, None, now, out),
                _ => self.answer(out),
            },
            Message::Heartbeat => {
                if self.is_owner(tab) || self.mine == Mine::Free {
                    self.know(tab, None, now, out);
                }
            }
            Message::Release => self.released(tab),
        }
    }

    /// Says again that the chat is this tab's, or wanted.
    fn answer(&self, out: &mut Vec<Order>) {
        match self.mine {
            Mine::Held { life, .. } => out.push(Order::Post(Message::Claim(life))),
            Mine::Settling { .. } => out.push(Order::Post(Message::Asking)),
            Mine::Free | Mine::Asking => {}
        }
    }

    /// Whether this tab goes on owning the chat, though another one says that it owns it.
    fn outranks(&self, tab: TabId, life: Option<Life>) -> bool {
        match &self.mine {
            // The other one knows nothing of locks, or its word comes late.
            Mine::Held { life: Some(_), .. } => true,
            Mine::Held { life: None, .. } => {
                life.is_none() && (self.tab < tab || !holds(Rule::LowerTabsPrevail))
            }
            Mine::Free | Mine::Asking | Mine::Settling { .. } => false,
        }
    }

    /// The chat is another tab's.
    fn yield_to(&mut self, tab: TabId, life: Option<Life>, now: Time, out: &mut Vec<Order>) {
        match self.mine {
            Mine::Settling { .. } => {
                self.mine = Mine::Free;
                // Whoever has heeded its word waits for it else.
                out.extend([Order::Post(Message::Release), Order::Denied]);
            }
            Mine::Held { .. } => {
                self.mine = Mine::Free;
                out.push(Order::Post(Message::Release));
            }
            // Its lock decides.
            Mine::Free | Mine::Asking => {}
        }
        self.know(tab, life, now, out);
    }

    /// Another tab owns the chat, as was known before, or not.
    fn know(&mut self, tab: TabId, life: Option<Life>, now: Time, out: &mut Vec<Order>) {
        let life = life.filter(|_| self.has_locks);
        let stale = holds(Rule::SilentOwnersAreForgotten).then(|| now.after(STALE_MS));
        let known = |owner: &&mut Owner| owner.tab == tab && owner.life == life;
        match self.owners.iter_mut().find(known) {
            // Nothing new, and perhaps late: it may have ended.
            Some(owner) if owner.life.is_some() => {}
            Some(owner) => {
                owner.until = stale;
                owner.doubts = 0;
            }
            None => {
                out.extend(life.map(Order::Watch));
                self.owners.push(Owner {
                    tab,
                    life,
                    until: stale.filter(|_| life.is_none()),
                    doubts: 0,
                    has_released: false,
                });
            }
        }
    }

    fn released(&mut self, tab: TabId) {
        self.owners.retain_mut(|owner| {
            if owner.tab != tab {
                return true;
            }
            owner.has_released = true;
            // The lock falls a little later than the word comes: who heeds the word finds it taken.
            owner.life.is_some() && owner.until.is_none() && holds(Rule::LivesAreWaitedFor)
        });
    }

    fn ended(&mut self, life: Life, now: Time) {
        self.owners.retain_mut(|owner| {
            if owner.life != Some(life) || !holds(Rule::EndedLivesFree) {
                return true;
            }
            owner.until = Some(now.after(LAST_WORDS_MS));
            !owner.has_released
        });
    }

    // Time

    /// An owner without a lock that was silent for long, frozen say, may have been forgotten: it asks
    /// anew before it acts, or takes another one's claim for a rival's.
    fn notice_absence(&mut self, now: Time, out: &mut Vec<Order>) {
        if let Mine::Held { life: None, beat } = self.mine
            && beat.after(STALE_MS.saturating_sub(BEAT_MS)) <= now
            && holds(Rule::LateOwnersAskAnew)
        {
            self.settle(now, out);
        }
    }

    fn woken(&mut self, now: Time, out: &mut Vec<Order>) {
        self.look_after_owners(now, out);
        match self.mine {
            Mine::Settling { until, repeats } if until <= now => {
                // A tab that was frozen has not heard the objections yet.
                let was_away = now.since(until) >= OBJECTION_MS;
                if was_away && repeats < MAX_REPEATS && holds(Rule::LateAskersAskAgain) {
                    self.settle(now, out);
                } else {
                    self.hold(None, now, out);
                }
            }
            Mine::Held { life, beat } if beat <= now => {
                out.push(Order::Post(Message::Claim(life)));
                self.mine = Mine::Held { life, beat: now.after(BEAT_MS) };
            }
            _ => {}
        }
    }

    fn look_after_owners(&mut self, now: Time, out: &mut Vec<Order>) {
        self.owners.retain_mut(|owner| {
            let Some(until) = owner.until.filter(|until| *until <= now) else {
                return true;
            };
            // If this tab was frozen, what the owner has said meanwhile is still to be heard.
            let was_away = now.since(until) >= OBJECTION_MS;
            let may_be_there = match (owner.life, owner.doubts) {
                (None, 0) => true,
                (None, doubts) => was_away && doubts <= MAX_REPEATS,
                (Some(_), doubts) => was_away && doubts < MAX_REPEATS,
            };
            if !may_be_there || !holds(Rule::SilentOwnersAreAsked) {
                return false;
            }
            owner.doubts = owner.doubts.saturating_add(1);
            let wait = if owner.life.is_some() { LAST_WORDS_MS } else { LAST_CHANCE_MS };
            owner.until = Some(now.after(wait));
            out.push(Order::Post(Message::Hello));
            true
        });
    }
}
