//! Coming back after a rest: a few calls at first, more with each success, then all.

use crate::policy::Return;
use crate::time::Instant;

/// A scope that is coming back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HalfOpen {
    /// Since when: calls that began earlier say nothing of it.
    pub since: Instant,
    /// So many calls may be under way.
    pub limit: u32,
    /// So many are.
    pub out: u32,
}

impl HalfOpen {
    /// The start of a return. `None` where the policy lets everybody in at once and there is no circuit to be closed.
    pub(super) const fn start(rules: Return, circuit: bool, now: Instant) -> Option<Self> {
        let limit = match rules.probes {
            0 if !circuit => return None,
            0 => u32::MAX,
            probes => probes,
        };
        Some(Self { since: now, limit, out: 0 })
    }

    /// A call has begun or, where it was one of ours, ended.
    pub const fn call(&mut self, begins: bool) {
        self.out = if begins { self.out.saturating_add(1) } else { self.out.saturating_sub(1) };
    }

    /// May no further call begin?
    pub const fn is_full(&self) -> bool {
        self.out >= self.limit
    }

    /// A call succeeded: twice as many may be under way. `false`: it is back.
    pub(super) const fn grow(&mut self, rules: Return) -> bool {
        self.limit = self.limit.saturating_mul(2);
        self.limit <= rules.full
    }
}
