//! Many tabs of one app, on a virtual clock: a channel whose messages are late, and out of order if they
//! are of two tabs, locks that fall when their holder dies, tabs that are frozen, throttled, put away, crash and are opened,
//! and people who send in several of them at the same moment.
//!
//! What is checked, after every event: with locks there are never two owners; without, never for longer
//! than the window that `src/tabs` states. Whoever wants the chat is answered. While a tab owns the
//! chat, all others know, also those that are opened meanwhile. Once an owner has died, they are free;
//! and when everybody has left off, anyone can send again.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::num::NonZeroU32;

use trigger_chat_tabs::{Claim, Fact, Life, Message, Order, TabId};
use trigger_chat_transport::time::Time;

use crate::random::Random;

/// The longest that a message takes, or the browser to answer about a lock, in most worlds: there and
/// back, as long as an objection is waited for.
const LATENCY_MS: u64 = 50;

/// The same between tabs that are busy.
const BUSY_LATENCY_MS: u64 = 200;

/// How long `src/tabs` waits for objections.
const OBJECTION_MS: u64 = 100;

/// By when everybody knows what has happened.
const KNOWN_MS: u64 = 500;

/// The same between tabs that are busy.
const BUSY_KNOWN_MS: u64 = 1_500;

/// How many tabs are opened at most.
const TABS: usize = 9;

/// How long people send.
const BUSY_MS: u64 = 120_000;

/// By when everything that is stale has been forgotten.
const CALM_MS: u64 = BUSY_MS + 120_000;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// A person sends in this tab, if it is awake.
    Send(usize),
    TurnOver {
        tab: usize,
        turn: u64,
    },
    Freeze {
        tab: usize,
        is_told: bool,
    },
    Thaw(usize),
    /// A tab that thawed is told what it has missed.
    CatchUp {
        tab: usize,
        inbox: Vec<Told>,
    },
    Crash(usize),
    Open,
    Tell {
        tab: usize,
        told: Told,
    },
    LockAsked(usize),
    LockReleased {
        life: Life,
    },
    WatchAsked {
        tab: usize,
        life: Life,
    },
    /// Whoever has wanted the chat since then has been answered.
    Answered {
        tab: usize,
        since: u64,
    },
    /// Every tab knows who owns the chat.
    Known {
        owner: usize,
        turn: u64,
    },
    /// Every tab knows that the owner is dead.
    Free,
}

/// A fact on its way to a tab.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Told {
    Heard { from: usize, message: Message, channel: u64 },
    Locked(Option<Life>),
    Ended(Life),
    Woken,
}

#[derive(Debug)]
struct Tab {
    claim: Claim,
    is_alive: bool,
    is_frozen: bool,
    /// It was told before it was frozen, and has let go.
    is_put_away: bool,
    /// It was told something since it thawed.
    is_awake: bool,
    /// Since when it is awake.
    awake_since: u64,
    /// Since when its channel is open.
    open_since: u64,
    /// Since when it owns the chat, if it does.
    owns_since: u64,
    /// What it will be told when it thaws.
    inbox: Vec<Told>,
    /// Which channel is open; what was said on an earlier one is not heard.
    channel: u64,
    wants_since: Option<u64>,
    turn: Option<u64>,
    watched: Vec<Life>,
    woken_at: Option<u64>,
    /// When a timer was late, the last time.
    woken_late: u64,
    /// When what each other tab has said arrives, the last of it.
    heard_until: [u64; TABS],
}

pub(crate) struct World {
    seed: u64,
    is_told: bool,
    now: u64,
    random: Random,
    has_locks: bool,
    latency_ms: u64,
    known_ms: u64,
    queue: BinaryHeap<Reverse<(u64, u64, Event)>>,
    events: u64,
    tabs: Vec<Tab>,
    /// Who has the chat's lock, and its life.
    lock: Option<(usize, Life)>,
    /// Since when it is taken, or was.
    taken_at: u64,
    /// Since when nobody has it.
    free_since: u64,
    lives: Vec<(usize, Life)>,
    last_life: NonZeroU32,
    turns: u64,
    two_owners_since: Option<u64>,
    /// A tab that thawed is told what has happened.
    is_catching_up: bool,
    granted: u64,
}

/// Lives through the world of a seed, and panics when a promise is broken; gives how many turns there
/// were. `is_told`: prints what happens.
pub(crate) fn live(seed: u64, is_told: bool) -> u64 {
    let mut world = World::new(seed, is_told);
    world.go_on_until(CALM_MS);
    world.is_calm();
    world.can_send_again();
    world.granted
}

