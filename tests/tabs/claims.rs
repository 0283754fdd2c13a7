//! Single cases of a claim.

use std::num::NonZeroU32;

use trigger_chat_tabs::{Claim, Fact, Life, Message, Order, TabId};
use trigger_chat_transport::time::Time;

/// The tab that is looked at, and the time.
struct Harness {
    claim: Claim,
    now: u64,
}

impl Harness {
    fn open(has_locks: bool) -> Self {
        let mut tab = Self { claim: Claim::new(MINE, has_locks), now: 0 };
        assert_eq!(tab.tell(Fact::Opened), [HELLO]);
        tab
    }

    /// One that owns the chat.
    fn owner(has_locks: bool) -> Self {
        let mut tab = Self::open(has_locks);
        tab.tell(Fact::Wanted);
        if has_locks {
            tab.tell(Fact::Locked(Some(MY_LIFE)));
        } else {
            tab.later(100);
        }
        assert!(tab.claim.owns());
        tab
    }

    fn tell(&mut self, fact: Fact) -> Vec<Order> {
        let mut orders = Vec::new();
        self.claim.handle(Time::from_millis(self.now), fact, &mut orders);
        orders
    }

    fn hear(&mut self, tab: TabId, message: Message) -> Vec<Order> {
        self.tell(Fact::Heard(tab, message))
    }

    /// Time passes, and the tab is woken once, at its end.
    fn later(&mut self, ms: u64) -> Vec<Order> {
        self.now += ms;
        self.tell(Fact::Woken)
    }
}

fn claim(life: Option<Life>) -> Order {
    Order::Post(Message::Claim(life))
}

const fn life(number: u32) -> Life {
    Life(NonZeroU32::new(number).expect("a life is not zero"))
}

const MINE: TabId = TabId(5);
/// Two tabs whose ids are lower, and one whose id is higher.
const A: TabId = TabId(1);
const B: TabId = TabId(2);
const Z: TabId = TabId(9);

const A_LIFE: Life = life(11);
const B_LIFE: Life = life(21);
const MY_LIFE: Life = life(51);
const MY_NEXT_LIFE: Life = life(52);

const RELEASE: Order = Order::Post(Message::Release);
const HELLO: Order = Order::Post(Message::Hello);
const ASKING: Order = Order::Post(Message::Asking);

#[test]
fn a_tab_that_gets_the_lock_says_so_and_owns_the_chat() {
    let mut tab = Harness::open(true);
    assert_eq!(tab.tell(Fact::Wanted), [Order::Lock]);
    assert!(tab.claim.is_held() && !tab.claim.owns());
    assert_eq!(tab.tell(Fact::Locked(Some(MY_LIFE))), [claim(Some(MY_LIFE)), Order::Granted]);
    assert!(tab.claim.owns());
    assert_eq!(tab.tell(Fact::Wanted), [Order::Granted], "its next send");
    assert_eq!(tab.tell(Fact::Over), [RELEASE, Order::Unlock]);
    assert!(!tab.claim.is_held());
}

#[test]
fn a_tab_that_does_not_get_the_lock_is_denied() {
    let mut tab = Harness::open(true);
    tab.tell(Fact::Wanted);
    assert_eq!(tab.tell(Fact::Locked(None)), [Order::Denied]);
    assert!(!tab.claim.is_held());
}

#[test]
fn a_lock_that_comes_when_nobody_wants_it_any_more_is_let_go_of() {
    let mut tab = Harness::open(true);
    tab.tell(Fact::Wanted);
    assert_eq!(tab.tell(Fact::Over), []);
    assert_eq!(tab.tell(Fact::Locked(Some(MY_LIFE))), [Order::Unlock]);
    assert!(!tab.claim.is_held());
}

