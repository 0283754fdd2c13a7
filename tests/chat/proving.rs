//! A `200` without a seq after a retry proves nothing: the records of `.in` tell whether the message
//! has landed, and under which seq.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use trigger_chat_transport::chat::action::Input;
use trigger_chat_transport::chat::session::PersistedSession;

use crate::harness::*;

const MINUTE: u64 = 60_000;

const BARE: &str = r#"{"ok":true}"#;
const NOTHING: &str = r#"{"records":[]}"#;
const FOUND: &str = r#"{"records":[{"data":{},"id":"p0","seqNum":4},{"id":"p1","seqNum":5}]}"#;

/// The second attempt of call 1's message, append 3, is under way; its subscription waits.
fn second_attempt() -> Harness {
    let mut chat = Harness::restored(PersistedSession { active_input_seq: Some(3), ..idle() });
    chat.tell(send(1));
    chat.tell(connected(2));
    chat.tell(network_failed(1));
    chat.expect_woken(&["append 3 with t0 as p1: B1"]);
    chat
}

/// The records are asked for by request 4.
fn asking() -> Harness {
    let mut chat = second_attempt();
    chat.expect(answered(3, 200, BARE), &["list input 4 with t0 after 3"]);
    chat
}

fn is_sent(orders: &[String]) -> bool {
    orders[0].starts_with("tell message-sent submit-message m1 as p1")
        && orders.contains(&"open stream 1 for call 1".to_owned())
}

#[test]
fn a_question_that_is_not_answered_in_time_leaves_the_message_unproven() {
    // What became of the question is not what the app has to know.
    let mut chat = asking();
    chat.tell(network_failed(4));
    let orders = chat.pass(2 * MINUTE);
    assert!(orders.contains(&"reject 1: unproven p1".to_owned()), "{orders:?}");
}

#[test]
fn a_bare_200_to_a_first_attempt_is_accepted() {
    let mut chat = Harness::idle();
    chat.tell(send(1));
    let orders = chat.tell(answered(1, 200, BARE));
    assert!(is_sent(&orders), "{orders:?}");
    assert_eq!(chat.session(), "t0 streaming");
}

#[test]
fn a_bare_200_after_a_refused_token_is_accepted() {
    // The refused attempt cannot have claimed the part id.
    let mut chat = Harness::idle();
    chat.tell(send(1));
    chat.tell(answered(1, 401, ""));
    chat.tell(token_ready("t1"));
    let orders = chat.tell(answered(3, 200, BARE));
    assert!(is_sent(&orders), "{orders:?}");
}

#[test]
fn a_200_with_its_seq_is_accepted_at_any_attempt() {
    let orders = second_attempt().tell(acknowledged(3, 5));
    assert!(is_sent(&orders), "{orders:?}");
}

#[test]
fn a_message_that_is_among_the_records_has_landed_under_their_seq() {
    let mut chat = asking();
    let orders = chat.tell(answered(4, 200, FOUND));
    assert!(is_sent(&orders), "{orders:?}");
    assert_eq!(chat.session(), "t0 streaming seq 5");
}

#[test]
fn a_message_that_is_not_among_the_records_goes_out_again_under_the_same_part_id() {
    let mut chat = asking();
    chat.expect(answered(4, 200, NOTHING), &[]);
    chat.expect_woken(&["append 5 with t0 as p1: B1"]);
    chat.expect(answered(5, 200, BARE), &["list input 6 with t0 after 3"]);
    let orders = chat.tell(answered(6, 200, FOUND));
    assert!(is_sent(&orders), "{orders:?}");
}

#[test]
fn a_message_that_is_never_among_the_records_is_reported_with_its_part_id() {
    let mut chat = asking();
    let mut request = 4;
    let orders = loop {
        chat.expect(answered(request, 200, NOTHING), &[]);
        let orders = chat.tell_woken();
        if orders != [format!("append {} with t0 as p1: B1", request + 1)] {
            break orders;
        }
        let asks = format!("list input {} with t0 after 3", request + 2);
        chat.expect(answered(request + 1, 200, BARE), &[&asks]);
        request += 2;
    };
    assert_eq!(orders.last().unwrap(), "reject 1: unproven p1");
    assert!(!chat.chat.is_active());
}

#[test]
fn where_there_are_no_records_to_ask_the_bare_200_has_to_do() {
    let answers = [
        answered(4, 404, ""),
        answered(4, 405, ""),
        answered(4, 501, ""),
        answered(4, 200, "<html>"),
    ];
    for answer in answers {
        let mut chat = asking();
        let orders = chat.tell(answer);
        assert!(is_sent(&orders), "{orders:?}");
        assert_eq!(chat.session(), "t0 streaming");
    }
}

