//! The event stream, rule by rule of
//! <https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation>.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::delivery::{Seen, deliver, deliver_every_way, events};

const ENDINGS: [&str; 3] = ["\n", "\r", "\r\n"];

fn event(name: &str, id: Option<&str>, data: &str) -> Seen {
    Seen { name: name.to_owned(), id: id.map(str::to_owned), data: data.to_owned() }
}

fn datas(input: impl AsRef<[u8]>) -> Vec<String> {
    events(input).into_iter().map(|event| event.data).collect()
}

fn ids(input: impl AsRef<[u8]>) -> Vec<Option<String>> {
    events(input).into_iter().map(|event| event.id).collect()
}

fn retry_ms(input: &str) -> Option<u64> {
    deliver_every_way(input.as_bytes(), |_| Vec::<()>::new()).retry_ms
}

#[test]
fn a_stream_without_a_byte_has_no_event() {
    assert_eq!(events(""), []);
}

#[test]
fn an_event_has_its_name_its_id_and_its_data() {
    assert_eq!(
        events("event: batch\nid: 26,8,512\ndata: {}\n\n"),
        [event("batch", Some("26,8,512"), "{}")]
    );
    assert_eq!(events("data: x\n\n"), [event("", None, "x")]);
}

#[test]
fn the_order_of_fields_is_free() {
    let expected = [event("e", Some("i"), "x")];
    assert_eq!(events("data: x\nid: i\nevent: e\n\n"), expected);
    assert_eq!(events("id: i\ndata: x\nevent: e\n\n"), expected);
}

#[test]
fn every_mix_of_line_endings_gives_the_same_events() {
    for first in ENDINGS {
        for second in ENDINGS {
            for blank in ENDINGS {
                if second == "\r" && blank == "\n" {
                    continue; // One ending, not two: the next test.
                }
                let input = format!("event: e{first}data: x{second}{blank}data: y\n\n");
                let expected = [event("e", None, "x"), event("", None, "y")];
                assert_eq!(events(&input), expected, "{input:?}");
            }
        }
    }
}

#[test]
fn a_line_feed_after_a_carriage_return_ends_no_line_of_its_own() {
    assert_eq!(events("data: x\r\ndata: y\r\n\r\n"), [event("", None, "x\ny")]);
    assert_eq!(datas("data: x\r\n"), [""; 0]);
    assert_eq!(datas("data: x\n\r"), ["x"]);
    assert_eq!(datas("data: x\r\n\n"), ["x"]);
    assert_eq!(datas("data: x\r\r\n"), ["x"]);
    assert_eq!(datas("data: x\r\n\rdata: y\r\n\r"), ["x", "y"]);
}

#[test]
fn an_event_is_dispatched_at_once_by_a_carriage_return() {
    let reads = [&b"data: x\r\n\r"[..]];
    assert_eq!(deliver(reads, |event| vec![event.data.to_string()]).items, ["x"]);
}

#[test]
fn an_empty_read_between_a_carriage_return_and_its_line_feed_changes_nothing() {
    let reads = [&b"data: x\r"[..], b"", b"", b"\ndata: y\n\n"];
    assert_eq!(deliver(reads, |event| vec![event.data.to_string()]).items, ["x\ny"]);
}

#[test]
fn other_line_separators_of_unicode_are_text() {
    let text = "a\u{b}b\u{c}c\u{85}d\u{2028}e\u{2029}f\u{1e}g";
    assert_eq!(datas(format!("data: {text}\n\n")), [text]);
}

#[test]
fn characters_of_every_width_survive_any_cut() {
    let text = "é日🎉e\u{301}👩‍👩‍👧 </script>";
    assert_eq!(
        events(format!("event: {text}\nid: {text}\ndata: {text}\ndata:{text}\n\n")),
        [event(text, Some(text), &format!("{text}\n{text}"))]
    );
}

#[test]
fn one_byte_order_mark_at_the_very_start_is_dropped() {
    assert_eq!(datas("\u{feff}data: x\n\n"), ["x"]);
    assert_eq!(datas("\u{feff}: comment\ndata: x\n\n"), ["x"]);
    assert_eq!(datas("\u{feff}\ndata: x\n\n"), ["x"]);
    assert_eq!(datas("\u{feff}\r\n\r\ndata: x\n\n"), ["x"]);
    assert_eq!(datas("\u{feff}"), [""; 0]);
}