#[test]
fn a_chat_that_another_tab_owns_is_read_only_until_its_lock_falls() {
    let mut tab = Harness::open(true);
    let watch = Order::Watch(A_LIFE);
    assert_eq!(tab.hear(A, Message::Claim(Some(A_LIFE))), [watch, Order::ReadOnly(true)]);
    assert_eq!(tab.hear(A, Message::Claim(Some(A_LIFE))), [], "said again");
    assert_eq!(tab.tell(Fact::Wanted), [Order::Denied]);
    assert_eq!(tab.hear(A, Message::Release), [], "its lock is not free yet");
    let orders = tab.tell(Fact::Ended(A_LIFE));
    assert_eq!(orders, [Order::ReadOnly(false)]);
}

#[test]
fn the_last_words_of_a_dead_owner_are_waited_for() {
    let mut tab = Harness::open(true);
    tab.hear(A, Message::Claim(Some(A_LIFE)));
    tab.tell(Fact::Ended(A_LIFE));
    assert_eq!(tab.later(99), []);
    assert_eq!(tab.hear(A, Message::Claim(Some(A_LIFE))), [], "a late one brings it not back");
    assert_eq!(tab.later(1), [Order::ReadOnly(false)]);
}

#[test]
fn a_late_word_of_a_former_owner_hides_nobody() {
    let mut tab = Harness::open(true);
    tab.hear(B, Message::Claim(Some(B_LIFE)));
    tab.hear(A, Message::Claim(Some(A_LIFE)));
    tab.hear(A, Message::Release);
    assert_eq!(tab.tell(Fact::Ended(A_LIFE)), []);
    tab.hear(B, Message::Release);
    assert_eq!(tab.tell(Fact::Ended(B_LIFE)), [Order::ReadOnly(false)]);
}

#[test]
fn an_owner_with_a_lock_never_grows_stale() {
    let mut tab = Harness::open(true);
    tab.hear(A, Message::Claim(Some(A_LIFE)));
    assert_eq!(tab.claim.deadline(), None);
    let mut owner = Harness::owner(true);
    assert_eq!(owner.later(600_000), [claim(Some(MY_LIFE))], "throttled, and an owner still");
}

#[test]
fn an_owner_answers_a_tab_that_is_new() {
    let mut tab = Harness::owner(true);
    assert_eq!(tab.hear(Z, Message::Hello), [claim(Some(MY_LIFE))]);
    let mut tab = Harness::open(true);
    assert_eq!(tab.hear(Z, Message::Hello), []);
}

#[test]
fn a_page_that_is_put_away_lets_go_and_asks_for_its_claim_when_it_is_back() {
    let mut tab = Harness::owner(true);
    assert_eq!(tab.tell(Fact::Closed), [RELEASE, Order::Unlock, Order::Unwatch]);
    assert!(tab.claim.is_held(), "its turn runs");
    assert_eq!(tab.tell(Fact::Opened), [HELLO, Order::Lock]);
    assert_eq!(
        tab.tell(Fact::Locked(Some(MY_NEXT_LIFE))),
        [claim(Some(MY_NEXT_LIFE)), Order::Granted]
    );
}

#[test]
fn a_page_whose_turn_ended_while_it_was_away_asks_for_nothing() {
    let mut tab = Harness::owner(true);
    tab.tell(Fact::Closed);
    tab.tell(Fact::Over);
    assert_eq!(tab.tell(Fact::Opened), [HELLO]);
}

#[test]
fn without_locks_a_claim_waits_for_objections() {
    let mut tab = Harness::open(false);
    assert_eq!(tab.tell(Fact::Wanted), [ASKING]);
    assert_eq!(tab.later(99), []);
    assert_eq!(tab.later(1), [claim(None), Order::Granted]);
    assert_eq!(tab.tell(Fact::Over), [RELEASE]);
}

#[test]
fn without_locks_the_lower_of_two_that_ask_gets_the_chat() {
    let mut tab = Harness::open(false);
    tab.tell(Fact::Wanted);
    assert_eq!(tab.hear(Z, Message::Asking), [ASKING]);
    let orders = tab.hear(A, Message::Asking);
    assert_eq!(orders, [RELEASE, Order::Denied, Order::ReadOnly(true)]);
}

