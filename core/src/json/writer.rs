//! The writer: puts values behind each other, and commas between them.

use super::ToJson;

/// Writes one text.
#[derive(Default)]
pub struct Writer {
    text: String,
    /// Something stands before in the innermost container.
    comma: bool,
}

impl Writer {
    pub(crate) fn into_text(self) -> String {
        self.text
    }

    /// Opens an object or an array.
    pub fn open(&mut self, bracket: char) {
        self.text.push(bracket);
        self.comma = false;
    }

    /// Closes an object or an array.
    pub fn close(&mut self, bracket: char) {
        self.text.push(bracket);
        self.comma = true;
    }

    fn separate(&mut self) {
        if core::mem::replace(&mut self.comma, true) {
            self.text.push(',');
        }
    }

    /// An item of an array.
    pub fn item(&mut self, value: &dyn ToJson) {
        self.separate();
        value.write(self);
        self.comma = true;
    }

    /// A field of an object.
    pub fn field(&mut self, name: &str, value: &dyn ToJson) {
        self.separate();
        self.text(name);
        self.text.push(':');
        value.write(self);
        self.comma = true;
    }

    /// A field of an object that is left out where it is nothing.
    pub fn given(&mut self, name: &str, value: &dyn ToJson) {
        if !value.is_nothing() {
            self.field(name, value);
        }
    }

    /// Opens an object whose one field is a variant: what it holds is to be written, then the object to be closed.
    pub fn open_tag(&mut self, tag: &str) {
        self.open('{');
        self.text(tag);
        self.text.push(':');
    }

    /// An array.
    pub fn items<T: ToJson>(&mut self, items: impl IntoIterator<Item = T>) {
        self.open('[');
        for item in items {
            self.item(&item);
        }
        self.close(']');
    }

    /// What needs no quotes: a number, `true`, `null`.
    pub(super) fn bare(&mut self, word: &str) {
        self.text.push_str(word);
    }

    /// A whole number.
    pub fn whole(&mut self, negative: bool, mut size: u64) {
        let mut digits = [0; 20];
        let mut at = digits.len();
        loop {
            at -= 1;
            digits[at] = b'0' + (size % 10) as u8;
            size /= 10;
            if size == 0 {
                break;
            }
        }
        if negative {
            self.text.push('-');
        }
        self.text.push_str(core::str::from_utf8(&digits[at..]).unwrap_or_default());
    }

    /// A text.
    pub fn text(&mut self, text: &str) {
        self.text.push('"');
        let mut from = 0;
        for (at, byte) in text.bytes().enumerate() {
            let escape = match byte {
                b'"' | b'\\' => byte,
                b'\n' => b'n',
                b'\r' => b'r',
                b'\t' => b't',
                0x8 => b'b',
                0xc => b'f',
                0..0x20 => b'u',
                _ => continue,
            };
            self.text.push_str(text.get(from..at).unwrap_or_default());
            from = at + 1;
            self.text.push('\\');
            self.text.push(char::from(escape));
            if escape == b'u' {
                self.text.push_str(if byte < 0x10 { "000" } else { "001" });
                self.text.push(char::from_digit(u32::from(byte & 15), 16).unwrap_or('0'));
            }
        }
        self.text.push_str(text.get(from..).unwrap_or_default());
        self.text.push('"');
    }
}
