//! Whose tokens are renewed, and when: by themselves, because somebody needs them, by command.

use super::member::Member;
use super::{Engine, FailedCode, Reply};
use crate::entropy::Purpose;
use crate::id::{Handle, RequestId};
use crate::refresh::{due, lead, stale, Job, Phase};
use crate::time::{Instant, Span, Timestamp};

impl Engine {
    /// Renews a credential's tokens, and answers when they are durable.
    #[inline(never)]
    pub(super) fn refresh(
        &mut self,
        request: RequestId,
        handle: Handle,
        force: bool,
        failed: Option<u64>,
        wait: Span,
    ) {
        let Some(member) = self.member(handle).filter(|member| member.id.is_some()) else {
            return self.fail(request, FailedCode::NotFound, "there is no such stored credential");
        };
        if !self.is_renewable(member) {
            let message =
                "it has nothing that could renew it: only accounts with a refresh token are renewed";
            return self.fail(request, FailedCode::Invalid, message);
        }
        let version = member.record.secret_version;
        let held = member.hold_until.is_some_and(|at| at > self.now.mono);
        // Renewed since by somebody else, or fresh: there is nothing to do.
        if failed.is_some_and(|failed| failed < version) || !force && !member.stale && !held {
            return self.reply_refreshed(request, handle);
        }
        if held && failed.is_some() {
            // The endpoint failed a moment ago: to ask again for each refused call would not help it.
            let cause = "held".into();
            return self.reply(request, Reply::RefreshFailed { definitive: false, cause });
        }
        let by_hand = force && failed.is_none();
        self.start_refresh(handle, force, by_hand, true);
        let until = self.now.mono + wait.min(super::LONGEST_WAIT).max(self.policy.refresh.wait);
        if let Some(job) = self.job(handle) {
            job.waiting.push((request, until));
        }
        self.set_timer(handle);
    }

    pub(super) fn reply_refreshed(&mut self, request: RequestId, handle: Handle) {
        let Some(member) = self.member(handle) else { return };
        let (version, expires) = (member.record.secret_version, member.record.expires);
        self.reply(request, Reply::Refreshed { handle, version, expires });
    }

    #[inline(never)]
    pub(super) fn set_auto_refresh(&mut self, request: RequestId, enabled: bool, interval: Span) {
        self.auto_refresh = enabled;
        self.refresh_interval = (self.now.mono, interval);
        for at in 0..self.members.len() {
            self.set_timer(Handle(at as u32));
        }
        self.reply(request, Reply::Done { ids: Vec::new() });
    }

    /// Begins a refresh, or joins the one that is under way.
    #[inline(never)]
    pub(super) fn start_refresh(&mut self, handle: Handle, forced: bool, by_hand: bool, demanded: bool) {
        let now = self.now;
        let Some(member) = self.member_mut(handle) else { return };
        let (incarnation, version) = (member.incarnation, member.record.secret_version);
        let is_new = member.job.is_none();
        let job = member.job.get_or_insert_with(|| Box::new(Job::new(version, now)));
        // Who asks for more than the refresh that is under way was begun for gets it.
        job.forced |= forced;
        job.by_hand |= by_hand;
        job.asked_about = false;
        let more_urgent = demanded && !job.demanded && job.phase == Phase::Queued;
        job.demanded |= demanded;
        if is_new || more_urgent {
            self.refreshes.push(handle, incarnation, demanded);
        }
    }

    fn lead_of(&self, member: &Member, expires: Timestamp) -> Span {
        if let Some(lead) = Self::advised_lead(member) {
            return lead;
        }
        let facts = self.facts_of.get(member.provider.0 as usize).copied().unwrap_or_default();
        let life = expires.since(member.record.renewed.unwrap_or(member.record.created));
        lead(&self.policy.refresh, &member.record.provider, facts, life)
    }

    /// From when on it must be renewed before it is given out.
    #[inline(never)]
    pub(super) fn stale_from(&self, member: &Member) -> Option<Timestamp> {
        let usable = member.record.enabled && !member.record.needs_login && self.is_renewable(member);
        let expires = member.record.expires.filter(|_| usable)?;
        Some(stale(&self.policy.refresh, expires, self.lead_of(member, expires)))
    }

    /// When it is renewed by itself.
    #[inline(never)]
    pub(super) fn due_of(&self, member: &Member) -> Option<Timestamp> {
        self.own_due(member).filter(|_| !self.is_hosts_word(member))
    }

