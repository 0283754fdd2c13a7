//! Records, by example: what each kind is told by, and what a broken one costs.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use trigger_chat_transport::wire::control::{Control, TurnComplete};
use trigger_chat_transport::wire::error::WireError;
use trigger_chat_transport::wire::record::decode_v1;

use crate::delivery::{Item, Kind, batch, data, decode};
use crate::reference;

/// A good record, to stand before and after the one under test.
const GOOD: &str =
    r#"{"seq_num":1,"timestamp":5,"body":"{\"data\":{\"type\":\"a\"},\"id\":\"p\"}"}"#;

fn good() -> Item {
    Item::Record(1, data(r#"{"type":"a"}"#, "a", "p"))
}

/// The record under test, between two good ones. It has to have seq 7.
fn kind(record: &str) -> Kind {
    let [before, record, after] = one_between_two(record);
    assert_eq!([before, after], [good(), good()]);
    let Item::Record(7, kind) = record else { panic!("{record:?}") };
    kind
}

fn one_between_two(record: &str) -> [Item; 3] {
    let items = batch(&format!(r#"{{"records":[{GOOD},{record},{GOOD}]}}"#));
    items.try_into().expect("three records")
}

/// What a record with this body is; the body is escaped as a server does it.
fn kind_of_body(body: &str) -> Kind {
    let body = serde_json::to_string(body).unwrap();
    kind(&format!(r#"{{"seq_num":7,"body":{body}}}"#))
}

/// What a record with these headers is; it has a good body too.
fn kind_of_headers(headers: &str) -> Kind {
    kind(&format!(
        r#"{{"seq_num":7,"timestamp":5,"headers":{headers},"body":"{{\"data\":{{\"type\":\"b\"}},\"id\":\"q\"}}"}}"#
    ))
}

fn of_good_body() -> Kind {
    data(r#"{"type":"b"}"#, "b", "q")
}

fn control(control: Control<'static>) -> Kind {
    Kind::Control(control, None)
}

fn untyped(chunk: &str) -> Kind {
    Kind::Data { chunk: chunk.to_owned(), chunk_type: None, part_id: None }
}

#[test]
fn a_batch_may_have_no_records() {
    assert_eq!(batch(r#"{"records":[]}"#), []);
    assert_eq!(batch(r#"{"records":[],"tail":{"seq_num":9,"timestamp":5}}"#), []);
}

#[test]
fn a_record_without_headers_is_data() {
    assert_eq!(kind_of_body(r#"{"data":{"type":"b"},"id":"q"}"#), of_good_body());
    assert_eq!(kind_of_headers("[]"), of_good_body());
    assert_eq!(kind_of_headers(r#"[["other","x"]]"#), of_good_body());
}

#[test]
fn the_members_of_a_batch_and_of_a_record_stand_in_any_order() {
    let record = r#"{"body":"{\"id\":\"q\",\"data\":{\"x\":1,\"type\":\"b\"}}","timestamp":5,"headers":[],"seq_num":7}"#;
    let tail = r#"{"seq_num":9,"timestamp":5}"#;
    assert_eq!(
        batch(&format!(r#"{{"tail":{tail},"records":[{record}]}}"#)),
        [Item::Record(7, data(r#"{"x":1,"type":"b"}"#, "b", "q"))]
    );
    let late = r#"{"headers":[["trigger-control","upgrade-required"]],"seq_num":7}"#;
    assert_eq!(kind(late), control(Control::UpgradeRequired));
}

#[test]
fn unknown_members_are_passed_over() {
    let noise = r#""x":{"records":[{"seq_num":3}],"y":["]","}",{"a":"\""}]}"#;
    let body = r#"{\"z\":[{\"data\":2}],\"data\":{\"type\":\"b\",\"deep\":{\"type\":\"c\"}},\"z2\":\"data\",\"id\":\"q\"}"#;
    let record = format!(r#"{{{noise},"seq_num":7,"x2":null,"body":"{body}","x3":[[]]}}"#);
    let expected = data(r#"{"type":"b","deep":{"type":"c"}}"#, "b", "q");
    assert_eq!(
        batch(&format!(r#"{{{noise},"records":[{record}],"x2":0}}"#)),
        [Item::Record(7, expected)]
    );
}

#[test]
fn white_space_between_tokens_means_nothing() {
    let spaced = "{ \"records\" :\n[ {\t\"seq_num\" : 7 , \"body\" : \"{ \\\"data\\\" : {\\\"type\\\":\\\"b\\\"} , \\\"id\\\" : \\\"q\\\" }\" } \n] } ";
    assert_eq!(batch(spaced), [Item::Record(7, of_good_body())]);
    // A CR cannot come in an event; in JSON it is white space like the others.
    assert_eq!(decode(&spaced.replace('\n', "\r\n\r")), [Item::Record(7, of_good_body())]);
}

#[test]
fn a_member_name_may_be_spelled_with_escapes() {
    let record = r#"{"\u0073eq_num":7,"b\u006fdy":"{\"d\\u0061ta\":{\"typ\\u0065\":\"b\"},\"\\u0069d\":\"q\"}"}"#;
    assert_eq!(
        batch(&format!(r#"{{"rec\u006Frds":[{record}]}}"#)),
        [Item::Record(7, data(r#"{"typ\u0065":"b"}"#, "b", "q"))]
    );
    let headers =
        r#"[["trigger\u002dcontrol","turn\u002dcomplete"],["session-\u0063losed","tru\u0065"]]"#;
    let end = TurnComplete { session_closed: true, ..TurnComplete::default() };
    assert_eq!(kind_of_headers(headers), control(Control::TurnComplete(end)));
}

#[test]
fn of_two_members_of_one_name_the_last_counts_as_in_json_parse() {
    let record = r#"{"seq_num":6,"body":"no","seq_num":7,"body":"{\"data\":1,\"data\":{\"type\":\"a\",\"type\":\"b\"},\"id\":\"p\",\"id\":\"q\"}"}"#;
    assert_eq!(kind(record), data(r#"{"type":"a","type":"b"}"#, "b", "q"));
}

#[test]
fn every_escape_of_the_body_is_undone_once() {
    let body = r#"{\u0022data\u0022:{\"type\":\"b\",\"x\":\"\\n \\\\ \\\" \\u00e9 \u00e9 \/ \\/ \ud83c\udf89\"},\"id\":\"q\"}"#;
    let chunk = r#"{"type":"b","x":"\n \\ \" \u00e9 é / \/ 🎉"}"#;
    assert_eq!(kind(&format!(r#"{{"seq_num":7,"body":"{body}"}}"#)), data(chunk, "b", "q"));
}

#[test]
fn a_chunk_is_handed_on_as_it_was_written() {
    for chunk in [
        r#"{"type":"b","z":1,"a":2,"10":3,"2":4}"#,
        r#"{"type":"b","n":[15000000000,1e400,-0,0.10,1E+2,123456789012345678901234567890]}"#,
        r#"{"type":"b","__proto__":{"polluted":true},"constructor":0}"#,
        r#"{"type":"b","delta":"\ud83c","other":"\udf89\ud83c"}"#,
        r#"{"type":"b","delta":"\u0000\u001f\/\b\f"}"#,
        "{\"type\":\"b\",\"delta\":\"\u{2028}\u{feff}\u{7f}\u{fffd}\"}",
        "{ \"type\" : \"b\" ,\t\"a\" : [ ] }",
        r#"{"type":"b","a":{"a":[{"a":[[[{}]]]}]}}"#,
    ] {
        let body = format!(r#"{{"data": {chunk} ,"id":"q"}}"#);
        assert_eq!(kind_of_body(&body), data(chunk, "b", "q"));
    }
}

#[test]
fn any_value_but_null_may_be_a_chunk() {
    for chunk in ["{}", "[]", "0", "false", r#""text""#, "[null]", r#"{"type":null}"#] {
        assert_eq!(kind_of_body(&format!(r#"{{"data":{chunk}}}"#)), untyped(chunk));
    }
    assert_eq!(kind_of_body(r#"{"data":null,"id":"q"}"#), Kind::Malformed);
    assert_eq!(kind_of_body(r#"{"data": null }"#), Kind::Malformed);
}

#[test]
fn a_type_and_a_part_id_that_are_no_strings_are_none() {
    assert_eq!(kind_of_body(r#"{"data":{"type":5},"id":5}"#), untyped(r#"{"type":5}"#));
    assert_eq!(kind_of_body(r#"{"data":{"type":{}},"id":null}"#), untyped(r#"{"type":{}}"#));
    assert_eq!(kind_of_body(r#"{"data":{"a":{"type":"b"}}}"#), untyped(r#"{"a":{"type":"b"}}"#));
    assert_eq!(kind_of_body(r#"{"data":["type","b"]}"#), untyped(r#"["type","b"]"#));
}

#[test]
fn a_lone_surrogate_that_only_the_body_escapes_stays_in_the_chunk() {
    let record =
        r#"{"seq_num":7,"body":"{\"data\":{\"type\":\"b\",\"x\":\"\ud83c\"},\"id\":\"\udf89\"}"}"#;
    assert_eq!(kind(record), data(r#"{"type":"b","x":"\ud83c"}"#, "b", "\u{fffd}"));
}

#[test]
fn two_halves_of_a_character_may_be_escaped_at_different_depths() {
    let record = r#"{"seq_num":7,"body":"{\"data\":{\"type\":\"\ud83c\\udf89\"},\"id\":\"\\ud83c\udf89\"}"}"#;
    assert_eq!(kind(record), data(r#"{"type":"\ud83c\udf89"}"#, "🎉", "🎉"));
}

#[test]
fn a_backslash_before_a_lone_surrogate_is_an_invalid_escape() {
    // The body's text is a backslash and a lone surrogate: to `JSON.parse` no escape at all.
    let record = r#"{"seq_num":7,"body":"{\"data\":{\"type\":\"b\",\"x\":\"\\\ud83c\"}}"}"#;
    assert_eq!(kind(record), Kind::Malformed);
    let even =
        r#"{"seq_num":7,"body":"{\"data\":{\"type\":\"b\",\"x\":\"\\\\\ud83c\"},\"id\":\"q\"}"}"#;
    assert_eq!(kind(even), data(r#"{"type":"b","x":"\\\ud83c"}"#, "b", "q"));
}

#[test]
fn a_broken_record_costs_itself_and_nothing_else() {
    for body in [
        "",
        " ",
        "{",
        "}",
        "x",
        "null",
        "5",
        "[]",
        r#""text""#,
        "{}",
        r#"{"id":"q"}"#,
        r#"{"data":}"#,
        r#"{"data":1,}"#,
        r#"{"data":1"#,
        r#"{"data":1}}"#,
        r#"{"data":1} x"#,
        r#"{"data":{"type":"b"}"#,
        r#"{data:1}"#,
        r#"{'data':1}"#,
        r#"{"data":01}"#,
        r#"{"data":NaN}"#,
        r#"{"data":"\x"}"#,
        r#"{"data":"\u12"}"#,
        "{\"data\":\"\n\"}",
        "{\"data\":\"\u{0}\"}",
        "\u{feff}{\"data\":1}",
        r#"{"data":undefined}"#,
        "[DONE]",
        r#"{"data":1,"id":"unfinished}"#,
    ] {
        assert_eq!(kind_of_body(body), Kind::Malformed, "{body}");
    }
}

#[test]
fn a_record_whose_body_is_missing_or_no_string_is_broken() {
    for record in [
        r#"{"seq_num":7}"#,
        r#"{"seq_num":7,"timestamp":5,"headers":[]}"#,
        r#"{"seq_num":7,"body":null}"#,
        r#"{"seq_num":7,"body":5}"#,
        r#"{"seq_num":7,"body":{"data":{"type":"b"}}}"#,
    ] {
        assert_eq!(kind(record), Kind::Malformed, "{record}");
    }
}

#[test]
fn a_record_whose_headers_cannot_be_read_is_broken() {
    for headers in ["{}", "5", r#""trigger-control""#, "[5]", r#"["trigger-control","x"]"#] {
        assert_eq!(kind_of_headers(headers), Kind::Malformed, "{headers}");
    }
}

#[test]
fn odd_headers_are_passed_over() {
    let odd = r#"[[],["x"],[5,6],["y",null],["z","1","2"],[["a"],"b"],["trigger-control",5]]"#;
    assert_eq!(kind_of_headers(odd), of_good_body());
    let odd_before = r#"[[],["x"],[5,6],["trigger-control","pending-version","more"]]"#;
    assert_eq!(kind_of_headers(odd_before), control(Control::PendingVersion));
}

#[test]
fn a_record_without_a_whole_seq_is_passed_over() {
    for seq in ["null", "-1", "1.5", r#""7""#, "1e400", "18446744073709551616", "[]", "{}"] {
        let record = format!(r#"{{"seq_num":{seq},"body":"x"}}"#);
        let items = batch(&format!(r#"{{"records":[{GOOD},{record},{GOOD}]}}"#));
        assert_eq!(items, [good(), good()], "{seq}");
    }
    assert_eq!(batch(&format!(r#"{{"records":[{{}},{GOOD}]}}"#)), [good()]);
}

#[test]
fn a_seq_may_be_as_large_as_it_gets() {
    for seq in [0, 9_007_199_254_740_993, u64::MAX] {
        let record = format!(r#"{{"records":[{{"seq_num":{seq},"headers":[["",""]]}}]}}"#);
        assert_eq!(batch(&record), [Item::Record(seq, Kind::Command)]);
    }
}

#[test]
fn an_element_that_is_no_record_costs_only_itself() {
    for element in ["null", "5", "[]", "\"x\"", "{}"] {
        let items = batch(&format!(r#"{{"records":[{element},{GOOD},{element}]}}"#));
        assert_eq!(items, [good()], "{element}");
    }
}

#[test]
fn headers_that_are_null_are_headers_that_are_absent() {
    let record = GOOD.replacen('{', r#"{"headers":null,"#, 1);
    assert_eq!(batch(&format!(r#"{{"records":[{record}]}}"#)), [good()]);
}

#[test]
fn a_malformed_batch_is_told_after_its_good_records() {
    for (rest, records_before) in [
        ("", 1),
        (",", 1),
        (",]}", 1),
        ("}", 1),
        (",{]}", 1),
        (r#",{"seq_num":}]}"#, 1),
        (r#",{"seq_num":7,"body":"x]}"#, 1),
        (r#",{"seq_num":7 "body":"x"}]}"#, 1),
        (r#",{"seq_num":01}]}"#, 1),
        (r#",{"seq_num":7,"body":"\x"}]}"#, 1),
        (r#",{"seq_num":7,"headers":[[]}]}"#, 1),
        ("]", 1),
        ("],", 1),
        ("],}", 1),
        ("]}}", 1),
        ("]} x", 1),
        (r#"],"tail":}"#, 1),
        (r#",{"seq_num":1,"headers":[["",""]]}]"#, 2),
    ] {
        let items = decode(&format!(r#"{{"records":[{GOOD}{rest}"#));
        assert_eq!(items.last(), Some(&Item::Fault(WireError::MalformedBatch)), "{rest}");
        assert_eq!(items.first(), Some(&good()), "{rest}");
        assert_eq!(items.len(), records_before + 1, "{rest}");
    }
}

#[test]
fn what_is_no_batch_at_all_is_malformed() {
    for text in [
        "",
        " ",
        "null",
        "5",
        "[]",
        r#""records""#,
        "{",
        "[DONE]",
        "<html>",
        "{records:[]}",
        r#"{"records"}"#,
        r#"{"records":}"#,
        r#"{"records":null}"#,
        r#"{"records":{}}"#,
        r#"{"records":"x"}"#,
        r#"{"tail":01}"#,
    ] {
        assert_eq!(decode(text), [Item::Fault(WireError::MalformedBatch)], "{text}");
    }
}

#[test]
fn a_record_whose_first_header_has_no_name_is_a_command() {
    assert_eq!(kind_of_headers(r#"[["","trim"]]"#), Kind::Command);
    assert_eq!(
        kind_of_headers(r#"[["","fence"],["trigger-control","turn-complete"]]"#),
        Kind::Command
    );
    assert_eq!(
        kind(r#"{"seq_num":7,"headers":[["","trim"]],"body":"\u0000\u0013"}"#),
        Kind::Command
    );
    assert_eq!(kind(r#"{"seq_num":7,"headers":[["","trim"]]}"#), Kind::Command);
    assert_eq!(
        kind_of_headers(r#"[["trigger-control","upgrade-required"],["","trim"]]"#),
        control(Control::UpgradeRequired)
    );
}

#[test]
fn a_control_record_needs_no_body_and_its_header_may_stand_anywhere() {
    let named = |name: &str| format!(r#"[["x","y"],["trigger-control","{name}"],["z",""]]"#);
    for (name, expected) in [
        ("turn-complete", Control::TurnComplete(TurnComplete::default())),
        ("upgrade-required", Control::UpgradeRequired),
        ("session-closed", Control::SessionClosed { reason: None }),
        ("pending-version", Control::PendingVersion),
        ("", Control::Unknown),
        ("Turn-Complete", Control::Unknown),
        ("turn-complete ", Control::Unknown),
        ("something-new", Control::Unknown),
    ] {
        let headers = named(name);
        let without_body = format!(r#"{{"seq_num":7,"headers":{headers}}}"#);
        assert_eq!(kind(&without_body), control(expected.clone()), "{name}");
        let with_broken_body = format!(r#"{{"seq_num":7,"headers":{headers},"body":"{{"}}"#);
        assert_eq!(kind(&with_broken_body), control(expected.clone()), "{name}");
        assert_eq!(kind_of_headers(&headers), control(expected), "{name}");
    }
}

#[test]
fn a_turn_complete_carries_what_its_headers_say() {
    let headers = r#"[
        ["session-closed-reason","d\u00e9j\u00e0 \"vu\""],
        ["session-in-event-id","41"],
        ["session-in-consumed-id","43"],
        ["trigger-control","turn-complete"],
        ["public-access-token","token"],
        ["session-closed","true"]]"#;
    let expected = TurnComplete {
        public_access_token: Some("token".into()),
        session_in_event_id: Some("41".into()),
        session_in_consumed_id: Some("43".into()),
        session_closed: true,
        session_closed_reason: Some("déjà \"vu\"".into()),
    };
    assert_eq!(expected.consumed_input_seq(), Some(41));
    assert_eq!(expected.highest_input_seq(), Some(43));
    assert_eq!(kind_of_headers(headers), control(Control::TurnComplete(expected)));
}

#[test]
fn a_session_is_closed_by_the_word_true_alone() {
    for word in ["false", "TRUE", "1", "", "true "] {
        let headers =
            format!(r#"[["trigger-control","turn-complete"],["session-closed","{word}"]]"#);
        let expected = Control::TurnComplete(TurnComplete::default());
        assert_eq!(kind_of_headers(&headers), control(expected), "{word}");
    }
    let closed = r#"[["trigger-control","session-closed"],["session-closed-reason","over"]]"#;
    let expected = Control::SessionClosed { reason: Some("over".into()) };
    assert_eq!(kind_of_headers(closed), control(expected));
}

#[test]
fn of_two_headers_of_one_name_the_first_counts() {
    let headers = r#"[["trigger-control","session-closed"],["session-closed-reason","a"],
        ["trigger-control","turn-complete"],["session-closed-reason","b"]]"#;
    let expected = Control::SessionClosed { reason: Some("a".into()) };
    assert_eq!(kind_of_headers(headers), control(expected));
}

#[test]
fn an_input_seq_that_is_no_number_is_not_known() {
    for (text, seq) in [("0", Some(0)), ("18446744073709551615", Some(u64::MAX))] {
        assert_eq!(seqs(text), [seq; 2], "{text}");
    }
    for text in ["", " 1", "1 ", "-1", "1.0", "1e3", "x", "18446744073709551616"] {
        assert_eq!(seqs(text), [None; 2], "{text}");
    }
    assert_eq!(TurnComplete::default().consumed_input_seq(), None);
    assert_eq!(TurnComplete::default().highest_input_seq(), None);
}

fn seqs(id: &str) -> [Option<u64>; 2] {
    let turn = TurnComplete {
        session_in_event_id: Some(id.into()),
        session_in_consumed_id: Some(id.into()),
        ..TurnComplete::default()
    };
    [turn.consumed_input_seq(), turn.highest_input_seq()]
}

/// Older agents' control, in the two forms of the wire.
fn kinds_of_chunk(chunk: &str) -> [Kind; 2] {
    let body = format!(r#"{{"data":{chunk},"id":"q"}}"#);
    [kind_of_body(&body), Kind::from(decode_v1(chunk))]
}

#[test]
fn control_of_older_agents_is_told_by_the_type_of_the_chunk() {
    let end = |token: Option<&'static str>| {
        Control::TurnComplete(TurnComplete {
            public_access_token: token.map(Into::into),
            ..TurnComplete::default()
        })
    };
    for (chunk, expected) in [
        (r#"{"type":"trigger:turn-complete"}"#, end(None)),
        (r#"{"type":"trigger:turn-complete","publicAccessToken":"t\u006Fk"}"#, end(Some("tok"))),
        (r#"{"publicAccessToken":"t","type":"trigger:turn-complete"}"#, end(Some("t"))),
        (r#"{"type":"trigger:turn-complete","publicAccessToken":null}"#, end(None)),
        (r#"{"type":"trigger:upgrade-required"}"#, Control::UpgradeRequired),
        (r#"{"type":"trigger\u003aupgrade-required"}"#, Control::UpgradeRequired),
        (
            r#"{"type":"trigger:session-state","lastEventId":"12"}"#,
            Control::SessionState { last_event_id: Some("12".into()) },
        ),
        (
            r#"{"lastEventId":"1700000000000-0","type":"trigger:session-state"}"#,
            Control::SessionState { last_event_id: Some("1700000000000-0".into()) },
        ),
        (
            r#"{"type":"trigger:session-state","lastEventId":12}"#,
            Control::SessionState { last_event_id: None },
        ),
        (r#"{"type":"trigger:"}"#, Control::Unknown),
        (r#"{"type":"trigger:something-new","x":1}"#, Control::Unknown),
        (r#"{"type":"trigger:session-closed"}"#, Control::Unknown),
    ] {
        let part_id = Some("q".to_owned());
        let [v2, v1] = kinds_of_chunk(chunk);
        assert_eq!(v2, Kind::Control(expected.clone(), part_id), "{chunk}");
        assert_eq!(v1, Kind::Control(expected, None), "{chunk}");
    }
}

#[test]
fn a_type_that_only_resembles_control_is_data() {
    for chunk_type in ["trigger", "Trigger:turn-complete", " trigger:turn-complete", "a-trigger:b"]
    {
        let chunk = format!(r#"{{"type":"{chunk_type}"}}"#);
        for kind in kinds_of_chunk(&chunk) {
            let Kind::Data { chunk: text, chunk_type: read, .. } = kind else { panic!("{kind:?}") };
            assert_eq!((text.as_str(), read.as_deref()), (&*chunk, Some(chunk_type)));
        }
    }
}

#[test]
fn a_v1_event_is_one_bare_chunk() {
    let chunk = r#"{"type":"text-delta","id":"t1","delta":"\ud83c 15000000000"}"#;
    let expected = Kind::Data {
        chunk: chunk.to_owned(),
        chunk_type: Some("text-delta".to_owned()),
        part_id: None,
    };
    assert_eq!(Kind::from(decode_v1(chunk)), expected);
    assert_eq!(Kind::from(decode_v1(&format!("\n {chunk}\r\t"))), expected);
}

#[test]
fn a_v1_event_that_is_no_json_is_malformed() {
    for text in
        ["", " ", "[DONE]", "{", "{}{}", "null", " null ", "text", "{\"a\":1,}", "\u{feff}{}"]
    {
        assert_eq!(Kind::from(decode_v1(text)), Kind::Malformed, "{text}");
    }
}

#[test]
fn a_chunk_may_nest_deeper_than_any_call_stack() {
    let depth = 100_000;
    let chunk =
        format!(r#"{{"type":"b","x":{}0{}}}"#, r#"[{"a":"#.repeat(depth), "}]".repeat(depth));
    assert!(reference::is_json(&chunk));
    assert_eq!(
        kind_of_long_body(&format!(r#"{{"data":{chunk},"id":"q"}}"#)),
        data(&chunk, "b", "q")
    );
    let crossed = format!(r#"{{"data":{}1{}}}"#, "[".repeat(depth), "}".repeat(depth));
    assert_eq!(kind_of_long_body(&crossed), Kind::Malformed);
}

/// Like [`kind_of_body`], without the deliveries: they are about reads, and each one costs time.
fn kind_of_long_body(body: &str) -> Kind {
    let body = serde_json::to_string(body).unwrap();
    let [Item::Record(7, kind)] =
        <[Item; 1]>::try_from(decode(&format!(r#"{{"records":[{{"seq_num":7,"body":{body}}}]}}"#)))
            .unwrap()
    else {
        panic!("no record")
    };
    kind
}
