//! Callers that wait: served in the order of their coming, each until its own deadline.
//!
//! Each provider and model that is waited for has a line. Who returns serves the first who can take him, of all lines by
//! arrival; then the lines are looked at no further than somebody is ready. So nobody is woken in vain, and who came first
//! is served first. Who waits for a token to be renewed stands in no line: the end of that refresh serves it.

use super::acquire::Attempt;
use super::{AcquireCommand, Engine, Refusal, RefusalCode, Reply};
use crate::id::{Handle, RequestId, RouteId};
use crate::time::{Instant, Span};
use std::cmp::Reverse;

/// In the heap of timers, the handle that stands for a waiting caller, whose place is the number beside it.
pub(super) const WAITER: Handle = Handle(u32::MAX);

/// Who is to be given a credential waits so long for a share of its limits, also where the caller waits for nothing else.
const SHARE_WAIT: Span = Span::from_secs(2);

/// A caller that waits for a credential.
#[derive(Debug)]
pub(super) struct Waiter {
    pub(super) command: AcquireCommand,
    /// When it gives up.
    pub(super) deadline: Instant,
    /// When a further round begins, in which those who were tried may be tried again.
    pub(super) next_round: Option<Instant>,
    /// A further round has begun: everybody may be tried again.
    pub(super) further: bool,
    /// The credential whose refresh it waits for, and who sat there.
    refreshing: Option<(Handle, u32)>,
    /// It waits for a share of that credential's limits, not for a refresh.
    shares: bool,
    /// It is kept longer than its caller asked for while a share is asked for: the caller's own deadline.
    pub(super) own: Option<Instant>,
    /// Its place among all that ever waited; zero before it waits.
    number: u64,
}

impl Waiter {
    pub(super) fn new(command: AcquireCommand, deadline: Instant) -> Box<Self> {
        Box::new(Self {
            command,
            deadline,
            next_round: None,
            further: false,
            refreshing: None,
            shares: false,
            own: None,
            number: 0,
        })
    }

    /// One whose credential has to be asked for: not for long, whatever the caller's own deadline is.
    pub(super) fn sharing(command: AcquireCommand, own: Instant, now: Instant) -> Box<Self> {
        let mut waiter = Self::new(command, own.max(now + SHARE_WAIT));
        waiter.own = Some(own);
        waiter
    }
}

/// Those who wait for one provider and model, in the order of their coming; who was served elsewhere is passed over.
#[derive(Debug)]
struct Line {
    route: RouteId,
    /// Number and place of each.
    queue: Vec<(u64, u32)>,
    /// Those before were served.
    first: usize,
    /// Those before were looked at in this round of serving.
    at: usize,
}

/// All that wait.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    places: Vec<Option<Box<Waiter>>>,
    free: Vec<u32>,
    lines: Vec<Line>,
    last: u64,
}

impl Waiting {
    pub(super) fn len(&self) -> usize {
        self.places.len() - self.free.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Gives it a place; its number is its own from its first on.
    fn push(&mut self, mut waiter: Box<Waiter>) -> (u64, u32) {
        if waiter.number == 0 {
            self.last += 1;
            waiter.number = self.last;
        }
        let place = self.free.pop().unwrap_or_else(|| {
            self.places.push(None);
            self.places.len() as u32 - 1
        });
        let entry = (waiter.number, place);
        let routes: &[RouteId] = if waiter.refreshing.is_none() { &waiter.command.routes } else { &[] };
        for &route in routes {
            let line = if let Some(at) = self.lines.iter().position(|line| line.route == route) {
                at
            } else {
                self.lines.push(Line { route, queue: Vec::new(), first: 0, at: 0 });
                self.lines.len() - 1
            };
            // Who waited for a refresh comes back to where it was.
            let Line { queue, first, .. } = &mut self.lines[line];
            let at = *first + queue[*first..].partition_point(|&before| before < entry);
            queue.insert(at, entry);
        }
        self.places[place as usize] = Some(waiter);
        self.tidy();
        entry
    }

    /// Does it stand in its lines?
    fn holds(&self, entry: (u64, u32)) -> bool {
        self.waits(entry).is_some_and(|waiter| waiter.refreshing.is_none())
    }

    fn waits(&self, (number, place): (u64, u32)) -> Option<&Waiter> {
        let waiter = self.places.get(place as usize)?.as_deref()?;
        (waiter.number == number).then_some(waiter)
    }

    fn take(&mut self, place: u32) -> Option<Box<Waiter>> {
        let waiter = self.places.get_mut(place as usize)?.take()?;
        self.free.push(place);
        Some(waiter)
    }

    /// Forgets those who left out of turn, once they are most of a line.
    fn tidy(&mut self) {
        let waiting = self.len();
        for at in 0..self.lines.len() {
            if self.lines[at].queue.len() > 2 * waiting + 64 {
                let mut queue = std::mem::take(&mut self.lines[at].queue);
                queue.retain(|&entry| self.holds(entry));
                (self.lines[at].queue, self.lines[at].first) = (queue, 0);
            }
        }
    }

    /// The next of a line who still waits.
    fn next_of(&mut self, line: usize) -> Option<(u64, u32)> {
        loop {
            let Line { first, at, .. } = self.lines[line];
            let entry = *self.lines[line].queue.get(at)?;
            if self.holds(entry) {
                return Some(entry);
            }
            self.lines[line].first += usize::from(first == at);
            self.lines[line].at += 1;
        }
    }

    fn begin(&mut self) {
        self.lines.retain(|line| line.first < line.queue.len());
        for line in &mut self.lines {
            line.at = line.first;
        }
    }
}

impl Engine {
    /// A caller waits from now on.
    pub(super) fn wait(&mut self, waiter: Box<Waiter>) -> (u64, u32) {
        let due = waiter.next_round.map_or(waiter.deadline, |round| round.min(waiter.deadline));
        let entry = self.waiters.push(waiter);
        self.timers.push(Reverse((due, WAITER, entry.1)));
        entry
    }

