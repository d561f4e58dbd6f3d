//! What an answer means: status, headers, body or transport error become a [`Verdict`].
//!
//! Three steps, one file each: `facts` reads any provider's error body into identifiers and a message, `matching` finds
//! the first [rule](ClassifyRules) that holds, `hint` reads how long the provider asks to wait. The rules themselves are
//! data: `policy/presets/*.classify.json`.

use crate::json::Value;
use crate::rules::{ClassifyRule, ClassifyRules};
use crate::time::Timestamp;
use crate::verdict::{Failure, Reason, Scope, TransportError, Verdict};
use crate::wire::http::{Headers, Response};
use crate::wire::sse;
use core::fmt;

mod facts;
mod hint;
mod matching;

use facts::ErrorFacts;
pub use facts::{MAX_BODY, MAX_CODE, MAX_CODES, MAX_MESSAGE};

/// Providers that report an error as an object inside a successful JSON answer.
const ERRORS_INSIDE_200: [&str; 1] = ["openrouter"];

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
    /// The index of the rule that decided: first the custom ones, then the preset's. None for a success, and where no
    /// rule held.
    pub rule: Option<usize>,
    /// The identifiers that were found in the body, in lower case.
    pub codes: Vec<Box<str>>,
}

/// What the answer means by these rules. `provider` is a registry name; `now` stands in where the answer has no `Date`.
///
/// A 2xx is a success, whatever its body (but see `OpenRouter` in `facts`). Where no rule holds the reason is `unknown` and
/// the scope `request`: what nobody understands harms nobody.
pub fn classify(rules: &ClassifyRules, provider: &str, answer: &Answer<'_>, now: Timestamp) -> Verdict {
    diagnose(rules, provider, answer, now).verdict
}

/// As [`classify`], with the grounds.
pub fn diagnose(rules: &ClassifyRules, provider: &str, answer: &Answer<'_>, now: Timestamp) -> Diagnosis {
    let success =
        answer.transport.is_none() && answer.status.is_some_and(|status| (200..300).contains(&status));
    if success {
        let inner = ERRORS_INSIDE_200.iter().any(|name| name.eq_ignore_ascii_case(provider));
        let mut facts = ErrorFacts::default();
        if inner && answer.body.is_some_and(|body| body.trim_start().starts_with('{')) {
            facts = facts::read(None, answer.headers, answer.body, None);
        }
        if !facts.take_inner_status() {
            return Diagnosis { verdict: Verdict::Success, rule: None, codes: Vec::new() };
        }
        return decide(rules, provider, answer, facts, now);
    }
    let facts = facts::read(answer.status, answer.headers, answer.body, answer.transport);
    decide(rules, provider, answer, facts, now)
}

/// What an event of a stream means that was answered with a 200: a failure where the event is an error of the provider
/// (`event: error`, `{"type":"error"}`, `{"error":{…}}`, `response.failed`), else none. Nothing that a model wrote is looked
/// at: the event itself must say that it is an error.
pub fn classify_event(
    rules: &ClassifyRules,
    provider: &str,
    headers: Headers<'_>,
    event: &sse::Event,
    now: Timestamp,
) -> Option<Failure> {
    let data = event.data.trim_start();
    // Cheap for the thousands of events that are none.
    let named = matches!(event.event.as_str(), "error" | "response.failed");
    if !(named || data.starts_with('{') && matching::contains(data.get(..256).unwrap_or(data), "\"error\"")) {
        return None;
    }
    let mut facts = facts::read(None, headers, Some(data), None);
    let root = facts.root.as_ref();
    let kind = root.and_then(|root| root.get("type")).and_then(Value::as_str);
    let is_error = named
        || matches!(kind, Some("error" | "response.failed"))
        || kind.is_none() && root.is_some_and(|root| root.get("error").is_some_and(Value::is_object));
    if !is_error {
        return None;
    }
    facts.take_inner_status();
    let answer = Answer { headers, body: Some(data), ..Answer::default() };
    match decide(rules, provider, &answer, facts, now).verdict {
        Verdict::Failure(failure) => Some(failure),
        Verdict::Success => None,
    }
}

