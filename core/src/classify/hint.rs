//! How long the provider asks to wait, from everything that it said.
//!
//! The best one wins, in this order: `retry-after-ms`; `Retry-After`; the reset of the exhausted limits (for refusals
//! only); a structured field of the body; the words of the message. A window of a plan that is used up is a lower bound
//! to all of them: nothing is answered before its reset.

use super::facts::ErrorFacts;
use super::matching::find;
use crate::json::Value;
use crate::time::{Span, Timestamp};
use crate::verdict::{Hint, HintSource};
use crate::wire::http::Headers;
use crate::wire::rate_limit::RateLimits;
use crate::wire::{date, duration, retry_after, spoken};

/// The best hint of an answer. `refused`: the answer says that a limit is reached, so resets of limits mean it.
pub(super) fn best(headers: Headers<'_>, facts: &ErrorFacts, refused: bool, now: Timestamp) -> Option<Hint> {
    let from = headers.date_or(now);
    let limits = if refused { RateLimits::read(headers, now) } else { RateLimits::default() };
    let hint = |after: Span, source| (after > Span::ZERO).then_some(Hint { after, source });
    let first = retry_after::read(headers, now)
        .or_else(|| limits.reset_of_refusal().and_then(|after| hint(after, HintSource::Reset)))
        .or_else(|| body(facts, from).and_then(|after| hint(after, HintSource::Body)))
        .or_else(|| message(&facts.message, from).and_then(|after| hint(after, HintSource::Message)));
    let window = limits
        .reset_of_windows()
        .map(|after| Hint { after, source: HintSource::Reset })
        .into_iter()
        .chain(window_of_body(facts, from).map(|after| Hint { after, source: HintSource::Body }))
        .max_by_key(|hint| hint.after);
    match (first, window) {
        (Some(first), Some(window)) if window.after > first.after => Some(window),
        (first, window) => first.or(window),
    }
}

/// The error object: `error` of the root, of its first element, or of `response`; else the root itself.
fn error_of(root: &Value) -> &Value {
    let root = root.first().unwrap_or(root);
    let root = root.get("response").filter(|response| response.get("error").is_some()).unwrap_or(root);
    root.get("error").filter(|error| error.is_object()).unwrap_or(root)
}

fn body(facts: &ErrorFacts, from: Timestamp) -> Option<Span> {
    let root = facts.root.as_ref()?;
    let error = error_of(root);
    let details = error.get("details").and_then(Value::as_array).unwrap_or_default();
    let details = || details.iter().take(32);
    // Google: RetryInfo, then ErrorInfo.
    let retry_info = details().find_map(|detail| duration_of(detail.get("retryDelay")?).and_then(positive));
    let delay = || {
        let of = |name| {
            details().find_map(|detail| detail.get("metadata")?.get(name).filter(|value| value.is_string()))
        };
        of("quotaResetDelay")
            .and_then(duration_of)
            .or_else(|| {
                let at = date::parse_rfc3339(of("quotaResetTimeStamp")?.as_str()?)?;
                Some(Span(at.since(from).0.min(duration::MAX.0)))
            })
            .and_then(positive)
    };
    retry_info
        .or_else(delay)
        .or_else(|| window_of_body(facts, from))
        // OpenRouter: the headers of the provider behind it.
        .or_else(|| {
            let headers = error.get("metadata")?.get("headers")?.as_object()?;
            let pairs: Vec<(String, String)> = headers
                .iter()
                .take(32)
                .filter_map(|(name, value)| {
                    let value = match value {
                        Value::String(text) if text.len() <= 256 => text.clone(),
                        _ => value.as_u64()?.to_string(),
                    };
                    Some((name.clone(), value))
                })
                .collect();
            let headers = Headers::from(&pairs);
            retry_after::read(headers, from)
                .map(|hint| hint.after)
                .or_else(|| RateLimits::read(headers, from).reset_of_refusal())
        })
        .or_else(|| {
            // The last is Hugging Face's, of a model that is being loaded.
            let found = ["retry_after", "retry_after_seconds", "estimated_time"]
                .iter()
                .find_map(|name| error.get(name).or_else(|| root.get(name)))?;
            positive(number_of(found)?)
        })
}

/// Codex: `resets_at` in seconds since 1970, where it is not past, else `resets_in_seconds`.
fn window_of_body(facts: &ErrorFacts, from: Timestamp) -> Option<Span> {
    let error = error_of(facts.root.as_ref()?);
    let at = error.get("resets_at").and_then(Value::as_u64).and_then(|at| {
        // Above 10^11 it can only be milliseconds: as seconds it is the year 5138.
        let at = if at > 100_000_000_000 { at } else { at * 1000 };
        positive(Span(Timestamp(at).since(from).0.min(duration::MAX.0)))
    });
    at.or_else(|| positive(number_of(error.get("resets_in_seconds")?)?))
}

fn positive(span: Span) -> Option<Span> {
    (span > Span::ZERO).then_some(span)
}

/// A number of seconds, or a text that is one.
fn number_of(value: &Value) -> Option<Span> {
    match value {
        Value::String(text) => retry_after::parse(text, Timestamp(u64::MAX)),
        Value::Number(number) => {
            number.ceil().map(|seconds| Span(seconds.saturating_mul(1000).min(duration::MAX.0)))
        }
        _ => None,
    }
}

