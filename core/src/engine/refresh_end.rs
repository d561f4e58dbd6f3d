//! How a refresh ends: what a failure costs, answers that come late, and who is told.

use super::member::{Member, ScopeKey};
use super::{Completion, Effect, Engine, EventKind, FailedCode, Reply, Row};
use crate::id::Handle;
use crate::json;
use crate::policy::CooldownRule;
use crate::refresh::{FailureKind, Fresh, Mark, Phase, RefreshFailure, RefreshRow};
use crate::time::Span;
use crate::verdict::{Failure, Reason, Scope};

/// In doubt, and the grace all but over: the next try comes not sooner than after this.
const LEAST_HOLD: Span = Span::from_secs(1);

impl Engine {
    /// The store failed. What must not be lost is kept, and tried again.
    pub(super) fn refresh_store_failed(&mut self, handle: Handle, message: &str) {
        let now = self.now.mono;
        let Some(job) = self.job(handle) else { return };
        let (phase, precious) = (job.phase, job.fresh.is_some() || job.mark.is_some());
        if precious {
            job.held(now);
        }
        if precious || phase != Phase::Leasing {
            self.event(EventKind::PersistFailed, Some(handle)).cause = Some(message.into());
        }
        if precious {
            return;
        }
        // An intent may have been written all the same, and another would take it for a request whose answer was lost. Nobody has to
        // wait for it, but it is not left behind, however often the store fails.
        let intended = self.member(handle).is_some_and(|member| !member.unsent.is_empty());
        if intended && matches!(phase, Phase::Leasing | Phase::Reading | Phase::Intending | Phase::Closing) {
            let Some(job) = self.job(handle) else { return };
            job.held(now);
            for (request, _) in std::mem::take(&mut job.waiting) {
                self.reply(request, Reply::RefreshFailed { definitive: false, cause: "store".into() });
            }
            return;
        }
        if !matches!(phase, Phase::Closing | Phase::Sparing) {
            let failure =
                RefreshFailure { kind: FailureKind::Transient, code: "store".into(), retry_after: None };
            if let Some(job) = self.job(handle) {
                job.failure = Some(failure);
            }
        }
        self.end_refresh(handle);
    }

    /// The token endpoint gave no tokens.
    pub(super) fn refresh_failed(&mut self, handle: Handle, mut failure: RefreshFailure) {
        let now = self.now.mono;
        let Some(member) = self.member_mut(handle) else { return };
        if failure.kind == FailureKind::InDoubt && member.secret.is_repeatable() {
            failure.kind = FailureKind::Transient;
        }
        let has_spare = member.spare.is_some();
        let row = member.refresh_row;
        let Some(job) = &mut member.job else { return };
        job.silent_at = None;
        if job.fresh.is_some() {
            // An answer that came late was better.
            return self.save_tokens(handle);
        }
        match failure.kind {
            FailureKind::Definitive if has_spare && !job.with_spare => {
                job.with_spare = true;
                return self.call(handle);
            }
            // The next real use decides.
            FailureKind::Definitive if job.asked_about => job.failure = Some(failure),
            FailureKind::Definitive => {
                // After a request without an answer this is what a lost answer looks like.
                job.mark = Some(Mark { needs_login: job.doubted, failure });
                return self.write_mark(handle);
            }
            // The intent stays open: whoever asks next must know.
            FailureKind::InDoubt => {
                job.failure = Some(failure);
                member.doubt_at = Some(now);
                return self.end_refresh(handle);
            }
            FailureKind::Misconfigured | FailureKind::Transient => job.failure = Some(failure),
        }
        if job.doubted {
            member.doubt_at = Some(now);
            // This request changed nothing; what became of the one before is as unknown as it was.
            return self.end_refresh(handle);
        }
        self.write_row(handle, Phase::Closing, RefreshRow { open: false, ..row });
    }

    /// Tokens, or no tokens, from a request that nobody waits for any more.
    pub(super) fn late(&mut self, handle: Handle, base: u64, completion: Completion) {
        let Completion::Refreshed { secret, expires, identity } = completion else {
            let _ = self.event(EventKind::StaleCompletion, Some(handle));
            return self.drop_completion(completion);
        };
        let fresh = Fresh { secret, expires, identity: *identity, base };
        let current = self.member(handle).is_some_and(|member| member.record.secret_version == base);
        match self.job(handle) {
            Some(job) if current && job.base == base && job.fresh.is_none() => job.fresh = Some(fresh),
            Some(_) => self.keep_spare(handle, secret),
            None => {
                self.start_refresh(handle, true, false, true);
                if let Some(job) = self.job(handle) {
                    job.fresh = Some(fresh);
                }
            }
        }
    }

