//! What an answer means: status, headers, body or transport error become a [`Verdict`].
//!
//! Four files, each a step: `facts` reads any provider's error body into identifiers and a message, `matching` finds
//! the first [rule](ClassifyRules) that holds, `hint` reads how long the provider asks to wait; `stream` does the same for
//! what came in pieces. The rules themselves are data: `policy/presets/*.classify.json`.

use crate::rules::{ClassifyRules, HintRule};
use crate::time::Timestamp;
use crate::verdict::{Failure, Hint, HintSource, Reason, Scope, TransportError, Verdict};
use crate::wire::http::{Headers, Response};
use core::fmt;

mod facts;
mod hint;
mod matching;
mod stream;
mod usage;

use facts::ErrorFacts;
pub use facts::{MAX_BODY, MAX_CODE, MAX_CODES, MAX_MESSAGE};
use matching::{Case, Found};
pub use stream::{classify_event, classify_stream, Stream};
pub use usage::{tokens_of_answer, tokens_of_stream};

/// How an upstream call ended, as it came.
#[derive(Clone, Copy, Default)]
pub struct Answer<'a> {
    /// The HTTP status, if there was an answer.
    pub status: Option<u16>,
    /// The headers.
    pub headers: Headers<'a>,
    /// The text of the body, as far as it was read. For a success it need not be.
    pub body: Option<&'a str>,
    /// How the call failed, if there was no answer.
    pub transport: Option<TransportError>,
}

/// Without the values of headers and the text of the body, which may be secrets.
impl fmt::Debug for Answer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("status", &self.status)
            .field("headers", &self.headers)
            .field("body", &self.body.map(str::len))
            .field("transport", &self.transport)
            .finish()
    }
}

impl<'a> From<&'a Response> for Answer<'a> {
    fn from(response: &'a Response) -> Self {
        Self {
            status: Some(response.status),
            headers: response.headers(),
            body: Some(&response.body),
            transport: None,
        }
    }
}

/// A verdict with its grounds, for those who ask why. Holds nothing of the message: providers echo parts of keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnosis {
    /// How the call ended.
    pub verdict: Verdict,
    /// The number of the rule that decided, from 0: all rules counted as they stand, groups too, first the custom ones, then
    /// the preset's. None for a success, and where no rule held.
    pub rule: Option<usize>,
    /// The identifiers that were found in the body, in lower case.
    pub codes: Vec<Box<str>>,
}

/// Whose call it was. A provider's name alone is enough where no rule asks for the credential's.
#[derive(Clone, Copy, Debug, Default)]
pub struct Subject<'a> {
    /// The registry name of the provider.
    pub provider: &'a str,
    /// The name of the credential.
    pub credential: &'a str,
}

impl<'a> From<&'a str> for Subject<'a> {
    fn from(provider: &'a str) -> Self {
        Self { provider, credential: "" }
    }
}

/// What the answer means by these rules. `now` stands in where the answer has no `Date`.
///
/// A 2xx is a success, unless its body is JSON that says by its structure that it is an error and no answer. Where no rule
/// holds the reason is `unknown` and the scope `request`: what nobody understands harms nobody.
pub fn classify<'a>(
    rules: &ClassifyRules,
    subject: impl Into<Subject<'a>>,
    answer: &Answer<'_>,
    now: Timestamp,
) -> Verdict {
    diagnose(rules, subject, answer, now).verdict
}

/// As [`classify`], with the grounds.
pub fn diagnose<'a>(
    rules: &ClassifyRules,
    subject: impl Into<Subject<'a>>,
    answer: &Answer<'_>,
    now: Timestamp,
) -> Diagnosis {
    diagnose_for(rules, subject.into(), answer, now)
}

fn diagnose_for(
    rules: &ClassifyRules,
    subject: Subject<'_>,
    answer: &Answer<'_>,
    now: Timestamp,
) -> Diagnosis {
    let success =
        answer.transport.is_none() && answer.status.is_some_and(|status| (200..300).contains(&status));
    let facts = if success {
        let Some(facts) = facts::inside_success(answer.body) else {
            return Diagnosis { verdict: Verdict::Success, rule: None, codes: Vec::new() };
        };
        facts
    } else {
        facts::read(answer.status, answer.headers, answer.body, answer.transport)
    };
    decide(rules, subject, answer, facts, now)
}

