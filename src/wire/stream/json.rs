//! A strict JSON scanner that borrows: it finds the ends of values instead of building them.
//!
//! Native `JSON.parse` makes the objects, in the browser. What is needed here is where a value
//! starts and ends, and a proof that it is valid, because one invalid chunk would make that one
//! `JSON.parse` of a whole read throw. Grammar: RFC 8259.

use std::borrow::Cow;
use std::mem;

use super::digits::whole_number;

/// The text is not the JSON that was looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

/// What a scan gives.
pub type Scanned<T> = Result<T, Malformed>;

/// A place in a JSON text.
#[derive(Debug, Clone)]
pub struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

/// The items of a container that a scanner has stepped into.
#[derive(Debug)]
pub struct Items {
    close: u8,
    is_first: bool,
}

/// A JSON string as it stands in the text, without its quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RawString<'a> {
    inner: &'a str,
    escaped: bool,
}

impl<'a> Scanner<'a> {
    /// Starts at the beginning of a text.
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// The first byte of the next value, without taking it.
    pub fn peek(&mut self) -> Option<u8> {
        self.skip_white_space();
        self.byte()
    }

    /// Steps into an object; [`next_key`](Self::next_key) gives its members.
    pub fn enter_object(&mut self) -> Scanned<Items> {
        self.enter(b'{', b'}')
    }

    /// Steps into an array; [`next_element`](Self::next_element) goes over its elements.
    pub fn enter_array(&mut self) -> Scanned<Items> {
        self.enter(b'[', b']')
    }