#[test]
fn a_second_byte_order_mark_is_part_of_the_field_name() {
    assert_eq!(datas("\u{feff}\u{feff}data: x\ndata: y\n\n"), ["y"]);
}

#[test]
fn a_byte_order_mark_after_the_first_line_is_part_of_the_field_name() {
    assert_eq!(datas(": comment\n\u{feff}data: x\ndata: y\n\n"), ["y"]);
    assert_eq!(datas("data: x\n\n\u{feff}data: y\n\n"), ["x"]);
    assert_eq!(datas("\u{feff}data: x\n\u{feff}data: y\n\n"), ["x"]);
}

#[test]
fn a_byte_order_mark_after_an_empty_first_line_is_part_of_the_field_name() {
    for ending in ENDINGS {
        assert_eq!(datas(format!("{ending}\u{feff}data: x\ndata: y\n\n")), ["y"], "{ending:?}");
        assert_eq!(datas(format!("\u{feff}{ending}\u{feff}data: x\n\n")), [""; 0], "{ending:?}");
    }
}

#[test]
fn a_byte_order_mark_in_a_value_is_text() {
    assert_eq!(datas("data:\u{feff}x\u{feff}\n\n"), ["\u{feff}x\u{feff}"]);
}

#[test]
fn part_of_a_byte_order_mark_is_none() {
    assert_eq!(datas(b"\xEF\xBBdata: x\ndata: y\n\n"), ["y"]);
    assert_eq!(datas(b"\xEFdata: x\ndata: y\n\n"), ["y"]);
}

#[test]
fn comments_are_passed_over() {
    assert_eq!(datas(":\n: c\n:c: d\ndata: x\n:data: no\ndata: y\n::\n\n"), ["x\ny"]);
    assert_eq!(datas(": only a comment\n\n"), [""; 0]);
}

#[test]
fn data_lines_are_joined_by_line_feeds() {
    assert_eq!(datas("data: a\ndata: b\ndata: c\n\n"), ["a\nb\nc"]);
    assert_eq!(datas("data: a\rdata: b\r\ndata: c\n\n"), ["a\nb\nc"]);
    assert_eq!(datas("data: a\nevent: e\ndata: b\n\n"), ["a\nb"]);
}

#[test]
fn empty_data_lines_count() {
    assert_eq!(datas("data\n\ndata\ndata\n\ndata:"), ["", "\n"]);
    assert_eq!(datas("data:\n\n"), [""]);
    assert_eq!(datas("data: \n\n"), [""]);
    assert_eq!(datas("data:\ndata: x\ndata\n\n"), ["\nx\n"]);
}

#[test]
fn one_space_after_the_colon_is_dropped_and_no_more() {
    assert_eq!(datas("data:x\n\ndata: x\n\ndata:  x\n\n"), ["x", "x", " x"]);
    assert_eq!(datas("data:\tx \n\n"), ["\tx "]);
    assert_eq!(datas("data:\u{a0}x\n\n"), ["\u{a0}x"]);
}

#[test]
fn the_first_colon_ends_the_name_of_a_field() {
    assert_eq!(datas("data:a:b\n\ndata::\n\ndata: : \n\n"), ["a:b", ":", ": "]);
    assert_eq!(ids("id:1:2\ndata\n\n"), [Some("1:2".to_owned())]);
}

#[test]
fn the_name_of_a_field_is_taken_literally() {
    let others = ["Data: x", "DATA: x", " data: x", "data : x", "dat: x", "datax: x", "datax", "x"];
    for line in others {
        assert_eq!(datas(format!("{line}\n\n")), [""; 0], "{line}");
        assert_eq!(datas(format!("{line}\ndata: y\n\n")), ["y"], "{line}");
    }
}

#[test]
fn an_event_without_data_is_not_dispatched_and_leaves_nothing_behind() {
    assert_eq!(events("event: e\nid: i\n\ndata: x\n\n"), [event("", None, "x")]);
    assert_eq!(events("\n\n\r\r\r\n\r\ndata: x\n\n\n\n"), [event("", None, "x")]);
}

#[test]
fn an_unfinished_event_at_the_end_is_not_dispatched() {
    for end in ["d", "data", "data:", "data: y", "data: y\n", "data: y\r", "data: y\r\n"] {
        assert_eq!(datas(format!("data: x\n\n{end}")), ["x"], "{end:?}");
    }
}