fn decide(
    rules: &ClassifyRules,
    subject: Subject<'_>,
    answer: &Answer<'_>,
    facts: ErrorFacts,
    now: Timestamp,
) -> Diagnosis {
    let case = Case { subject, answer, facts: &facts };
    let mut index = 0;
    let found = case.first(&rules.custom, &mut index).or_else(|| case.first(&rules.rules, &mut index));
    let mut failure = Failure::new(Reason::Unknown, Scope::Request, None);
    let mut believed = HintRule::Believed;
    if let Some(Found { rule, captured, .. }) = &found {
        failure.reason = rule.reason.unwrap_or(Reason::Unknown);
        failure.scope = rule.scope.clone().unwrap_or(failure.reason.usual_scope());
        (failure.stop, failure.least) = (rule.stop, rule.least);
        failure.message.clone_from(&rule.message);
        believed = rule.hint;
        let after = match believed {
            HintRule::Fixed(span) => Some((span, HintSource::Rule)),
            _ => captured.and_then(hint::captured).map(|span| (span, HintSource::Message)),
        };
        failure.hint = after.map(|(after, source)| Hint { after, source });
    }
    if failure.hint.is_none() && believed == HintRule::Believed {
        let refused =
            facts.status == Some(429) || matches!(failure.reason, Reason::RateLimit | Reason::Quota);
        failure.hint = hint::best(answer.headers, &facts, refused, now);
    }
    let rule = found.map(|found| found.index);
    Diagnosis { verdict: Verdict::Failure(failure), rule, codes: facts.codes }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::ClassifyRule;

    const NOW: Timestamp = Timestamp(1_767_225_600_000);

    fn rules() -> ClassifyRules {
        crate::json::read(include_str!("../policy/presets/default.classify.json")).unwrap()
    }

    fn flatten<'a>(rules: &'a [ClassifyRule], into: &mut Vec<&'a ClassifyRule>) {
        for rule in rules {
            into.push(rule);
            flatten(&rule.rules, into);
        }
    }

    fn custom(rules: &str, answer: &Answer<'_>, subject: Subject<'_>) -> Failure {
        let rules = crate::json::read(&["{\"custom\":", rules, "}"].concat()).unwrap();
        match classify(&rules, subject, answer, NOW) {
            Verdict::Failure(failure) => failure,
            Verdict::Success => panic!("a success"),
        }
    }

    #[test]
    fn rules_ask_for_a_credential_for_fields_and_for_headers() {
        let headers = vec![("X-Limit-Kind".to_owned(), "Weekly cap".to_owned())];
        let body = r#"{"error":{"param":"tools","items":[{"n":7},{"n":8.5}],"fatal":true,"message":"m"}}"#;
        let answer =
            Answer { status: Some(400), headers: Headers::from(&headers), body: Some(body), transport: None };
        let work = Subject { provider: "openai", credential: "work" };
        for (rule, want) in [
            (r#"[{"credential":["w*"],"reason":"quota"}]"#, Reason::Quota),
            (r#"[{"credential":["home"],"reason":"quota"}]"#, Reason::Unknown),
            (r#"[{"field":{"error.param":"TOOL*"},"reason":"quota"}]"#, Reason::Quota),
            (r#"[{"field":{"error.items.n":"8.5","error.fatal":"true"},"reason":"quota"}]"#, Reason::Quota),
            (r#"[{"field":{"error.items.n":"9"},"reason":"quota"}]"#, Reason::Unknown),
            (r#"[{"field":{"error.items":"*"},"reason":"quota"}]"#, Reason::Quota),
            (r#"[{"field":{"error.nothing":"*"},"reason":"quota"}]"#, Reason::Unknown),
            (r#"[{"header":{"x-*-kind":"weekly *"},"reason":"quota"}]"#, Reason::Quota),
            (r#"[{"header":{"x-*-kind":"daily *"},"reason":"quota"}]"#, Reason::Unknown),
            (
                r#"[{"status":[400],"rules":[{"text":["no"],"reason":"auth"},{"text":["m"],"reason":"quota"}]}]"#,
                Reason::Quota,
            ),
            (
                r#"[{"status":[400],"rules":[{"text":["no"],"reason":"auth"}]},{"reason":"quota"}]"#,
                Reason::Quota,
            ),
        ] {
            assert_eq!(custom(rule, &answer, work).reason, want, "{rule}");
        }
    }

    #[test]
    fn a_rule_says_what_follows() {
        let body = r#"{"message":"Slow down: 90 s to go"}"#;
        let headers = vec![("retry-after".to_owned(), "7".to_owned())];
        let answer =
            Answer { status: Some(418), headers: Headers::from(&headers), body: Some(body), transport: None };
        let hint = |rule: &str| {
            custom(rule, &answer, Subject::default()).hint.map(|hint| (hint.after.0, hint.source))
        };
        assert_eq!(hint(r#"[{"reason":"quota"}]"#), Some((7000, HintSource::RetryAfter)));
        assert_eq!(hint(r#"[{"reason":"quota","hint":false}]"#), None);
        assert_eq!(hint(r#"[{"reason":"quota","hint":60000}]"#), Some((60_000, HintSource::Rule)));
        assert_eq!(
            hint(r#"[{"pattern":["(\\d+ s) to go"],"reason":"quota"}]"#),
            Some((90_000, HintSource::Message))
        );
        assert_eq!(
            hint(r#"[{"pattern":["(\\d+) s"],"reason":"quota"}]"#),
            Some((90_000, HintSource::Message))
        );
        // It captured nothing that is a length: the answer's own is believed.
        assert_eq!(
            hint(r#"[{"pattern":["(down)"],"reason":"quota"}]"#),
            Some((7000, HintSource::RetryAfter))
        );
        let failure = custom(
            r#"[{"reason":"quota","scope":"meter:m","stop":true,"message":"buy more"}]"#,
            &answer,
            Subject::default(),
        );
        assert_eq!(
            (failure.scope, failure.stop, failure.message.as_deref()),
            (Scope::Meter("m".into()), Some(true), Some("buy more"))
        );
        assert_eq!(
            custom(r#"[{"reason":"request_fault"}]"#, &answer, Subject::default()).scope,
            Scope::Request
        );
    }

    #[test]
    fn a_diagnosis_names_the_rule_and_holds_no_message() {
        let body =
            r#"{"error":{"code":"invalid_api_key","message":"Incorrect API key provided: sk-canary"}}"#;
        let answer = Answer { status: Some(401), body: Some(body), ..Answer::default() };
        let found = diagnose(&rules(), "openai", &answer, NOW);
        assert_eq!(found.codes, ["invalid_api_key".into()]);
        let rules = rules();
        let mut flat = Vec::new();
        flatten(&rules.rules, &mut flat);
        assert_eq!(flat[found.rule.unwrap()].reason, Some(Reason::AuthPermanent));
        assert!(!format!("{found:?}").contains("canary"));
    }

    #[test]
    fn the_presets_end_with_a_rule_for_everything_else() {
        for preset in [
            include_str!("../policy/presets/default.classify.json"),
            include_str!("../policy/presets/cliproxyapi.classify.json"),
        ] {
            let rules: ClassifyRules = crate::json::read(preset).unwrap();
            for status in 100..=599 {
                let answer = Answer { status: Some(status), ..Answer::default() };
                let found = diagnose(&rules, "openai", &answer, NOW);
                let success = (200..300).contains(&status);
                assert_eq!((found.verdict == Verdict::Success, found.rule.is_none()), (success, success));
                // A bare status never says that a credential is dead, but for what a preset's system says itself.
                if let (Verdict::Failure(failure), true) = (found.verdict, preset.contains("openrouter")) {
                    assert_ne!(failure.reason, Reason::AuthPermanent, "{status}");
                }
            }
        }
    }
}