    /// The next member's name, with its value as what comes next; `None` behind the object.
    #[inline(never)]
    pub fn next_key(&mut self, items: &mut Items) -> Scanned<Option<RawString<'a>>> {
        if !self.next_element(items)? {
            return Ok(None);
        }
        let key = self.string()?;
        self.expect(b':')?;
        Ok(Some(key))
    }

    /// Whether an element comes next; `false` behind the array.
    #[inline(never)]
    pub fn next_element(&mut self, items: &mut Items) -> Scanned<bool> {
        let next = self.peek();
        if next == Some(items.close) {
            self.step();
            return Ok(false);
        }
        if !mem::replace(&mut items.is_first, false) {
            if next != Some(b',') {
                return Err(Malformed);
            }
            self.step();
            // A comma has to be followed by an item.
            if self.peek() == Some(items.close) {
                return Err(Malformed);
            }
        }
        Ok(true)
    }

    /// Where the next value starts.
    pub fn position(&mut self) -> usize {
        self.skip_white_space();
        self.at
    }

    /// What has been taken since a position.
    pub fn text_since(&self, position: usize) -> Scanned<&'a str> {
        self.text.get(position..self.at).ok_or(Malformed)
    }

    /// Takes a string.
    #[inline(never)]
    pub fn string(&mut self) -> Scanned<RawString<'a>> {
        self.expect(b'"')?;
        let start = self.at;
        let mut escaped = false;
        loop {
            match self.skip_plain()? {
                b'"' => break,
                b'\\' => {
                    escaped = true;
                    self.step();
                    self.skip_escape()?;
                }
                _ => return Err(Malformed),
            }
        }
        let inner = self.text.get(start..self.at).ok_or(Malformed)?;
        self.step();
        Ok(RawString { inner, escaped })
    }

    /// Takes a string whose value is itself JSON, and appends that value to `out`: in one go, for
    /// most of what is read is in such strings. A lone surrogate stays the escape it was: in JSON
    /// both mean the same, and nothing is lost.
    pub fn json_string_into(&mut self, out: &mut String) -> Scanned<()> {
        self.expect(b'"')?;
        loop {
            let start = self.at;
            let special = self.skip_plain()?;
            out.push_str(self.text_since(start)?);
            self.step();
            match special {
                b'"' => return Ok(()),
                b'\\' if self.byte() == Some(b'"') => {
                    out.push('"');
                    self.step();
                }
                b'\\' => {
                    let escape = self.text.get(self.at..).ok_or(Malformed)?;
                    self.skip_escape()?;
                    let rest = push_escape(escape, out, LoneSurrogate::KeepEscape);
                    self.at = self.text.len().saturating_sub(rest.len());
                }
                _ => return Err(Malformed),
            }
        }
    }

    /// Takes a value of any kind; returns its text, as it stands.
    #[inline(never)]
    pub fn value(&mut self) -> Scanned<&'a str> {
        let start = self.position();
        self.skip_value()?;
        self.text_since(start)
    }

    /// Takes a value; returns it when it is a string.
    #[inline(never)]
    pub fn string_or_skip(&mut self) -> Scanned<Option<RawString<'a>>> {
        if self.peek() == Some(b'"') {
            return self.string().map(Some);
        }
        self.value().map(|_| None)
    }

    /// Takes a value; returns it when it is a whole number that fits.
    pub fn integer_or_skip(&mut self) -> Scanned<Option<u64>> {
        self.value().map(|text| whole_number(text.as_bytes()))
    }

    /// Nothing but white space may follow.
    pub fn end(&mut self) -> Scanned<()> {
        self.skip_white_space();
        if self.at == self.text.len() { Ok(()) } else { Err(Malformed) }
    }

    fn enter(&mut self, open: u8, close: u8) -> Scanned<Items> {
        self.expect(open)?;
        Ok(Items { close, is_first: true })
    }

    /// Takes one value, nested to any depth, with a stack of its own: the text is the service's, and
    /// the call stack is the page's.
    fn skip_value(&mut self) -> Scanned<()> {
        let mut nesting = Nesting::default();
        loop {
            let opened = match self.peek() {
                Some(b'{') => self.open(Container::Object, &mut nesting)?,
                Some(b'[') => self.open(Container::Array, &mut nesting)?,
                _ => {
                    self.skip_scalar()?;
                    false
                }
            };
            if !opened && self.close(&mut nesting)? {
                return Ok(());
            }
        }
    }

    /// Steps into a container; `false` when it was empty and is behind us already.
    #[inline(never)]
    fn open(&mut self, container: Container, nesting: &mut Nesting) -> Scanned<bool> {
        self.step();
        if self.accept(container.closing()) {
            return Ok(false);
        }
        nesting.push(container);
        self.skip_key(container)?;
        Ok(true)
    }

    /// After a value: on to the next one, out of every container that ends here. `true` when the
    /// outermost value is complete.
    fn close(&mut self, nesting: &mut Nesting) -> Scanned<bool> {
        while let Some(container) = nesting.top() {
            if self.accept(b',') {
                self.skip_key(container)?;
                return Ok(false);
            }
            self.expect(container.closing())?;
            nesting.pop();
        }
        Ok(true)
    }

    fn skip_key(&mut self, container: Container) -> Scanned<()> {
        if container == Container::Object {
            self.string()?;
            self.expect(b':')?;
        }
        Ok(())
    }

    fn skip_scalar(&mut self) -> Scanned<()> {
        match self.byte() {
            Some(b'"') => self.string().map(|_| ()),
            Some(b't') => self.literal("true"),
            Some(b'f') => self.literal("false"),
            Some(b'n') => self.literal("null"),
            _ => self.skip_number(),
        }
    }

    fn literal(&mut self, literal: &str) -> Scanned<()> {
        let rest = self.text.get(self.at..).ok_or(Malformed)?;
        if !rest.starts_with(literal) {
            return Err(Malformed);
        }
        self.at = self.at.saturating_add(literal.len());
        Ok(())
    }

    fn skip_number(&mut self) -> Scanned<()> {
        if self.byte() == Some(b'-') {
            self.step();
        }
        if self.byte() == Some(b'0') {
            self.step();
        } else {
            self.skip_digits()?;
        }
        if self.byte() == Some(b'.') {
            self.step();
            self.skip_digits()?;
        }
        if matches!(self.byte(), Some(b'e' | b'E')) {
            self.step();
            if matches!(self.byte(), Some(b'+' | b'-')) {
                self.step();
            }
            self.skip_digits()?;
        }
        Ok(())
    }

    fn skip_digits(&mut self) -> Scanned<()> {
        let start = self.at;
        while self.byte().is_some_and(|byte| byte.is_ascii_digit()) {
            self.step();
        }
        if self.at > start { Ok(()) } else { Err(Malformed) }
    }

    /// Goes on to the next byte that a string cannot hold as it is; returns that one.
    fn skip_plain(&mut self) -> Scanned<u8> {
        // A control character has to be escaped.
        let is_special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
        let rest = self.text.as_bytes().get(self.at..).ok_or(Malformed)?;
        let plain = rest.iter().position(is_special).ok_or(Malformed)?;
        self.at = self.at.saturating_add(plain);
        self.byte().ok_or(Malformed)
    }

    fn skip_escape(&mut self) -> Scanned<()> {
        let kind = self.byte().ok_or(Malformed)?;
        self.step();
        match kind {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Ok(()),
            b'u' => {
                for _ in 0..4 {
                    if !self.byte().is_some_and(|byte| byte.is_ascii_hexdigit()) {
                        return Err(Malformed);
                    }
                    self.step();
                }
                Ok(())
            }
            _ => Err(Malformed),
        }
    }

    fn expect(&mut self, byte: u8) -> Scanned<()> {
        if self.accept(byte) { Ok(()) } else { Err(Malformed) }
    }

    fn accept(&mut self, byte: u8) -> bool {
        let accepted = self.peek() == Some(byte);
        if accepted {
            self.step();
        }
        accepted
    }

    fn skip_white_space(&mut self) {
        // `JSON.stringify` writes none.
        if self.byte().is_some_and(|byte| byte <= b' ') {
            self.skip_some_white_space();
        }
    }

    #[cold]
    fn skip_some_white_space(&mut self) {
        while matches!(self.byte(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.step();
        }
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn step(&mut self) {
        self.at = self.at.saturating_add(1);
    }
}

impl<'a> RawString<'a> {
    /// The string as it stands, without its quotes.
    pub fn raw(self) -> &'a str {
        self.inner
    }

    /// Whether the string's value is `text`.
    #[inline(never)]
    pub fn is(self, text: &str) -> bool {
        if self.escaped { self.decode() == text } else { self.inner == text }
    }

    /// The string's value. A lone surrogate, which UTF-8 cannot hold, becomes U+FFFD.
    #[inline(never)]
    pub fn decode(self) -> Cow<'a, str> {
        if !self.escaped {
            return Cow::Borrowed(self.inner);
        }
        let mut decoded = String::with_capacity(self.inner.len());
        let mut rest = self.inner;
        while let Some((plain, escape)) = split_at_escape(rest) {
            decoded.push_str(plain);
            rest = push_escape(escape, &mut decoded, LoneSurrogate::Replace);
        }
        decoded.push_str(rest);
        Cow::Owned(decoded)
    }
}

