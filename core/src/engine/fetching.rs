//! Asking providers what is left: when, how many at once, and what becomes of a question that fails
//! (spec/omp-selection.md §4.10). One question an account, whoever asks; nobody's patience ends it for the others.

use super::member::{Member, ScopeKey};
use super::saving::PendingOp;
use super::{Effect, Engine, EventKind, Reply};
use crate::cooldown::Source;
use crate::entropy::Purpose;
use crate::facts::Kind;
use crate::id::{Handle, OpId, ProviderIx, RequestId};
use crate::policy::{Action, Strategy};
use crate::refresh::{FailureKind, RefreshFailure};
use crate::time::{Instant, Span};
use crate::usage::report::{Origin, Report};
use crate::verdict::Reason;

/// A failure doubles the wait so many times at most.
const MOST_DOUBLINGS: u32 = 6;
/// So many of those who are to be asked about are looked at in a step: others may have to wait for their provider.
const LOOK_AHEAD: usize = 64;
/// At most so many are to be asked about at once; the others' time comes with the next look.
const LONGEST_QUEUE: usize = 4096;
/// Of those who wait at most so many are kept; further ones are answered with what is known.
const MOST_WAITERS: usize = 1024;

/// Set where an answer of a provider says nothing of whether the credential is good.
pub const SAYS_NOTHING: u8 = 1 << 7;

/// Why there is no report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageTrouble {
    /// The provider does not know the secret any more.
    pub refused: bool,
    /// The provider answered, and would not have it: not known any more, or not allowed to ask.
    pub rejected: bool,
    /// It will never be answered: there is nothing to be asked.
    pub never: bool,
    /// A word: `http-503`, `network`.
    pub code: Box<str>,
    /// Not before then, as the provider asks.
    pub retry_after: Option<Span>,
}

impl UsageTrouble {
    /// Something that says nothing of the credential.
    pub fn of(code: &str) -> Self {
        Self { refused: false, rejected: false, never: false, code: code.into(), retry_after: None }
    }
}

/// The question of one account.
#[derive(Clone, Debug, Default)]
pub(super) struct Asking {
    /// Under way, since when.
    live: Option<(OpId, Instant)>,
    queued: bool,
    /// A report is fresh, or a failure is not forgotten, until then.
    next: Instant,
    failures: u32,
    /// What went wrong last.
    pub(super) trouble: Option<UsageTrouble>,
    /// Why its token could not be renewed, when that was tried last to ask about it.
    pub(super) unrenewed: Option<Box<str>>,
    /// It was asked for so often: what chance is drawn by.
    count: u64,
}

impl Asking {
    /// Is a question under way, or to come?
    pub(super) const fn is_open(&self) -> bool {
        self.queued || self.live.is_some()
    }

    /// What is known is fresh until then.
    pub(super) fn fresh_until(&mut self, at: Instant) {
        self.next = self.next.max(at);
    }
}

/// A provider, and by which way out it is asked: each proxy is an address of its own.
type Way = (ProviderIx, u8);

/// All questions.
#[derive(Debug, Default)]
pub(super) struct Fetching {
    /// Who is to be asked about, in order.
    queue: Vec<(Handle, u32)>,
    live: Vec<(Handle, u32, Instant)>,
    /// When a provider may be asked again from one of our addresses: they limit by it.
    next_at: Vec<(Way, Instant)>,
    waiters: Vec<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    request: RequestId,
    left: Vec<(Handle, u32)>,
    until: Instant,
}

impl Engine {
    /// Which kinds of credentials a provider can be asked about: a bit for each kind, and [`SAYS_NOTHING`].
    pub fn set_usage_source(&mut self, provider: &str, kinds: u8) {
        let provider = self.provider_ix(provider);
        self.serving.set_asked(provider, kinds);
    }

    /// Can a provider be asked about an account?
    pub(super) fn can_be_asked(&self, member: &Member) -> bool {
        member.record.enabled && self.serving.asked(member.provider) >> member.record.kind as u8 & 1 == 1
    }