    /// A caller waits until a credential's token is renewed.
    pub(super) fn wait_for_renewal(&mut self, mut waiter: Box<Waiter>, handle: Handle) {
        waiter.refreshing = Some((handle, self.hot[handle.0 as usize].incarnation));
        waiter.shares = self.shared_limits && self.is_sharing(handle);
        let shares = waiter.shares;
        let entry = self.wait(waiter);
        if shares {
            self.share_callers.push((handle, entry));
        } else if let Some(job) = self.job(handle) {
            job.callers.push(entry);
        }
    }

    /// Serves those whose refresh is over, however it ended.
    fn serve_renewed(&mut self) {
        let mut renewed = std::mem::take(&mut self.renewed);
        // By arrival: there are few, and no sort of the standard library's is linked for them.
        for at in 1..renewed.len() {
            let place = renewed[..at].partition_point(|earlier| *earlier < renewed[at]);
            renewed[place..=at].rotate_right(1);
        }
        for entry in renewed {
            if self.waiters.waits(entry).is_none() {
                continue;
            }
            let Some(waiter) = self.waiters.take(entry.1) else { continue };
            if let Some(waiter) = self.serve_waiter(waiter) {
                self.wait_or_refuse(waiter);
            }
        }
    }

    /// A caller gives up its place, and nobody else's.
    pub(super) fn cancel(&mut self, request: RequestId) {
        if self.cancel_refresh(request) {
            let refusal = Refusal { code: RefusalCode::Aborted, retry_at: None };
            return self.reply(request, Reply::Refused(refusal));
        }
        if !self.errands.is_empty() && self.cancel_errand(request) {
            return self
                .reply(request, Reply::Refused(Refusal { code: RefusalCode::Aborted, retry_at: None }));
        }
        let of = |waiter: &Option<Box<Waiter>>| {
            waiter.as_ref().is_some_and(|waiter| waiter.command.request == request)
        };
        let Some(place) = self.waiters.places.iter().position(of) else { return };
        self.waiters.take(place as u32);
        self.reply(request, Reply::Refused(Refusal { code: RefusalCode::Aborted, retry_at: None }));
    }

    /// Serves those who wait, where somebody has returned.
    pub(super) fn serve_waiters(&mut self) {
        self.serve_renewed();
        if !std::mem::take(&mut self.somebody_returned) || self.waiters.is_empty() {
            return;
        }
        self.waiters.begin();
        loop {
            let mut first: Option<(u64, u32, usize)> = None;
            for line in 0..self.waiters.lines.len() {
                if !self.somebody_is_ready(self.waiters.lines[line].route) {
                    continue;
                }
                let Some((number, place)) = self.waiters.next_of(line) else { continue };
                if first.is_none_or(|(before, ..)| number < before) {
                    first = Some((number, place, line));
                }
            }
            let Some((_, place, line)) = first else { return };
            self.waiters.lines[line].at += 1;
            let Some(waiter) = self.waiters.take(place) else { continue };
            if let Some(waiter) = self.serve_waiter(waiter) {
                self.put_back(place, waiter);
            }
        }
    }

