//! What every step asks of accounts and of logins, answered at once where there are none. What follows where there are some is not
//! in the WebAssembly that every program loads (`scripts/build/split/everyday.mjs`), as long as it is reached from here, or by a command.

use super::member::Member;
use super::{Completion, Effect, Engine, EventKind};
use crate::facts::Kind;
use crate::id::{Handle, RequestId};
use crate::time::{Instant, Timestamp};

impl Engine {
    /// Could its tokens be renewed at all?
    pub(super) fn is_renewable(&self, member: &Member) -> bool {
        let by_host = self.facts_of.get(member.provider.0 as usize).is_some_and(|facts| facts.by_host);
        member.record.kind == Kind::Oauth && member.id.is_some() && (member.secret.is_renewable() || by_host)
    }

    /// Notes whether a member's token has expired, or must be renewed before it is given out. Says whether it stands
    /// differently now.
    pub(super) fn note_expiry(&mut self, handle: Handle) -> bool {
        let now = self.now;
        let Some(member) = self.member(handle) else { return false };
        let past = member.record.expires.is_some_and(|expires| expires <= now.wall);
        let renewable = if member.is_account() { self.stale_from(member) } else { None };
        let hold = member.hold_until.filter(|&at| at > now.mono);
        let stale = hold.is_none() && renewable.is_some_and(|at| at <= now.wall);
        let expired = past && !stale;
        let until = hold.filter(|_| expired && renewable.is_some());
        let told = expired && !member.expired && renewable.is_none();
        let changed = (member.expired, member.expired_until) != (expired, until);
        let (was_stale, provider) = (member.stale, member.provider);
        if let Some(member) = self.member_mut(handle) {
            (member.expired, member.expired_until, member.stale) = (expired, until, stale);
        }
        let count = &mut self.stale_in[provider.0 as usize];
        *count = *count + u32::from(stale) - u32::from(was_stale);
        if told {
            let _ = self.event(EventKind::Expired, Some(handle));
        }
        changed
    }

    /// When a member's tokens are renewed by themselves.
    pub(super) fn renewal_of(&self, member: &Member) -> Option<Timestamp> {
        if member.is_account() {
            self.next_renewal_of(member)
        } else {
            None
        }
    }

    /// When something of a member's refresh is due.
    pub(super) fn next_refresh(&self, handle: Handle) -> Option<Instant> {
        let is_account = self.member(handle)?.is_account();
        if is_account {
            self.next_of_refresh(handle)
        } else {
            None
        }
    }

    /// Does what is due of a member's refresh.
    pub(super) fn serve_refresh(&mut self, handle: Handle) {
        if self.member(handle).is_some_and(Member::is_account) {
            self.serve_due_refresh(handle);
        }
    }

    /// Begins refreshes for which there is a place.
    pub(super) fn serve_refreshes(&mut self) {
        if self.refreshes.has_some() {
            self.begin_refreshes();
        }
    }

    /// The caller of a refresh gave up: the refresh goes on.
    pub(super) fn cancel_refresh(&mut self, request: RequestId) -> bool {
        for member in self.members.iter_mut().flatten() {
            let Some(job) = &mut member.job else { continue };
            let before = job.waiting.len();
            job.waiting.retain(|(waiting, _)| *waiting != request);
            if job.waiting.len() < before {
                return true;
            }
        }
        false
    }

    /// When the first login is due.
    pub(super) fn next_login(&self) -> Option<Instant> {
        if self.logins.is_empty() {
            None
        } else {
            self.first_login()
        }
    }

    /// What is due of logins.
    pub(super) fn serve_logins(&mut self) {
        if !self.logins.is_empty() {
            self.serve_due_logins();
        }
    }

    /// What was to be added is stored: a login is over, if it was one's.
    pub(super) fn logged_in(&mut self, request: RequestId, handle: Option<Handle>) {
        if !self.logins.is_empty() {
            self.login_stored(request, handle);
        }
    }

    /// The store did not take what was to be added. Was it a login's? Then it is tried again.
    pub(super) fn login_not_stored(&mut self, request: RequestId) -> bool {
        !self.logins.is_empty() && self.login_to_be_stored_again(request)
    }

    pub(super) fn drop_completion(&mut self, completion: Completion) {
        match completion {
            Completion::Loaded { rows, .. } | Completion::Conflict { rows } => self.drop_secrets(&rows),
            Completion::Refreshed { secret, .. } => self.effects.push(Effect::DropSecret { secret }),
            _ => {}
        }
    }
}
