//! Presets, and policies merged over them.

use super::classification::{classification, extend};
use super::{Action, CooldownRule, Policy};
use crate::credential::fault_of_rules;
use crate::json::{self, JsonError, Value};
use crate::sorted_map::SortedMap;
use crate::verdict::{Reason, Scope};

/// A preset: its rules, and what an answer means under it. Both are JSON, so that a preset can be read, copied and changed.
struct Preset {
    name: &'static str,
    rules: &'static str,
}

const PRESETS: &[Preset] = &[
    Preset { name: "default", rules: include_str!("presets/default.json") },
    Preset { name: "cliproxyapi", rules: include_str!("presets/cliproxyapi.json") },
    Preset { name: "oh-my-pi", rules: include_str!("presets/oh-my-pi.json") },
    Preset { name: "devclaw", rules: include_str!("presets/devclaw.json") },
    Preset { name: "code-buddy", rules: include_str!("presets/code-buddy.json") },
    Preset { name: "openclaw", rules: include_str!("presets/openclaw.json") },
    Preset { name: "openclaw-v1", rules: include_str!("presets/openclaw-v1.json") },
];

/// The names of the presets.
pub fn preset_names() -> impl Iterator<Item = &'static str> {
    PRESETS.iter().map(|preset| preset.name)
}

/// Why a policy was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PolicyError {
    /// There is no preset of this name; the message lists those that are.
    UnknownPreset(String),
    /// A field is wrong: its path and what is wrong with it.
    Invalid {
        /// The path of the field, `cooldown.rate_limit.base` for example.
        path: String,
        /// What is wrong with it.
        message: String,
    },
}

impl core::fmt::Display for PolicyError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::UnknownPreset(name) => {
                let names: Vec<_> = preset_names().collect();
                write!(f, "there is no preset `{name}`; there are: {}", names.join(", "))
            }
            Self::Invalid { path, message } => write!(f, "policy: {path}: {message}"),
        }
    }
}

impl core::error::Error for PolicyError {}

impl Policy {
    /// A preset by its name.
    pub fn preset(name: &str) -> Result<Self, PolicyError> {
        Self::over(name, Value::Null)
    }

    /// A document merged over a preset: objects field by field, everything else replaced.
    ///
    /// The document may name its preset itself, as `extends`.
    pub fn over(preset: &str, mut document: Value) -> Result<Self, PolicyError> {
        let extends = document.remove("extends");
        let preset = match &extends {
            None => preset,
            Some(Value::String(name)) => name,
            Some(_) => return Err(invalid("extends", "expected the name of a preset")),
        };
        if !(document.is_null() || document.is_object()) {
            return Err(invalid(".", "expected an object"));
        }
        let mut merged = base(preset)?;
        if let Some(classify) = document.remove("classify") {
            document.set("classify", extend(classify)?);
        }
        merge(&mut merged, document);
        let policy: Self = json::read(&merged.to_string())
            .map_err(|JsonError { path, message }| PolicyError::Invalid { path, message })?;
        policy.check()
    }

    /// Reads a policy as users give it: the name of a preset, or a document.
    pub fn read(value: Value) -> Result<Self, PolicyError> {
        match value {
            Value::Null => Self::preset("default"),
            Value::String(name) => Self::preset(&name),
            document => Self::over("default", document),
        }
    }

    fn check(self) -> Result<Self, PolicyError> {
        check_cooldown("", &self.cooldown)?;
        for (provider, rules) in self.providers.iter() {
            check_cooldown(&["providers.", provider, "."].concat(), &rules.cooldown)?;
        }
        if self.circuit.failures == 0 {
            return Err(invalid("circuit.failures", "must be at least 1"));
        }
        if self.circuit.reopen == 0 {
            return Err(invalid("circuit.reopen", "must be at least 1"));
        }
        if self.circuit.open.0 == 0 {
            return Err(invalid("circuit.open", "must be above 0"));
        }
        if self.return_.full < self.return_.probes {
            return Err(invalid("return.full", "must not be below return.probes"));
        }
        if self.upstream.share > 100 {
            return Err(invalid("upstream.share", "must be at most 100 percent"));
        }
        if self.jitter > 100 {
            return Err(invalid("jitter", "must be at most 100 percent"));
        }
        if self.retry.attempts == 0 {
            return Err(invalid("retry.attempts", "must be at least 1"));
        }
        if self.lease.0 == 0 {
            return Err(invalid("lease", "must be above 0"));
        }
        if self.affinity.max == 0 {
            return Err(invalid("affinity.max", "must be at least 1"));
        }
        if let Some((field, fault)) = self.limits.fault() {
            return Err(invalid(&format!("limits.{field}"), fault));
        }
        for (name, rules) in self.providers.iter() {
            if let Some((field, fault)) = rules.limits.fault() {
                return Err(invalid(&format!("providers.{name}.limits.{field}"), fault));
            }
            if let Some((field, fault)) = fault_of_rules(None, &rules.aliases) {
                return Err(invalid(&format!("providers.{name}.{field}"), fault));
            }
        }
        if self.cascade.len() > usize::from(u8::MAX) {
            return Err(invalid("cascade", "has more than 255 legs"));
        }
        Ok(self)
    }
}

