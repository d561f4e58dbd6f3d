//! The gate of one credential: all its limits together.

use super::{Bucket, Share, Terms};
use crate::credential::{Budget, Limits, MOST_TOKENS};
use crate::json::from_json;
use crate::time::{Instant, Now, Span, Timestamp};

/// One call in so many moves what a call usually takes.
const USUAL_SHARE: u64 = 8;

/// No call is held against its credential for longer than a day, in minutes: a report may be wrong.
const LONGEST_DEBT: u64 = 24 * 60;

/// What a call took, as its report says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spending {
    /// Tokens, of prompt and answer together.
    pub tokens: Option<u64>,
    /// Millionths of a US dollar.
    pub microdollars: Option<u64>,
}

from_json! {
    strict Spending { tokens = None, microdollars = None }
}

/// What was spent in the running window of a budget.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Millionths of a US dollar.
    pub microdollars: u64,
    /// Tokens.
    pub tokens: u64,
    /// When the window ends.
    pub ends: Timestamp,
}

/// A gate that is shut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shut {
    /// When it opens by itself; without an instant, when a lease ends.
    pub until: Option<Instant>,
}

/// All limits of one credential, and how far they are used up.
#[derive(Clone, Debug)]
pub struct Gate {
    limits: Limits,
    requests: Bucket,
    tokens: Bucket,
    /// What a call usually takes, in tokens.
    usual: u64,
    spent: Option<(Instant, Spent)>,
    /// The provider said that nothing is left until then.
    stated: Instant,
    /// What this process has of the limits, where others share them.
    share: Option<Box<Share>>,
    /// How the ready index has it.
    noted: Option<Shut>,
    /// It is looked at again at this instant; nothing is due before.
    wakes: Instant,
}

