//! Single cases of a claim.

use trigger_chat_transport::tabs::{Claim, Fact, Message, Order, Post};
use trigger_chat_transport::time::Time;

/// A tab, whose id is `m`, and the time.
struct Harness {
    claim: Claim,
    now: u64,
}

impl Harness {
    fn open(has_locks: bool) -> Self {
        let mut tab = Self { claim: Claim::new("m".to_owned(), has_locks), now: 0 };
        assert_eq!(tab.tell(Fact::Opened), [HELLO]);
        tab
    }

    /// One that owns the chat.
    fn owner(has_locks: bool) -> Self {
        let mut tab = Self::open(has_locks);
        tab.tell(Fact::Wanted);
        if has_locks {
            tab.tell(Fact::Locked(Some("m1")));
        } else {
            tab.later(100);
        }
        assert!(tab.claim.owns());
        tab
    }

    fn tell(&mut self, fact: Fact<'_>) -> Vec<Order> {
        let mut orders = Vec::new();
        self.claim.handle(Time::from_millis(self.now), fact, &mut orders);
        orders
    }

    fn hear(&mut self, tab: &str, message: Message<'_>) -> Vec<Order> {
        self.tell(Fact::Heard(tab, message))
    }

    /// Time passes, and the tab is woken once, at its end.
    fn later(&mut self, ms: u64) -> Vec<Order> {
        self.now += ms;
        self.tell(Fact::Woken)
    }
}

fn claim(life: Option<&str>) -> Order {
    Order::Post(Post::Claim(life.map(str::to_owned)))
}

const RELEASE: Order = Order::Post(Post::Release);
const HELLO: Order = Order::Post(Post::Hello);
const ASKING: Order = Order::Post(Post::Asking);

#[test]
fn a_tab_that_gets_the_lock_says_so_and_owns_the_chat() {
    let mut tab = Harness::open(true);
    assert_eq!(tab.tell(Fact::Wanted), [Order::Lock]);
    assert!(tab.claim.is_held() && !tab.claim.owns());
    assert_eq!(tab.tell(Fact::Locked(Some("m1"))), [claim(Some("m1")), Order::Granted]);
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
    assert_eq!(tab.tell(Fact::Locked(Some("m1"))), [Order::Unlock]);
    assert!(!tab.claim.is_held());
}

#[test]
fn a_chat_that_another_tab_owns_is_read_only_until_its_lock_falls() {
    let mut tab = Harness::open(true);
    let watch = Order::Watch("a1".to_owned());
    assert_eq!(tab.hear("a", Message::Claim(Some("a1"))), [watch, Order::ReadOnly(true)]);
    assert_eq!(tab.hear("a", Message::Claim(Some("a1"))), [], "said again");
    assert_eq!(tab.tell(Fact::Wanted), [Order::Denied]);
    assert_eq!(tab.hear("a", Message::Release), [], "its lock is not free yet");
    let orders = tab.tell(Fact::Ended("a1"));
    assert_eq!(orders, [Order::ReadOnly(false)]);
}

#[test]
fn the_last_words_of_a_dead_owner_are_waited_for() {
    let mut tab = Harness::open(true);
    tab.hear("a", Message::Claim(Some("a1")));
    tab.tell(Fact::Ended("a1"));
    assert_eq!(tab.later(99), []);
    assert_eq!(tab.hear("a", Message::Claim(Some("a1"))), [], "a late one brings it not back");
    assert_eq!(tab.later(1), [Order::ReadOnly(false)]);
}

#[test]
fn a_late_word_of_a_former_owner_hides_nobody() {
    let mut tab = Harness::open(true);
    tab.hear("b", Message::Claim(Some("b1")));
    tab.hear("a", Message::Claim(Some("a1")));
    tab.hear("a", Message::Release);
    assert_eq!(tab.tell(Fact::Ended("a1")), []);
    tab.hear("b", Message::Release);
    assert_eq!(tab.tell(Fact::Ended("b1")), [Order::ReadOnly(false)]);
}

#[test]
fn an_owner_with_a_lock_never_grows_stale() {
    let mut tab = Harness::open(true);
    tab.hear("a", Message::Claim(Some("a1")));
    assert_eq!(tab.claim.deadline(), None);
    let mut owner = Harness::owner(true);
    assert_eq!(owner.later(600_000), [claim(Some("m1"))], "throttled, and an owner still");
}

#[test]
fn an_owner_answers_a_tab_that_is_new() {
    let mut tab = Harness::owner(true);
    assert_eq!(tab.hear("z", Message::Hello), [claim(Some("m1"))]);
    let mut tab = Harness::open(true);
    assert_eq!(tab.hear("z", Message::Hello), []);
}