    /// When it would be, without a word of the host's.
    fn own_due(&self, member: &Member) -> Option<Timestamp> {
        self.stale_from(member)?;
        let expires = member.record.expires.filter(|_| self.auto_refresh)?;
        let id = member.id.map_or(0, |id| id.0);
        let drawn = self.seed.draw(Purpose::Refresh, id, member.record.secret_version);
        let due = due(&self.policy.refresh, expires, self.lead_of(member, expires), drawn)?;
        let (start, interval) = self.refresh_interval;
        let start = self.now.wall_of(start);
        if interval.0 == 0 || due <= start {
            return Some(due);
        }
        // The last multiple before it is due; a life that is shorter than the interval has none.
        let multiple = start + Span(due.since(start).0 / interval.0 * interval.0);
        let since = member.record.renewed.unwrap_or(member.record.created);
        Some(if multiple > since { multiple } else { due })
    }

    /// When it is renewed by itself, as it is shown: not before what failed has waited.
    #[inline(never)]
    pub(super) fn next_renewal_of(&self, member: &Member) -> Option<Timestamp> {
        let due = self.due_of(member)?;
        Some(member.hold_until.map_or(due, |hold| due.max(self.now.wall_of(hold))))
    }

    /// Is it to be renewed now, by itself or because it is stale?
    pub(super) fn wants_refresh(&self, handle: Handle) -> bool {
        let Some(member) = self.member(handle) else { return false };
        let past = |at: Option<Timestamp>| at.is_some_and(|at| at <= self.now.wall);
        past(self.due_of(member)) || past(self.stale_from(member))
    }

    /// Is a doubt about its last refresh to be resolved by itself?
    fn may_resolve(&self, member: &Member) -> bool {
        let row = member.refresh_row;
        let open = row.open && row.base == member.record.secret_version && !member.secret.is_repeatable();
        open && self.auto_refresh && self.policy.refresh.auto && self.stale_from(member).is_some()
    }

    /// When something of its refresh is due.
    #[inline(never)]
    pub(super) fn next_of_refresh(&self, handle: Handle) -> Option<Instant> {
        let now = self.now;
        let member = self.member(handle)?;
        let hold = member.hold_until.filter(|&at| at > now.mono);
        if let Some(job) = &member.job {
            return job.due(self.policy.refresh.lease);
        }
        let stale = self.stale_from(member).filter(|_| !member.stale).map(|at| now.mono_of(at));
        let due = self.due_of(member).map(|at| now.mono_of(at));
        let doubt = member.doubt_at.filter(|_| self.may_resolve(member));
        let advice = self.advice_at(member, self.own_due(member));
        let mut next = None;
        for at in stale.into_iter().chain(due).chain(doubt).chain(advice) {
            // What failed waits; nothing that is due is in the past.
            let at = hold.map_or(at, |hold| at.max(hold)).max(now.mono);
            next = Some(next.map_or(at, |next: Instant| next.min(at)));
        }
        match (next, hold) {
            // The end of the wait is told to the index.
            (None, hold) => hold,
            (next, _) => next,
        }
    }

    /// Does what is due of a member's refresh.
    #[inline(never)]
    pub(super) fn serve_due_refresh(&mut self, handle: Handle) {
        let now = self.now;
        let Some(member) = self.member_mut(handle) else { return };
        if member.hold_until.is_some_and(|at| at <= now.mono) {
            member.hold_until = None;
            self.look_at_clock(handle);
        }
        let Some(member) = self.member(handle) else { return };
        if member.job.is_some() {
            return self.serve_job(handle);
        }
        let doubt = member.doubt_at.is_some_and(|at| at <= now.mono) && self.may_resolve(member);
        if doubt && member.hold_until.is_none() {
            // Within the provider's grace the old token may still be taken: not when it is due, but now.
            if let Some(member) = self.member_mut(handle) {
                member.doubt_at = None;
            }
            return self.start_refresh(handle, true, false, false);
        }
        if member.hold_until.is_none() {
            let own_due = self.own_due(member);
            if self.advice_at(member, own_due).is_some_and(|at| at <= now.mono) {
                self.ask_advice(handle, own_due);
            }
        }
        let Some(member) = self.member(handle) else { return };
        let due = self.due_of(member).is_some_and(|at| at <= now.wall);
        if due && member.hold_until.is_none() {
            self.start_refresh(handle, false, false, false);
        }
    }

    /// The refresh that is under way.
    pub(super) fn job(&mut self, handle: Handle) -> Option<&mut Job> {
        self.member_mut(handle)?.job.as_deref_mut()
    }
}
