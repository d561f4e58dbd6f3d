//! The usage limits of providers: which models draw on which (spec/omp-selection.md §3.2, §4.6, §4.7).

use crate::facts::usage::{Draw, UsageFacts, Wants};
use crate::time::Span;

const HOURS_5: Span = Span::from_hours(5);
const WEEK: Span = Span::from_days(7);

const fn tier(models: &'static str, tier: &'static str) -> Draw {
    Draw { models, tier, ..Draw::ALL }
}

/// A class of models with a week of its own, that rests by itself.
const fn own_week(models: &'static str, tier: &'static str, rests: &'static str) -> Draw {
    Draw { models, tier, rests, confirmed: true, ..Draw::ALL }
}

const ANTHROPIC: &[Draw] = &[
    own_week("*fable*", "fable", "tier:fable"),
    own_week("*mythos*", "mythos", "tier:mythos"),
    tier("*opus*", "opus"),
    tier("*sonnet*", "sonnet"),
    tier("*haiku*", "haiku"),
    Draw::ALL,
];

const fn codex(models: &'static str, meter: &'static str, wants: Wants) -> Draw {
    Draw { models, meter, rests: meter, wants, untouched_first: true, ..Draw::ALL }
}

const CODEX: &[Draw] = &[
    codex("*-spark*", "spark", Wants::Pro),
    codex("gpt-5.6 gpt-5.6-sol gpt-5.6-sol-pro gpt-5.6-luna gpt-5.6-luna-pro", "chat", Wants::Paid),
    codex("", "chat", Wants::Any),
];

const fn counter(models: &'static str, meter: &'static str, rests: &'static str) -> Draw {
    Draw { models, meter, rests, ..Draw::ALL }
}

const ANTIGRAVITY: &[Draw] = &[
    counter("claude-*", "anthropic", "counter:anthropic"),
    counter("gemini-* gemma-*", "google", "counter:google"),
    counter("gpt-*", "openai", "counter:openai"),
    counter("", "unknown", "counter:unknown"),
];

/// Providers of whose limits something special is known.
pub const METERED: &[&str] = &["anthropic", "openai-codex", "google-antigravity"];

/// What is known of a provider whose accounts report what is left of them; `None` of others.
pub fn usage_facts(provider: &str) -> Option<UsageFacts> {
    let (short, long, draws) = match provider {
        "anthropic" => (HOURS_5, WEEK, ANTHROPIC),
        "openai-codex" => (Span::from_hours(1), WEEK, CODEX),
        "google-antigravity" => (Span::from_days(1), Span::from_days(1), ANTIGRAVITY),
        _ => return None,
    };
    Some(UsageFacts { short, long, draws })
}
