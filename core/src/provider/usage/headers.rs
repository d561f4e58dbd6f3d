//! What headers of any answer say is left of an account: a report without a question.
//!
//! Limits have the names that the provider's own endpoint gives them, so that both go into one history. Where a provider has no such
//! endpoint the names are the headers': `groq:requests`.

use super::read::plain;
use crate::time::{Span, Timestamp};
use crate::usage::report::{
    warns_at, Amount, Credits, Limit, Origin, Ppm, Report, Scope, Status, Unit, Window, MAX_LIMITS, UNIT,
};
use crate::wire::http::Headers;
use crate::wire::rate_limit::{self, RateLimits};

/// A report of what the headers say, if they say anything. `served`: the answer was none that a limit refuses (2xx): then an account at
/// 100 % is evidently still served, and is a warning.
pub fn ingest(provider: &str, headers: Headers<'_>, served: bool, now: Timestamp) -> Option<Report> {
    let found = RateLimits::read(headers, now);
    let mut report =
        Report { provider: provider.into(), fetched_at: now, origin: Origin::Headers, ..Report::default() };
    for said in &found.0 {
        if report.limits.len() < MAX_LIMITS {
            report.limits.extend(limit(provider, headers, said, now));
        }
    }
    if served {
        for limit in &mut report.limits {
            // A count of nothing left is of the next call; a share that is rounded up is not.
            if limit.status == Status::Exhausted && limit.amount.unit == Unit::Percent {
                limit.status = Status::Warning;
            }
        }
    }
    if provider == "openai-codex" {
        report.credits = credits(headers);
    }
    (!report.limits.is_empty() || report.credits.is_some()).then_some(report)
}

/// One limit, under the provider's own name.
fn limit(provider: &str, headers: Headers<'_>, said: &rate_limit::Limit, now: Timestamp) -> Option<Limit> {
    let name = &*said.name;
    let resets_at = said.reset.map(|reset| now + reset);
    let share = said.used_ppm.map(|used| Ppm(u32::try_from(used).unwrap_or(u32::MAX)));
    let mut scope = Scope::default();
    let window: Option<Window>;
    let id = match provider {
        "anthropic" if said.window => {
            // A window of which nothing is told but its end says nothing.
            share?;
            let (length, class) = name.split_once('_').unwrap_or((name, ""));
            window = Some(Window::of(length_of(length)?, resets_at));
            if class.is_empty() {
                scope.shared = true;
                ["anthropic:", length].concat()
            } else {
                // Seen with these models only.
                let class = if class == "oi" { "fable" } else { class };
                scope.tier = Some(class.into());
                ["anthropic:", length, ":", class].concat()
            }
        }
        "openai-codex" if said.window => {
            share?;
            let family = name.strip_suffix("primary").or_else(|| name.strip_suffix("secondary"))?;
            let which = name.get(family.len()..)?;
            let header = ["x-codex-", name, "-window-minutes"].concat();
            let minutes = headers.get(&header).and_then(|text| text.parse::<u64>().ok());
            // All zero, and no end: no such window.
            if share == Some(Ppm::NONE) && resets_at.is_none() && minutes.unwrap_or_default() == 0 {
                return None;
            }
            window = match minutes.filter(|&minutes| minutes > 0 && minutes <= 10 * 366 * 1440) {
                Some(minutes) => Some(Window::of(Span::from_mins(minutes), resets_at)),
                None => resets_at.map(|_| Window { id: which.into(), resets_at, ..Window::default() }),
            };
            let family = family.strip_suffix('-').unwrap_or(family);
            let meter = match family {
                "" => "chat",
                "bengalfox" => "spark",
                family => family,
            };
            scope.meter = Some(meter.into());
            if family.is_empty() {
                ["openai-codex:", which].concat()
            } else {
                scope.tier = Some(meter.into());
                ["openai-codex:", meter, ":", which].concat()
            }
        }
        "github-copilot" if said.window => {
            let name = if name.starts_with("premium") { "premium" } else { name };
            window = Some(Window {
                id: "monthly".into(),
                label: "monthly".into(),
                resets_at,
                ..Window::default()
            });
            scope.meter = Some(name.into());
            ["copilot:", name].concat()
        }
        _ => {
            let length = length_of_rate(provider, name);
            window = match length {
                Some(length) => Some(Window { resets_at, ..Window::of(length, None) }),
                None => resets_at.map(|_| Window { id: "current".into(), resets_at, ..Window::default() }),
            };
            // A window is as long as it is, whoever says when it ends: a bucket that fills up says when it is full.
            let name = if name.is_empty() { "requests" } else { name };
            [provider, ":", &plain(name)].concat()
        }
    };
    let whole = |count: Option<u64>| count.map(|count| count.saturating_mul(UNIT));
    let amount = match share {
        Some(share) => Amount::of_share(share),
        None => Amount {
            limit: whole(said.limit),
            remaining: whole(said.remaining),
            used: said
                .limit
                .zip(said.remaining)
                .map(|(limit, left)| limit.saturating_sub(left).saturating_mul(UNIT)),
            unit: if crate::wire::find::find(name, "token").is_some() {
                Unit::Tokens
            } else {
                Unit::Requests
            },
            ..Amount::default()
        },
    };
    let mut status = Status::of(amount.used_fraction(), warns_at(provider));
    match said.rejected {
        Some(true) => status = Status::Exhausted,
        Some(false) if status == Status::Exhausted => status = Status::Warning,
        _ => {}
    }
    let label = window.as_ref().map_or_else(|| id.clone().into(), |window| window.label.clone());
    let label = if label.is_empty() { id.clone().into() } else { label };
    Some(Limit { id: id.into(), label, scope, window, amount, status, notes: Vec::new() })
}

/// `5h`, `7d`.
fn length_of(name: &str) -> Option<Span> {
    let (count, unit) = name.split_at_checked(name.len().checked_sub(1)?)?;
    let count: u64 = count.parse().ok().filter(|&count| count > 0 && count <= 10_000)?;
    match unit {
        "h" => Some(Span::from_hours(count)),
        "d" => Some(Span::from_days(count)),
        _ => None,
    }
}

/// How long a rate's window is, where the provider's documents say so: Groq counts requests a day, the others a minute; Mistral's
/// names tell.
fn length_of_rate(provider: &str, name: &str) -> Option<Span> {
    let has = |part: &str| crate::wire::find::find(name, part).is_some();
    if has("month") {
        return Some(Span::from_days(30));
    }
    if has("day") || (provider == "groq" && name == "requests") {
        return Some(Span::from_days(1));
    }
    None
}

/// `x-codex-credits-…`.
fn credits(headers: Headers<'_>) -> Option<Credits> {
    let truth =
        |name: &str| headers.get(name).map(|value| value.eq_ignore_ascii_case("true") || value == "1");
    let (has, unlimited) = (truth("x-codex-credits-has-credits"), truth("x-codex-credits-unlimited"));
    if has.is_none() && unlimited.is_none() {
        return None;
    }
    let balance = headers.get("x-codex-credits-balance").and_then(|text| super::amount::millionths(text, 0));
    Some(Credits { has: has == Some(true), unlimited: unlimited == Some(true), blocked: false, balance })
}