impl World {
    fn new(seed: u64, is_told: bool) -> Self {
        let mut random = Random::new(seed);
        let has_locks = random.percent(50);
        let is_busy = random.percent(20);
        let mut world = Self {
            seed,
            is_told,
            now: 0,
            has_locks,
            latency_ms: if is_busy { BUSY_LATENCY_MS } else { LATENCY_MS },
            known_ms: if is_busy { BUSY_KNOWN_MS } else { KNOWN_MS },
            queue: BinaryHeap::new(),
            events: 0,
            tabs: Vec::new(),
            lock: None,
            taken_at: 0,
            free_since: 0,
            lives: Vec::new(),
            last_life: NonZeroU32::MIN,
            turns: 0,
            two_owners_since: None,
            is_catching_up: false,
            granted: 0,
            random,
        };
        for _ in 0..world.random.within(2..5) {
            world.open();
        }
        world.plan();
        world
    }

    /// What people and the browser do, by chance.
    fn plan(&mut self) {
        let mut chance = self.random.fork();
        for _ in 0..chance.within(5..40) {
            let at = chance.within(0..BUSY_MS);
            let tabs = self.tabs.len();
            match chance.within(0..10) {
                // At the same moment in several tabs, or nearly.
                0..=3 => {
                    for tab in 0..tabs {
                        let late = chance.one_of(&[0, 0, 1, 20, 90]);
                        self.at(at + late, Event::Send(tab));
                    }
                }
                4 | 5 => {
                    let tab = chance.below(tabs);
                    self.at(at, Event::Send(tab));
                }
                6 | 7 => {
                    let tab = chance.below(tabs);
                    let is_told = chance.percent(50);
                    // Perhaps in the middle of what it has begun.
                    self.at(at, Event::Send(tab));
                    let at = at + chance.one_of(&[0, 20, 50, 1_000]);
                    self.at(at, Event::Freeze { tab, is_told });
                    let wake = at + chance.one_of(&[200, 3_000, 9_000, 12_000, 45_000]);
                    self.at(wake, Event::Thaw(tab));
                    let late = chance.one_of(&[0, 1, 1, 30]);
                    self.at(wake + late, Event::Send(tab));
                }
                8 => self.at(at, Event::Open),
                _ => {
                    let tab = chance.below(tabs);
                    self.at(at, Event::Crash(tab));
                    self.at(at + 1, Event::Open);
                }
            }
        }
    }

    fn at(&mut self, at: u64, event: Event) {
        self.events += 1;
        self.queue.push(Reverse((at, self.events, event)));
    }

    fn later(&mut self, event: Event) {
        let latency = self.random.within(1..self.latency_ms);
        self.at(self.now + latency, event);
    }

