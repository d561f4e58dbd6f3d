//! Any JSON, for what is not known beforehand: policies before they are merged, bodies of providers.

use super::{FromJson, Reader, ToJson, Writer, Wrong};
use core::fmt;

/// Any JSON.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value {
    /// `null`.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A text.
    String(String),
    /// An array.
    Array(Vec<Value>),
    /// An object: its fields as they stand there. Of fields with one name the last counts.
    Object(Vec<(String, Value)>),
}

/// A number as it is written: nothing is lost, and nothing is calculated before somebody asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Number(Box<str>);

impl Number {
    pub(super) fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The number, where it is whole and fits.
    pub fn as_u64(&self) -> Option<u64> {
        self.0.parse().ok()
    }

    /// The number, where it is whole and fits.
    pub fn as_i64(&self) -> Option<i64> {
        self.0.parse().ok()
    }

    /// The number as a float, which may round it.
    #[cfg(any(feature = "simulate", test))]
    pub fn as_f64(&self) -> Option<f64> {
        self.0.parse().ok()
    }

    /// The next whole number that is not below it, saturating; none where it is below zero.
    pub fn ceil(&self) -> Option<u64> {
        self.rounded().map(|(floor, more)| floor.saturating_add(u64::from(more)))
    }

    /// The next whole number that is not above it, saturating; none where it is below zero.
    pub fn floor(&self) -> Option<u64> {
        self.rounded().map(|(floor, _)| floor)
    }

    /// Its whole part, and whether there is more.
    fn rounded(&self) -> Option<(u64, bool)> {
        let (digits, exponent) = self.0.split_once(['e', 'E']).unwrap_or((&self.0, "0"));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        if whole.starts_with('-') {
            return None;
        }
        // An exponent that does not fit is beyond all numbers.
        let exponent = exponent.strip_prefix('+').unwrap_or(exponent);
        let exponent: i64 =
            exponent.parse().unwrap_or(if exponent.starts_with('-') { i64::MIN } else { i64::MAX });
        let length = |digits: &str| i64::try_from(digits.len()).unwrap_or(i64::MAX);
        let point = length(whole).saturating_add(exponent);
        let (mut floor, mut more) = (0_u64, false);
        for (at, digit) in (0..).zip(whole.bytes().chain(fraction.bytes())) {
            let digit = u64::from(digit - b'0');
            if at < point {
                floor = floor.saturating_mul(10).saturating_add(digit);
            } else {
                more |= digit > 0;
            }
        }
        let zeros = point.saturating_sub(length(whole)).saturating_sub(length(fraction));
        for _ in 0..zeros.min(20) {
            floor = floor.saturating_mul(10);
        }
        Some((floor, more))
    }
}

impl Value {
    /// The field of this name, where it is an object that has one.
    pub fn get(&self, name: &str) -> Option<&Self> {
        self.as_object()?.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// The first item, where it is an array that has one.
    pub fn first(&self) -> Option<&Self> {
        self.as_array()?.first()
    }

    /// Sets a field. What is no object becomes one.
    pub fn set(&mut self, name: &str, value: impl Into<Self>) {
        *self.entry(name) = value.into();
    }

    /// The field of this name, made where there is none. What is no object becomes one.
    pub fn entry(&mut self, name: &str) -> &mut Self {
        if !self.is_object() {
            *self = Self::Object(Vec::new());
        }
        let Self::Object(fields) = self else { unreachable!("it was made an object") };
        let at = fields.iter().rposition(|(key, _)| key == name).unwrap_or_else(|| {
            fields.push((name.to_owned(), Self::Null));
            fields.len() - 1
        });
        &mut fields[at].1
    }

    /// Takes a field out.
    pub fn remove(&mut self, name: &str) -> Option<Self> {
        let Self::Object(fields) = self else { return None };
        let found = fields.iter().rposition(|(key, _)| key == name)?;
        let (_, value) = fields.remove(found);
        fields.retain(|(key, _)| key != name);
        Some(value)
    }

    /// Is it an object?
    pub const fn is_object(&self) -> bool {
        matches!(self, Self::Object(_))
    }

    /// Is it a text?
    pub const fn is_string(&self) -> bool {
        matches!(self, Self::String(_))
    }

    /// Is it null?
    pub const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The text, where it is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The number, where it is one that is whole and fits.
    pub fn as_u64(&self) -> Option<u64> {
        match self {
            Self::Number(number) => number.as_u64(),
            _ => None,
        }
    }

    /// The number as a float, where it is one.
    #[cfg(any(feature = "simulate", test))]
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Number(number) => number.as_f64(),
            _ => None,
        }
    }

    /// The fields, where it is an object.
    pub fn as_object(&self) -> Option<&[(String, Self)]> {
        match self {
            Self::Object(fields) => Some(fields),
            _ => None,
        }
    }

    /// The items, where it is an array.
    pub fn as_array(&self) -> Option<&[Self]> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Number(Number(number.to_string().into()))
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(Number(number.to_string().into()))
    }
}