/// What stands before the first backslash, and what behind it.
fn split_at_escape(text: &str) -> Option<(&str, &str)> {
    // `split_once` brings the standard library's own search along.
    let (plain, escape) = text.split_at_checked(text.bytes().position(|byte| byte == b'\\')?)?;
    Some((plain, escape.get(1..)?))
}

#[derive(Clone, Copy)]
enum LoneSurrogate {
    Replace,
    KeepEscape,
}

/// Appends what the escape at the start of `escape` (after its backslash) stands for; returns what
/// follows it. The scanner has proven the escape valid.
fn push_escape<'a>(escape: &'a str, out: &mut String, lone: LoneSurrogate) -> &'a str {
    let mut rest = escape.chars();
    let character = match rest.next() {
        Some('b') => '\u{8}',
        Some('f') => '\u{c}',
        Some('n') => '\n',
        Some('r') => '\r',
        Some('t') => '\t',
        Some('u') => return push_unicode(rest.as_str(), out, lone),
        Some(itself) => itself,
        None => return "",
    };
    out.push(character);
    rest.as_str()
}

#[inline(never)]
fn push_unicode<'a>(digits: &'a str, out: &mut String, lone: LoneSurrogate) -> &'a str {
    let Some((unit, rest)) = code_unit(digits) else {
        return "";
    };
    let low = rest.strip_prefix("\\u").and_then(code_unit);
    let pair = low.and_then(|(low, after_low)| Some((surrogate_pair(unit, low)?, after_low)));
    let single = || Some((char::from_u32(unit.into())?, rest));
    match (pair.or_else(single), lone) {
        (Some((character, rest)), _) => {
            out.push(character);
            return rest;
        }
        // The backslash would take the escape's own as its pair: `\` and `\ud83c`, which together are
        // an invalid escape, would turn into valid text. U+FFFD keeps it invalid.
        (None, LoneSurrogate::KeepEscape) if !ends_in_open_backslash(out) => {
            out.push_str("\\u");
            out.push_str(digits.get(..4).unwrap_or_default());
        }
        (None, _) => out.push(char::REPLACEMENT_CHARACTER),
    }
    rest
}

/// Whether the JSON text ends in a backslash that escapes what comes next.
fn ends_in_open_backslash(json: &str) -> bool {
    json.bytes().rev().take_while(|byte| *byte == b'\\').count() & 1 == 1
}

fn surrogate_pair(high: u16, low: u16) -> Option<char> {
    let (0xd800..=0xdbff, 0xdc00..=0xdfff) = (high, low) else {
        return None;
    };
    let offset = u32::from(high & 0x3ff) << 10 | u32::from(low & 0x3ff);
    char::from_u32(offset.saturating_add(0x1_0000))
}

