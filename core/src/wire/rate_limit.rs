//! Limits as headers state them, of every family in the field, in one small list.
//!
//! | family | headers |
//! |---|---|
//! | `OpenAI`, Groq, Mistral, Cerebras, Azure | `x-ratelimit-{limit,remaining,reset}-<name>` |
//! | GitHub, `OpenRouter`, Together | `x-ratelimit-{limit,remaining,reset}`, `-reset-ms`, `-reset-after` |
//! | IETF draft | `ratelimit`, `ratelimit-policy`, older `ratelimit-{limit,remaining,reset}` |
//! | Anthropic | `anthropic-ratelimit-<name>-{limit,remaining,reset}`, `anthropic-priority-…` |
//! | Anthropic plans | `anthropic-ratelimit-unified-{5h,7d,7d_…}-{utilization,status,reset}` |
//! | Codex plans | `x-codex-[<family>-]{primary,secondary}-{used-percent,reset-at,reset-after-seconds}` |
//! | GitHub Copilot | `x-quota-snapshot-<name>`, `x-usage-ratelimit-<name>` |
//!
//! The size of a reset tells its kind: above 10^12 milliseconds since 1970, above 10^9 seconds since 1970, else seconds
//! from now; letters make it a length (`6m0s`) or a date. A limit of -1, or of 0 with 0 left, says nothing (Azure).

use super::{date, duration, http::Headers, ietf, number};
use crate::time::{Span, Timestamp};

/// No more limits than this are kept from one answer.
pub const MAX_LIMITS: usize = 32;
/// How the names of the headers begin that are read of an answer that is no failure, in lower case.
pub const NAMES: [&str; 5] =
    ["x-ratelimit-", "ratelimit", "anthropic-ratelimit-", "anthropic-priority-", "x-codex-"];
/// All of something, in parts per million.
const ALL_PPM: u64 = 1_000_000;

/// One limit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limit {
    /// Its name, as the header has it: `requests`, `tokens`, `5h`, `primary`; empty for the one without a name.
    pub name: Box<str>,
    /// Is it a window of a plan (hours to weeks), not a rate?
    pub window: bool,
    /// How much it allows.
    pub limit: Option<u64>,
    /// How much is left.
    pub remaining: Option<u64>,
    /// How much is used, in parts per million of the limit; may exceed a million.
    pub used_ppm: Option<u64>,
    /// Does the provider itself say that the limit refuses (true) or allows (false)?
    pub rejected: Option<bool>,
    /// When it is full again, from the moment of the answer. Never zero: what is past says nothing.
    pub reset: Option<Span>,
}

impl Limit {
    /// Is nothing left? The provider's own word goes before its numbers.
    pub fn exhausted(&self) -> bool {
        self.rejected
            .unwrap_or_else(|| self.remaining == Some(0) || self.used_ppm.is_some_and(|used| used >= ALL_PPM))
    }

    fn says_something(&self) -> bool {
        self.limit.is_some()
            || self.remaining.is_some()
            || self.reset.is_some()
            || self.rejected.is_some()
            || self.used_ppm.is_some_and(|used| used > 0)
    }
}

/// The limits of one answer, in the order in which they came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RateLimits(pub Vec<Limit>);

impl RateLimits {
    /// Reads the headers. `now` stands in for a missing `Date`.
    pub fn read(headers: Headers<'_>, now: Timestamp) -> Self {
        let mut reader = Reader { from: headers.date_or(now), now, found: Vec::new() };
        for (name, value) in headers.iter() {
            if (9..=96).contains(&name.len()) && !value.is_empty() {
                reader.header(&name.to_ascii_lowercase(), value);
            }
        }
        for (_, limit) in &mut reader.found {
            // "Unknown", not "nothing".
            if limit.limit == Some(0) && limit.remaining == Some(0) {
                (limit.limit, limit.remaining) = (None, None);
            }
        }
        Self(reader.found.into_iter().map(|(_, limit)| limit).filter(Limit::says_something).collect())
    }

    /// The limits of which nothing is left.
    pub fn exhausted(&self) -> impl Iterator<Item = &Limit> {
        self.0.iter().filter(|limit| limit.exhausted())
    }

