//! JSON: what crosses into JavaScript, what stores keep, what policies are written in.
//!
//! Small, because all of it ships in the WebAssembly: a type is read straight from the text, field by field, by one reader
//! that is not instantiated for each type. An error names its place and never quotes a value, which may be a secret.

mod escape;
mod macros;
mod path;
mod reader;
mod types;
mod value;
mod writer;

pub use reader::{Reader, Wrong};
pub use value::{Number, Value};
pub use writer::Writer;

pub(crate) use macros::{
    blank, expected, from_json, member, name, needed, object, strict, transparent, variant, words,
};
pub(crate) use reader::Expected;

/// A type that is read from JSON. It is read in place, so that one loop for all types goes through the fields of an object.
pub trait FromJson {
    /// A value to be read into, which nobody sees before.
    fn blank() -> Self
    where
        Self: Sized;

    /// Reads the value at which the reader stands.
    fn read(&mut self, from: &mut Reader<'_>) -> Result<(), Wrong>;
}

/// A type that is written as JSON.
pub trait ToJson {
    /// Writes the value.
    fn write(&self, to: &mut Writer);

    /// Is it nothing, so that a field that need not be there is left out?
    fn is_nothing(&self) -> bool {
        false
    }
}

/// Why a text could not be read: where, and what is wrong there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonError {
    /// The place: `steps[3].acquire.model`, or `.` for the whole text.
    pub path: String,
    /// What is wrong.
    pub message: String,
}

impl core::fmt::Display for JsonError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&self.path)?;
        f.write_str(": ")?;
        f.write_str(&self.message)
    }
}

impl core::error::Error for JsonError {}

/// Reads a text.
pub fn read<T: FromJson>(text: &str) -> Result<T, JsonError> {
    let mut value = T::blank();
    read_into(text, &mut value).map(|()| value)
}

fn read_into(text: &str, value: &mut dyn FromJson) -> Result<(), JsonError> {
    let mut reader = Reader::new(text);
    value.read(&mut reader).and_then(|()| reader.end()).map_err(|Wrong| reader.into_error())
}

/// Writes a value.
pub fn write(value: &dyn ToJson) -> String {
    let mut writer = Writer::default();
    value.write(&mut writer);
    writer.into_text()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    struct Outer {
        name: String,
        inner: Option<Vec<Inner>>,
        word: Word,
    }

    #[derive(Debug, PartialEq)]
    struct Inner {
        n: u8,
    }

    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Word {
        One,
        OtherOne,
    }

    from_json! {
        strict Outer { name, inner as "in" = None, word = Word::One }
    }

    impl ToJson for Outer {
        fn write(&self, to: &mut Writer) {
            object!(to, self { name, inner as "in" if given, word if (self.word != Word::One) });
        }
    }

    from_json! {
        open Inner { n }
    }

    impl ToJson for Inner {
        fn write(&self, to: &mut Writer) {
            object!(to, self { n });
        }
    }

    words! {
        /// The word.
        Word { One = "one", OtherOne = "other-one" }
    }

    #[test]
    fn what_was_written_is_read_again() {
        for (value, text) in [
            (Outer { name: "a\"b".to_owned(), inner: None, word: Word::One }, r#"{"name":"a\"b"}"#),
            (
                Outer { name: String::new(), inner: Some(vec![Inner { n: 255 }]), word: Word::OtherOne },
                r#"{"name":"","in":[{"n":255}],"word":"other-one"}"#,
            ),
        ] {
            assert_eq!(write(&value), text);
            assert_eq!(read::<Outer>(text), Ok(value));
        }
        let spaced =
            " {\r\n\t\"in\" : [ {\"else\": [{}, null, 1.5e3], \"n\" : 1 } , {\"n\":2} ] , \"name\":\"x\" } ";
        let inner = Some(vec![Inner { n: 1 }, Inner { n: 2 }]);
        assert_eq!(read(spaced), Ok(Outer { name: "x".to_owned(), inner, word: Word::One }));
    }

    #[test]
    fn an_error_names_its_place() {
        for (text, path) in [
            (r#"{"name":"x","in":[{"n":1},{"n":-1}]}"#, "in[1].n"),
            (r#"{"name":"x","in":[{"n":1},{"n":256}]}"#, "in[1].n"),
            (r#"{"name":"x","in":[{"n":1},{"n":1.5}]}"#, "in[1].n"),
            (
                "{\n \"name\": \"x\",\n \"in\": [{\"n\": 1, \"m\": 2}, {\"m\": {\"x\": [1, ]}}]}",
                "in[1].m.x[1]",
            ),
            (r#"{"name":"}{[\"","in":[{"n":1},{}]}"#, "in[1]"),
            (r#"{"name":1}"#, "name"),
            (r#"{"name":"x","outer":1}"#, "outer"),
            (r#"{"name":"x","name":"y"}"#, "name"),
            (r#"{"name":"x","word":"two"}"#, "word"),
            (r#"{"word":"one"}"#, "."),
            (r#"{"name":"x","in":[{"n":1}"#, "in[0]"),
            ("[", "."),
            ("", "."),
            ("nonsense", "."),
            (r#"{"name":"x"} {}"#, "."),
        ] {
            let error = read::<Outer>(text).unwrap_err();
            assert_eq!(error.path, path, "{text}: {error}");
        }
    }

    #[test]
    fn no_error_quotes_a_value() {
        for text in [
            r#"{"name":"x","word":"sk-canary"}"#,
            r#"{"name":"x","in":"sk-canary"}"#,
            r#"["sk-canary"]"#,
            r#""sk-canary"#,
            "sk-canary",
        ] {
            let error = read::<Outer>(text).unwrap_err();
            assert!(!error.to_string().contains("canary"), "{error}");
        }
        let error = read::<Outer>(r#"{"name":"x","word":"two"}"#).unwrap_err();
        assert_eq!(error.message, "expected one of: one, other-one");
    }
}