#[inline(never)]
fn code_unit(digits: &str) -> Option<(u16, &str)> {
    let (unit, rest) = digits.split_at_checked(4)?;
    Some((u16::from_str_radix(unit, 16).ok()?, rest))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Container {
    Array,
    Object,
}

impl Container {
    fn closing(self) -> u8 {
        match self {
            Self::Array => b']',
            Self::Object => b'}',
        }
    }
}

/// The containers around a value, a bit each. Values of the usual depth need no allocation.
#[derive(Default)]
struct Nesting {
    /// The innermost containers, the last one in the lowest bit.
    bits: u64,
    depth: u32,
    /// Full words of outer containers.
    outer: Vec<u64>,
}

impl Nesting {
    fn push(&mut self, container: Container) {
        if self.depth == u64::BITS {
            self.outer.push(self.bits);
            self.depth = 0;
        }
        self.bits = self.bits << 1 | u64::from(container == Container::Object);
        self.depth = self.depth.saturating_add(1);
    }

    fn pop(&mut self) {
        self.bits >>= 1;
        self.depth = self.depth.saturating_sub(1);
        if self.depth == 0
            && let Some(outer) = self.outer.pop()
        {
            self.bits = outer;
            self.depth = u64::BITS;
        }
    }

    fn top(&self) -> Option<Container> {
        if self.depth == 0 {
            return None;
        }
        Some(if self.bits & 1 == 1 { Container::Object } else { Container::Array })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn valid(text: &str) -> bool {
        let mut scanner = Scanner::new(text);
        scanner.value().is_ok() && scanner.end().is_ok()
    }

    #[test]
    fn every_kind_of_value_is_taken_as_it_stands() {
        for text in [
            "null",
            "true",
            "false",
            "0",
            "-0",
            "-0.5e+10",
            "12E3",
            "\"\"",
            "\"a\\u00e9\\n\"",
            "[]",
            "{}",
            "[1,[2,{\"a\":[]}],\"x\"]",
            "{\"a\":{\"b\":[null,true]},\"c\":-0.5}",
        ] {
            let mut scanner = Scanner::new(text);
            assert_eq!(scanner.value(), Ok(text));
            assert_eq!(scanner.end(), Ok(()));
        }
    }

    #[test]
    fn whatever_json_parse_would_refuse_is_malformed() {
        for text in [
            "",
            "nul",
            "tru",
            "01",
            "-",
            "1.",
            ".5",
            "1e",
            "+1",
            "\"",
            "\"\\x\"",
            "\"\\u12g4\"",
            "\"\n\"",
            "[",
            "[1",
            "[1,]",
            "[,1]",
            "[1 2]",
            "{",
            "{\"a\"}",
            "{\"a\":}",
            "{a:1}",
            "{\"a\":1,}",
            "[}",
            "{]",
            "1 2",
            "'a'",
            "NaN",
            "[1]]",
        ] {
            assert!(!valid(text), "{text}");
        }
    }

    #[test]
    fn a_value_may_nest_deeper_than_any_call_stack() {
        let depth = 200_000;
        let text = "[{\"a\":".repeat(depth) + "0" + &"}]".repeat(depth);
        assert!(valid(&text));
        assert!(!valid(text.get(..text.len() - 1).unwrap()));
        let crossed = "[".repeat(65) + "{\"a\":0" + &"]".repeat(65) + "}";
        assert!(!valid(&crossed));
    }

    #[test]
    fn escapes_decode_to_what_they_stand_for() {
        let text = r#""\" \\ \/ \b \f \n \r \t \u00e9 \ud83c\udf89 \u0000""#;
        let decoded = Scanner::new(text).string().unwrap().decode();
        assert_eq!(decoded, "\" \\ / \u{8} \u{c} \n \r \t é 🎉 \0");
    }

    #[test]
    fn a_lone_surrogate_is_replaced_in_text_and_kept_in_json() {
        for (text, replaced, kept) in [
            (r#""a\ud83cb""#, "a\u{fffd}b", r"a\ud83cb"),
            (r#""\udf89""#, "\u{fffd}", r"\udf89"),
            (r#""\ud83c\ud83c\udf89""#, "\u{fffd}🎉", r"\ud83c🎉"),
            (r#""\ud83cA""#, "\u{fffd}A", r"\ud83cA"),
        ] {
            let string = Scanner::new(text).string().unwrap();
            assert_eq!(string.decode(), replaced);
            let mut json = String::new();
            Scanner::new(text).json_string_into(&mut json).unwrap();
            assert_eq!(json, kept);
        }
    }
}
