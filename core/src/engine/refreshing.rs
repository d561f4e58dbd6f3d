//! The steps of a refresh: lease, read again, intent, token endpoint, commit, release. Each begins when the one before is
//! done; nothing that a provider has issued is thrown away.

use super::saving::PendingOp;
use super::tokens::written_version;
use super::{Completion, Effect, Engine, EventKind, Reply};
use crate::id::{CredentialId, Handle, OpId};
use crate::refresh::{Doubt, FailureKind, Fresh, Mark, Phase, RefreshFailure, RefreshRow};

/// So many times in a row a row is read again because others changed it meanwhile.
const MAX_CONFLICTS: u32 = 8;
/// So many fences are remembered under which nothing was sent.
const MOST_UNSENT: usize = 8;

/// What is to be written of a refresh.
#[derive(Debug)]
pub(super) struct Written {
    /// The credential's record, where it changes.
    pub(super) record: Option<Box<crate::credential::Record>>,
    pub(super) row: RefreshRow,
}

impl Engine {
    /// Begins those for whom there is a place.
    #[inline(never)]
    pub(super) fn begin_refreshes(&mut self) {
        while let Some((handle, incarnation)) = self.refreshes.next(self.policy.refresh.concurrency) {
            if self.hot[handle.0 as usize].incarnation != incarnation {
                continue;
            }
            match self.job(handle) {
                Some(job) if job.phase == Phase::Queued => job.running = true,
                _ => continue,
            }
            self.refreshes.running += 1;
            self.ask_lease(handle);
        }
    }

    pub(super) fn refresh_op(
        &mut self,
        handle: Handle,
        phase: Phase,
        written: Option<Written>,
    ) -> Option<(OpId, CredentialId)> {
        let id = self.member(handle)?.id?;
        let op = self.op();
        let job = self.job(handle)?;
        job.phase = phase;
        job.op = Some(op);
        let base = job.base;
        self.ops.insert(op, PendingOp::Refresh { id, base, written });
        Some((op, id))
    }

    pub(super) fn ask_lease(&mut self, handle: Handle) {
        let (now, ttl) = (self.now, self.policy.refresh.lease);
        if let Some((op, id)) = self.refresh_op(handle, Phase::Leasing, None) {
            if let Some(job) = self.job(handle) {
                job.asked = now;
            }
            self.effects.push(Effect::Lease { op, id, ttl });
        }
    }

    pub(super) fn read_again(&mut self, handle: Handle) {
        let since = self.seen;
        if let Some((op, _)) = self.refresh_op(handle, Phase::Reading, None) {
            self.effects.push(Effect::Load { op, since });
        }
    }

    /// What time brings to a refresh that is under way.
    pub(super) fn serve_job(&mut self, handle: Handle) {
        let (now, ttl) = (self.now, self.policy.refresh.lease);
        let Some(job) = self.job(handle) else { return };
        let mut late = Vec::new();
        job.waiting.retain(|&(request, until)| {
            if until <= now.mono {
                late.push(request);
            }
            until > now.mono
        });
        let (phase, fence) = (job.phase, job.fence);
        let silent = phase == Phase::Calling && job.silent_at.is_some_and(|at| at <= now.mono);
        let renew = job.renew_at(ttl).is_some_and(|at| at <= now.mono);
        for request in late {
            // The refresh goes on: only this caller has waited long enough.
            let cause = "timeout".into();
            self.reply(request, Reply::RefreshFailed { definitive: false, cause });
        }
        if silent {
            // Its answer may come yet: the effect is not forgotten.
            if let Some(job) = self.job(handle) {
                job.op = None;
            }
            let failure =
                RefreshFailure { kind: FailureKind::InDoubt, code: "timeout".into(), retry_after: None };
            return self.refresh_failed(handle, failure);
        }
        match phase {
            Phase::Busy(at) if at <= now.mono => return self.read_again(handle),
            Phase::Held(at) if at <= now.mono => return self.ask_lease(handle),
            _ => {}
        }
        if renew {
            let Some(id) = self.member(handle).and_then(|member| member.id) else { return };
            let op = self.op();
            if let Some(job) = self.job(handle) {
                job.renewal = Some((op, now));
            }
            self.ops.insert(op, PendingOp::Renewal { id });
            self.effects.push(Effect::Renew { op, id, fence, ttl });
        }
    }

