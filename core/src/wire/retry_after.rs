//! `Retry-After` (RFC 9110 §10.2.3) and its relatives, as they are sent.
//!
//! | sent | read as |
//! |---|---|
//! | `2`, `2.0`, `1.5` | seconds; decimals are not legal but sent |
//! | an HTTP date, an ISO date | until then, counted from the answer's own `Date` |
//! | `retry-after-ms`, `x-ms-retry-after-ms` | milliseconds; before `Retry-After` |
//! | `x-ratelimit-user-retry-after` | as `Retry-After` (GitHub Copilot) |
//! | zero, negative, past, empty, `NaN`, `Infinity` | nothing: who asks for no wait says nothing that helps |
//! | 10^18 | 100 years ([`duration::MAX`]); policies bound it further |
//! | two headers, or two values in one | the later |

use super::{date, duration, http::Headers};
use crate::time::{Span, Timestamp};
use crate::verdict::{Hint, HintSource};

use super::number;

/// What the answer's headers ask for, if anything.
pub fn read(headers: Headers<'_>, now: Timestamp) -> Option<Hint> {
    let millis = ["retry-after-ms", "x-ms-retry-after-ms"]
        .into_iter()
        .flat_map(|name| headers.all(name))
        .filter_map(|value| number::whole(value, 1000).map(duration::from_micros))
        .max();
    if let Some(after) = millis.filter(|&after| after > Span::ZERO) {
        return Some(Hint { after, source: HintSource::RetryAfterMs });
    }
    let from = headers.date_or(now);
    ["retry-after", "x-ratelimit-user-retry-after"]
        .into_iter()
        .flat_map(|name| headers.all(name))
        .filter_map(|value| parse(value, from))
        .max()
        .map(|after| Hint { after, source: HintSource::RetryAfter })
}

/// Reads one value of `Retry-After`; instants count from `from`. Always more than zero.
pub fn parse(value: &str, from: Timestamp) -> Option<Span> {
    one(value, from).or_else(|| {
        // Several headers, joined by whoever read them. A date has a comma of its own.
        let parts: Vec<&str> = value.split(',').take(8).map(str::trim).collect();
        let single = parts.iter().filter_map(|part| one(part, from));
        let paired = parts.windows(2).filter_map(|pair| one(&[pair[0], ", ", pair[1]].concat(), from));
        (parts.len() > 1).then(|| single.chain(paired).max()).flatten()
    })
}

fn one(value: &str, from: Timestamp) -> Option<Span> {
    let span = match number::whole(value, 1_000_000) {
        Some(micros) => duration::from_micros(micros),
        None => match date::parse(value, from) {
            Some(at) => Span(at.since(from).0.min(duration::MAX.0)),
            // Not seen, but harmless: `30s`.
            None => duration::parse(value)?,
        },
    };
    (span > Span::ZERO).then_some(span)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp(1_789_812_000_000); // 2026-09-19T10:00:00Z

    fn ms(pairs: &[(&str, &str)]) -> Option<u64> {
        let pairs: Vec<_> =
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        read(Headers::from(&pairs), NOW).map(|hint| hint.after.0)
    }

    #[test]
    fn every_form_of_the_table() {
        for (value, want) in [
            ("2", Some(2000)),
            ("2.0", Some(2000)),
            ("1.5", Some(1500)),
            ("Sat, 19 Sep 2026 10:00:45 GMT", Some(45_000)),
            ("Saturday, 19-Sep-26 10:00:45 GMT", Some(45_000)),
            ("Sat Sep 19 10:00:45 2026", Some(45_000)),
            ("2026-09-19T10:00:45Z", Some(45_000)),
            ("0", None),
            ("-1", None),
            ("", None),
            ("NaN", None),
            ("Infinity", None),
            ("1000000000000000000", Some(duration::MAX.0)),
            ("Sat, 19 Sep 2026 09:00:00 GMT", None),
            ("2, 5", Some(5000)),
            ("Sat, 19 Sep 2026 10:00:45 GMT, 7", Some(45_000)),
            ("soon", None),
        ] {
            assert_eq!(ms(&[("Retry-After", value)]), want, "{value}");
        }
    }

    #[test]
    fn milliseconds_win_and_of_two_the_later() {
        assert_eq!(ms(&[("retry-after", "9"), ("retry-after-ms", "2500")]), Some(2500));
        assert_eq!(ms(&[("retry-after", "9"), ("retry-after-ms", "0")]), Some(9000));
        assert_eq!(ms(&[("x-ms-retry-after-ms", "1500.2")]), Some(1501));
        assert_eq!(ms(&[("retry-after", "3"), ("Retry-After", "8")]), Some(8000));
    }

    #[test]
    fn dates_count_from_the_answers_own_clock() {
        let skewed =
            [("Date", "Sat, 19 Sep 2026 10:05:00 GMT"), ("Retry-After", "Sat, 19 Sep 2026 10:05:20 GMT")];
        assert_eq!(ms(&skewed), Some(20_000));
    }

    proptest! {
        #[test]
        fn no_value_panics_and_no_hint_is_zero_or_endless(value in "\\PC{0,60}", from in any::<u64>()) {
            if let Some(span) = parse(&value, Timestamp(from)) {
                prop_assert!(span > Span::ZERO && span <= duration::MAX);
            }
        }

        #[test]
        fn whole_seconds_are_exact(seconds in 1_u64..1_000_000_000) {
            prop_assert_eq!(parse(&seconds.to_string(), NOW), Some(Span(seconds * 1000)));
        }
    }
}
