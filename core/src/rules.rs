//! What an answer means, as data: the rules by which an upstream's answer becomes a [`Failure`](crate::verdict::Failure).
//!
//! The rules are part of a policy, because systems differ in them: a bare 403 is `auth_permanent` in one and `auth` in
//! another. The codec in `classify/` reads an answer into facts and goes through the rules; the first that matches decides.

use crate::json::{expected, object, FromJson, Reader, ToJson, Writer, Wrong};
use crate::pattern::Pattern;
use crate::sorted_map::SortedMap;
use crate::time::Span;
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
///
/// A rule with `rules` is a group: where its own conditions hold, its rules are tried in order, and those behind it if none of
/// them holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(default, deny_unknown_fields))]
pub struct ClassifyRule {
    /// Providers by their registry names; `*` stands for any text.
    pub provider: Vec<Box<str>>,
    /// Credentials by their names; `*` stands for any text.
    pub credential: Vec<Box<str>>,
    /// HTTP statuses: a number (`429`), a class (`"5xx"`) or a range (`"500-599"`).
    pub status: Vec<StatusMatch>,
    /// Identifiers of the structured error: its code, type, status word, and the reasons and quota ids of its details.
    /// `*` stands for any text.
    pub code: Vec<Box<str>>,
    /// Fields of the body by their path (`error.metadata.reasons`), and what their text, number or truth value is like; `*`
    /// stands for any text. A path goes into every item of a list. All of them must hold.
    #[cfg_attr(feature = "schema", schemars(with = "std::collections::BTreeMap<String, String>"))]
    pub field: SortedMap<Box<str>, Box<str>>,
    /// Texts inside the error's own message, never inside what a model wrote.
    pub text: Vec<Box<str>>,
    /// Patterns for the error's own message. What the group of the pattern captures is the hint, where it is a length of time
    /// (`20s`, `13 minutes`) or a number of seconds.
    pub pattern: Vec<Pattern>,
    /// Headers and their values; `*` stands for any text, in names too. All of them must be there.
    #[cfg_attr(feature = "schema", schemars(with = "std::collections::BTreeMap<String, String>"))]
    pub header: SortedMap<Box<str>, Box<str>>,
    /// The call failed without an answer, or without the end of one, in one of these ways.
    pub transport: Vec<TransportError>,
    /// The body is a web page: the answer of something between us and the provider.
    pub html: Option<bool>,
    /// The rules of a group. A rule has either these or a reason.
    pub rules: Vec<ClassifyRule>,
    /// What it means.
    pub reason: Option<Reason>,
    /// What it covers; as the reason usually does ([`Reason::usual_scope`]) where it is left out.
    pub scope: Option<Scope>,
    /// Whether a hint that came with it is believed, or what stands in its place.
    pub hint: HintRule,
    /// No rest that the policy chooses for it is shorter. Milliseconds.
    pub least: Span,
    /// May nobody else be tried (`true`), or may they (`false`), whatever the policy says of the reason?
    pub stop: Option<bool>,
    /// What to tell people; at most 512 bytes.
    pub message: Option<Box<str>>,
}

/// What a rule says of hints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HintRule {
    /// `true`: the answer's hint is believed.
    #[default]
    Believed,
    /// `false`: it is not.
    Ignored,
    /// A number: this many milliseconds, whatever the answer says.
    Fixed(Span),
}

/// A policy has at most so many rules, groups included.
pub const MAX_RULES: usize = 2000;
/// A text of a rule is at most so many bytes long.
pub const MAX_TEXT: usize = 512;

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

impl FromJson for ClassifyRules {
    fn blank() -> Self {
        Self::default()
    }

    fn read(&mut self, from: &mut Reader<'_>) -> Result<(), Wrong> {
        from.fields(&expected!(strict custom = (), rules = (),), &mut [&mut self.custom, &mut self.rules])?;
        if count(&self.custom) + count(&self.rules) > MAX_RULES {
            return Err(from.wrong("has more than 2000 rules"));
        }
        Ok(())
    }
}

/// So many rules there are, groups and their rules counted.
pub(crate) fn count(rules: &[ClassifyRule]) -> usize {
    rules.iter().map(|rule| 1 + count(&rule.rules)).sum()
}

impl ToJson for ClassifyRules {
    fn write(&self, to: &mut Writer) {
        object!(to, self { custom, rules });
    }
}

impl FromJson for ClassifyRule {
    fn blank() -> Self {
        Self::default()
    }