    /// Reports of these accounts, answered when all have come or failed, or the wait is over. What comes late is kept.
    pub(super) fn fetch_usage(&mut self, request: RequestId, handles: &[Handle], force: bool, wait: Span) {
        let mut left = Vec::new();
        for &handle in handles {
            if self.ask_usage(handle, force) {
                left.push((handle, self.hot[handle.0 as usize].incarnation));
            }
        }
        if left.is_empty() || self.fetching.waiters.len() >= MOST_WAITERS {
            return self.reply(request, Reply::Done { ids: Vec::new() });
        }
        let until = crate::retry::deadline(self.now.mono, wait);
        self.fetching.waiters.push(Waiting { request, left, until });
    }

    /// A report of an account is wanted. Is one under way? A fresh one is not asked for again, nor is one that failed a moment ago.
    pub(super) fn ask_usage(&mut self, handle: Handle, force: bool) -> bool {
        let now = self.now.mono;
        let incarnation = self.hot.get(handle.0 as usize).map_or(0, |hot| hot.incarnation);
        let Some(member) = self.member(handle).filter(|member| self.can_be_asked(member)) else {
            return false;
        };
        if let Some(asking) = &member.asking {
            if asking.is_open() {
                return true;
            }
            if !force && now < asking.next {
                return false;
            }
        }
        if self.fetching.queue.len() >= LONGEST_QUEUE {
            return false;
        }
        if let Some(member) = self.member_mut(handle) {
            member.asking.get_or_insert_with(Box::default).queued = true;
        }
        self.fetching.queue.push((handle, incarnation));
        true
    }

    /// What is known of an account is to be asked for anew: it was contradicted.
    pub(super) fn expire_report(&mut self, handle: Handle) {
        if let Some(asking) = self.member_mut(handle).and_then(|member| member.asking.as_mut()) {
            asking.next = Instant(0);
            asking.failures = 0;
        }
    }

    /// Somebody is to be placed: reports that are no longer fresh are asked for, and nobody waits for them.
    pub(super) fn freshen(&mut self, provider: ProviderIx) {
        let rules = &self.policy.usage;
        if !rules.auto || self.policy.strategy != Strategy::Usage || self.serving.asked(provider) == 0 {
            return;
        }
        if !self.serving.is_due(provider, self.now.mono, rules.ttl) {
            return;
        }
        let (mut of, mut to_ask) = (0, Vec::new());
        for (at, member) in self.members.iter().enumerate() {
            let Some(member) = member.as_ref().filter(|member| member.provider == provider) else { continue };
            of += 1;
            // A key is asked about by itself once the program has asked: what it says is its owner's business.
            let asked = member.asking.as_ref().is_some_and(|asking| asking.count > 0);
            if member.record.kind == Kind::Oauth || asked {
                to_ask.push(Handle(at as u32));
            }
        }
        // Where there is nobody else there is nothing to choose.
        for handle in to_ask {
            if of > 1 {
                let _ = self.ask_usage(handle, false);
            }
        }
    }

