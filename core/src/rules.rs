//! What an answer means, as data: the rules by which an upstream's answer becomes a [`Failure`](crate::verdict::Failure).
//!
//! The rules are part of a policy, because systems differ in them: a bare 403 is `auth_permanent` in one and `auth` in
//! another. The codec in `classify/` reads an answer into facts and goes through the rules; the first that matches decides.

use crate::verdict::{Reason, Scope, TransportError};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The rules of one policy, tried in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct ClassifyRules {
    /// Rules of the user, tried first.
    pub custom: Vec<ClassifyRule>,
    /// Rules of the preset.
    pub rules: Vec<ClassifyRule>,
}

/// One rule: where every given condition holds, the answer means this. A condition that is left out always holds; of
/// several values in one condition any may match. All text is compared without regard to case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ClassifyRule {
    /// Providers by their registry names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub provider: Vec<Box<str>>,
    /// HTTP statuses: a number (`429`), a class (`"5xx"`) or a range (`"500-599"`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub status: Vec<StatusMatch>,
    /// Identifiers of the structured error: its code, type, status word, and the reasons and quota ids of its details.
    /// `*` stands for any text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub code: Vec<Box<str>>,
    /// Texts inside the error's own message, never inside what a model wrote.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub text: Vec<Box<str>>,
    /// Headers and their exact values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub header: BTreeMap<Box<str>, Box<str>>,
    /// The call failed without an HTTP answer, in one of these ways.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub transport: Vec<TransportError>,
    /// The body is a web page: the answer of something between us and the provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub html: Option<bool>,
    /// What it means.
    pub reason: Reason,
    /// What it covers.
    pub scope: Scope,
    /// Is a hint that came with it to be believed?
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub hint: bool,
}

/// A condition on an HTTP status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusMatch {
    /// The lowest status that matches.
    pub low: u16,
    /// The highest status that matches.
    pub high: u16,
}

impl StatusMatch {
    /// Does the status match?
    pub const fn holds(self, status: u16) -> bool {
        self.low <= status && status <= self.high
    }

    fn parse(text: &str) -> Option<Self> {
        if let Some(class) = text.strip_suffix("xx") {
            let hundred = class.parse::<u16>().ok().filter(|class| (1..=9).contains(class))? * 100;
            return Some(Self { low: hundred, high: hundred + 99 });
        }
        let (low, high) = text.split_once('-').unwrap_or((text, text));
        let (low, high) = (low.parse().ok()?, high.parse().ok()?);
        (low <= high).then_some(Self { low, high })
    }
}

impl Serialize for StatusMatch {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.low == self.high {
            serializer.serialize_u16(self.low)
        } else {
            serializer.collect_str(&format_args!("{}-{}", self.low, self.high))
        }
    }
}

impl<'de> Deserialize<'de> for StatusMatch {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = StatusMatch;
            fn expecting(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str("an HTTP status, a class such as \"5xx\" or a range such as \"500-599\"")
            }
            fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Self::Value, E> {
                let status = u16::try_from(value)
                    .map_err(|_| E::invalid_value(serde::de::Unexpected::Unsigned(value), &self))?;
                Ok(StatusMatch { low: status, high: status })
            }
            fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Self::Value, E> {
                StatusMatch::parse(value)
                    .ok_or_else(|| E::invalid_value(serde::de::Unexpected::Str(value), &self))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for StatusMatch {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "StatusMatch".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "An HTTP status, a class or a range.",
            "anyOf": [
                { "type": "integer", "minimum": 0, "maximum": 65535 },
                { "type": "string", "pattern": "^([1-9]xx|[0-9]+(-[0-9]+)?)$" }
            ]
        })
    }
}

const fn yes() -> bool {
    true
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
const fn is_true(value: &bool) -> bool {
    *value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_a_number_a_class_or_a_range() {
        let read = |text: &str| serde_json::from_str::<StatusMatch>(text);
        assert!(read("429").unwrap().holds(429));
        assert!(read("\"5xx\"").unwrap().holds(599));
        assert!(!read("\"500-503\"").unwrap().holds(504));
        for bad in ["\"xx\"", "\"9-1\"", "70000", "\"0xx\"", "true"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_rule_with_an_unknown_field_is_refused() {
        let error = serde_json::from_str::<ClassifyRule>(r#"{"stat":[1],"reason":"auth","scope":"model"}"#);
        assert!(error.unwrap_err().to_string().contains("stat"));
    }
}
