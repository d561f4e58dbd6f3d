//! Lengths of time as providers write them: Go's `6m0s`, `2m59.56s`, `12ms`, `1h16m50s`; protobuf's `34.074824224s`; and
//! people's `13 minutes`, `~158 min.`, `2 hours and 5 minutes`.

use super::number;
use crate::time::Span;

/// The longest length that any reader returns: 100 years. Longer ones are cut to it, so that a nonsensical
/// `Retry-After: 1000000000000000000` is a number that every host can carry (below 2^53 ms); policies bound it further.
pub const MAX: Span = Span(3_155_760_000_000);

/// A length from microseconds: rounded up to whole milliseconds, since to come back a little early is refused again.
pub(super) fn from_micros(micros: u64) -> Span {
    Span(micros.div_ceil(1000).min(MAX.0))
}

/// Reads a whole text in Go's or protobuf's form: numbers with units and nothing between them. `None` for anything else,
/// negative lengths and bare numbers included.
pub fn parse(text: &str) -> Option<Span> {
    let text = text.trim();
    read(text, false).filter(|&(_, end)| end == text.len()).map(|(span, _)| span)
}

/// Reads the length that stands at the start of a text written for people, with spaces, commas and long names of units
/// allowed: `2 hours, 5 minutes left` is two hours and five minutes.
pub fn parse_start(text: &str) -> Option<Span> {
    read(text, true).map(|(span, _)| span)
}

fn read(text: &str, loose: bool) -> Option<(Span, usize)> {
    let (mut total, mut end) = (0_u64, 0);
    // A length has at most one part a unit; a few more do no harm.
    for part in 0..8 {
        let mut at = end;
        if loose && part > 0 {
            let rest = text.get(at..)?.trim_start_matches([' ', ',']);
            let rest = rest.strip_prefix("and ").unwrap_or(rest);
            at = text.len() - rest.len();
        }
        let Some((_, digits)) = number::prefix(text.get(at..)?, 1) else { break };
        let mut unit_at = at + digits;
        if loose {
            unit_at = text.len() - text.get(unit_at..)?.trim_start_matches(' ').len();
        }
        let rest = text.get(unit_at..)?;
        let unit_len =
            rest.find(|c: char| !(c.is_ascii_alphabetic() || matches!(c, 'µ' | 'μ'))).unwrap_or(rest.len());
        let Some(unit) = micros_of(rest.get(..unit_len)?) else { break };
        let (micros, _) = match unit {
            Unit::Micros(micros) => number::prefix(text.get(at..)?, micros)?,
            Unit::Nano => {
                number::prefix(text.get(at..)?, 1).map(|(nanos, end)| (nanos.div_ceil(1000), end))?
            }
        };
        total = total.saturating_add(micros);
        end = unit_at + unit_len;
    }
    (end > 0).then(|| (from_micros(total), end))
}

enum Unit {
    Nano,
    Micros(u64),
}

fn micros_of(unit: &str) -> Option<Unit> {
    const SECOND: u64 = 1_000_000;
    let is = |names: &[&str]| names.iter().any(|name| unit.eq_ignore_ascii_case(name));
    Some(Unit::Micros(if is(&["s", "sec", "secs", "second", "seconds"]) {
        SECOND
    } else if is(&["m", "min", "mins", "minute", "minutes"]) {
        60 * SECOND
    } else if is(&["h", "hr", "hrs", "hour", "hours"]) {
        3600 * SECOND
    } else if is(&["ms", "msec", "millis", "millisecond", "milliseconds"]) {
        1000
    } else if is(&["d", "day", "days"]) {
        86_400 * SECOND
    } else if is(&["w", "week", "weeks"]) {
        604_800 * SECOND
    } else if is(&["us", "µs", "μs"]) {
        1
    } else if is(&["ns"]) {
        return Some(Unit::Nano);
    } else {
        return None;
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn go_and_protobuf_forms() {
        for (text, ms) in [
            ("1s", 1000),
            ("6m0s", 360_000),
            ("12ms", 12),
            ("2m59.56s", 179_560),
            ("7.66s", 7660),
            ("1h16m50s", 4_610_000),
            ("18h31m10s", 66_670_000),
            ("34.074824224s", 34_075),
            ("964.972314ms", 965),
            ("0s", 0),
            ("900ms", 900),
            ("1500ns", 1),
            ("3d", 259_200_000),
            ("99999999999999999999999h", MAX.0),
        ] {
            assert_eq!(parse(text), Some(Span(ms)), "{text}");
        }
        for bad in ["", "5", "-5s", "s", "5 s", "1m-5s", "5x", "1h,2m", "1s ago", "∞s"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_people_write() {
        for (text, ms) in [
            ("13 minutes", 780_000),
            ("158 min.", 9_480_000),
            ("2 hours.", 7_200_000),
            ("1 hour, 5 minutes and 3 seconds left", 3_903_000),
            ("5s. Your limit will reset in 2 hours.", 5000),
            ("5s and nothing", 5000),
        ] {
            assert_eq!(parse_start(text), Some(Span(ms)), "{text}");
        }
        assert_eq!(parse_start("soon"), None);
        assert_eq!(parse_start("20 requests"), None);
    }

    proptest! {
        #[test]
        fn a_length_written_as_go_writes_it_is_read_back(ms in 1_u64..3_000_000_000) {
            let text = format!("{}h{}m{}.{:03}s", ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60, ms % 1000);
            prop_assert_eq!(parse(&text), Some(Span(ms)));
            prop_assert_eq!(parse(&format!("{ms}ms")), Some(Span(ms)));
        }

        #[test]
        fn no_text_panics(text in "\\PC*") {
            let _ = (parse(&text), parse_start(&text));
        }
    }
}
