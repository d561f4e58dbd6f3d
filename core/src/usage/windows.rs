//! What a report says to one kind of models: which of its limits count, which two rank, whether something is exhausted.

use super::plan::{Fits, PlanClass};
use super::rank::class::{HOT, IN_RESERVE, ON_CREDITS, PLAN, TOUCHED, UNMEASURED};
use super::rank::{Drain, Rank, ALL, NEVER};
use super::report::{Limit, Ppm, Report};
use crate::facts::usage::{Draw, UsageFacts};
use crate::time::{Now, Span, Timestamp};

/// From this length on a window is a long one, unless the provider's short ones are longer.
const A_DAY: Span = Span::from_days(1);
/// A short window that was not touched goes first where it is so long, give or take a minute: that of paid plans.
const PAID_WINDOW: Span = Span::from_hours(5);
const MINUTE: u64 = 60_000;

/// How a report is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// Both clocks.
    pub now: Now,
    /// From this share on a short window is hot.
    pub hot: Ppm,
    /// What is to be kept in reserve now; [`Ppm::NONE`]: nothing.
    pub reserve: Ppm,
    /// Does a window that has begun anew since the report count as untouched? Else as about to begin.
    pub renews: bool,
    /// So much of each window may be used beside what the report says, by those who were sent there since.
    pub pending: Ppm,
    /// The priority, where that makes no tier.
    pub priority: i32,
    /// The last use.
    pub used: u64,
}

/// What of a report counts for one kind of models.
#[derive(Clone, Copy, Debug)]
pub struct Windows<'a> {
    report: &'a Report,
    facts: UsageFacts,
    draw: Draw,
    /// Some of the meter's limits stand over all of an account: then those that do not are for something else.
    umbrella: bool,
    now: Timestamp,
}

impl<'a> Windows<'a> {
    /// Looks at a report for one kind of models.
    pub fn new(report: &'a Report, facts: UsageFacts, draw: usize, now: Timestamp) -> Self {
        let draw = facts.draw(draw);
        let mut windows = Self { report, facts, draw, umbrella: false, now };
        windows.umbrella = report.limits.iter().any(|limit| limit.scope.shared && windows.counts(limit));
        windows
    }

    fn counts(&self, limit: &Limit) -> bool {
        let scope = &limit.scope;
        scope.meter.as_deref().unwrap_or("") == self.draw.meter
            && scope.model.is_none()
            && match scope.tier.as_deref() {
                None => !self.umbrella || scope.shared,
                Some(tier) => tier == self.draw.tier,
            }
    }

