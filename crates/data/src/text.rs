//! A string that knows where it came from, whether it may be a template, and whether it is secret.

use std::borrow::Borrow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::{Deref, Range};
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Place, Span};

const TEMPLATE: u8 = 1;
const SECRET: u8 = 2;
const ENCRYPTED: u8 = 4;
const DATE: u8 = 8;

/// An immutable string, cheap to clone.
///
/// Only text that the user wrote in a file or on the command line is a *template*; what a host returned never is, however many braces it
/// has. Equality, order and hash look at the characters alone.
#[derive(Clone)]
pub struct Text {
    chars: Arc<str>,
    place: Option<Place>,
    flags: u8,
}

impl Text {
    /// Plain text: not a template, not secret, from nowhere in particular.
    pub fn plain(chars: impl Into<Arc<str>>) -> Self {
        Self { chars: chars.into(), place: None, flags: 0 }
    }

    /// Text that the user wrote, which may hold templates, with its place when known.
    pub fn template(chars: impl Into<Arc<str>>, place: Option<Place>) -> Self {
        Self { chars: chars.into(), place, flags: TEMPLATE }
    }

    /// The characters.
    pub fn as_str(&self) -> &str {
        &self.chars
    }

    /// The characters, shared.
    pub fn shared(&self) -> Arc<str> {
        Arc::clone(&self.chars)
    }

    /// Whether the user wrote it, so that `{{ }}` in it is to be rendered.
    pub fn is_template(&self) -> bool {
        self.flags & TEMPLATE != 0
    }

    /// Whether it must be masked in every output (vaulted values, passwords).
    pub fn is_secret(&self) -> bool {
        self.flags & SECRET != 0
    }

    /// Whether the characters are a vault envelope that is decrypted when the value is used.
    pub fn is_encrypted(&self) -> bool {
        self.flags & ENCRYPTED != 0
    }

    /// Whether the characters are the ISO text of a date or time, which templates treat as such.
    pub fn is_date(&self) -> bool {
        self.flags & DATE != 0
    }

    /// The same text, marked as the ISO text of a date or time; see [`Text::date`] for one that is not known to be.
    #[must_use]
    pub fn into_date(mut self) -> Self {
        self.flags |= DATE;
        self
    }

    /// The same text, never rendered (`!unsafe`).
    #[must_use]
    pub fn into_plain(mut self) -> Self {
        self.flags &= !TEMPLATE;
        self
    }

    /// The same text, rendered when used.
    #[must_use]
    pub fn into_template(mut self) -> Self {
        self.flags |= TEMPLATE;
        self
    }

    /// The same text, masked in every output.
    #[must_use]
    pub fn into_secret(mut self) -> Self {
        self.flags |= SECRET;
        self
    }

    /// What a vault envelope held: decrypted characters with this text's place and other marks, still masked in every output.
    #[must_use]
    pub fn decrypted(&self, chars: impl Into<Arc<str>>) -> Self {
        Self { flags: (self.flags & !ENCRYPTED) | SECRET, ..self.with_chars(chars) }
    }

    /// The same text, marked as a vault envelope.
    #[must_use]
    pub fn into_encrypted(mut self) -> Self {
        self.flags |= ENCRYPTED;
        self
    }

    /// Where the user wrote it.
    pub fn place(&self) -> Option<&Place> {
        self.place.as_ref()
    }

    /// The place of a part of it, given in bytes of its characters; `None` when the text has no place.
    pub fn place_of(&self, part: Range<usize>) -> Option<Place> {
        let place = self.place()?;
        let start = crate::yaml::scalar_offset(self, part.start)?;
        let end = crate::yaml::scalar_offset(self, part.end)?;
        Some(Place::new(&place.source, Span::new(start, end.max(start))))
    }

    /// The same text with a place.
    #[must_use]
    pub fn with_place(mut self, place: Option<Place>) -> Self {
        self.place = place;
        self
    }

    /// Other characters with this text's place and marks: for example a trimmed or decrypted form of it. They are no date any more.
    #[must_use]
    pub fn with_chars(&self, chars: impl Into<Arc<str>>) -> Self {
        Self { chars: chars.into(), place: self.place.clone(), flags: self.flags & !DATE }
    }
}

impl Deref for Text {
    type Target = str;
    fn deref(&self) -> &str {
        &self.chars
    }
}

impl Borrow<str> for Text {
    fn borrow(&self) -> &str {
        &self.chars
    }
}

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        &self.chars
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.chars == other.chars
    }
}

impl Eq for Text {}

impl PartialOrd for Text {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Text {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.chars.cmp(&other.chars)
    }
}

impl Hash for Text {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.chars.hash(state);
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.chars)
    }
}

impl fmt::Debug for Text {
    /// Secret text shows as stars, so that no log of a value can leak it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_secret() { f.write_str("********") } else { fmt::Debug::fmt(&*self.chars, f) }
    }
}

impl From<&str> for Text {
    fn from(chars: &str) -> Self {
        Self::plain(chars)
    }
}

impl From<String> for Text {
    fn from(chars: String) -> Self {
        Self::plain(chars)
    }
}

impl Serialize for Text {
    /// Only the characters and the secret mark cross the wire: a host has no use for places and must never be able to send a template.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.is_secret(), &*self.chars).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (secret, chars) = <(bool, String)>::deserialize(deserializer)?;
        let text = Self::plain(chars);
        Ok(if secret { text.into_secret() } else { text })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_do_not_change_equality() {
        assert_eq!(Text::plain("a"), Text::template("a", None).into_secret());
    }

    #[test]
    fn debug_output_masks_secrets() {
        assert_eq!(format!("{:?}", Text::plain("hunter2").into_secret()), "********");
    }

    #[test]
    fn a_template_that_crosses_the_wire_is_plain() {
        let bytes = serde_json::to_vec(&Text::template("{{ x }}", None)).unwrap();
        let back: Text = serde_json::from_slice(&bytes).unwrap();
        assert!(!back.is_template());
        assert_eq!(back.as_str(), "{{ x }}");
    }
}