fn decide(
    rules: &ClassifyRules,
    provider: &str,
    answer: &Answer<'_>,
    facts: ErrorFacts,
    now: Timestamp,
) -> Diagnosis {
    let found = rules
        .custom
        .iter()
        .chain(&rules.rules)
        .enumerate()
        .find(|(_, rule)| matching::holds(rule, provider, answer, &facts));
    let (reason, scope, hint) =
        found.map_or((Reason::Unknown, Scope::Request, true), |(_, rule)| verdict_of(rule));
    let refused = facts.status == Some(429) || matches!(reason, Reason::RateLimit | Reason::Quota);
    let hint = hint.then(|| hint::best(answer.headers, &facts, refused, now)).flatten();
    Diagnosis {
        verdict: Verdict::Failure(Failure { reason, scope, hint }),
        rule: found.map(|(index, _)| index),
        codes: facts.codes,
    }
}

fn verdict_of(rule: &ClassifyRule) -> (Reason, Scope, bool) {
    (rule.reason, rule.scope.clone(), rule.hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_767_225_600_000);

    fn rules() -> ClassifyRules {
        crate::json::read(include_str!("../policy/presets/default.classify.json")).unwrap()
    }

    fn event(provider: &str, event: &str, data: &str) -> Option<String> {
        let event = sse::Event { event: event.into(), data: data.into(), truncated: false };
        classify_event(&rules(), provider, Headers::default(), &event, NOW)
            .map(|failure| format!("{} {}", failure.reason, failure.scope))
    }

    #[test]
    fn an_error_event_in_a_stream_is_classified_by_its_type() {
        let overloaded = r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
        assert_eq!(event("anthropic", "error", overloaded).as_deref(), Some("overloaded model"));
        assert_eq!(event("anthropic", "", overloaded).as_deref(), Some("overloaded model"));
        let api = r#"{"type":"error","error":{"type":"api_error","message":"Internal server error"}}"#;
        assert_eq!(event("anthropic", "error", api).as_deref(), Some("overloaded model"));
        let inner = r#"{"id":"gen","error":{"code":402,"message":"Insufficient credits"},"choices":[]}"#;
        assert_eq!(event("openrouter", "", inner).as_deref(), Some("billing credential"));
        let failed =
            r#"{"type":"response.failed","response":{"error":{"code":"rate_limit_exceeded","message":"m"}}}"#;
        assert_eq!(event("openai", "response.failed", failed).as_deref(), Some("rate_limit model"));
        assert_eq!(event("openai", "error", "gone").as_deref(), Some("unknown model"));
    }

    #[test]
    fn what_a_model_wrote_is_no_error() {
        for data in [
            r#"{"type":"content_block_delta","delta":{"text":"{\"error\": {\"type\":\"overloaded_error\"}}"}}"#,
            r#"{"choices":[{"delta":{"content":"\"error\""}}]}"#,
            r#"{"type":"response.completed","response":{"error":null}}"#,
            r#"{"type":"message","error":{"code":401}}"#,
            "[DONE]",
            "",
        ] {
            assert_eq!(event("openai", "", data), None, "{data}");
        }
    }

    #[test]
    fn a_diagnosis_names_the_rule_and_holds_no_message() {
        let body =
            r#"{"error":{"code":"invalid_api_key","message":"Incorrect API key provided: sk-canary"}}"#;
        let answer = Answer { status: Some(401), body: Some(body), ..Answer::default() };
        let found = diagnose(&rules(), "openai", &answer, NOW);
        assert_eq!(found.codes, ["invalid_api_key".into()]);
        let rules = rules();
        assert_eq!(rules.rules[found.rule.unwrap()].reason, Reason::AuthPermanent);
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
