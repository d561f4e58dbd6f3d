//! What an answer means under each system: sets of rules as data, which presets and users' policies name.

use super::documents::{document, Given, SETS};
use super::preset::invalid;
use super::PolicyError;
use crate::json::{self, JsonError, Value};
use crate::rules::ClassifyRules;

/// So many sets may extend one another in a row; more is a circle.
const DEPTH: u8 = 8;

/// The names that `classify.extends` may have.
pub fn classification_names() -> impl Iterator<Item = &'static str> {
    SETS.into_iter()
}

/// The rules of a set, with all that it extends.
pub fn classification_rules(name: &str) -> Result<ClassifyRules, PolicyError> {
    json::read(&classification(name, &[], 0)?.to_string()).map_err(wrong)
}

/// The rules of a set as a document, with all that it extends.
pub(super) fn classification(name: &str, given: Given, depth: u8) -> Result<Value, PolicyError> {
    match document(&[name, ".classify"].concat(), given)? {
        Some(found) => extend(found, given, depth + 1),
        None => Err(invalid("classify.extends", &["there are: ", &SETS.join(", ")].concat())),
    }
}

/// Puts the rules of the set that a document names (`extends`) behind its own.
pub(super) fn extend(mut document: Value, given: Given, depth: u8) -> Result<Value, PolicyError> {
    let named = match document.remove("extends") {
        None => return Ok(document),
        Some(_) if depth > DEPTH => {
            return Err(invalid("classify.extends", "too many of one another"));
        }
        Some(Value::String(name)) => classification(&name, given, depth)?.remove("rules"),
        Some(_) => return Err(invalid("classify.extends", "expected the name of a preset")),
    };
    match (document.entry("rules"), named) {
        (Value::Array(own), Some(Value::Array(named))) => own.extend(named),
        (own @ Value::Null, Some(named)) => *own = named,
        // Not a list: the reader says so.
        _ => {}
    }
    Ok(document)
}

fn wrong(JsonError { path, message }: JsonError) -> PolicyError {
    PolicyError::Invalid { path: ["classify.", &path].concat(), message }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Policy;

    #[test]
    fn every_set_is_read_and_ends_with_a_rule_for_everything_else() {
        for name in classification_names() {
            let rules = classification_rules(name).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(rules.custom.is_empty(), "{name}: custom rules are the user's");
            let last = rules.rules.last().expect("there are rules");
            let all = crate::rules::ClassifyRule {
                reason: last.reason,
                scope: last.scope.clone(),
                ..Default::default()
            };
            assert_eq!(*last, all, "{name}");
        }
    }

    #[test]
    fn a_policy_takes_the_rules_of_another_preset_and_puts_its_own_before_them() {
        let read = |text: &str| Policy::read(json::read(text).unwrap());
        let openclaw = classification_rules("openclaw").unwrap();
        let policy = read(r#"{"extends":"cliproxyapi","classify":{"extends":"openclaw"}}"#).unwrap();
        assert_eq!(policy.classify, openclaw);
        let policy =
            read(r#"{"classify":{"extends":"openclaw","custom":[{"reason":"auth"}],"rules":[{"status":[418],"reason":"quota"}]}}"#)
                .unwrap();
        assert_eq!(
            (policy.classify.custom.len(), policy.classify.rules.len()),
            (1, openclaw.rules.len() + 1)
        );
        assert_eq!(policy.classify.rules[1..], openclaw.rules);
        let own = read(r#"{"classify":{"custom":[{"reason":"auth"}]}}"#).unwrap();
        assert_eq!(own.classify.rules, classification_rules("default").unwrap().rules);
        assert_eq!(classification_rules("code-buddy"), classification_rules("default"));
    }

    #[test]
    fn an_error_names_the_rule_and_the_place_in_its_pattern() {
        for (document, want) in [
            (r#"{"classify":{"extends":"best"}}"#, "policy: classify.extends: there are: default, oh-my-pi"),
            (r#"{"classify":{"extends":3}}"#, "policy: classify.extends: expected the name"),
            (
                r#"{"classify":{"custom":[{"reason":"auth"},{"pattern":["a","(b"],"reason":"auth"}]}}"#,
                "policy: classify.custom[1].pattern[1]: pattern, at 0: this group is not closed",
            ),
            (r#"{"classify":{"extends":"default","rules":3}}"#, "policy: classify.rules: expected an array"),
            (
                r#"{"classify":{"custom":[{"reason":"auth","scope":"all"}]}}"#,
                "policy: classify.custom[0].scope: expected one",
            ),
        ] {
            let error = Policy::read(json::read(document).unwrap()).unwrap_err().to_string();
            assert!(error.starts_with(want), "{error}");
        }
    }
}