impl From<Vec<Self>> for Value {
    fn from(items: Vec<Self>) -> Self {
        Self::Array(items)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Value {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Value".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!(true)
    }
}

impl FromJson for Value {
    fn blank() -> Self {
        Self::Null
    }

    fn read(&mut self, from: &mut Reader<'_>) -> Result<(), Wrong> {
        from.value().map(|value| *self = value)
    }
}

impl ToJson for Value {
    fn write(&self, to: &mut Writer) {
        match self {
            Self::Null => to.bare("null"),
            Self::Bool(truth) => truth.write(to),
            Self::Number(number) => to.bare(&number.0),
            Self::String(text) => to.text(text),
            Self::Array(items) => items.write(to),
            Self::Object(fields) => {
                to.open('{');
                for (name, value) in fields {
                    to.field(name, value);
                }
                to.close('}');
            }
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&super::write(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn value(text: &str) -> Value {
        super::super::read(text).unwrap()
    }

    #[test]
    fn fields_are_found_set_and_taken() {
        let mut object = value(r#"{"a":1,"b":{"c":[2]},"a":3}"#);
        assert_eq!(object.get("a").and_then(Value::as_u64), Some(3), "the last one counts");
        assert_eq!(object.get("b").and_then(|b| b.get("c")?.first()?.as_u64()), Some(2));
        object.set("d", "x");
        object.set("b", true);
        assert_eq!(object.remove("a"), Some(Value::from(3_u64)));
        assert_eq!(object.to_string(), r#"{"b":true,"d":"x"}"#);
        assert_eq!(value("[]").get("a"), None);
    }

    #[test]
    fn numbers_are_rounded_up_and_saturate() {
        for (text, ceil) in [
            ("0", Some(0)),
            ("3", Some(3)),
            ("2.0", Some(2)),
            ("2.01", Some(3)),
            ("1e3", Some(1000)),
            ("1.5E+1", Some(15)),
            ("1.55e1", Some(16)),
            ("1e-5", Some(1)),
            ("0e99", Some(0)),
            ("0.0", Some(0)),
            ("1e999999999999999999999", Some(u64::MAX)),
            ("1e-999999999999999999999", Some(1)),
            ("123456789012345678901234567890", Some(u64::MAX)),
            ("-1", None),
        ] {
            let Value::Number(number) = value(text) else { panic!("{text}") };
            assert_eq!(number.ceil(), ceil, "{text}");
        }
    }

    proptest! {
        #[test]
        fn it_agrees_with_serde_json(text in "[\\[\\]{}:,\"\\\\aenrtu0-9.+ -]{0,24}|\\PC{0,12}") {
            let ours = super::super::read::<Value>(&text);
            // A number beyond all floats is an error to it, a number to us.
            if let Ok(theirs) = serde_json::from_str::<serde_json::Value>(&text) {
                let ours = ours.unwrap().to_string();
                prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&ours).unwrap(), theirs);
            } else {
                prop_assert!(ours.is_err() || text.contains(['e', 'E']), "{}", text);
            }
        }

        #[test]
        fn every_text_is_written_and_read(text in "\\PC{0,20}|[\\x00-\\x7f]{0,20}|[\u{ffff}-\u{10ffff}]{0,4}") {
            let written = Value::from(text.as_str()).to_string();
            prop_assert_eq!(value(&written), Value::from(text.as_str()));
            prop_assert_eq!(serde_json::from_str::<String>(&written).unwrap(), text.clone());
            let theirs = serde_json::to_string(&text).unwrap();
            prop_assert_eq!(&written, &theirs);
        }
    }

    #[test]
    fn escapes_are_read() {
        assert_eq!(
            value(r#""\ud83d\ude00\u00e9\/\b\f\n\r\t\"\\""#).as_str(),
            Some("😀é/\u{8}\u{c}\n\r\t\"\\")
        );
        for bad in
            [r#""\ud83d""#, r#""\ude00""#, r#""\ud83dx""#, r#""\u12g4""#, r#""\x""#, "\"\n\"", "\"", "\"\\"]
        {
            assert!(super::super::read::<Value>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        assert!(super::super::read::<Value>(&("[".repeat(128) + &"]".repeat(128))).is_ok());
        for deep in ["[".repeat(129) + &"]".repeat(129), "[".repeat(1 << 20), "{\"a\":".repeat(1 << 18)] {
            assert!(super::super::read::<Value>(&deep).is_err());
        }
    }
}
