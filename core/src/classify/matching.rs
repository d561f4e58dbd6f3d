//! Which rule holds for an answer? All text is compared without regard to the case of ASCII letters.

use super::facts::ErrorFacts;
use super::{Answer, Subject};
use crate::json::Value;
use crate::pattern::Found as Match;
use crate::rules::{count, ClassifyRule};

/// The rule that holds.
pub(super) struct Found<'a> {
    pub(super) rule: &'a ClassifyRule,
    /// Its place: all rules counted in their order, groups too.
    pub(super) index: usize,
    /// What its pattern captured.
    pub(super) captured: Option<&'a str>,
}

/// What rules are held against.
pub(super) struct Case<'a> {
    pub(super) subject: Subject<'a>,
    pub(super) answer: &'a Answer<'a>,
    pub(super) facts: &'a ErrorFacts,
}

impl<'a> Case<'a> {
    /// The first rule that holds. `index` counts those that were passed.
    pub(super) fn first(&self, rules: &'a [ClassifyRule], index: &mut usize) -> Option<Found<'a>> {
        for rule in rules {
            let at = *index;
            *index += 1;
            let Some(Match { captured }) = self.holds(rule) else {
                *index += count(&rule.rules);
                continue;
            };
            if rule.reason.is_some() {
                return Some(Found { rule, index: at, captured });
            }
            if let Some(found) = self.first(&rule.rules, index) {
                return Some(found);
            }
        }
        None
    }

    /// Do all conditions of the rule hold? And what did its pattern capture?
    fn holds(&self, rule: &ClassifyRule) -> Option<Match<'a>> {
        let Self { subject, answer, facts } = self;
        let any = |patterns: &[Box<str>], test: &dyn Fn(&str) -> bool| {
            patterns.is_empty() || patterns.iter().any(|pattern| test(pattern))
        };
        let holds = any(&rule.provider, &|name| glob(name, subject.provider))
            && any(&rule.credential, &|name| glob(name, subject.credential))
            && (rule.status.is_empty()
                || facts.status.is_some_and(|status| rule.status.iter().any(|range| range.holds(status))))
            && (rule.transport.is_empty()
                || answer.transport.is_some_and(|error| rule.transport.contains(&error)))
            && rule.html.is_none_or(|html| html == facts.html)
            && any(&rule.code, &|pattern| facts.codes.iter().any(|code| glob(pattern, code)))
            && rule.field.iter().all(|(path, value)| {
                facts.root.as_ref().is_some_and(|root| has(root, Some(path), value, &mut 256))
            })
            && rule.header.iter().all(|(name, value)| {
                answer.headers.iter().any(|(found, text)| glob(name, found) && glob(value, text))
            })
            && any(&rule.text, &|pattern| contains(&facts.message, pattern));
        if !holds || rule.pattern.is_empty() {
            return holds.then_some(Match { captured: None });
        }
        rule.pattern.iter().find_map(|pattern| pattern.find(&facts.message))
    }
}

/// Is there, at the path, a text, number or truth value like this? No more than `left` values are looked at.
fn has(value: &Value, path: Option<&str>, pattern: &str, left: &mut u32) -> bool {
    if *left == 0 {
        return false;
    }
    *left -= 1;
    match (value, path) {
        (Value::Array(items), _) => items.iter().any(|item| has(item, path, pattern, left)),
        (Value::Object(_), Some(path)) => {
            let (name, rest) = path.split_once('.').map_or((path, None), |(name, rest)| (name, Some(rest)));
            value.get(name).is_some_and(|value| has(value, rest, pattern, left))
        }
        (Value::String(text), None) => glob(pattern, text),
        (Value::Number(number), None) => glob(pattern, number.as_str()),
        (Value::Bool(truth), None) => glob(pattern, if *truth { "true" } else { "false" }),
        (Value::Object(_), None) => pattern == "*",
        _ => false,
    }
}

/// Does the text match the pattern, in which `*` stands for any text? Time is at most the product of the two lengths:
/// only the last star is ever tried again.
pub(super) fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(byte) if byte.eq_ignore_ascii_case(&text[t]) => (p, t) = (p + 1, t + 1),
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    (p, t) = (at + 1, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&byte| byte == b'*')
}

/// Is the pattern somewhere in the text? An empty pattern is nowhere.
pub(super) fn contains(text: &str, pattern: &str) -> bool {
    find(text, pattern).is_some()
}

/// Where the pattern first is.
pub(super) fn find(text: &str, pattern: &str) -> Option<usize> {
    let (text, pattern) = (text.as_bytes(), pattern.as_bytes());
    let first = pattern.first()?.to_ascii_lowercase();
    (0..=text.len().checked_sub(pattern.len())?).find(|&at| {
        text[at].to_ascii_lowercase() == first && text[at..at + pattern.len()].eq_ignore_ascii_case(pattern)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn stars_stand_for_any_text() {
        for (pattern, text, want) in [
            ("rate_limit*", "RATE_LIMIT_exceeded", true),
            ("*PerDay*PerModel*", "generaterequestsperdayperprojectpermodel-freetier", true),
            ("*PerDay*", "GenerateRequestsPerMinute", false),
            ("a*b*c", "abbbc", true),
            ("a*b*c", "abbb", false),
            ("", "", true),
            ("", "x", false),
            ("**", "", true),
            ("abc", "abc*", false),
        ] {
            assert_eq!(glob(pattern, text), want, "{pattern} {text}");
        }
    }

    #[test]
    fn many_stars_cost_no_more_than_the_product_of_the_lengths() {
        // Exponential in a naive matcher: this would not end.
        assert!(!glob(&"a*".repeat(200), &"a".repeat(20_000).replace("aaaa", "aaab").replace('a', "c")));
        assert!(!glob(&format!("{}b", "*a".repeat(100)), &"a".repeat(10_000)));
    }

    #[test]
    fn texts_are_found_without_case() {
        assert!(contains("Your Credit Balance is too low", "credit balance"));
        assert!(!contains("short", "longer than the text"));
        assert!(!contains("x", ""));
        assert_eq!(find("say ÜBER again", "again"), Some(10));
    }

    proptest! {
        #[test]
        fn a_text_matches_itself_with_any_part_starred(text in "[a-z]{0,12}", from in 0_usize..13, to in 0_usize..13) {
            let (from, to) = (from.min(text.len()), to.min(text.len()));
            let (from, to) = (from.min(to), from.max(to));
            let starred = format!("{}*{}", &text[..from], &text[to..]);
            prop_assert!(glob(&starred, &text.to_uppercase()));
        }

        #[test]
        fn nothing_panics(pattern in "\\PC{0,20}", text in "\\PC{0,40}") {
            let _ = (glob(&pattern, &text), find(&text, &pattern));
        }
    }
}