    /// A refresh is over: the lease is given back, who waits is answered, the index learns of it.
    pub(super) fn end_refresh(&mut self, handle: Handle) {
        let Some(mut job) = self.member_mut(handle).and_then(|member| member.job.take()) else { return };
        self.refreshes.running -= u32::from(job.running);
        let Some(id) = self.member(handle).and_then(|member| member.id) else { return };
        if job.fence != 0 {
            self.effects.push(Effect::Release { id, fence: job.fence });
        }
        let failure = job.failure.take();
        if let Some(failure) = &failure {
            self.event(EventKind::RefreshFailed, Some(handle)).cause = Some(failure.code.clone());
            self.hold_refresh(handle, failure);
            self.not_renewed(handle, failure);
        } else {
            let wants = self.wants_refresh(handle);
            let (now, ineffective) = (self.now.mono, self.policy.refresh.ineffective);
            if let Some(member) = self.member_mut(handle) {
                member.hold_level = 0;
                member.hold_until = wants.then(|| now + ineffective);
            }
        }
        self.renewed.append(&mut job.callers);
        for (request, _) in job.waiting {
            match &failure {
                None => self.reply_refreshed(request, handle),
                Some(failure) => {
                    let definitive = failure.kind == FailureKind::Definitive;
                    self.reply(request, Reply::RefreshFailed { definitive, cause: failure.code.clone() });
                }
            }
        }
        self.look_at_clock(handle);
        self.set_timer(handle);
        self.somebody_returned = true;
    }

    /// How much of the provider's grace is left, where a refresh is in doubt.
    fn grace_left(&self, member: &Member) -> Option<Span> {
        let row = member.refresh_row;
        let open = row.open && row.base == member.record.secret_version && !member.secret.is_repeatable();
        let grace = self.facts_of[member.provider.0 as usize].grace.unwrap_or(self.policy.refresh.grace);
        open.then(|| Span(grace.0.saturating_sub(self.now.wall.since(row.at).0)))
    }

    /// After a failure nothing is asked for a while; where the policy says so the credential rests as long.
    pub(super) fn hold_refresh(&mut self, handle: Handle, failure: &RefreshFailure) {
        let rules = &self.policy.refresh;
        let cools = rules.cools && failure.kind != FailureKind::Definitive;
        let (backoff, longest, misconfigured) = (rules.backoff, rules.backoff_max, rules.misconfigured);
        let now = self.now;
        let longest_hint = self.policy.hints.max;
        let running = self.member(handle).and_then(|member| self.grace_left(member));
        let Some(member) = self.member_mut(handle) else { return };
        let mut doubled = backoff.0.saturating_mul(1 << member.hold_level.min(32)).min(longest.0);
        if let Some(left) = running {
            // In doubt the provider's grace is running: our patience must not wait the account away.
            doubled = doubled.min(LEAST_HOLD.0.max(left.0 / 2));
        }
        let wait = match failure.kind {
            FailureKind::Misconfigured => misconfigured,
            _ => Span(doubled.max(failure.retry_after.unwrap_or(Span::ZERO).min(longest_hint).0)),
        };
        member.hold_level = member.hold_level.saturating_add(1);
        member.hold_until = Some(now.mono + wait);
        if cools {
            let reason = Failure::new(Reason::Auth, Scope::Credential, None);
            let _ = self.cool(handle, ScopeKey::Credential, CooldownRule::flat(wait), &reason);
        }
    }

    /// A credential goes, and its refresh with it.
    #[inline(never)]
    pub(super) fn give_up_refresh(&mut self, handle: Handle) {
        let Some(member) = self.member_mut(handle) else { return };
        let (id, Some(mut job)) = (member.id, member.job.take()) else { return };
        self.refreshes.running -= u32::from(job.running);
        if let (Some(id), true) = (id, job.fence != 0) {
            self.effects.push(Effect::Release { id, fence: job.fence });
        }
        self.effects.extend(job.fresh.map(|fresh| Effect::DropSecret { secret: fresh.secret }));
        self.renewed.append(&mut job.callers);
        for (request, _) in job.waiting {
            self.fail(request, FailedCode::NotFound, "the credential was removed meanwhile");
        }
    }

    /// Takes over what the store keeps of a credential's refreshes.
    #[inline(never)]
    pub(super) fn adopt_refresh(&mut self, row: &Row) {
        let Some(handle) = self.handle_of(row) else {
            return self.effects.extend(row.secret.map(|secret| Effect::DropSecret { secret }));
        };
        let parsed = row.data.as_deref().and_then(|data| json::read::<RefreshRow>(data).ok());
        let (now, lease) = (self.now, self.policy.refresh.lease);
        let Some(member) = self.member_mut(handle) else { return };
        member.refresh_version = row.version;
        // A row that cannot be read is treated as an open intent: carefully.
        let unknown = RefreshRow {
            base: member.record.secret_version,
            open: row.data.is_some(),
            ..RefreshRow::default()
        };
        member.refresh_row = parsed.unwrap_or(unknown);
        // Somebody is at it, or was: by the end of his lease it is known which. It was taken before the intent was written: who comes
        // up later than that has nothing to wait for, and the provider's grace is running.
        let left = Span(lease.0.saturating_sub(now.wall.since(member.refresh_row.at).0));
        let open = member.refresh_row.open && member.job.is_none();
        member.doubt_at = open.then(|| now.mono + left);
        let old = std::mem::replace(&mut member.spare, row.secret);
        self.effects.extend(old.map(|secret| Effect::DropSecret { secret }));
        self.set_timer(handle);
    }
}
