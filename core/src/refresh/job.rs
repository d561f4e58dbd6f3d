//! One refresh: which step it is at, and whether the lease still holds.

use crate::credential::Identity;
use crate::id::{OpId, RequestId, SecretRef};
use crate::time::{Instant, Now, Span, Timestamp};

/// The steps of a refresh, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It waits for a place among those that run.
    Queued,
    /// The store is asked for the lease.
    Leasing,
    /// Another process has the lease: asked again at this instant.
    Busy(Instant),
    /// The row is read again: by another, while it has the lease, or by us.
    Reading,
    /// The intent is written.
    Intending,
    /// The token endpoint is asked.
    Calling,
    /// The new tokens are written.
    Saving,
    /// What the failure leads to is written: the account is disabled, or needs a login.
    Marking,
    /// The intent is closed after a failure that leads to nothing.
    Closing,
    /// Tokens that came too late are put aside.
    Sparing,
    /// The store failed while it held what must not be lost: tried again at this instant.
    Held(Instant),
}

/// Tokens that came and are not in the store yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fresh {
    /// Where they are.
    pub secret: SecretRef,
    /// When the access token expires.
    pub expires: Option<Timestamp>,
    /// Whose they are, as far as the answer says.
    pub identity: Identity,
    /// The version of the secret from which they grew.
    pub base: u64,
}

/// Why a refresh failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshFailure {
    /// What follows from it.
    pub kind: FailureKind,
    /// In one word: the token endpoint's code, or ours.
    pub code: Box<str>,
    /// How long the endpoint asks to wait.
    pub retry_after: Option<Span>,
}

/// What follows from a failed refresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// The refresh token will never be taken again.
    Definitive,
    /// The client is at fault, not the account.
    Misconfigured,
    /// It may work later; nothing was changed at the provider.
    Transient,
    /// It is not known whether the provider changed anything.
    InDoubt,
}

/// What is to be written of a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The account needs a login; otherwise it is disabled.
    pub needs_login: bool,
    /// The failure.
    pub failure: RefreshFailure,
}

/// A refresh that is under way.
#[derive(Clone, Debug)]
#[allow(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Job {
    /// Where it is.
    pub phase: Phase,
    /// The effect that it waits for.
    pub op: Option<OpId>,
    /// The version of the secret that is to be renewed.
    pub base: u64,
    /// It is renewed whether it is due or not.
    pub forced: bool,
    /// By hand: even if a login seems to be needed.
    pub by_hand: bool,
    /// Somebody waits for it.
    pub demanded: bool,
    /// It was begun to ask about the account, and nobody else has wanted it since: a dead grant ends nothing.
    pub asked_about: bool,
    /// It has a place among those that run.
    pub running: bool,
    /// The fence of the lease; zero: none is held.
    pub fence: u64,
    /// When the lease was asked for last: it ends from there.
    pub asked: Now,
    /// Until when it holds, by both clocks: one of them may have stood still while the machine slept.
    until: Option<Now>,
    /// The effect that prolongs it, and when that was asked for. Both may be under way at once: each answer counts from its
    /// own question.
    pub renewal: Option<(OpId, Now)>,
    /// The store failed to prolong it: it is used to its end, and no longer.
    pub last: bool,
    /// When the endpoint counts as silent.
    pub silent_at: Option<Instant>,
    /// Tokens that are not in the store yet.
    pub fresh: Option<Fresh>,
    /// The fence of the lease under which new tokens were last sent to the store; zero: they were not.
    pub saved_under: u64,
    /// The spare tokens were asked with, not the row's.
    pub with_spare: bool,
    /// An earlier request with the same token got no answer.
    pub doubted: bool,
    /// What is to be written of a failure.
    pub mark: Option<Mark>,
    /// How the refresh failed, where nothing is to be written of it.
    pub failure: Option<RefreshFailure>,
    /// How often the store refused or was busy in a row.
    pub tries: u32,
    /// Who wants to know how it ends, and until when each waits.
    pub waiting: Vec<(RequestId, Instant)>,
    /// Number and place of callers who wait for the credential itself.
    pub callers: Vec<(u64, u32)>,
}

/// A busy lease is asked for again after this, doubled each time.
const BUSY: u64 = 100;
/// But not later than this.
const BUSY_MAX: u64 = 2_000;
/// A store that failed is asked again after this, doubled each time.
const HELD: u64 = 500;
/// But not later than this.
const HELD_MAX: u64 = 30_000;

