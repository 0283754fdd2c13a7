//! The members of a JSON object, as they stand in its text.

use std::borrow::Cow;

use trigger_chat_stream::digits::whole_number;
use trigger_chat_stream::json::{RawString, Scanned, Scanner};

/// The members of an object, without a tree of their values. What has another type than it should counts as
/// absent.
#[derive(Default)]
pub(crate) struct Members<'a>(Vec<(RawString<'a>, &'a str)>);

impl<'a> Members<'a> {
    /// Reads the members of an object.
    ///
    /// # Errors
    /// The text is none.
    pub(crate) fn read(object: &'a str) -> Scanned<Self> {
        let mut members = Vec::new();
        let mut scanner = Scanner::new(object);
        let mut items = scanner.enter_object()?;
        while let Some(key) = scanner.next_key(&mut items)? {
            members.push((key, scanner.value()?));
        }
        Ok(Self(members))
    }

    /// A value as it stands; the last one of its name, as `JSON.parse` has it.
    pub(crate) fn get(&self, name: &str) -> Option<&'a str> {
        self.0.iter().rfind(|(key, _)| key.is(name)).map(|(_, value)| *value)
    }

    /// A string.
    pub(crate) fn text(&self, name: &str) -> Option<Cow<'a, str>> {
        Some(Scanner::new(self.get(name)?).string().ok()?.decode())
    }

    /// A whole number from zero on.
    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        whole_number(self.get(name)?.as_bytes())
    }

    /// Whether it is `true`.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.get(name) == Some("true")
    }
}