/// `"34.07s"`, or the form of a protobuf message: `{"seconds": 34, "nanos": 70000000}`.
fn duration_of(value: &Value) -> Option<Span> {
    match value {
        Value::String(text) => duration::parse(text),
        Value::Object(_) => number_of(value.get("seconds")?),
        _ => None,
    }
}

/// What a rule's pattern captured: a length of time, or a number of seconds.
pub(super) fn captured(text: &str) -> Option<Span> {
    let text = text.trim();
    retry_after::parse(text, Timestamp(u64::MAX)).or_else(|| duration::parse_start(text)).and_then(positive)
}

/// Words that stand before a length, the more telling first: `Please retry in 5s. Your limit will reset in 2 hours.` means
/// two hours.
const BEFORE: [&str; 12] = [
    "reset after",
    "resets after",
    "reset in",
    "resets in",
    "retry in",
    "retrydelay",
    "try again in",
    "try again after",
    "retry after",
    "retry-after",
    "wait for",
    "wait",
];

/// Words that stand before an instant.
const BEFORE_INSTANT: [&str; 6] = ["resets", "reset", "try again", "retry", "access", "available"];

/// The length that a message names, if any; else the instant.
pub(super) fn message(text: &str, from: Timestamp) -> Option<Span> {
    let length = |rest: &str| {
        let at = rest.trim_start_matches([' ', '~', ':', '"', '\\', '=']);
        let at = ["about ", "approximately ", "around ", "at least "]
            .iter()
            .find_map(|filler| at.strip_prefix(filler))
            .unwrap_or(at);
        duration::parse_start(at).and_then(positive)
    };
    let instant = |rest: &str| {
        let at = rest.trim_start_matches([' ', ':']);
        let at =
            ["again ", "after ", "until "].iter().find_map(|filler| at.strip_prefix(filler)).unwrap_or(at);
        let at = spoken::parse_start(at, from)?;
        positive(Span(at.since(from).0.min(duration::MAX.0)))
    };
    behind(text, &BEFORE, &length).or_else(|| behind(text, &BEFORE_INSTANT, &instant))
}

/// What is read behind one of these words, the first of them first.
fn behind(text: &str, words: &[&str], read: &dyn Fn(&str) -> Option<Span>) -> Option<Span> {
    words.iter().find_map(|words| {
        let mut rest = text;
        // The first few occurrences are enough.
        for _ in 0..4 {
            rest = rest.get(find(rest, words)? + words.len()..)?;
            if let Some(span) = read(rest) {
                return Some(span);
            }
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn words_of_messages() {
        for (text, want) in [
            ("Please try again in 20s. Visit https://x", Some(20_000)),
            ("Please try again in 11.054s", Some(11_054)),
            ("Please retry in 44.2s", Some(44_200)),
            ("Please retry in 964.972314ms.", Some(965)),
            ("Your quota will reset after 51s.", Some(51_000)),
            ("Your quota will reset after 18h31m10s.", Some(66_670_000)),
            ("Your limit will reset in 13 minutes", Some(780_000)),
            ("You have hit your usage limit. Try again in ~158 min.", Some(9_480_000)),
            ("Please retry in 5s. Your limit will reset in 2 hours.", Some(7_200_000)),
            ("Please retry after 18 seconds.", Some(18_000)),
            (r#"{\"retryDelay\":\"7s\"}"#, Some(7000)),
            (r#""retryDelay": "7s""#, Some(7000)),
            ("Please try again later.", None),
            ("try again in 0s", None),
            ("retry after 3 attempts", None),
            ("wait, there is more", None),
        ] {
            assert_eq!(message(text, NOON).map(Span::as_millis), want, "{text}");
        }
    }

    /// 2026-01-01 12:00:00 UTC.
    const NOON: Timestamp = Timestamp(1_767_225_600_000 + 12 * 3_600_000);

    #[test]
    fn instants_of_messages() {
        for (text, want) in [
            ("You have reached your specified API usage limits. You will regain access on 2026-01-02 at 00:00 UTC.", Some(720)),
            ("5-hour limit reached, resets 3pm (UTC)", Some(180)),
            ("Your limit resets at 3:30 PM GMT", Some(210)),
            ("You've hit your usage limit. Try again at 10:00 AM UTC+2.", Some(20 * 60)),
            ("Rate limited: retry after 2026-01-01T12:10:00Z", Some(10)),
            ("Quota exhausted, available again at midnight UTC", Some(720)),
            // A length goes before an instant.
            ("Resets at 3pm UTC. Please try again in 20s", None),
            // Whose clock?
            ("You've hit your limit, resets 3am (Europe/Berlin)", None),
            ("resets at 3pm", None),
            ("Try again at 10:00 AM.", None),
            ("Your limit will reset at 2026-01-02 18:03:00", None),
            ("Limits reset at midnight Pacific time", None),
            ("reset your password, retry with UTC, access 15 models", None),
        ] {
            let got = message(text, NOON).filter(|span| span.0 > 20_000).map(|span| span.0 / 60_000);
            assert_eq!(got, want, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_message_panics(text in "(try again in|reset after|retryDelay|wait) ?[~:\"]?\\PC{0,30}") {
            let _ = message(&text, NOON);
        }
    }
}
