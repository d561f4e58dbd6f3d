//! The reader: stands at a place of a text and is asked for what should be there.

use super::escape::escaped;
use super::path::path_behind;
use super::{FromJson, JsonError, Number, Value};
use std::borrow::Cow;

/// Containers inside each other: no more than this, so that no text can exhaust the stack.
const MAX_DEPTH: u8 = 128;

/// Something was wrong; the reader knows what and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wrong;

type Result<T> = core::result::Result<T, Wrong>;

/// The fields of an object.
pub(crate) struct Expected {
    names: &'static [&'static str],
    /// A bit for each that must be there.
    needed: u64,
    /// Are others wrong?
    strict: bool,
}

impl Expected {
    pub(crate) const fn new(strict: bool, names: &'static [&'static str], needs: &[bool]) -> Self {
        assert!(names.len() < 64, "a bit for each");
        let (mut needed, mut at) = (0, 0);
        while at < needs.len() {
            needed |= (needs[at] as u64) << at;
            at += 1;
        }
        Self { names, needed, strict }
    }
}

/// Reads one text from its start to its end.
pub struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: u8,
    /// Nothing of the innermost container has been read yet.
    fresh: bool,
    /// What was wrong first, and where.
    wrong: Option<(usize, String)>,
}

impl<'a> Reader<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self { text, at: 0, depth: 0, fresh: false, wrong: None }
    }

    /// Notes what is wrong at this place.
    pub fn wrong(&mut self, message: &str) -> Wrong {
        self.wrong.get_or_insert_with(|| (self.at, message.to_owned()));
        Wrong
    }

    pub(super) fn into_error(self) -> JsonError {
        let (at, message) = self.wrong.unwrap_or_default();
        JsonError { path: path_behind(self.text.get(..at).unwrap_or(self.text)), message }
    }

    /// The next byte that is no white space; zero at the end of the text.
    pub fn peek(&mut self) -> u8 {
        let bytes = self.text.as_bytes();
        while let Some(&byte) = bytes.get(self.at) {
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return byte;
            }
            self.at += 1;
        }
        0
    }

    pub(super) fn end(&mut self) -> Result<()> {
        match self.peek() {
            0 if self.at == self.text.len() => Ok(()),
            _ => Err(self.wrong("expected the end of the text")),
        }
    }

    fn open(&mut self, bracket: u8, message: &str) -> Result<()> {
        if self.peek() != bracket {
            return Err(self.wrong(message));
        }
        if self.depth == MAX_DEPTH {
            return Err(self.wrong("is nested too deeply"));
        }
        self.at += 1;
        self.depth += 1;
        self.fresh = true;
        Ok(())
    }

    /// Goes on to the next item or field of the innermost container; false at its end.
    fn next(&mut self, bracket: u8, message: &str) -> Result<bool> {
        let fresh = core::mem::take(&mut self.fresh);
        match self.peek() {
            byte if byte == bracket => {
                self.at += 1;
                self.depth -= 1;
                Ok(false)
            }
            b',' if !fresh => {
                self.at += 1;
                Ok(true)
            }
            _ if fresh => Ok(true),
            _ => Err(self.wrong(message)),
        }
    }

    /// Enters an array.
    pub fn array(&mut self) -> Result<()> {
        self.open(b'[', "expected an array")
    }

    /// Goes on to the next item of an array; false at its end.
    pub fn item(&mut self) -> Result<bool> {
        self.next(b']', "expected `,` or `]`")
    }

    /// Enters an object.
    pub fn object(&mut self) -> Result<()> {
        self.open(b'{', "expected an object")
    }

    /// Goes on to the next field of an object, and reads its name into a type that is a text; false at its end.
    pub fn key_into(&mut self, key: &mut dyn FromJson) -> Result<bool> {
        if !self.next(b'}', "expected `,` or `}`")? {
            return Ok(false);
        }
        key.read(self)?;
        self.colon().map(|()| true)
    }

    fn colon(&mut self) -> Result<()> {
        if self.peek() != b':' {
            return Err(self.wrong("expected `:`"));
        }
        self.at += 1;
        Ok(())
    }

    /// Goes on to the next field of an object and reads its name; none at its end.
    pub fn key(&mut self) -> Result<Option<Cow<'a, str>>> {
        if !self.next(b'}', "expected `,` or `}`")? {
            return Ok(None);
        }
        let key = self.text()?;
        self.colon().map(|()| Some(key))
    }

    /// Reads an object, each field into its place.
    pub(crate) fn fields(&mut self, expected: &Expected, places: &mut [&mut dyn FromJson]) -> Result<()> {
        let mut missing = expected.needed;
        let mut seen = 0_u64;
        let mut next = 0;
        self.object()?;
        while let Some(key) = self.key()? {
            // Mostly in the order in which we write them: looked for from where the last one was, all around.
            let all = expected.names.len();
            let Some(at) = (next..all).chain(0..next).find(|&at| expected.names[at] == key) else {
                if expected.strict {
                    return Err(self.none_of("unknown field, expected one of: ", expected.names));
                }
                self.value()?;
                continue;
            };
            if seen & 1 << at != 0 {
                return Err(self.wrong("is given twice"));
            }
            seen |= 1 << at;
            missing &= !seen;
            next = at + 1;
            places[at].read(self)?;
        }
        match expected.names.get(missing.trailing_zeros() as usize) {
            Some(name) => Err(self.missing(name)),
            None => Ok(()),
        }
    }

    pub(super) fn none_of(&mut self, what: &str, names: &[&str]) -> Wrong {
        let message = [what, &names.join(", ")].concat();
        self.wrong(&message)
    }

    /// A field was not there. To be called behind the end of the object.
    pub fn missing(&mut self, name: &str) -> Wrong {
        let message = ["missing field `", name, "`"].concat();
        self.wrong(&message)
    }

    /// Enters an object of one field, and reads its name.
    pub fn tag(&mut self) -> Result<Cow<'a, str>> {
        self.object()?;
        match self.key()? {
            Some(key) => Ok(key),
            None => Err(self.wrong("expected an object of one field")),
        }
    }

    /// Leaves an object of one field.
    pub fn end_tag(&mut self) -> Result<()> {
        match self.key()? {
            None => Ok(()),
            Some(_) => Err(self.wrong("expected an object of one field")),
        }
    }

    /// Reads one of these texts, and says which.
    pub fn word(&mut self, words: &[&str]) -> Result<usize> {
        let found = self.text()?;
        match words.iter().position(|word| *word == found) {
            Some(place) => Ok(place),
            None => Err(self.none_of("expected one of: ", words)),
        }
    }

    /// Reads `null`, if it is there.
    pub fn null(&mut self) -> bool {
        self.peek() == b'n' && self.literal("null")
    }

    fn literal(&mut self, word: &str) -> bool {
        let found = self.text.as_bytes()[self.at..].starts_with(word.as_bytes());
        if found {
            self.at += word.len();
        }
        found
    }

    /// Reads a truth value.
    pub fn truth(&mut self) -> Result<bool> {
        self.peek();
        if self.literal("true") {
            Ok(true)
        } else if self.literal("false") {
            Ok(false)
        } else {
            Err(self.wrong("expected true or false"))
        }
    }

    /// Reads a number as it is written (RFC 8259 §6).
    fn number(&mut self) -> Result<&'a str> {
        let bytes = self.text.as_bytes();
        let start = {
            self.peek();
            self.at
        };
        let mut at = start;
        let digits = |at: &mut usize| {
            let from = *at;
            while bytes.get(*at).is_some_and(u8::is_ascii_digit) {
                *at += 1;
            }
            *at > from
        };
        if bytes.get(at) == Some(&b'-') {
            at += 1;
        }
        let first = at;
        let mut good = digits(&mut at) && (bytes[first] != b'0' || at == first + 1);
        if good && bytes.get(at) == Some(&b'.') {
            at += 1;
            good = digits(&mut at);
        }
        if good && matches!(bytes.get(at), Some(b'e' | b'E')) {
            at += 1;
            if matches!(bytes.get(at), Some(b'+' | b'-')) {
                at += 1;
            }
            good = digits(&mut at);
        }
        if !good {
            return Err(self.wrong("expected a number"));
        }
        self.at = at;
        Ok(self.text.get(start..at).unwrap_or_default())
    }

    /// Reads a whole number between these two; as its two's complement where it is below zero.
    pub fn whole(&mut self, lowest: i64, highest: u64) -> Result<u64> {
        self.peek();
        let start = self.at;
        let text = self.number()?;
        let (negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text),
        };
        match digits.parse::<u64>() {
            Ok(size) if negative && size <= lowest.unsigned_abs() => Ok(size.wrapping_neg()),
            Ok(size) if !negative && size <= highest => Ok(size),
            _ => {
                self.at = start;
                let message =
                    ["expected a whole number from ", &lowest.to_string(), " to ", &highest.to_string()];
                Err(self.wrong(&message.concat()))
            }
        }
    }

    /// Reads a text.
    pub fn text(&mut self) -> Result<Cow<'a, str>> {
        if self.peek() != b'"' {
            return Err(self.wrong("expected a text"));
        }
        let bytes = self.text.as_bytes();
        let mut from = self.at + 1;
        let mut at = from;
        let mut owned = String::new();
        loop {
            match bytes.get(at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    owned.push_str(self.text.get(from..at).unwrap_or_default());
                    let Some((character, length)) = escaped(&bytes[at + 1..]) else {
                        return Err(self.wrong("has a wrong escape"));
                    };
                    owned.push(character);
                    at += 1 + length;
                    from = at;
                }
                Some(0x20..) => at += 1,
                Some(_) => return Err(self.wrong("has a control character")),
                None => return Err(self.wrong("has no end")),
            }
        }
        let rest = self.text.get(from..at).unwrap_or_default();
        self.at = at + 1;
        if owned.is_empty() {
            return Ok(Cow::Borrowed(rest));
        }
        owned.push_str(rest);
        Ok(Cow::Owned(owned))
    }

    /// Reads an array of two items.
    pub fn both(&mut self, places: &mut [&mut dyn FromJson; 2]) -> Result<()> {
        self.array()?;
        for place in places {
            if !self.item()? {
                return Err(self.wrong("expected two items"));
            }
            place.read(self)?;
        }
        if self.item()? {
            return Err(self.wrong("expected two items"));
        }
        Ok(())
    }

    /// Reads whatever is there.
    pub fn value(&mut self) -> Result<Value> {
        Ok(match self.peek() {
            b'{' => {
                self.object()?;
                let mut fields = Vec::new();
                while let Some(key) = self.key()? {
                    fields.push((key.into_owned(), self.value()?));
                }
                Value::Object(fields)
            }
            b'[' => {
                self.array()?;
                let mut items = Vec::new();
                while self.item()? {
                    items.push(self.value()?);
                }
                Value::Array(items)
            }
            b'"' => Value::String(self.text()?.into_owned()),
            b't' | b'f' => Value::Bool(self.truth()?),
            b'n' if self.null() => Value::Null,
            b'-' | b'0'..=b'9' => Value::Number(Number::new(self.number()?)),
            _ => return Err(self.wrong("expected a value")),
        })
    }
}