    /// A lease was prolonged, or was lost.
    #[inline(never)]
    pub(super) fn renewed(&mut self, op: OpId, id: CredentialId, completion: &Completion) {
        let ttl = self.policy.refresh.lease;
        let Some(handle) = self.find(id) else { return };
        let Some(job) = self.job(handle) else { return };
        let Some((_, asked)) = job.renewal.take_if(|(renewal, _)| *renewal == op) else { return };
        match completion {
            Completion::Leased { fence } => job.hold(*fence, asked, ttl),
            Completion::Busy => job.lose(),
            _ => job.last = true,
        }
        self.set_timer(handle);
    }

    /// A step of a refresh is done.
    #[inline(never)]
    pub(super) fn refresh_completed(
        &mut self,
        op: OpId,
        id: CredentialId,
        base: u64,
        written: Option<Written>,
        completion: Completion,
    ) {
        let Some(handle) = self.find(id) else {
            let _ = self.event(EventKind::StaleCompletion, None);
            return self.drop_completion(completion);
        };
        let Some(job) = self.job(handle).filter(|job| job.op == Some(op)) else {
            return self.late(handle, base, completion);
        };
        job.op = None;
        let phase = job.phase;
        match (phase, completion) {
            (Phase::Leasing, Completion::Leased { fence }) => {
                let ttl = self.policy.refresh.lease;
                if let Some(job) = self.job(handle) {
                    job.hold(fence, job.asked, ttl);
                    job.tries = 0;
                }
                self.read_again(handle);
            }
            (Phase::Leasing, Completion::Busy) => {
                let now = self.now.mono;
                if let Some(job) = self.job(handle) {
                    job.lose();
                    job.busy(now);
                }
            }
            (Phase::Reading, Completion::Loaded { generation, rows }) => {
                // Others that are gone are no concern of this refresh.
                self.loaded(generation, rows, None);
                self.after_read(id);
            }
            (Phase::Intending, Completion::Committed { rows, .. }) => {
                self.wrote_row(handle, written_version(&rows, 0), written);
                self.call(handle);
            }
            (Phase::Intending, Completion::Conflict { rows }) => {
                self.adopt_changed(rows);
                self.again(id);
            }
            (Phase::Calling, Completion::Refreshed { secret, expires, identity }) => {
                let fresh = Fresh { secret, expires, identity: *identity, base };
                if let Some(job) = self.job(handle) {
                    job.silent_at = None;
                    let late = job.fresh.replace(fresh);
                    if let Some(late) = late {
                        self.keep_spare(handle, late.secret);
                    }
                }
                self.save_tokens(handle);
            }
            (Phase::Calling, Completion::RefreshFailed(failure)) => self.refresh_failed(handle, failure),
            (Phase::Saving | Phase::Marking, Completion::Committed { rows, .. }) => {
                self.wrote_tokens(handle, phase, written, &rows);
            }
            (Phase::Saving | Phase::Marking, Completion::Conflict { rows }) => {
                self.adopt_changed(rows);
                self.after_conflict(id, phase);
            }
            (Phase::Closing | Phase::Sparing, Completion::Committed { rows, .. }) => {
                self.wrote_row(handle, written_version(&rows, 0), written);
                self.end_refresh(handle);
            }
            (Phase::Closing, Completion::Conflict { rows }) => {
                // Somebody else is at it: it is no longer ours to close.
                self.adopt_changed(rows);
                self.find(id).into_iter().for_each(|handle| self.end_refresh(handle));
            }
            (Phase::Sparing, Completion::Conflict { rows }) => {
                self.adopt_changed(rows);
                if let Some(handle) = self.find(id) {
                    self.write_spare(handle);
                }
            }
            (_, Completion::Failed { message }) => self.refresh_store_failed(handle, &message),
            (Phase::Calling, other) => {
                self.drop_completion(other);
                let code = "host".into();
                let failure = RefreshFailure { kind: FailureKind::InDoubt, code, retry_after: None };
                self.refresh_failed(handle, failure);
            }
            (_, other) => {
                self.drop_completion(other);
                self.refresh_store_failed(handle, "the host answered with something else");
            }
        }
        if let Some(handle) = self.find(id) {
            self.set_timer(handle);
        }
    }