#[test]
fn a_page_that_is_put_away_lets_go_and_asks_for_its_claim_when_it_is_back() {
    let mut tab = Harness::owner(true);
    assert_eq!(tab.tell(Fact::Closed), [RELEASE, Order::Unlock, Order::Unwatch]);
    assert!(tab.claim.is_held(), "its turn runs");
    assert_eq!(tab.tell(Fact::Opened), [HELLO, Order::Lock]);
    assert_eq!(tab.tell(Fact::Locked(Some("m2"))), [claim(Some("m2")), Order::Granted]);
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
    assert_eq!(tab.hear("z", Message::Asking), [ASKING]);
    let orders = tab.hear("a", Message::Asking);
    assert_eq!(orders, [Order::Denied, Order::ReadOnly(true)]);
}

#[test]
fn without_locks_whoever_owns_the_chat_objects() {
    let mut tab = Harness::owner(false);
    assert_eq!(tab.hear("a", Message::Asking), [claim(None)]);
    let mut tab = Harness::open(false);
    tab.tell(Fact::Wanted);
    let orders = tab.hear("z", Message::Claim(None));
    assert_eq!(orders, [Order::Denied, Order::ReadOnly(true)]);
}

#[test]
fn without_locks_one_of_two_owners_goes_on() {
    let mut tab = Harness::owner(false);
    assert_eq!(tab.hear("z", Message::Claim(None)), [claim(None)]);
    assert!(tab.claim.owns());
    assert_eq!(tab.hear("a", Message::Claim(None)), [Order::ReadOnly(true)]);
    assert!(!tab.claim.is_held());
}

#[test]
fn without_locks_a_silent_owner_is_asked_and_then_forgotten() {
    let mut tab = Harness::open(false);
    tab.hear("a", Message::Claim(None));
    assert_eq!(tab.later(8_999), []);
    tab.hear("a", Message::Heartbeat);
    assert_eq!(tab.later(8_999), []);
    assert_eq!(tab.later(1), [HELLO]);
    assert_eq!(tab.later(999), []);
    assert_eq!(tab.later(1), [Order::ReadOnly(false)]);
}

#[test]
fn without_locks_a_tab_that_was_frozen_does_not_take_its_own_silence_for_an_owners() {
    let mut tab = Harness::open(false);
    tab.hear("a", Message::Claim(None));
    assert_eq!(tab.later(60_000), [HELLO]);
    tab.hear("a", Message::Claim(None));
    assert_eq!(tab.later(8_999), []);
    assert!(tab.claim.is_read_only());
}

#[test]
fn without_locks_an_owner_that_was_frozen_asks_anew_before_it_sends() {
    let mut tab = Harness::owner(false);
    tab.now += 60_000;
    assert_eq!(tab.tell(Fact::Wanted), [ASKING]);
    let orders = tab.hear("z", Message::Claim(None));
    assert_eq!(orders, [Order::Denied, Order::ReadOnly(true)]);
}

#[test]
fn without_locks_a_tab_that_was_frozen_while_it_waited_for_objections_waits_again_once() {
    let mut tab = Harness::open(false);
    tab.tell(Fact::Wanted);
    assert_eq!(tab.later(60_000), [ASKING]);
    assert_eq!(tab.later(60_000), [claim(None), Order::Granted], "its timers are always late");
}

#[test]
fn the_claim_of_a_published_client_is_heeded() {
    for has_locks in [true, false] {
        let mut tab = Harness::open(has_locks);
        assert_eq!(tab.hear("old", Message::Claim(None)), [Order::ReadOnly(true)]);
        assert_eq!(tab.tell(Fact::Wanted), [Order::Denied]);
        assert_eq!(tab.hear("old", Message::Release), [Order::ReadOnly(false)]);
    }
}

#[test]
fn a_published_client_that_was_quicker_than_the_lock_has_the_chat() {
    let mut tab = Harness::open(true);
    tab.tell(Fact::Wanted);
    tab.hear("old", Message::Claim(None));
    assert_eq!(tab.tell(Fact::Locked(Some("m1"))), [Order::Unlock, Order::Denied]);
}

#[test]
fn a_published_client_that_claims_what_is_owned_is_told() {
    let mut tab = Harness::owner(true);
    assert_eq!(tab.hear("a-old", Message::Claim(None)), [claim(Some("m1"))]);
    assert!(tab.claim.owns());
    assert_eq!(tab.later(5_000), [claim(Some("m1"))], "it forgets what is not repeated");
}

#[test]
fn a_tab_that_comes_late_learns_of_a_published_client_by_its_heartbeat() {
    let mut tab = Harness::open(true);
    assert_eq!(tab.hear("old", Message::Heartbeat), [Order::ReadOnly(true)]);
}