    /// The limits that count.
    pub fn limits(self) -> impl Iterator<Item = &'a Limit> {
        self.report.limits.iter().filter(move |limit| self.counts(limit))
    }

    fn is_short(&self, limit: &Limit) -> bool {
        let border = if self.facts.short >= A_DAY { Span(self.facts.short.0 + 1) } else { A_DAY };
        limit.duration().map_or(limit.resets_at().is_none(), |length| length < border)
    }

    /// Is nothing left of a limit, as far as that counts?
    fn is_exhausted(&self, limit: &Limit) -> bool {
        let confirmed = !self.draw.confirmed
            || limit.scope.tier.is_none()
            || limit.resets_at().is_some_and(|reset| reset > self.now);
        confirmed && limit.is_exhausted() && !limit.is_over(self.now)
    }

    /// Is something exhausted, so that the account must not be asked? Until when: the latest of the resets, so that nobody comes back
    /// to a window that is still empty; `None` inside where no reset is told.
    pub fn exhausted(self) -> Option<Option<Timestamp>> {
        let mut found = None;
        for limit in self.limits() {
            if self.is_exhausted(limit) {
                let reset = limit.resets_at().filter(|&reset| reset > self.now);
                found = Some(reset.max(found.flatten()));
            }
        }
        found
    }

    /// Is it paid for by credits, where the allowance is spent?
    pub fn on_credits(self) -> bool {
        self.report.credits.is_some_and(|credits| credits.usable())
    }

    /// Does the report say that all is well, so that a rest for want of quota has no ground any more?
    pub fn is_healthy(self) -> bool {
        let named = self.report.meter(self.draw.meter).or_else(|| {
            // What is said of the account as a whole is said of its chief meter.
            let chief = self.facts.draws.last().is_some_and(|last| last.meter == self.draw.meter);
            self.report.meter("").filter(|_| chief)
        });
        let refused = named.is_some_and(|meter| meter.allowed == Some(false) || meter.reached == Some(true));
        let (mut short, mut long) = (false, false);
        for limit in self.limits() {
            if limit.is_exhausted() {
                return false;
            }
            let umbrella = limit.scope.tier.is_none();
            short |= umbrella && self.is_short(limit);
            long |= umbrella && !self.is_short(limit);
        }
        // A class of models draws on the common windows too: both must be there.
        !refused && if self.draw.tier.is_empty() { short || long } else { short && long }
    }

    /// Does the account's plan give these models?
    pub fn fits(self) -> Fits {
        self.report.plan.as_deref().map_or(PlanClass::Unknown, PlanClass::read).fits(self.draw.wants)
    }

    /// When what the report says changes by time alone: the next reset of what counts.
    pub fn changes_at(self) -> Option<Timestamp> {
        self.limits().filter_map(Limit::resets_at).filter(|&reset| reset > self.now).min()
    }

    /// When the long window begins anew, where that is known.
    pub fn long_reset(self) -> Option<Timestamp> {
        let resets = self.limits().filter(|limit| !self.is_short(limit)).filter_map(Limit::resets_at);
        resets.filter(|&reset| reset > self.now).min()
    }

    fn drain(&self, limit: &Limit, usual: Span, look: &Look) -> Drain {
        let used = limit.used_fraction().unwrap_or(Ppm(ALL / 2)).capped();
        let length = limit.duration().unwrap_or(usual).0.cast_signed();
        let untouched = look.renews && limit.is_over(self.now);
        if untouched {
            return Drain { left: ALL, reset: NEVER, length };
        }
        let reset = limit.resets_at().map_or(NEVER, |reset| {
            let away = i128::from(reset.0) - i128::from(look.now.wall.0);
            let at = i128::from(look.now.mono.0) + away;
            i64::try_from(at).unwrap_or(NEVER).clamp(-(1 << 53), 1 << 53)
        });
        Drain { left: used.rest().0, reset, length }
    }

    /// The one of these windows that allows the least: it decides.
    fn tightest(&self, short: bool, look: &Look) -> Option<(Drain, &'a Limit)> {
        let usual = if short { self.facts.short } else { self.facts.long };
        let mut found: Option<(Drain, &Limit)> = None;
        for limit in self.limits().filter(|limit| self.is_short(limit) == short) {
            let drain = self.drain(limit, usual, look);
            let tighter = |(other, _): (Drain, &Limit)| drain.is_slower(other, look.now.mono.0.cast_signed());
            if found.is_none_or(tighter) {
                found = Some((drain, limit));
            }
        }
        found
    }

    /// Where the account stands among others.
    pub fn rank(self, look: &Look) -> Rank {
        if let Some(rank) = self.report.rank {
            // The host's word, and nothing beside it; among equals the one not used for longest.
            let length = |span: Span| Drain::unknown(span.0.cast_signed());
            let (long, short) = (length(self.facts.long), length(self.facts.short));
            return Rank { class: TOUCHED, priority: rank, long, short, used: look.used };
        }
        let (short, long) = (self.tightest(true, look), self.tightest(false, look));
        let unknown = |usual: Span| Drain::unknown(usual.0.cast_signed());
        let short_drain = short.map_or_else(|| unknown(self.facts.short), |(drain, _)| drain);
        let long_drain = long.map_or_else(|| unknown(self.facts.long), |(drain, _)| drain);
        let pend = |drain: Drain| Drain { left: drain.left.saturating_sub(look.pending.0), ..drain };
        let mut class = match self.fits() {
            Fits::Yes => 0,
            Fits::Unknown => PLAN,
            Fits::No => 2 * PLAN,
        };
        if self.on_credits() && self.limits().any(|limit| limit.is_exhausted() || is_spent(limit, self.now)) {
            class |= ON_CREDITS;
        }
        if !(self.draw.untouched_first && short.is_some_and(|(_, limit)| is_untouched(limit))) {
            class |= TOUCHED;
        }
        if short_drain.left <= ALL - look.hot.0.min(ALL) {
            class |= HOT;
        }
        if short.is_none() && long.is_none() {
            class |= UNMEASURED;
        }
        let least = short.into_iter().chain(long).map(|(drain, _)| drain.left).min();
        if look.reserve > Ppm::NONE && least.is_some_and(|left| left <= look.reserve.0) {
            class |= IN_RESERVE;
        }
        let (long, short) = (pend(long_drain), pend(short_drain));
        Rank { class, priority: look.priority, long, short, used: look.used }
    }
}

/// Is a limit at its end though it is served on: by credits.
fn is_spent(limit: &Limit, now: Timestamp) -> bool {
    !limit.is_over(now) && limit.used_fraction().is_some_and(|used| used >= Ppm::ALL)
}

fn is_untouched(limit: &Limit) -> bool {
    let paid = limit.duration().is_some_and(|length| length.0.abs_diff(PAID_WINDOW.0) <= MINUTE)
        || limit.window.as_ref().is_some_and(|window| window.duration.is_none() && &*window.id == "5h");
    paid && limit.amount.used_fraction() == Some(Ppm::NONE)
}
