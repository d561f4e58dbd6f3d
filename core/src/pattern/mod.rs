//! Patterns for texts, in the notation of regular expressions and without their danger: time is at most the product of the two
//! lengths, whatever the pattern and whatever the text (`docs/decisions/0011-patterns.md`).
//!
//! | written | matches |
//! |---|---|
//! | `abc`, `\.`, `\n` `\r` `\t` | itself; a punctuation mark behind a backslash stands for itself |
//! | `.` | any character but a line feed |
//! | `[a-z_]`, `[^0-9]` | one of these, none of these |
//! | `\d` `\w` `\s`, `\D` `\W` `\S` | a digit, a letter of a word, white space (ASCII), and what is none |
//! | `^` `$` `\b` `\B` | the start and the end of the text, the edge of a word, no edge |
//! | `ab\|cd`, `(?:…)` | one or the other, a group |
//! | `(…)` | the group that is captured; there is one at most |
//! | `*` `+` `?` `{3}` `{1,5}` `{2,}` | repeated, as often as possible; with `?` behind it as seldom as possible |
//! | `(?-i)` at the start | from here on the case of letters counts; else that of ASCII letters does not |
//!
//! The match is the leftmost; of several there the one that is written first, as in Perl. It is not needed where it ends, only
//! that there is one and what was captured.

mod compile;
mod run;

use crate::json::{FromJson, Reader, ToJson, Writer, Wrong};
use core::fmt;

/// A pattern is at most so many bytes long.
pub const MAX_SOURCE: usize = 512;
/// A pattern has at most so many steps, repetitions written out.
pub const MAX_STEPS: usize = 1024;
/// No more repetitions than this can be asked for.
pub const MAX_REPEAT: u32 = 255;
/// Groups are nested at most so deep.
pub const MAX_DEPTH: u8 = 16;
/// No more of a text than this many bytes is looked at.
pub const MAX_TEXT: usize = 8 * 1024;

/// A pattern, ready to be used.
#[derive(Clone, Default)]
pub struct Pattern {
    source: Box<str>,
    /// Does the case of ASCII letters count?
    exact: bool,
    steps: Box<[Step]>,
    /// The ranges of all classes.
    ranges: Box<[(char, char)]>,
    captures: bool,
}

/// One step of the machine; behind the last one is the match. Distances count from the step itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// This character.
    Char(char),
    /// Any character but a line feed.
    Any,
    /// A character in (or out of) these ranges.
    Class { from: u16, to: u16, out: bool },
    /// Holds between two characters.
    Edge(Edge),
    /// Two ways, the better one first.
    Split(i16, i16),
    /// The only way.
    Jump(i16),
    /// The captured group begins (0), ends (1).
    Save(u8),
}

/// What holds between two characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Edge {
    Start,
    End,
    Word,
    NoWord,
}

/// Why a pattern was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PatternError {
    /// The byte of the pattern at which it is wrong, from 0.
    pub at: usize,
    /// What is wrong there.
    pub message: &'static str,
}

impl PatternError {
    fn text(&self) -> String {
        ["pattern, at ", &self.at.to_string(), ": ", self.message].concat()
    }
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

impl core::error::Error for PatternError {}

/// What matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found<'t> {
    /// What the group holds, where there is one that took part.
    pub captured: Option<&'t str>,
}

impl Pattern {
    /// Reads a pattern.
    pub fn new(source: &str) -> Result<Self, PatternError> {
        compile::compile(source)
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.source
    }

    /// Is it anywhere in the first [`MAX_TEXT`] bytes of the text?
    pub fn find<'t>(&self, text: &'t str) -> Option<Found<'t>> {
        run::find(self, text)
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Eq for Pattern {}

impl FromJson for Pattern {
    fn blank() -> Self {
        Self::default()
    }

    fn read(&mut self, from: &mut Reader<'_>) -> Result<(), Wrong> {
        let source = from.text()?;
        *self = Self::new(&source).map_err(|error| from.wrong(&error.text()))?;
        Ok(())
    }
}

impl ToJson for Pattern {
    fn write(&self, to: &mut Writer) {
        to.text(&self.source);
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Pattern {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Pattern".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "A regular expression without back references, case-insensitive, with one capturing group at most.",
            "type": "string",
            "maxLength": MAX_SOURCE
        })
    }
}

#[cfg(test)]
mod tests;