impl Job {
    /// A refresh that is to begin.
    pub const fn new(base: u64, now: Now) -> Self {
        Self {
            phase: Phase::Queued,
            op: None,
            base,
            forced: false,
            by_hand: false,
            demanded: false,
            asked_about: false,
            running: false,
            fence: 0,
            asked: now,
            until: None,
            renewal: None,
            last: false,
            silent_at: None,
            fresh: None,
            saved_under: 0,
            with_spare: false,
            doubted: false,
            mark: None,
            failure: None,
            tries: 0,
            waiting: Vec::new(),
            callers: Vec::new(),
        }
    }

    /// The lease was given, or prolonged. It is counted from the moment it was asked for, so that we never believe in it longer
    /// than the store does.
    pub fn hold(&mut self, fence: u64, asked: Now, ttl: Span) {
        self.fence = fence;
        self.last = false;
        self.until = Some(Now { wall: asked.wall + ttl, mono: asked.mono + ttl });
    }

    /// The lease is lost, or was given back.
    pub const fn lose(&mut self) {
        self.fence = 0;
        self.until = None;
    }

    /// Does the lease hold for another `span`, by both clocks?
    pub fn holds(&self, now: Now, span: Span) -> bool {
        self.until.is_some_and(|until| until.mono > now.mono + span && until.wall > now.wall + span)
    }

    /// Was this row written by our own commit of new tokens, of which the store had said that it failed?
    pub fn wrote(&self, row: &super::RefreshRow, version: u64) -> bool {
        self.saved_under != 0
            && row.fence == self.saved_under
            && !row.open
            && row.base == self.base + 1
            && version == row.base
    }

    /// When it is to be prolonged: a third of its time before its end.
    pub fn renew_at(&self, ttl: Span) -> Option<Instant> {
        let until = self.until.filter(|_| self.renewal.is_none() && !self.last)?;
        Some(Instant(until.mono.0.saturating_sub(ttl.0 / 3)))
    }

    /// Waits for another's lease to end.
    pub fn busy(&mut self, now: Instant) {
        self.phase = Phase::Busy(now + self.backoff(BUSY, BUSY_MAX));
    }

    /// Waits for a store that failed.
    pub fn held(&mut self, now: Instant) {
        self.phase = Phase::Held(now + self.backoff(HELD, HELD_MAX));
    }

    fn backoff(&mut self, first: u64, longest: u64) -> Span {
        let wait = first.saturating_mul(1 << self.tries.min(20)).min(longest);
        self.tries += 1;
        Span(wait)
    }

    /// When something is to be done about it.
    pub fn due(&self, ttl: Span) -> Option<Instant> {
        let step = match self.phase {
            Phase::Busy(at) | Phase::Held(at) => Some(at),
            Phase::Calling => self.silent_at,
            _ => None,
        };
        let mut due = step.into_iter().chain(self.renew_at(ttl)).min();
        for &(_, until) in &self.waiting {
            due = Some(due.map_or(until, |at| at.min(until)));
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_holds_while_both_clocks_say_so() {
        let at = |wall, mono| Now::from_millis(wall, mono);
        let mut job = Job::new(1, at(1000, 0));
        assert!(!job.holds(at(1000, 0), Span::ZERO));
        job.hold(7, at(1000, 0), Span(300));
        assert!(job.holds(at(1299, 299), Span::ZERO));
        assert!(!job.holds(at(1299, 299), Span(1)));
        assert!(!job.holds(at(1300, 10), Span::ZERO), "the machine slept, and its monotonic clock with it");
        assert!(!job.holds(at(1010, 300), Span::ZERO), "the wall clock went back");
        assert_eq!(job.renew_at(Span(300)), Some(Instant(200)));
        job.lose();
        assert_eq!((job.fence, job.renew_at(Span(300))), (0, None));
    }

    #[test]
    fn waits_grow_to_a_bound() {
        let mut job = Job::new(1, Now::from_millis(0, 0));
        let mut last = 0;
        for _ in 0..80 {
            job.busy(Instant(0));
            let Phase::Busy(at) = job.phase else { panic!() };
            assert!(at.0 >= last && at.0 <= BUSY_MAX);
            last = at.0;
        }
        assert_eq!(last, BUSY_MAX);
    }
}