    /// Gives it what it waits for, lets it wait for the token of who was chosen, or gives it back.
    fn serve_waiter(&mut self, mut waiter: Box<Waiter>) -> Option<Box<Waiter>> {
        let patient = waiter.deadline > self.now.mono;
        if let Some((handle, incarnation)) = waiter.refreshing {
            let under_way =
                if waiter.shares { self.is_sharing(handle) } else { self.is_renewing(handle, incarnation) };
            if patient && under_way {
                return Some(waiter);
            }
            // It is renewed, or will not be in time: whom it was chosen for gets it, if it can be given.
            waiter.refreshing = None;
            if let Some(leased) = self.grant_renewed(&waiter.command, handle, incarnation) {
                self.reply(waiter.command.request, Reply::Leased(leased));
                return None;
            }
        }
        match self.attempt(&waiter.command, waiter.further) {
            Attempt::Leased(leased) => self.reply(waiter.command.request, Reply::Leased(leased)),
            Attempt::Renewing(handle) if patient => self.wait_for_renewal(waiter, handle),
            Attempt::Renewing(_) | Attempt::Nobody => return Some(waiter),
        }
        None
    }

    /// It keeps its place: the last one that became free.
    fn put_back(&mut self, place: u32, waiter: Box<Waiter>) {
        self.waiters.free.pop();
        self.waiters.places[place as usize] = Some(waiter);
    }

    /// A waiting caller's round begins, or its time is over. (Who sits at its place now may not be due at all.)
    pub(super) fn serve_due_waiter(&mut self, place: u32) {
        let mono = self.now.mono;
        let due = |waiter: &Waiter| waiter.deadline <= mono || waiter.next_round.is_some_and(|at| at <= mono);
        if !self.waiters.places.get(place as usize).and_then(Option::as_ref).is_some_and(|waiter| due(waiter))
        {
            return;
        }
        let Some(mut waiter) = self.waiters.take(place) else { return };
        if waiter.next_round.is_some_and(|at| at <= mono) {
            (waiter.next_round, waiter.further) = (None, true);
        }
        let Some(waiter) = self.serve_waiter(waiter) else { return };
        let refusal = self.refuse(&waiter.command);
        let renewing = waiter.refreshing.is_some();
        if waiter.deadline > mono
            && (renewing || self.is_worth_waiting(&waiter.command, &refusal, waiter.deadline))
        {
            self.timers.push(Reverse((waiter.deadline, WAITER, place)));
            return self.put_back(place, waiter);
        }
        self.reply(waiter.command.request, Reply::Refused(refusal));
    }

    /// Does somebody come back in time, or as soon as a lease ends?
    pub(super) fn is_worth_waiting(
        &self,
        command: &AcquireCommand,
        refusal: &Refusal,
        deadline: Instant,
    ) -> bool {
        let returns = refusal.retry_at.is_some_and(|at| self.now.mono_of(at) <= deadline);
        returns || command.routes.iter().any(|&route| self.somebody_is_busy(route))
    }

    fn somebody_is_busy(&self, route: RouteId) -> bool {
        let route = self.routes.get(route);
        route.is_some_and(|route| self.tables[route.provider.0 as usize].has_busy(route.shard))
    }

    fn somebody_is_ready(&self, route: RouteId) -> bool {
        let route = self.routes.get(route);
        route.is_some_and(|route| self.tables[route.provider.0 as usize].has_ready(route.shard))
    }

    /// Drops timers of callers who do not wait any more, so that nobody is woken for them.
    pub(super) fn drop_stale_waiter_timers(&mut self) {
        while let Some(&Reverse((at, WAITER, place))) = self.timers.peek() {
            let waiter = self.waiters.places.get(place as usize).and_then(Option::as_ref);
            if waiter.is_some_and(|waiter| waiter.deadline == at || waiter.next_round == Some(at)) {
                return;
            }
            self.timers.pop();
        }
    }

    /// The deadlines of all who wait, into a heap of timers that was emptied.
    pub(super) fn set_waiter_timers(&mut self) {
        for (place, waiter) in (0..).zip(&self.waiters.places) {
            let Some(waiter) = waiter else { continue };
            let due = waiter.next_round.map_or(waiter.deadline, |round| round.min(waiter.deadline));
            self.timers.push(Reverse((due, WAITER, place)));
        }
    }
}
