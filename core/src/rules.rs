//! What an answer means, as data: the rules by which an upstream's answer becomes a [`Failure`](crate::verdict::Failure).
//!
//! The rules are part of a policy, because systems differ in them: a bare 403 is `auth_permanent` in one and `auth` in
//! another. The codec in `classify/` reads an answer into facts and goes through the rules; the first that matches decides.

use crate::json::{from_json, object, FromJson, Reader, ToJson, Writer, Wrong};
use crate::sorted_map::SortedMap;
use crate::verdict::{Reason, Scope, TransportError};

/// The rules of one policy, tried in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(default, deny_unknown_fields))]
pub struct ClassifyRules {
    /// Rules of the user, tried first.
    pub custom: Vec<ClassifyRule>,
    /// Rules of the preset.
    pub rules: Vec<ClassifyRule>,
}

/// One rule: where every given condition holds, the answer means this. A condition that is left out always holds; of
/// several values in one condition any may match. All text is compared without regard to case.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct ClassifyRule {
    /// Providers by their registry names.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub provider: Vec<Box<str>>,
    /// HTTP statuses: a number (`429`), a class (`"5xx"`) or a range (`"500-599"`).
    #[cfg_attr(feature = "schema", schemars(default))]
    pub status: Vec<StatusMatch>,
    /// Identifiers of the structured error: its code, type, status word, and the reasons and quota ids of its details.
    /// `*` stands for any text.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub code: Vec<Box<str>>,
    /// Texts inside the error's own message, never inside what a model wrote.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub text: Vec<Box<str>>,
    /// Headers and their exact values.
    #[cfg_attr(feature = "schema", schemars(default, with = "std::collections::BTreeMap<String, String>"))]
    pub header: SortedMap<Box<str>, Box<str>>,
    /// The call failed without an HTTP answer, in one of these ways.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub transport: Vec<TransportError>,
    /// The body is a web page: the answer of something between us and the provider.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub html: Option<bool>,
    /// What it means.
    pub reason: Reason,
    /// What it covers.
    pub scope: Scope,
    /// Is a hint that came with it to be believed?
    #[cfg_attr(feature = "schema", schemars(default = "yes"))]
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

impl FromJson for StatusMatch {
    fn blank() -> Self {
        Self { low: 0, high: 0 }
    }

    fn read(&mut self, from: &mut Reader<'_>) -> Result<(), Wrong> {
        if from.peek() != b'"' {
            self.low.read(from)?;
            self.high = self.low;
            return Ok(());
        }
        let text = from.text()?;
        *self = Self::parse(&text).ok_or_else(|| {
            from.wrong("expected an HTTP status, a class such as `5xx` or a range such as `500-599`")
        })?;
        Ok(())
    }
}

impl ToJson for StatusMatch {
    fn write(&self, to: &mut Writer) {
        if self.low == self.high {
            self.low.write(to);
        } else {
            to.text(&[&*self.low.to_string(), "-", &*self.high.to_string()].concat());
        }
    }
}

from_json! {
    strict ClassifyRules { custom = Vec::new(), rules = Vec::new() }
}

impl ToJson for ClassifyRules {
    fn write(&self, to: &mut Writer) {
        object!(to, self { custom, rules });
    }
}

from_json! {
    strict ClassifyRule {
        provider = Vec::new(),
        status = Vec::new(),
        code = Vec::new(),
        text = Vec::new(),
        header = SortedMap::default(),
        transport = Vec::new(),
        html = None,
        reason,
        scope,
        hint = true,
    }
}

impl ToJson for ClassifyRule {
    fn write(&self, to: &mut Writer) {
        object!(to, self {
            provider if given,
            status if given,
            code if given,
            text if given,
            header if given,
            transport if given,
            html if given,
            reason,
            scope,
            hint if (!self.hint),
        });
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

#[cfg(feature = "schema")]
const fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_a_number_a_class_or_a_range() {
        let read = |text: &str| crate::json::read::<StatusMatch>(text);
        assert!(read("429").unwrap().holds(429));
        assert!(read("\"5xx\"").unwrap().holds(599));
        assert!(!read("\"500-503\"").unwrap().holds(504));
        for bad in ["\"xx\"", "\"9-1\"", "70000", "\"0xx\"", "true"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_rule_with_an_unknown_field_is_refused() {
        let error = crate::json::read::<ClassifyRule>(r#"{"stat":[1],"reason":"auth","scope":"model"}"#);
        assert!(error.unwrap_err().to_string().contains("stat"));
    }
}