#[test]
fn the_last_name_of_an_event_counts() {
    assert_eq!(events("event: a\nevent: b\ndata\n\n"), [event("b", None, "")]);
    assert_eq!(events("event: a\nevent\ndata\n\n"), [event("", None, "")]);
}

#[test]
fn the_last_id_without_a_nul_counts() {
    assert_eq!(ids("id: 1\nid: 2\ndata\n\n"), [Some("2".to_owned())]);
    assert_eq!(ids("id: 1\nid: 2\0\ndata\n\n"), [Some("1".to_owned())]);
    assert_eq!(ids("id: \0\ndata\n\n"), [None]);
    assert_eq!(ids("id: 1\nid\ndata\n\n"), [Some(String::new())]);
}

#[test]
fn an_id_stays_with_its_own_event() {
    assert_eq!(ids("id: 1\ndata\n\ndata\n\n"), [Some("1".to_owned()), None]);
}

#[test]
fn a_nul_in_data_or_in_a_name_is_text() {
    assert_eq!(events("event: \0\ndata: \0\n\n"), [event("\0", None, "\0")]);
}

#[test]
fn a_retry_of_digits_alone_counts() {
    assert_eq!(retry_ms("retry: 1500\n"), Some(1500));
    assert_eq!(retry_ms("retry:007\n"), Some(7));
    assert_eq!(retry_ms("retry: 1\nretry: 2\n\n"), Some(2));
    for value in ["", " ", "  1", "1 ", "-1", "+1", "1.5", "1e3", "0x1", "x", "١"] {
        assert_eq!(retry_ms(&format!("retry: 5\nretry: {value}\n\n")), Some(5), "{value:?}");
        assert_eq!(retry_ms(&format!("retry: {value}\n\n")), None, "{value:?}");
    }
    assert_eq!(retry_ms("retry\n\n"), None);
}

#[test]
fn a_retry_beyond_any_number_is_ignored() {
    assert_eq!(retry_ms("retry: 18446744073709551615\n"), Some(u64::MAX));
    assert_eq!(retry_ms("retry: 5\nretry: 18446744073709551616\n"), Some(5));
}

#[test]
fn a_retry_line_that_is_not_finished_does_not_count() {
    assert_eq!(retry_ms("retry: 15"), None);
}

#[test]
fn invalid_utf_8_is_replaced_once_for_each_maximal_part() {
    for (bytes, replaced) in [
        (&b"\xFF"[..], "\u{fffd}"),
        (b"\x80", "\u{fffd}"),
        (b"\xE2\x82", "\u{fffd}"),
        (b"\xF0\x9F\x8E", "\u{fffd}"),
        (b"\xC0\xAF", "\u{fffd}\u{fffd}"),
        (b"\xED\xA0\x80", "\u{fffd}\u{fffd}\u{fffd}"),
        (b"\xF4\x90\x80\x80", "\u{fffd}\u{fffd}\u{fffd}\u{fffd}"),
        (b"\xE2x", "\u{fffd}x"),
        (b"\xF0\x9F\xE2\x82\xAC", "\u{fffd}€"),
    ] {
        let input = [b"event: ", bytes, b"\nid: ", bytes, b"\ndata: ", bytes, b"\n\n"].concat();
        assert_eq!(events(&input), [event(replaced, Some(replaced), replaced)], "{bytes:?}");
    }
}

#[test]
fn a_character_is_never_made_of_two_lines() {
    assert_eq!(datas(b"data: \xE2\x82\ndata: \xAC\n\n"), ["\u{fffd}\n\u{fffd}"]);
    assert_eq!(datas(b"data: \xE2\x82\n\ndata: \xAC\n\n"), ["\u{fffd}", "\u{fffd}"]);
}

#[test]
fn invalid_utf_8_in_a_name_of_a_field_makes_it_unknown() {
    assert_eq!(datas(b"data\xFF: x\n\xFFdata: x\ndata: y\n\n"), ["y"]);
}

#[test]
fn what_is_no_event_stream_at_all_has_no_event() {
    assert_eq!(datas("<!doctype html>\n<html>\n\n<body>data: x</body>\n\n"), [""; 0]);
    assert_eq!(datas("{\"ok\":false}\n\n"), [""; 0]);
    let noise: Vec<u8> = (0..=u8::MAX).chain((0..=u8::MAX).rev()).collect();
    assert_eq!(datas(noise), [""; 0]);
}