    /// Starts what may be started, gives up what took too long, and answers who has waited long enough.
    pub(super) fn serve_fetches(&mut self) {
        let now = self.now.mono;
        if !self.errands.is_empty() {
            self.serve_errands();
        }
        if self.fetching.queue.is_empty() && self.fetching.live.is_empty() && self.fetching.waiters.is_empty()
        {
            return;
        }
        let timeout = self.policy.usage.timeout;
        let late: Vec<_> =
            self.fetching.live.iter().filter(|(_, _, since)| *since + timeout <= now).copied().collect();
        for (handle, incarnation, _) in late {
            self.asked_in_vain(handle, incarnation, UsageTrouble::of("timeout"));
        }
        let mut at = 0;
        while at < self.fetching.queue.len().min(LOOK_AHEAD)
            && self.fetching.live.len() < self.policy.usage.at_once as usize
        {
            let (handle, incarnation) = self.fetching.queue[at];
            let current = self.hot.get(handle.0 as usize).map(|hot| hot.incarnation) == Some(incarnation);
            let Some(member) = self.member(handle).filter(|member| current && self.can_be_asked(member))
            else {
                self.fetching.queue.remove(at);
                self.asked(handle, incarnation);
                continue;
            };
            let way = (member.provider, member.secret.way());
            let expired = member.record.expires.is_some_and(|at| at <= self.now.wall);
            if member.job.is_some() || self.fetching.wait_of(way) > now {
                at += 1;
                continue;
            }
            // What was tried a moment ago is not tried again: then it is asked with what there is.
            if expired && self.is_renewable(member) && member.hold_until.is_none_or(|at| at <= now) {
                // A token that has expired says nothing: it is renewed first, and what comes of that is another's business.
                self.renew_to_ask(handle);
                if self.member(handle).is_some_and(|member| member.job.is_some()) {
                    at += 1;
                    continue;
                }
            }
            self.fetching.queue.remove(at);
            self.fetching.set_wait(way, now + self.policy.usage.stagger);
            self.begin_question(handle, incarnation);
        }
        let waiters = std::mem::take(&mut self.fetching.waiters);
        for waiter in waiters {
            if waiter.left.is_empty() || waiter.until <= now {
                self.reply(waiter.request, Reply::Done { ids: Vec::new() });
            } else {
                self.fetching.waiters.push(waiter);
            }
        }
    }

    fn begin_question(&mut self, handle: Handle, incarnation: u32) {
        let now = self.now.mono;
        let op = self.op();
        let Some(member) = self.member_mut(handle) else { return };
        let secret = member.secret;
        let asking = member.asking.get_or_insert_with(Box::default);
        (asking.queued, asking.live) = (false, Some((op, now)));
        asking.count += 1;
        self.fetching.live.push((handle, incarnation, now));
        self.ops.insert(op, PendingOp::Usage { handle, incarnation });
        self.effects.push(Effect::FetchUsage { op, handle, secret });
    }

    /// A report came, however late.
    pub(super) fn usage_fetched(&mut self, handle: Handle, incarnation: u32, mut report: Report) {
        if self.hot.get(handle.0 as usize).map(|hot| hot.incarnation) != Some(incarnation) {
            return;
        }
        let (now, ttl, seed) = (self.now, self.policy.usage.ttl, self.seed);
        if report.origin != Origin::Host {
            report.origin = Origin::Probe;
        }
        let Some(member) = self.member_mut(handle) else { return };
        let key = member.id.map_or(0, |id| id.0);
        let asking = member.asking.get_or_insert_with(Box::default);
        asking.next = now.mono + around(seed, key, asking.count, ttl);
        (asking.failures, asking.trouble, asking.live) = (0, None, None);
        self.fetching.live.retain(|(of, _, _)| *of != handle);
        self.take_report(handle, report);
        self.asked(handle, incarnation);
    }