    /// The row has been read: what is to be done with it now?
    pub(super) fn after_read(&mut self, id: CredentialId) {
        let (now, rules) = (self.now, &self.policy.refresh);
        let (timeout, grace) = (rules.timeout, rules.grace);
        let Some(handle) = self.find(id) else { return };
        let wanted = self.wants_refresh(handle);
        let Some(member) = self.member(handle) else { return };
        let grace = self.facts_of[member.provider.0 as usize].grace.unwrap_or(grace);
        let Some(job) = &member.job else { return };
        let version = member.record.secret_version;
        let has_lease = job.fence != 0;
        if job.fresh.is_some() {
            return if has_lease { self.save_tokens(handle) } else { self.ask_lease(handle) };
        }
        if version != job.base {
            // Another renewed it, or somebody logged in: that is what we wanted.
            return self.end_refresh(handle);
        }
        if job.mark.is_some() && has_lease {
            return self.write_mark(handle);
        }
        let usable = member.record.enabled && !member.record.needs_login;
        if !usable && !job.by_hand {
            let cause = if member.record.enabled { "needs_login" } else { "disabled" };
            let failure =
                RefreshFailure { kind: FailureKind::Definitive, code: cause.into(), retry_after: None };
            if let Some(job) = self.job(handle) {
                job.failure = Some(failure);
            }
            return self.end_refresh(handle);
        }
        if !job.forced && !wanted {
            let row = member.refresh_row;
            if has_lease && row.open && member.unsent.contains(&row.fence) {
                return self.write_row(handle, Phase::Closing, RefreshRow { open: false, ..row });
            }
            return self.end_refresh(handle);
        }
        // The request must be dead before the next owner can ask: the lease has to hold for longer.
        if !has_lease || !job.holds(now, timeout) {
            return self.ask_lease(handle);
        }
        let (row, by_hand, fence) = (member.refresh_row, job.by_hand, job.fence);
        // Our own intent, under which nothing was sent: the store was slow, or told as failed what it had done.
        let nothing_sent = row.open && member.unsent.contains(&row.fence);
        // And what does not rotate cannot have been lost.
        let doubt = if nothing_sent || member.secret.is_repeatable() {
            Doubt::None
        } else {
            row.doubt(version, now.wall, grace)
        };
        let mut intent = RefreshRow { fence, base: version, at: now.wall, open: true };
        match doubt {
            Doubt::None => {}
            Doubt::Lost if by_hand => {}
            Doubt::Lost => {
                let failure =
                    RefreshFailure { kind: FailureKind::InDoubt, code: "in_doubt".into(), retry_after: None };
                if let Some(job) = self.job(handle) {
                    job.mark = Some(Mark { needs_login: true, failure });
                }
                return self.write_mark(handle);
            }
            // The grace counts from the first request.
            Doubt::Retry => intent.at = row.at,
        }
        let doubted = doubt != Doubt::None;
        if let Some(job) = self.job(handle) {
            job.doubted = doubted;
        }
        if let Some(member) = self.member_mut(handle) {
            // Fences only grow: what the store has is none of those before it. Between two writes it may have the first or the second.
            member.unsent.retain(|&of| of >= row.fence && of != fence);
            if member.unsent.len() == MOST_UNSENT {
                member.unsent.remove(1);
            }
            if !doubted {
                member.unsent.push(fence);
            }
        }
        self.write_row(handle, Phase::Intending, intent);
    }

    /// Others changed a row meanwhile: it is read again, but not for ever.
    pub(super) fn again(&mut self, id: CredentialId) {
        let Some(handle) = self.find(id) else { return };
        let now = self.now.mono;
        let Some(job) = self.job(handle) else { return };
        job.tries += 1;
        if job.tries > MAX_CONFLICTS {
            job.tries = 0;
            return job.held(now);
        }
        self.read_again(handle);
    }

    /// Asks the token endpoint, if the lease will outlive the request.
    pub(super) fn call(&mut self, handle: Handle) {
        let (now, timeout) = (self.now, self.policy.refresh.timeout);
        let Some(member) = self.member(handle) else { return };
        let Some(job) = &member.job else { return };
        if job.fresh.is_some() {
            return self.save_tokens(handle);
        }
        if !job.holds(now, timeout) {
            // The store was slow, or we were frozen: another may be at it. Nothing was sent.
            return self.ask_lease(handle);
        }
        let secret = match member.spare.filter(|_| job.with_spare) {
            Some(spare) => spare,
            None => member.secret,
        };
        let Some((op, _)) = self.refresh_op(handle, Phase::Calling, None) else { return };
        if let Some(member) = self.member_mut(handle) {
            member.unsent.clear();
        }
        if let Some(job) = self.job(handle) {
            job.silent_at = Some(now.mono + timeout);
        }
        self.effects.push(Effect::Refresh { op, handle, secret });
    }
}