fn check_cooldown(of: &str, rules: &SortedMap<Reason, CooldownRule>) -> Result<(), PolicyError> {
    for (reason, rule) in rules.iter() {
        let wrong = |field: &str, message: &str| {
            Err(invalid(&[of, "cooldown.", reason.as_str(), ".", field].concat(), message))
        };
        if rule.factor == 0 {
            return wrong("factor", "must be at least 1");
        }
        if rule.steps.iter().any(|step| step.0 == 0) {
            return wrong("steps", "must be above 0");
        }
        if rule.action == Action::Ladder
            && rule.steps.is_empty()
            && (rule.base.0 == 0 || rule.base > rule.max)
        {
            return wrong("base", "must be above 0 and not above max");
        }
        if matches!(rule.action, Action::Flat | Action::UntilReset) && rule.base.0 == 0 {
            return wrong("base", "must be above 0");
        }
        if matches!(rule.scope, Some(Scope::Request | Scope::Upstream)) {
            return wrong("scope", "expected one of: model, meter:<name>, credential");
        }
    }
    Ok(())
}

pub(super) fn invalid(path: &str, message: &str) -> PolicyError {
    PolicyError::Invalid { path: path.to_owned(), message: message.to_owned() }
}

fn base(name: &str) -> Result<Value, PolicyError> {
    let preset = PRESETS
        .iter()
        .find(|preset| preset.name == name)
        .ok_or_else(|| PolicyError::UnknownPreset(name.to_owned()))?;
    let broken = |error: JsonError| invalid("preset", &error.to_string());
    let mut rules: Value = json::read(preset.rules).map_err(broken)?;
    // What an answer means is in a file of the same name, unless the preset says whose it shares.
    let classify = match rules.remove("classify") {
        Some(own) => extend(own)?,
        None => classification(name)?,
    };
    rules.set("classify", classify);
    Ok(rules)
}

fn merge(base: &mut Value, over: Value) {
    match (base, over) {
        (_, Value::Null) => {}
        (base @ Value::Object(_), Value::Object(over)) => {
            for (key, value) in over {
                merge(base.entry(&key), value);
            }
        }
        (base, over) => *base = over,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Strategy;

    fn over(preset: &str, document: &str) -> Result<Policy, PolicyError> {
        Policy::over(preset, json::read(document).unwrap())
    }

    #[test]
    fn every_preset_is_valid() {
        for name in preset_names() {
            Policy::preset(name).unwrap_or_else(|error| panic!("{name}: {error}"));
        }
    }

    #[test]
    fn a_document_changes_only_what_it_names() {
        let policy = over("cliproxyapi", r#"{"strategy": "fill-first"}"#).unwrap();
        let preset = Policy::preset("cliproxyapi").unwrap();
        assert_eq!(policy.strategy, Strategy::FillFirst);
        assert_eq!(policy.cooldown, preset.cooldown);
        let extended =
            Policy::read(json::read(r#"{"extends": "cliproxyapi", "jitter": 3}"#).unwrap()).unwrap();
        assert_eq!((extended.strategy, extended.jitter), (Strategy::RoundRobin, 3));
    }

    #[test]
    fn an_error_names_the_field() {
        for (document, path) in [
            (r#"{"strategy": "best"}"#, "strategy"),
            (r#"{"affinity": {"kind": "none", "tll": 3}}"#, "affinity"),
            (r#"{"cooldown": {"rate_limit": {"base": -1}}}"#, "cooldown.rate_limit.base"),
            (r#"{"cooldown": {"rate_limit": {"factor": 0}}}"#, "cooldown.rate_limit.factor"),
            (r#"{"jitter": 101}"#, "jitter"),
            (r#"{"limits": {"tokens": 1000000000001}}"#, "limits.tokens"),
            (
                r#"{"providers": {"openai": {"limits": {"budget": {"window": 0}}}}}"#,
                "providers.openai.limits.budget.window",
            ),
            (r#"{"providers": {"openai": {"limit": {}}}}"#, "providers.openai"),
            (
                r#"{"providers": {"openai": {"aliases": [{"name": "", "alias": "x"}]}}}"#,
                "providers.openai.aliases",
            ),
            (r#"{"extends": 3}"#, "extends"),
            (r"[]", "."),
        ] {
            match over("default", document) {
                Err(PolicyError::Invalid { path: named, message }) => {
                    assert!(named.starts_with(path), "{document}: {named}: {message}");
                }
                other => panic!("{document}: {other:?}"),
            }
        }
        assert!(Policy::preset("best").unwrap_err().to_string().contains("default, cliproxyapi"));
    }
}