    fn read(&mut self, from: &mut Reader<'_>) -> Result<(), Wrong> {
        from.fields(
            &expected!(strict
                provider = (), credential = (), status = (), code = (), field = (), text = (), pattern = (), header = (),
                transport = (), html = (), rules = (), reason = (), scope = (), hint = (), least = (), stop = (), message = (),
            ),
            &mut [
                &mut self.provider,
                &mut self.credential,
                &mut self.status,
                &mut self.code,
                &mut self.field,
                &mut self.text,
                &mut self.pattern,
                &mut self.header,
                &mut self.transport,
                &mut self.html,
                &mut self.rules,
                &mut self.reason,
                &mut self.scope,
                &mut self.hint,
                &mut self.least,
                &mut self.stop,
                &mut self.message,
            ],
        )?;
        if self.rules.is_empty() != self.reason.is_some() {
            return Err(from.wrong("expected either `reason` or `rules`"));
        }
        let texts = [&self.provider, &self.credential, &self.code, &self.text];
        let maps = [&self.field, &self.header];
        let mut lengths = texts.iter().flat_map(|texts| texts.iter()).map(|text| text.len()).chain(
            maps.iter().flat_map(|map| map.iter()).flat_map(|(name, value)| [name.len(), value.len().max(1)]),
        );
        if lengths.any(|length| length == 0 || length > MAX_TEXT)
            || self.message.as_ref().is_some_and(|message| message.len() > MAX_TEXT)
        {
            return Err(from.wrong("has a text that is empty or longer than 512 bytes"));
        }
        Ok(())
    }
}

impl ToJson for ClassifyRule {
    fn write(&self, to: &mut Writer) {
        object!(to, self {
            provider if given,
            credential if given,
            status if given,
            code if given,
            field if given,
            text if given,
            pattern if given,
            header if given,
            transport if given,
            html if given,
            rules if given,
            reason if given,
            scope if given,
            hint if (self.hint != HintRule::Believed),
            least if (self.least > Span::ZERO),
            stop if given,
            message if given,
        });
    }
}

impl FromJson for HintRule {
    fn blank() -> Self {
        Self::Believed
    }

    fn read(&mut self, from: &mut Reader<'_>) -> Result<(), Wrong> {
        *self = if from.peek().is_ascii_digit() {
            let mut span = Span::ZERO;
            span.read(from)?;
            Self::Fixed(span)
        } else if from.truth()? {
            Self::Believed
        } else {
            Self::Ignored
        };
        Ok(())
    }
}

impl ToJson for HintRule {
    fn write(&self, to: &mut Writer) {
        match self {
            Self::Fixed(span) => span.write(to),
            other => (*other == Self::Believed).write(to),
        }
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for HintRule {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "HintRule".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "Whether the answer's hint is believed, or so many milliseconds in its place.",
            "anyOf": [{ "type": "boolean" }, { "type": "integer", "minimum": 0 }]
        })
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

    #[test]
    fn a_wrong_rule_is_refused_with_its_place() {
        for (rules, want) in [
            (
                r#"{"custom":[{"reason":"auth"},{"status":[1]}]}"#,
                "custom[1]: expected either `reason` or `rules`",
            ),
            (r#"{"custom":[{"reason":"auth","rules":[{"reason":"auth"}]}]}"#, "custom[0]: expected either"),
            (
                r#"{"custom":[{"rules":[{"reason":"auth","pattern":["a","b{9"]}]}]}"#,
                "custom[0].rules[0].pattern[1]: pattern, at 3: expected `}`",
            ),
            (r#"{"rules":[{"reason":"auth","text":[""]}]}"#, "rules[0]: has a text that is empty"),
            (r#"{"rules":[{"reason":"auth","hint":"3s"}]}"#, "rules[0].hint: expected true or false"),
            (r#"{"rules":[{"reason":"auth","hint":-1}]}"#, "rules[0].hint"),
            (
                &[r#"{"rules":[{"reason":"auth"}"#, &r#",{"reason":"auth"}"#.repeat(2000), "]}"].concat(),
                ".: has more than",
            ),
        ] {
            let error = crate::json::read::<ClassifyRules>(rules).unwrap_err().to_string();
            assert!(error.starts_with(want), "{error}");
        }
    }

    #[test]
    fn rules_are_written_as_they_are_read() {
        let text = r#"{"custom":[{"provider":["a"],"credential":["w*"],"status":[429],"field":{"error.param":"x"},"pattern":["in (\\d+)"],"header":{"x-*":"1"},"rules":[{"reason":"quota","scope":"meter:m","hint":5,"stop":false,"message":"m"},{"reason":"auth","hint":false}]}],"rules":[]}"#;
        assert_eq!(crate::json::write(&crate::json::read::<ClassifyRules>(text).unwrap()), text);
    }
}