#[test]
fn without_locks_whoever_owns_the_chat_objects() {
    let mut tab = Harness::owner(false);
    assert_eq!(tab.hear(A, Message::Asking), [claim(None)]);
    let mut tab = Harness::open(false);
    tab.tell(Fact::Wanted);
    let orders = tab.hear(Z, Message::Claim(None));
    assert_eq!(orders, [RELEASE, Order::Denied, Order::ReadOnly(true)]);
}

#[test]
fn without_locks_one_of_two_owners_goes_on() {
    let mut tab = Harness::owner(false);
    assert_eq!(tab.hear(Z, Message::Claim(None)), [claim(None)]);
    assert!(tab.claim.owns());
    assert_eq!(tab.hear(A, Message::Claim(None)), [RELEASE, Order::ReadOnly(true)]);
    assert!(!tab.claim.is_held());
}

#[test]
fn without_locks_a_silent_owner_is_asked_and_then_forgotten() {
    let mut tab = Harness::open(false);
    tab.hear(A, Message::Claim(None));
    assert_eq!(tab.later(8_999), []);
    tab.hear(A, Message::Heartbeat);
    assert_eq!(tab.later(8_999), []);
    assert_eq!(tab.later(1), [HELLO]);
    assert_eq!(tab.later(999), []);
    assert_eq!(tab.later(1), [Order::ReadOnly(false)]);
}

#[test]
fn without_locks_a_tab_that_was_frozen_does_not_take_its_own_silence_for_an_owners() {
    let mut tab = Harness::open(false);
    tab.hear(A, Message::Claim(None));
    assert_eq!(tab.later(60_000), [HELLO]);
    tab.hear(A, Message::Claim(None));
    assert_eq!(tab.later(8_999), []);
    assert!(tab.claim.is_read_only());
}

#[test]
fn without_locks_an_owner_that_was_frozen_asks_anew_before_it_sends() {
    let mut tab = Harness::owner(false);
    tab.now += 60_000;
    assert_eq!(tab.tell(Fact::Wanted), [ASKING]);
    let orders = tab.hear(Z, Message::Claim(None));
    assert_eq!(orders, [RELEASE, Order::Denied, Order::ReadOnly(true)]);
}

#[test]
fn without_locks_a_tab_that_was_frozen_while_it_waited_for_objections_waits_again_twice() {
    let mut tab = Harness::open(false);
    tab.tell(Fact::Wanted);
    assert_eq!(tab.later(60_000), [ASKING]);
    assert_eq!(tab.later(60_000), [ASKING], "it was frozen again");
    assert_eq!(tab.later(60_000), [claim(None), Order::Granted], "its timers are always late");
}

#[test]
fn the_claim_of_a_published_client_is_heeded() {
    for has_locks in [true, false] {
        let mut tab = Harness::open(has_locks);
        assert_eq!(tab.hear(Z, Message::Claim(None)), [Order::ReadOnly(true)]);
        assert_eq!(tab.tell(Fact::Wanted), [Order::Denied]);
        assert_eq!(tab.hear(Z, Message::Release), [Order::ReadOnly(false)]);
    }
}

#[test]
fn a_published_client_that_was_quicker_than_the_lock_has_the_chat() {
    let mut tab = Harness::open(true);
    tab.tell(Fact::Wanted);
    tab.hear(Z, Message::Claim(None));
    assert_eq!(tab.tell(Fact::Locked(Some(MY_LIFE))), [Order::Unlock, Order::Denied]);
}

#[test]
fn a_published_client_that_claims_what_is_owned_is_told() {
    let mut tab = Harness::owner(true);
    assert_eq!(tab.hear(A, Message::Claim(None)), [claim(Some(MY_LIFE))]);
    assert!(tab.claim.owns());
    assert_eq!(tab.later(5_000), [claim(Some(MY_LIFE))], "it forgets what is not repeated");
}

#[test]
fn a_tab_that_comes_late_learns_of_a_published_client_by_its_heartbeat() {
    let mut tab = Harness::open(true);
    assert_eq!(tab.hear(Z, Message::Heartbeat), [Order::ReadOnly(true)]);
}
