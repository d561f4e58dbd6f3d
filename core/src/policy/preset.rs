//! Presets, and policies merged over them.

use super::classification::{classification, extend};
use super::documents::{document, Given, DEFAULT, PRESETS};
use super::{Action, CooldownRule, Policy};
use crate::credential::fault_of_rules;
use crate::json::{self, JsonError, Value};
use crate::sorted_map::SortedMap;
use crate::verdict::{Reason, Scope};

/// The names of the presets.
pub fn preset_names() -> impl Iterator<Item = &'static str> {
    PRESETS.into_iter()
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
                write!(f, "there is no preset `{name}`; there are: {}", PRESETS.join(", "))
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
    pub fn over(preset: &str, document: Value) -> Result<Self, PolicyError> {
        Self::merged(preset, document, &[])
    }

    #[inline(never)]
    fn merged(preset: &str, mut document: Value, given: Given) -> Result<Self, PolicyError> {
        let extends = document.remove("extends");
        let preset = match &extends {
            None => preset,
            Some(Value::String(name)) => name,
            Some(_) => return Err(invalid("extends", "expected the name of a preset")),
        };
        if !(document.is_null() || document.is_object()) {
            return Err(invalid(".", "expected an object"));
        }
        let mut merged = base(preset, given)?;
        if let Some(classify) = document.remove("classify") {
            document.set("classify", extend(classify, given, 0)?);
        }
        merge(&mut merged, document);
        let policy: Self = json::read(&merged.to_string())
            .map_err(|JsonError { path, message }| PolicyError::Invalid { path, message })?;
        policy.check()
    }

    /// Reads a policy as users give it: the name of a preset, or a document.
    pub fn read(value: Value) -> Result<Self, PolicyError> {
        Self::read_with(value, &[])
    }

    /// The same with documents that are not in the program: names as those of the files in `presets/`, without `.json`, and
    /// JSON. What is in the program under the same name is taken before them.
    pub fn read_with(value: Value, documents: &[(String, String)]) -> Result<Self, PolicyError> {
        match value {
            // As it stands, in one go: merged or not, it is the same.
            Value::String(name) if name == "default" => default_policy(),
            Value::String(name) => Self::merged(&name, Value::Null, documents),
            document => Self::merged("default", document, documents),
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
        if let Some((field, problem)) = self.refresh.problem().or_else(|| self.usage.problem()) {
            return Err(invalid(field, problem));
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

fn base(name: &str, given: Given) -> Result<Value, PolicyError> {
    let mut rules = document(name, given)?.ok_or_else(|| absent(name))?;
    // What an answer means is in a file of the same name, unless the preset says whose it shares.
    let classify = match rules.remove("classify") {
        Some(own) => extend(own, given, 0)?,
        None => classification(name, given, 0)?,
    };
    rules.set("classify", classify);
    Ok(rules)
}

/// The preset `default`, of its documents.
fn default_policy() -> Result<Policy, PolicyError> {
    let [rules, classify] = DEFAULT;
    let wrong = |JsonError { path, message }| PolicyError::Invalid { path, message };
    let mut policy: Policy = json::read(rules).map_err(wrong)?;
    policy.classify = json::read(classify).map_err(wrong)?;
    Ok(policy)
}

/// There is no document of this name.
fn absent(name: &str) -> PolicyError {
    if PRESETS.contains(&name) {
        return invalid("preset", &["the document of `", name, "` was not given"].concat());
    }
    PolicyError::UnknownPreset(name.to_owned())
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
    fn the_default_is_the_same_read_or_merged() {
        let read = Policy::read(Value::String("default".into())).unwrap();
        assert_eq!(read, Policy::preset("default").unwrap());
        assert_eq!(read.clone().check(), Ok(read));
    }

    #[test]
    fn a_host_gives_documents_that_are_not_in_the_program() {
        let given = |list: &[(&str, &str)]| -> Vec<(String, String)> {
            list.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
        };
        let read = |documents: &[(&str, &str)]| {
            Policy::read_with(json::read(r#"{"extends":"ours","jitter":4}"#).unwrap(), &given(documents))
        };
        let rules = ("ours", include_str!("presets/cliproxyapi.json"));
        let classify =
            ("ours.classify", r#"{"extends":"default","rules":[{"status":[418],"reason":"quota"}]}"#);
        let policy = read(&[rules, classify]).unwrap();
        assert_eq!((policy.strategy, policy.jitter), (Strategy::RoundRobin, 4));
        assert_eq!(policy.classify.rules[0].status.len(), 1);
        assert_eq!(policy.classify.rules[1..], Policy::preset("default").unwrap().classify.rules);

        let error = |documents: &[(&str, &str)]| read(documents).unwrap_err().to_string();
        assert!(error(&[]).starts_with("there is no preset `ours`; there are: default, "));
        assert!(error(&[rules]).starts_with("policy: classify.extends: there are: default, "));
        assert!(error(&[("ours", "{]")]).starts_with("policy: ours: "), "{}", error(&[("ours", "{]")]));
        let circle = ("ours.classify", r#"{"extends":"ours"}"#);
        assert_eq!(error(&[rules, circle]), "policy: classify.extends: too many of one another");
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