impl Gate {
    /// An open gate.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            requests: Bucket::default(),
            tokens: Bucket::default(),
            usual: 0,
            spent: None,
            stated: Instant(0),
            share: None,
            noted: None,
            wakes: Instant(0),
        }
    }

    /// Other limits; what is used stays used.
    pub const fn set(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Others share the limits from now on.
    pub fn share(&mut self) {
        self.share.get_or_insert_default();
    }

    /// What this process has of limits that others share, and what they are.
    #[inline(never)]
    pub fn shared(&mut self) -> Option<(&mut Share, Terms)> {
        let slots = self.limits.in_flight.unwrap_or(0);
        let terms = Terms { slots, rate: self.rate(), burst: self.burst() };
        // Tokens and budgets are counted by each for itself.
        self.share.as_deref_mut().filter(|_| terms.slots > 0 || terms.rate > 0).map(|share| (share, terms))
    }

    /// When its share is to be looked after.
    pub fn share_due(&self) -> Option<Instant> {
        self.share.as_ref()?.due()
    }

    /// The limits.
    pub const fn limits(&self) -> Limits {
        self.limits
    }

    fn rate(&self) -> u64 {
        self.limits.requests.map_or(0, u64::from)
    }

    fn burst(&self) -> u64 {
        let all = self.rate();
        self.limits.burst.map(u64::from).filter(|&burst| burst > 0).map_or(all, |burst| burst.min(all))
    }

    fn token_rate(&self) -> u64 {
        self.limits.tokens.unwrap_or(0)
    }

    /// Does anything here count tokens?
    pub fn counts_tokens(&self) -> bool {
        let budget = self.limits.budget.and_then(|budget| budget.tokens);
        self.token_rate() > 0 || budget.is_some_and(|tokens| tokens > 0)
    }

    /// A call begins. Answers the tokens that are counted for it until it is known what it takes.
    pub fn enter(&mut self, now: Instant) -> u32 {
        let (rate, token_rate) = (self.rate(), self.token_rate());
        if rate > 0 {
            self.requests.take(rate, 1, now);
        }
        if let Some((share, terms)) = self.shared() {
            share.enter(terms, now);
        }
        if token_rate == 0 {
            return 0;
        }
        let counted = u32::try_from(self.usual).unwrap_or(u32::MAX);
        self.tokens.take(token_rate, u64::from(counted), now);
        counted
    }

    /// A call ended for which so many tokens were counted. What it took is corrected where the report says it; a call that
    /// nobody answered took nothing.
    pub fn leave(&mut self, counted: u32, answered: bool, spending: Spending, now: Now) {
        let rate = self.token_rate();
        let took = spending.tokens.or_else(|| (!answered).then_some(0));
        if let Some(took) = took.filter(|_| rate > 0) {
            self.tokens.take(rate, took.min(rate.saturating_mul(LONGEST_DEBT)), now.mono);
            self.tokens.give_back(rate, u64::from(counted), now.mono);
        }
        if let Some(tokens) = spending.tokens {
            let tokens = tokens.min(MOST_TOKENS);
            self.usual = match self.usual {
                0 => tokens,
                usual => (usual * (USUAL_SHARE - 1) + tokens) / USUAL_SHARE,
            };
        }
        self.spend(spending, now);
    }

    fn spend(&mut self, spending: Spending, now: Now) {
        let Some(budget) = self.limits.budget else { return };
        if spending == Spending::default() {
            return;
        }
        self.end_window(now.mono);
        let (_, spent) = self.spent.get_or_insert_with(|| {
            let ends = now.mono + budget.window;
            (ends, Spent { ends: now.wall_of(ends), ..Spent::default() })
        });
        spent.microdollars = spent.microdollars.saturating_add(spending.microdollars.unwrap_or(0));
        spent.tokens = spent.tokens.saturating_add(spending.tokens.unwrap_or(0));
    }

    fn end_window(&mut self, now: Instant) {
        if self.spent.is_some_and(|(ends, _)| ends <= now) {
            self.spent = None;
        }
    }

    /// What a provider's headers say: so many of a minute's requests or tokens are left; or nothing is, until then.
    pub fn learn(
        &mut self,
        requests: Option<u64>,
        tokens: Option<u64>,
        stated: Option<Instant>,
        now: Instant,
    ) {
        let (rate, burst, token_rate) = (self.rate(), self.burst(), self.token_rate());
        if let Some(left) = requests.filter(|_| rate > 0) {
            self.requests.at_most(rate, burst, left, now);
        }
        if let Some(left) = tokens.filter(|_| token_rate > 0) {
            self.tokens.at_most(token_rate, token_rate, left, now);
        }
        if let Some(until) = stated {
            self.stated = self.stated.max(until);
        }
    }

    /// May no further call begin now? The latest of what holds it back.
    pub fn shut(&mut self, in_flight: u32, now: Instant) -> Option<Shut> {
        if self.limits.in_flight.is_some_and(|most| most > 0 && in_flight >= most) {
            return Some(Shut { until: None });
        }
        self.end_window(now);
        let (rate, token_rate) = (self.rate(), self.token_rate());
        let mut until = Some(self.stated).filter(|&until| until > now);
        if let Some((share, terms)) = self.shared() {
            until = until.max(share.shut(terms, in_flight, now));
        }
        if rate > 0 {
            until = until.max(self.requests.free_at(rate, self.burst(), 1, now));
        }
        if token_rate > 0 {
            // At least one: who has used up all may not begin a call, however little it may take.
            until = until.max(self.tokens.free_at(token_rate, token_rate, self.usual.max(1), now));
        }
        if let Some((ends, _)) = self.spent.filter(|(_, spent)| self.is_spent(*spent)) {
            until = until.max(Some(ends));
        }
        until.map(|until| Shut { until: Some(until) })
    }

    fn is_spent(&self, spent: Spent) -> bool {
        let reached = |limit: Option<u64>, spent: u64| limit.is_some_and(|limit| limit > 0 && spent >= limit);
        self.limits.budget.is_some_and(|Budget { microdollars, tokens, .. }| {
            reached(microdollars, spent.microdollars) || reached(tokens, spent.tokens)
        })
    }

    /// How the ready index has it.
    pub const fn noted(&self) -> Option<Shut> {
        self.noted
    }

    /// Looks anew; says whether the ready index has to follow.
    pub fn look(&mut self, in_flight: u32, now: Instant) -> bool {
        let shut = self.shut(in_flight, now);
        let changed = shut != self.noted;
        self.noted = shut;
        changed
    }

    /// When it has to be looked at again, where no earlier look is due already: one deadline for each gate, however often
    /// its end moves.
    pub fn wake(&mut self, now: Instant) -> Option<Instant> {
        let until = self.noted?.until?;
        if self.wakes > now && self.wakes <= until {
            return None;
        }
        self.wakes = until;
        Some(until)
    }

    /// What was spent in the running window.
    pub fn spent(&self) -> Option<Spent> {
        self.spent.map(|(_, spent)| spent)
    }

    /// Takes over what a store says was spent. Where two processes spend, the larger sum of the same or a later window
    /// holds; no window lasts longer than the budget's.
    pub fn restore(&mut self, row: Spent, now: Now) {
        let Some(budget) = self.limits.budget else { return };
        let left = row.ends.since(now.wall).min(budget.window);
        let ends = now.mono + left;
        if left == Span::ZERO || self.spent.is_some_and(|(held, _)| held > ends) {
            return;
        }
        let held = self.spent.map_or(Spent::default(), |(_, held)| held);
        let spent = Spent {
            microdollars: row.microdollars.max(held.microdollars),
            tokens: row.tokens.max(held.tokens),
            ends: now.wall_of(ends),
        };
        self.spent = Some((ends, spent));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(limits: Limits) -> Gate {
        Gate::new(limits)
    }

    fn at(mono: u64) -> Now {
        Now::from_millis(1_000_000 + mono, mono)
    }

    #[test]
    fn leases_that_are_open_shut_it_until_one_ends() {
        let mut gate = gate(Limits { in_flight: Some(2), ..Limits::default() });
        assert_eq!(gate.shut(1, Instant(0)), None);
        assert_eq!(gate.shut(2, Instant(0)), Some(Shut { until: None }));
    }

    #[test]
    fn what_a_report_says_corrects_what_was_counted() {
        let mut gate = gate(Limits { tokens: Some(60_000), ..Limits::default() });
        let counted = gate.enter(Instant(0));
        assert_eq!(counted, 0, "nothing is known of a call yet");
        gate.leave(counted, true, Spending { tokens: Some(40_000), ..Spending::default() }, at(0));
        let counted = gate.enter(Instant(0));
        assert_eq!(counted, 40_000, "as the last one");
        assert!(gate.shut(0, Instant(0)).is_some());
        gate.leave(counted, false, Spending::default(), at(0));
        // 40,000 are owed, 20,000 left, a call usually takes 40,000: 20 s at 1,000 a second.
        assert_eq!(gate.shut(0, Instant(0)), Some(Shut { until: Some(Instant(20_000)) }));
    }

    #[test]
    fn a_budget_is_spent_until_its_window_ends() {
        let budget = Budget { window: Span(1_000), microdollars: Some(100), tokens: None };
        let mut gate = gate(Limits { budget: Some(budget), ..Limits::default() });
        gate.leave(0, true, Spending { microdollars: Some(60), tokens: Some(9) }, at(500));
        assert_eq!(gate.shut(0, Instant(500)), None);
        gate.leave(0, true, Spending { microdollars: Some(60), tokens: None }, at(700));
        assert_eq!(gate.shut(0, Instant(700)), Some(Shut { until: Some(Instant(1_500)) }));
        let row = gate.spent().unwrap();
        assert_eq!(row, Spent { microdollars: 120, tokens: 9, ends: Timestamp(1_001_500) });
        assert_eq!(gate.shut(0, Instant(1_500)), None);
        assert_eq!(gate.spent(), None);

        // After a crash what is left of the window counts, on whatever clock; and never more than a window.
        let mut other = Gate::new(gate.limits());
        other.restore(row, Now::from_millis(1_001_000, 7));
        assert_eq!(other.shut(0, Instant(7)), Some(Shut { until: Some(Instant(507)) }));
        let mut early = Gate::new(gate.limits());
        early.restore(row, Now::from_millis(5, 7));
        assert_eq!(early.shut(0, Instant(7)), Some(Shut { until: Some(Instant(1_007)) }));
    }

    #[test]
    fn a_header_only_ever_makes_it_less() {
        let mut gate = gate(Limits { requests: Some(60), ..Limits::default() });
        gate.learn(Some(0), None, None, Instant(0));
        assert_eq!(gate.shut(0, Instant(0)), Some(Shut { until: Some(Instant(1_000)) }));
        gate.learn(Some(60), None, None, Instant(0));
        assert!(gate.shut(0, Instant(0)).is_some());
        gate.learn(None, None, Some(Instant(5_000)), Instant(0));
        assert_eq!(gate.shut(0, Instant(2_000)), Some(Shut { until: Some(Instant(5_000)) }));
    }

    #[test]
    fn other_limits_keep_what_is_used() {
        let mut gate = gate(Limits { requests: Some(2), ..Limits::default() });
        gate.enter(Instant(0));
        gate.set(Limits { requests: Some(1), ..Limits::default() });
        assert!(gate.look(1, Instant(0)));
        assert!(!gate.look(1, Instant(0)));
        assert!(gate.noted().is_some());
    }
}