    fn go_on_until(&mut self, end: u64) {
        while let Some(Reverse((at, _, _))) = self.queue.peek() {
            if *at > end {
                break;
            }
            let Some(Reverse((at, _, event))) = self.queue.pop() else {
                break;
            };
            self.now = at;
            if self.is_told {
                println!("{at:7} {event:?}");
            }
            self.happen(event);
            self.check();
        }
        self.now = end;
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Send(tab) => self.send(tab),
            Event::TurnOver { tab, turn } if self.tabs[tab].turn == Some(turn) => {
                if self.tabs[tab].is_frozen {
                    // A frozen page learns it later.
                    self.at(self.now + 1_000, Event::TurnOver { tab, turn });
                } else {
                    self.tabs[tab].turn = None;
                    self.tell(tab, Fact::Over);
                }
            }
            Event::TurnOver { .. } => {}
            Event::Freeze { tab, is_told } => self.freeze(tab, is_told),
            Event::Thaw(tab) => self.thaw(tab),
            Event::CatchUp { tab, inbox } => self.catch_up(tab, inbox),
            Event::Crash(tab) => self.crash(tab),
            Event::Open => self.open(),
            Event::Tell { tab, told } => self.deliver(tab, told),
            Event::LockAsked(tab) => self.lock_asked(tab),
            Event::LockReleased { life } => self.lock_released(life),
            Event::WatchAsked { tab, life } => self.watch_asked(tab, life),
            Event::Answered { tab, since } => {
                let waits = &self.tabs[tab];
                let is_answered = waits.wants_since != Some(since);
                let may_wait = waits.is_frozen || waits.awake_since + self.known_ms > self.now;
                assert!(is_answered || may_wait || !waits.is_alive, "{tab} gets no answer");
                if !is_answered && may_wait {
                    self.at(self.now + self.known_ms, Event::Answered { tab, since });
                }
            }
            Event::Known { owner, turn } => self.everybody_knows(owner, turn),
            Event::Free => self.is_free(),
        }
    }

    // People

    fn send(&mut self, tab: usize) {
        let sends = &mut self.tabs[tab];
        if !sends.is_alive || sends.is_frozen || sends.wants_since.is_some() || sends.turn.is_some()
        {
            return;
        }
        sends.wants_since = Some(self.now);
        self.at(self.now + self.known_ms, Event::Answered { tab, since: self.now });
        self.tell(tab, Fact::Wanted);
    }

    fn open(&mut self) {
        let tab = self.tabs.len();
        if tab >= TABS {
            return;
        }
        self.tabs.push(Tab {
            claim: Claim::new(id(tab), self.has_locks),
            is_alive: true,
            is_frozen: false,
            is_put_away: false,
            is_awake: true,
            awake_since: self.now,
            open_since: self.now,
            owns_since: 0,
            inbox: Vec::new(),
            channel: 0,
            wants_since: None,
            turn: None,
            watched: Vec::new(),
            woken_at: None,
            woken_late: 0,
            heard_until: [0; TABS],
        });
        self.tell(tab, Fact::Opened);
        for owner in 0..tab {
            if let Some(turn) = self.tabs[owner].turn {
                self.at(self.now + self.known_ms, Event::Known { owner, turn });
            }
        }
    }

    // The browser

    fn freeze(&mut self, tab: usize, is_told: bool) {
        let frozen = &self.tabs[tab];
        if !frozen.is_alive || frozen.is_frozen {
            return;
        }
        if is_told {
            self.tell(tab, Fact::Closed);
            self.tabs[tab].channel += 1;
        }
        let frozen = &mut self.tabs[tab];
        frozen.is_frozen = true;
        frozen.is_awake = false;
        frozen.is_put_away = is_told;
    }

    fn thaw(&mut self, tab: usize) {
        let thawed = &mut self.tabs[tab];
        if !thawed.is_alive || !thawed.is_frozen {
            return;
        }
        thawed.is_frozen = false;
        thawed.awake_since = self.now;
        let inbox = std::mem::take(&mut thawed.inbox);
        let is_put_away = std::mem::take(&mut thawed.is_put_away);
        if is_put_away {
            self.tabs[tab].open_since = self.now;
            self.tell(tab, Fact::Opened);
        }
        // Timers that are due may come before what was said, which may take a moment more.
        if self.random.percent(50) {
            self.tell(tab, Fact::Woken);
        }
        if self.random.percent(50) {
            return self.at(self.now + 1, Event::CatchUp { tab, inbox });
        }
        self.catch_up(tab, inbox);
    }

    /// What was said while the tab was frozen, all of it; only then does it know how things are.
    fn catch_up(&mut self, tab: usize, inbox: Vec<Told>) {
        self.is_catching_up = true;
        for told in inbox {
            self.deliver(tab, told);
        }
        self.is_catching_up = false;
        let caught_up = &self.tabs[tab];
        if caught_up.is_alive && !caught_up.is_frozen && !caught_up.claim.is_read_only() {
            self.is_let_go_of(tab);
        }
    }

    fn crash(&mut self, tab: usize) {
        let crashed = &mut self.tabs[tab];
        if !crashed.is_alive {
            return;
        }
        crashed.is_alive = false;
        if self.lock.take_if(|(holder, _)| *holder == tab).is_some() {
            self.free_since = self.now;
        }
        let ended: Vec<_> = self.lives.extract_if(.., |(holder, _)| *holder == tab).collect();
        for (_, life) in ended {
            self.life_ended(life);
        }
        if self.has_locks {
            self.at(self.now + self.known_ms, Event::Free);
        }
    }

    fn lock_asked(&mut self, tab: usize) {
        if !self.tabs[tab].is_alive {
            return;
        }
        let life = self.lock.is_none().then(|| {
            self.last_life = self.last_life.saturating_add(1);
            Life(self.last_life)
        });
        if let Some(life) = life {
            self.lock = Some((tab, life));
            self.taken_at = self.now;
            self.lives.push((tab, life));
        }
        self.later(Event::Tell { tab, told: Told::Locked(life) });
    }

    fn lock_released(&mut self, life: Life) {
        if self.lock.take_if(|(_, held)| *held == life).is_some() {
            self.free_since = self.now;
        }
        self.lives.retain(|(_, held)| *held != life);
        self.life_ended(life);
    }

    fn life_ended(&mut self, life: Life) {
        for tab in 0..self.tabs.len() {
            if self.tabs[tab].watched.contains(&life) {
                self.later(Event::Tell { tab, told: Told::Ended(life) });
            }
        }
    }

    fn watch_asked(&mut self, tab: usize, life: Life) {
        let is_over = !self.lives.iter().any(|(_, held)| *held == life);
        if is_over && self.tabs[tab].watched.contains(&life) {
            self.later(Event::Tell { tab, told: Told::Ended(life) });
        }
    }

    /// A fact arrives, or waits until the tab thaws.
    fn deliver(&mut self, tab: usize, told: Told) {
        let told_to = &mut self.tabs[tab];
        if let Told::Heard { channel, .. } = &told
            && *channel != told_to.channel
        {
            return;
        }
        if !told_to.is_alive {
            return;
        }
        if told_to.is_frozen {
            return told_to.inbox.push(told);
        }
        // A timer that was set anew meanwhile is no longer due.
        if told == Told::Woken {
            match told_to.woken_at.take_if(|at| *at <= self.now) {
                Some(at) if at < self.now => told_to.woken_late = self.now,
                Some(_) => {}
                None => return,
            }
        }
        match &told {
            Told::Heard { from, message, .. } => {
                self.tell(tab, Fact::Heard(id(*from), *message));
            }
            Told::Locked(life) => self.tell(tab, Fact::Locked(*life)),
            Told::Ended(life) => self.tell(tab, Fact::Ended(*life)),
            Told::Woken => self.tell(tab, Fact::Woken),
        }
    }

    // The tabs

    fn tell(&mut self, tab: usize, fact: Fact) {
        let mut orders = Vec::new();
        let now = Time::from_millis(self.now);
        let told_to = &mut self.tabs[tab];
        let has_owned = told_to.claim.owns();
        told_to.claim.handle(now, fact, &mut orders);
        told_to.is_awake = true;
        if !has_owned {
            told_to.owns_since = self.now;
        }
        if self.is_told {
            println!("{:7}   tab {tab} {fact:?} -> {orders:?}", self.now);
        }
        for order in orders {
            self.carry_out(tab, order);
        }
        self.set_timer(tab);
    }

    fn set_timer(&mut self, tab: usize) {
        let Some(at) = self.tabs[tab].claim.deadline().map(Time::as_millis) else {
            self.tabs[tab].woken_at = None;
            return;
        };
        if self.tabs[tab].woken_at == Some(at) {
            return;
        }
        self.tabs[tab].woken_at = Some(at);
        // The timers of a tab in the background are late; only with locks does that change nothing.
        let is_late = self.has_locks && self.random.percent(10);
        let at = if is_late { at.max(self.now) + 30_000 } else { at };
        self.at(at.max(self.now), Event::Tell { tab, told: Told::Woken });
    }

    fn carry_out(&mut self, tab: usize, order: Order) {
        match order {
            Order::Post(message) => {
                for to in (0..self.tabs.len()).filter(|to| *to != tab) {
                    let channel = self.tabs[to].channel;
                    let told = Told::Heard { from: tab, message, channel };
                    // What one tab says comes in order; what two say does not.
                    let at = self.now + self.random.within(1..self.latency_ms);
                    let at = at.max(self.tabs[to].heard_until[tab]);
                    self.tabs[to].heard_until[tab] = at;
                    self.at(at, Event::Tell { tab: to, told });
                }
            }
            Order::Lock => self.later(Event::LockAsked(tab)),
            Order::Unlock => {
                if let Some((_, life)) = self.lives.iter().find(|(holder, _)| *holder == tab) {
                    let life = *life;
                    self.later(Event::LockReleased { life });
                }
            }
            Order::Watch(life) => {
                self.tabs[tab].watched.push(life);
                self.later(Event::WatchAsked { tab, life });
            }
            Order::Unwatch => self.tabs[tab].watched.clear(),
            Order::Granted => self.granted(tab),
            Order::Denied => {
                self.tabs[tab].wants_since = None;
            }
            Order::ReadOnly(is_read_only) => {
                assert_eq!(is_read_only, self.tabs[tab].claim.is_read_only());
                if !is_read_only && !self.is_catching_up {
                    self.is_let_go_of(tab);
                }
            }
        }
    }

    fn granted(&mut self, tab: usize) {
        if self.tabs[tab].wants_since.take().is_some() {
            self.turns += 1;
            self.granted += 1;
            let turn = self.turns;
            self.tabs[tab].turn = Some(turn);
            let length = self.random.one_of(&[5, 200, 2_000, 20_000]);
            self.at(self.now + length, Event::TurnOver { tab, turn });
        }
        if let Some(turn) = self.tabs[tab].turn {
            self.at(self.now + self.known_ms, Event::Known { owner: tab, turn });
        }
    }

    // What must be so

    fn check(&mut self) {
        let owners: Vec<_> = (0..self.tabs.len())
            .filter(|tab| self.tabs[*tab].is_alive && self.tabs[*tab].claim.owns())
            .collect();
        if self.has_locks {
            assert!(owners.len() <= 1, "{owners:?} own the chat at {}", self.now);
            return;
        }
        // One that was frozen does nothing before it is told something.
        let awake = owners.iter().filter(|tab| self.tabs[**tab].is_awake).count();
        if awake < 2 {
            self.two_owners_since = None;
            return;
        }
        let since = *self.two_owners_since.get_or_insert(self.now);
        // Between tabs that are busy, until what they say has arrived.
        let is_quick = 2 * self.latency_ms <= OBJECTION_MS;
        let window_ms = if is_quick { 0 } else { 2 * self.latency_ms };
        assert!(self.now <= since + window_ms, "{owners:?} own the chat since {since}");
    }

    /// A tab takes the chat to be free: so nobody owns it, or has its lock, but whoever got it just now.
    fn is_let_go_of(&self, tab: usize) {
        if self.tabs[tab].claim.owns() || self.tabs[tab].open_since + self.known_ms > self.now {
            return;
        }
        if let Some((owner, _)) = &self.lock {
            // Else it does not know yet that it has the lock.
            let owner = &self.tabs[*owner];
            let since = self.taken_at.max(owner.awake_since);
            let lets_go = since + self.known_ms < self.now && !owner.claim.is_held();
            assert!(!lets_go || owner.is_frozen, "{tab} finds the lock taken");
        }
        for (index, owner) in self.tabs.iter().enumerate() {
            let owns = owner.is_alive && owner.is_awake && owner.claim.owns();
            let is_new = owner.owns_since.max(owner.awake_since) + self.known_ms > self.now;
            assert!(!owns || is_new, "{tab} does not see that {index} owns the chat");
        }
    }

    fn everybody_knows(&self, owner: usize, turn: u64) {
        let has_owned = self.tabs[owner].turn == Some(turn) && self.tabs[owner].claim.owns();
        if !has_owned || self.tabs[owner].is_frozen || !self.tabs[owner].is_alive {
            return;
        }
        if self.tabs[owner].awake_since + self.known_ms > self.now {
            return;
        }
        for (index, tab) in self.tabs.iter().enumerate().filter(|(index, _)| *index != owner) {
            let is_awake =
                tab.is_alive && !tab.is_frozen && tab.awake_since + self.known_ms <= self.now;
            assert!(!is_awake || tab.claim.is_read_only(), "{index} does not know of {owner}");
        }
    }

    fn is_free(&self) {
        if self.lock.is_some() || self.free_since + self.known_ms > self.now {
            return;
        }
        for (index, tab) in self.tabs.iter().enumerate() {
            // A timer that is late anyway is late here as well.
            let is_due = tab.claim.deadline().is_some_and(|due| due.as_millis() < self.now);
            let since = tab.awake_since.max(tab.woken_late);
            let is_awake = tab.is_alive && !tab.is_frozen && since + self.known_ms <= self.now;
            assert!(!is_awake || is_due || !tab.claim.is_read_only(), "{index} waits for the dead");
        }
    }

    /// Everybody has left off.
    fn is_calm(&mut self) {
        for index in 0..self.tabs.len() {
            self.thaw(index);
        }
        self.go_on_until(self.now + CALM_MS);
        for (index, tab) in self.tabs.iter().enumerate().filter(|(_, tab)| tab.is_alive) {
            assert!(!tab.claim.is_read_only(), "{index} is read-only for ever");
            assert!(!tab.claim.is_held(), "{index} owns the chat for ever");
        }
        assert_eq!((&self.lock, self.lives.len()), (&None, 0), "a lock is held for ever");
    }

    fn can_send_again(&mut self) {
        let alive: Vec<_> = (0..self.tabs.len()).filter(|tab| self.tabs[*tab].is_alive).collect();
        if alive.is_empty() {
            return;
        }
        let sender = self.random.one_of(&alive);
        let turns = self.turns;
        self.send(sender);
        self.go_on_until(self.now + self.known_ms);
        assert_eq!(self.turns, turns + 1, "{sender} cannot send");
    }
}

/// In no order, as random ids are.
fn id(tab: usize) -> TabId {
    TabId(u32::try_from((tab * 7 + 3) % 10).unwrap_or_default())
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() && self.is_told {
            println!("seed {} failed", self.seed);
        }
    }
}