    /// When a refused call (429) may be tried again: the latest reset of the exhausted limits, for all of them refuse;
    /// else that of a limit without a name and without a count, which some send with a refusal only.
    pub fn reset_of_refusal(&self) -> Option<Span> {
        let silent = |limit: &&Limit| {
            limit.name.is_empty() && limit.remaining.is_none() && limit.rejected.is_none() && !limit.window
        };
        self.exhausted()
            .filter_map(|limit| limit.reset)
            .max()
            .or_else(|| self.0.iter().filter(silent).filter_map(|limit| limit.reset).max())
    }

    /// The latest reset of the exhausted windows of a plan: no call is answered before it, whatever else is said.
    pub fn reset_of_windows(&self) -> Option<Span> {
        self.exhausted().filter(|limit| limit.window).filter_map(|limit| limit.reset).max()
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Family {
    Plain,
    Ietf,
    Anthropic,
    Unified,
    Codex,
    Copilot,
}

struct Reader {
    from: Timestamp,
    now: Timestamp,
    found: Vec<(Family, Limit)>,
}

impl Reader {
    fn header(&mut self, name: &str, value: &str) {
        if let Some(rest) = name.strip_prefix("x-ratelimit-").or_else(|| name.strip_prefix("ratelimit-")) {
            if rest == "policy" {
                self.ietf(value);
            } else if matches!(rest, "reset-ms" | "reset-after") {
                self.field("reset", Family::Plain, "", value);
            } else {
                let (field, name) = rest.split_once('-').unwrap_or((rest, ""));
                self.field(field, Family::Plain, name, value);
            }
        } else if name == "ratelimit" {
            self.ietf(value);
        } else if let Some(rest) = name.strip_prefix("anthropic-ratelimit-unified-") {
            self.unified(rest, value);
        } else if let Some(rest) =
            name.strip_prefix("anthropic-ratelimit-").or_else(|| name.strip_prefix("anthropic-"))
        {
            if let Some((name, field)) = rest.rsplit_once('-') {
                self.field(field, Family::Anthropic, name, value);
            }
        } else if let Some(rest) = name.strip_prefix("x-codex-").or_else(|| name.strip_prefix("x_codex_")) {
            self.codex(&rest.replace('_', "-"), value);
        } else if let Some(rest) =
            name.strip_prefix("x-quota-snapshot-").or_else(|| name.strip_prefix("x-usage-ratelimit-"))
        {
            self.copilot(rest, value);
        }
    }

    /// The limit of that name, made if there is room.
    fn at(&mut self, family: Family, name: &str) -> Option<&mut Limit> {
        let known = self.found.iter().position(|(found, limit)| *found == family && &*limit.name == name);
        let index = match known {
            Some(index) => index,
            None if self.found.len() < MAX_LIMITS => {
                let window = matches!(family, Family::Unified | Family::Codex | Family::Copilot);
                self.found.push((family, Limit { name: name.into(), window, ..Limit::default() }));
                self.found.len() - 1
            }
            None => return None,
        };
        self.found.get_mut(index).map(|(_, limit)| limit)
    }

    fn field(&mut self, field: &str, family: Family, name: &str, value: &str) {
        match field {
            "limit" => {
                if let (Some(count), Some(limit)) = (count(value), self.at(family, name)) {
                    limit.limit = Some(count);
                }
            }
            "remaining" => {
                if let (Some(count), Some(limit)) = (count(value), self.at(family, name)) {
                    limit.remaining = Some(count);
                }
            }
            "reset" => {
                if let (Some(reset), Some(limit)) = (self.reset(value), self.at(family, name)) {
                    limit.reset = limit.reset.max(Some(reset));
                }
            }
            _ => {}
        }
    }

    fn ietf(&mut self, value: &str) {
        for item in ietf::items(value) {
            for (field, value) in
                [("limit", item.limit), ("remaining", item.remaining), ("reset", item.reset)]
            {
                if let Some(value) = value {
                    self.field(field, Family::Ietf, item.name, value);
                }
            }
        }
    }

    fn unified(&mut self, rest: &str, value: &str) {
        let (name, field) = rest.rsplit_once('-').unwrap_or(("", rest));
        // `5h`, `7d`, `7d_oi`; not `overage`, `representative`, `fallback`.
        let length = name.split('_').next().unwrap_or_default();
        let is_window = length.ends_with(['h', 'd']) && length.as_bytes()[0].is_ascii_digit();
        if !is_window && !name.is_empty() {
            return;
        }
        match field {
            "utilization" => {
                if let (Some(ppm), Some(limit)) =
                    (number::whole(value, ALL_PPM), self.at(Family::Unified, name))
                {
                    limit.used_ppm = Some(ppm);
                }
            }
            "status" => {
                if let Some(limit) = self.at(Family::Unified, name) {
                    limit.rejected = Some(value.eq_ignore_ascii_case("rejected"));
                }
            }
            _ => self.field(field, Family::Unified, name, value),
        }
    }

    fn codex(&mut self, rest: &str, value: &str) {
        for (ending, field) in
            [("-used-percent", "used"), ("-reset-at", "reset"), ("-reset-after-seconds", "reset")]
        {
            let Some(name) = rest.strip_suffix(ending) else { continue };
            if !(name.ends_with("primary") || name.ends_with("secondary")) {
                return;
            }
            if field == "reset" {
                self.field(field, Family::Codex, name, value);
            } else if let (Some(ppm), Some(limit)) =
                (number::whole(value, ALL_PPM / 100), self.at(Family::Codex, name))
            {
                limit.used_ppm = Some(ppm);
            }
        }
    }

    /// `ent=300&ov=0.0&rem=29.7&rst=2026-05-01T00%3A00%3A00Z`: entitlement (-1 is unlimited, 0 unknown), percent left.
    fn copilot(&mut self, name: &str, value: &str) {
        for pair in value.split('&').take(16) {
            let Some((key, value)) = pair.split_once('=') else { continue };
            match key {
                "ent" => self.field("limit", Family::Copilot, name, value),
                "rst" => {
                    self.field("reset", Family::Copilot, name, &unescape(value));
                }
                "rem" => {
                    if let (Some(left), Some(limit)) =
                        (number::whole(value, ALL_PPM / 100), self.at(Family::Copilot, name))
                    {
                        limit.used_ppm = Some(ALL_PPM.saturating_sub(left));
                    }
                }
                "ovPerm" if value.eq_ignore_ascii_case("true") => {
                    // More may be used than the entitlement.
                    if let Some(limit) = self.at(Family::Copilot, name) {
                        limit.rejected = Some(false);
                    }
                }
                _ => {}
            }
        }
    }

    fn reset(&self, value: &str) -> Option<Span> {
        let until = |at: Timestamp| Span(at.since(self.from).0.min(duration::MAX.0));
        let span = match number::whole(value, 1_000_000) {
            Some(micros) => {
                let seconds = micros / 1_000_000;
                if seconds > 1_000_000_000_000 {
                    until(Timestamp(seconds))
                } else if seconds > 1_000_000_000 {
                    until(Timestamp(seconds.saturating_mul(1000)))
                } else {
                    duration::from_micros(micros)
                }
            }
            None => match duration::parse(value) {
                Some(span) => span,
                None => until(date::parse(value, self.now)?),
            },
        };
        (span > Span::ZERO).then_some(span)
    }
}

/// Takes percent-encoding out (RFC 3986 §2.1), as far as it stands for ASCII.
fn unescape(value: &str) -> String {
    let (mut text, mut rest) = (String::with_capacity(value.len()), value);
    while let Some(next) = rest.chars().next() {
        let code = rest.strip_prefix('%').and_then(|code| u8::from_str_radix(code.get(..2)?, 16).ok());
        let (decoded, length) = match code.filter(u8::is_ascii) {
            Some(byte) => (char::from(byte), 3),
            None => (next, next.len_utf8()),
        };
        text.push(decoded);
        rest = rest.get(length..).unwrap_or_default();
    }
    text
}

/// A count: digits, with a fraction or parameters behind them that do not matter. Nothing for `-1`.
fn count(value: &str) -> Option<u64> {
    number::prefix(value, 1).map(|(count, _)| count)
}

#[cfg(test)]
#[path = "rate_limit_tests.rs"]
mod tests;