    /// No report came. The last good one stays; a secret that was refused rests, and the next real use decides: a question
    /// disables nobody.
    pub(super) fn asked_in_vain(&mut self, handle: Handle, incarnation: u32, trouble: UsageTrouble) {
        if self.hot.get(handle.0 as usize).map(|hot| hot.incarnation) != Some(incarnation) {
            return;
        }
        let (now, rules, seed) = (self.now, &self.policy.usage, self.seed);
        let (first, ttl) = (rules.retry, rules.ttl);
        let rule =
            self.member(handle).and_then(|member| self.policy.rule(&member.record.provider, Reason::Auth));
        let rest = rule.filter(|rule| rule.action != Action::None).map(|rule| rule.base);
        let Some(member) = self.member_mut(handle) else { return };
        let key = member.id.map_or(0, |id| id.0);
        let asking = member.asking.get_or_insert_with(Box::default);
        let doubled = Span(first.0.saturating_mul(1 << asking.failures.min(MOST_DOUBLINGS)));
        let wait = if trouble.never { Span::from_days(1) } else { around(seed, key, asking.count, doubled) };
        asking.next =
            now.mono + wait.max(trouble.retry_after.unwrap_or_default().min(ttl.max(Span::from_hours(1))));
        asking.failures = asking.failures.saturating_add(1);
        asking.live = None;
        let (refused, code) = (trouble.refused, trouble.code.clone());
        asking.trouble = Some(trouble);
        self.fetching.live.retain(|(of, _, _)| *of != handle);
        let event = self.event(EventKind::Usage, Some(handle));
        event.cause = Some(code);
        if refused {
            event.reason = Some(Reason::Auth);
            if let Some(rest) = rest.filter(|rest| rest.0 > 0) {
                self.rest_for(handle, &ScopeKey::Credential, rest, Reason::Auth, Source::Report);
            }
        }
        self.asked(handle, incarnation);
    }

    /// Its token has expired and could not be renewed: it is not asked about, and who waits for that is told why.
    #[inline(never)]
    pub(super) fn not_to_be_asked(&mut self, handle: Handle, incarnation: u32, failure: &RefreshFailure) {
        let Some(at) = self.fetching.queue.iter().position(|&queued| queued == (handle, incarnation)) else {
            return;
        };
        self.fetching.queue.remove(at);
        if let Some(asking) = self.member_mut(handle).and_then(|member| member.asking.as_mut()) {
            asking.queued = false;
        }
        let dead = failure.kind == FailureKind::Definitive;
        let code = ["refresh-", &*failure.code].concat();
        let trouble = UsageTrouble { refused: dead, rejected: dead, ..UsageTrouble::of(&code) };
        self.asked_in_vain(handle, incarnation, trouble);
    }

    /// A question is over: who waited for nothing else is answered.
    fn asked(&mut self, handle: Handle, incarnation: u32) {
        for waiter in &mut self.fetching.waiters {
            waiter.left.retain(|&(of, which)| of != handle || which != incarnation);
        }
    }

    /// When something of it is due.
    pub(super) fn next_fetch(&self) -> Option<Instant> {
        let timeout = self.policy.usage.timeout;
        let mut next: Option<Instant> = None;
        let mut sooner = |at: Instant| next = Some(next.map_or(at, |next| next.min(at)));
        for (_, _, since) in &self.fetching.live {
            sooner(*since + timeout);
        }
        if self.fetching.live.len() < self.policy.usage.at_once as usize {
            for &(handle, _) in self.fetching.queue.iter().take(LOOK_AHEAD) {
                // Who waits for a renewal is looked at when that is over.
                if let Some(member) = self.member(handle).filter(|member| member.job.is_none()) {
                    let way = (member.provider, member.secret.way());
                    sooner(self.fetching.wait_of(way).max(self.now.mono));
                }
            }
        }
        for waiter in &self.fetching.waiters {
            sooner(waiter.until);
        }
        for errand in &self.errands {
            sooner(errand.until);
        }
        next
    }
}

impl Fetching {
    fn wait_of(&self, way: Way) -> Instant {
        self.next_at.iter().find(|(of, _)| *of == way).map_or(Instant(0), |&(_, at)| at)
    }

    fn set_wait(&mut self, way: Way, at: Instant) {
        match self.next_at.iter_mut().find(|(of, _)| *of == way) {
            Some((_, known)) => *known = at,
            None => self.next_at.push((way, at)),
        }
    }
}

/// A length, a quarter shorter or longer by chance, so that many accounts do not ask together.
fn around(seed: crate::entropy::Seed, key: u64, n: u64, length: Span) -> Span {
    let least = length.0 / 4 * 3;
    let drawn = (u128::from(seed.draw(Purpose::Usage, key, n)) * u128::from(length.0 / 2 + 1)) >> 64;
    Span(least.saturating_add(drawn as u64))
}