#[test]
fn a_message_whose_claim_may_be_over_is_looked_for_before_it_goes_out_again() {
    // A repeat would be a second message, if the first attempt has landed.
    let mut chat = Harness::idle();
    chat.tell(send(1));
    chat.tell(connected(2));
    chat.tell(network_failed(1));
    chat.tell(Input::Offline);
    chat.later(10 * MINUTE);
    let orders = chat.tell(Input::Online);
    assert_eq!(orders[0], "list input 3 with t0 all");
    chat.expect(answered(3, 200, NOTHING), &[]);
    let orders = chat.tell_woken();
    assert!(orders.contains(&"append 5 with t0 as p1: B1".to_owned()), "{orders:?}");
}

#[test]
fn a_message_that_was_missing_may_have_landed_since() {
    let mut chat = asking();
    chat.expect(answered(4, 200, NOTHING), &[]);
    chat.tell(Input::Offline);
    chat.later(10 * MINUTE);
    assert_eq!(chat.tell(Input::Online)[0], "list input 5 with t0 after 3");
}

#[test]
fn a_message_whose_claim_may_be_over_is_reported_where_there_are_no_records_to_ask() {
    let mut chat = Harness::idle();
    chat.tell(send(1));
    chat.tell(network_failed(1));
    chat.tell(Input::Offline);
    chat.later(10 * MINUTE);
    chat.tell(Input::Online);
    let orders = chat.tell(answered(3, 404, ""));
    assert_eq!(orders.last().unwrap(), "reject 1: unproven p1");
}

#[test]
fn an_attempt_without_a_network_claims_nothing() {
    let mut chat = Harness::idle();
    chat.tell(send(1));
    chat.tell(Input::Offline);
    chat.tell(acknowledged(1, 4));
    chat.tell(send(2));
    chat.tell(network_failed(3));
    chat.later(10 * MINUTE);
    let orders = chat.tell(Input::Online);
    assert_eq!(orders[0], "append 4 with t0 as p2: B2");
}

#[test]
fn a_question_that_fails_is_asked_again() {
    for failure in [network_failed(4), answered(4, 503, ""), answered(4, 429, "")] {
        let mut chat = asking();
        chat.expect(failure, &[]);
        chat.expect_woken(&["list input 5 with t0 after 3"]);
        let orders = chat.tell(answered(5, 200, FOUND));
        assert!(is_sent(&orders), "{orders:?}");
    }
}

#[test]
fn a_question_whose_token_is_refused_is_asked_with_a_fresh_one() {
    let mut chat = asking();
    chat.expect(answered(4, 401, ""), &["refresh token"]);
    let orders = chat.tell(token_ready("t1"));
    assert_eq!(orders[1], "list input 5 with t1 after 3");
}

#[test]
fn while_a_session_is_created_anew_no_message_is_sent_to_the_lost_one() {
    let mut chat = second_attempt();
    chat.expect(answered(3, 404, ""), &["start session"]);
    chat.tell(aborted(1, 9));
    let orders = chat.tell(send(2));
    assert!(!orders.iter().any(|order| order.starts_with("append")), "{orders:?}");
    let orders = chat.tell(session_started("t1"));
    assert!(orders.iter().any(|order| order.ends_with("with t1 as p2: B2")), "{orders:?}");
}

#[test]
fn whoever_waits_for_a_session_is_told_when_it_cannot_be_created_anew() {
    let mut chat = second_attempt();
    chat.tell(answered(3, 404, ""));
    chat.tell(aborted(1, 9));
    chat.tell(send(2));
    let orders = chat.tell(Input::StartFailed(thrown("no")));
    assert_eq!(orders.last().unwrap(), "reject 2: thrown no");
    assert!(!chat.chat.is_active());
}

#[test]
fn in_a_session_that_was_created_anew_nothing_has_landed_yet() {
    let mut chat = second_attempt();
    chat.expect(answered(3, 404, ""), &["start session"]);
    chat.tell(session_started("t1"));
    let orders = chat.tell(answered(4, 200, BARE));
    assert!(is_sent(&orders), "{orders:?}");
}

#[test]
fn an_answer_that_waited_while_the_machine_slept_tells_of_the_time_before() {
    let mut chat = asking();
    chat.later(600_000);
    chat.expect(answered(4, 200, NOTHING), &[]);
    chat.expect_woken(&["list input 5 with t0 after 3"]);
}
