//! Writing what a refresh brought: new tokens before anybody may use them, what a failure leads to, and tokens that came too
//! late. Always by compare-and-swap on the credential's row and on the row of its refresh.

use super::refreshing::Written;
use super::{Effect, Engine, EventKind, Mutation, RowId, RowKind};
use crate::credential::{Fault, Record};
use crate::id::{CredentialId, Handle, SecretRef};
use crate::json;
use crate::refresh::{FailureKind, Mark, Phase, RefreshFailure, RefreshRow};
use crate::time::Span;

/// What the cause of a disabled account begins with, where its refresh failed: new tokens enable it again.
const CAUSE: &str = "oauth refresh failed: ";
/// What took an account out of use is remembered for so long, once it is in use again.
const FAULT_KEPT: Span = Span::from_days(30);

impl Engine {
    /// Writes new tokens: before anybody may use them.
    pub(super) fn save_tokens(&mut self, handle: Handle) {
        let now = self.now;
        let Some(member) = self.member(handle) else { return };
        let Some(job) = &member.job else { return };
        let Some(fresh) = &job.fresh else { return };
        if job.wrote(&member.refresh_row, member.record.secret_version) {
            return self.saved_before(handle);
        }
        if fresh.base != member.record.secret_version {
            return self.put_aside(handle);
        }
        let (ours, theirs) = (&member.record.identity.account_id, &fresh.identity.account_id);
        if let (Some(ours), Some(theirs)) = (ours, theirs) {
            if !ours.eq_ignore_ascii_case(theirs) {
                // Somebody else's tokens: they are refused, and the old ones may be gone.
                let secret = fresh.secret;
                let code = "other_account".into();
                let failure = RefreshFailure { kind: FailureKind::Definitive, code, retry_after: None };
                self.effects.push(Effect::DropSecret { secret });
                if let Some(job) = self.job(handle) {
                    job.fresh = None;
                    job.mark = Some(Mark { needs_login: true, failure });
                }
                return self.write_mark(handle);
            }
        }
        if !job.holds(now, Span::ZERO) {
            // Issued under a lease that is lost: committed under a fresh one.
            return self.ask_lease(handle);
        }
        let (secret, fence) = (fresh.secret, job.fence);
        let mut record = member.record.clone();
        record.secret_version += 1;
        record.expires = fresh.expires;
        record.renewed = Some(now.wall);
        record.needs_login = false;
        record.fault = record.fault.filter(|fault| now.wall.since(fault.at) <= FAULT_KEPT);
        record.identity.fill(&fresh.identity);
        if record.disabled_cause.as_deref().is_some_and(|cause| cause.starts_with(CAUSE)) {
            (record.enabled, record.disabled_cause) = (true, None);
        }
        let row = RefreshRow { fence, base: record.secret_version, at: now.wall, open: false };
        if let Some(job) = self.job(handle) {
            job.saved_under = fence;
        }
        self.write_record(handle, Phase::Saving, record, secret, row);
    }

    /// Writes what a failure leads to, if the row still holds what failed.
    pub(super) fn write_mark(&mut self, handle: Handle) {
        let now = self.now;
        let Some(member) = self.member(handle) else { return };
        let Some(job) = &member.job else { return };
        let Some(mark) = &job.mark else { return };
        if member.record.secret_version != job.base {
            return self.end_refresh(handle);
        }
        if !job.holds(now, Span::ZERO) {
            return self.ask_lease(handle);
        }
        let (secret, fence) = (member.secret, job.fence);
        let mut record = member.record.clone();
        let cause: Box<str> = [CAUSE, &*mark.failure.code].concat().into();
        record.fault = Some(Fault { cause: cause.clone(), at: now.wall });
        if mark.needs_login {
            record.needs_login = true;
        } else {
            record.enabled = false;
            record.disabled_cause = Some(cause);
        }
        let row = RefreshRow { fence, base: job.base, at: now.wall, open: false };
        self.write_record(handle, Phase::Marking, record, secret, row);
    }

    pub(super) fn write_record(
        &mut self,
        handle: Handle,
        phase: Phase,
        record: Record,
        secret: SecretRef,
        row: RefreshRow,
    ) {
        let Some(member) = self.member(handle) else { return };
        let Some(id) = member.id.map(|id| RowId::Number(id.0)) else { return };
        let credential = Mutation {
            kind: RowKind::Credential,
            id: Some(id),
            expects: Some(member.row_version),
            data: Some(json::write(&record).into()),
            secret: Some(secret),
        };
        // The spare has served its time, one way or the other.
        let Some(refresh) = self.row_mutation(handle, &row, None) else { return };
        let written = Written { record: Some(Box::new(record)), row };
        if let Some((op, _)) = self.refresh_op(handle, phase, Some(written)) {
            self.effects.push(Effect::Commit { op, mutations: vec![credential, refresh] });
        }
    }

    pub(super) fn row_mutation(
        &self,
        handle: Handle,
        row: &RefreshRow,
        secret: Option<SecretRef>,
    ) -> Option<Mutation> {
        let member = self.member(handle)?;
        Some(Mutation {
            kind: RowKind::Refresh,
            id: Some(RowId::Number(member.id?.0)),
            expects: Some(member.refresh_version),
            data: Some(json::write(row).into()),
            secret,
        })
    }

    /// The row as it is, where there is one.
    pub(super) fn refresh_row(&self, handle: Handle) -> Option<Mutation> {
        let member = self.member(handle).filter(|member| member.refresh_version > 0)?;
        self.row_mutation(handle, &member.refresh_row, member.spare)
    }

    pub(super) fn write_row(&mut self, handle: Handle, phase: Phase, row: RefreshRow) {
        let spare = self.member(handle).and_then(|member| member.spare);
        let Some(mutation) = self.row_mutation(handle, &row, spare) else { return };
        if let Some((op, _)) = self.refresh_op(handle, phase, Some(Written { record: None, row })) {
            self.effects.push(Effect::Commit { op, mutations: vec![mutation] });
        }
    }

    pub(super) fn wrote_row(&mut self, handle: Handle, version: Option<u64>, written: Option<Written>) {
        let Some(member) = self.member_mut(handle) else { return };
        if let (Some(version), Some(written)) = (version, written) {
            member.refresh_version = version;
            member.refresh_row = written.row;
            if !written.row.open {
                member.unsent.clear();
            }
        }
    }

    /// New tokens, or what a failure leads to, are in the store.
    pub(super) fn wrote_tokens(
        &mut self,
        handle: Handle,
        phase: Phase,
        mut written: Option<Written>,
        rows: &[(RowId, u64)],
    ) {
        let record = written.as_mut().and_then(|written| written.record.take());
        self.wrote_row(handle, written_version(rows, 1), written);
        let (Some(record), Some(member)) = (record, self.member_mut(handle)) else { return };
        if let Some(version) = written_version(rows, 0) {
            member.row_version = version;
        }
        let spare = member.spare.take();
        let fresh = member.job.as_mut().and_then(|job| job.fresh.take());
        self.effects.extend(spare.map(|secret| Effect::DropSecret { secret }));
        if phase == Phase::Saving {
            self.replace(handle, *record, fresh.map(|fresh| fresh.secret));
            let expires = self.member(handle).and_then(|member| member.record.expires);
            self.event(EventKind::Refreshed, Some(handle)).until = expires;
        } else {
            self.replace(handle, *record, None);
            let mark = self.job(handle).and_then(|job| job.mark.clone());
            if let Some(Mark { needs_login, failure }) = mark {
                let kind = if needs_login { EventKind::NeedsLogin } else { EventKind::Disabled };
                self.event(kind, Some(handle)).cause = Some([CAUSE, &*failure.code].concat().into());
                if let Some(job) = self.job(handle) {
                    job.failure = Some(RefreshFailure { kind: FailureKind::Definitive, ..failure });
                }
            }
        }
        self.end_refresh(handle);
    }

    /// Our own write, of which the store had said that it failed: done, and taken over with the row.
    fn saved_before(&mut self, handle: Handle) {
        if let Some(fresh) = self.job(handle).and_then(|job| job.fresh.take()) {
            self.effects.push(Effect::DropSecret { secret: fresh.secret });
        }
        let _ = self.event(EventKind::Refreshed, Some(handle));
        self.end_refresh(handle);
    }

    /// Others changed a row while we wrote tokens or a mark; their rows are taken over.
    pub(super) fn after_conflict(&mut self, id: CredentialId, phase: Phase) {
        let Some(handle) = self.find(id) else { return };
        let Some(member) = self.member(handle) else { return };
        let Some(job) = &member.job else { return };
        let (row, version, base) = (member.refresh_row, member.record.secret_version, job.base);
        if phase == Phase::Saving && job.wrote(&row, version) {
            return self.saved_before(handle);
        }
        if version == base && row.fence > job.fence {
            // Another took the lease: under a fresh one of ours it is decided what becomes of the tokens.
            if let Some(job) = self.job(handle) {
                job.lose();
            }
            return self.ask_lease(handle);
        }
        if phase == Phase::Saving && version != base {
            return self.put_aside(handle);
        }
        self.again(id);
    }

    /// Tokens that came when another's were in the row already: they may be the ones that live.
    pub(super) fn put_aside(&mut self, handle: Handle) {
        let Some(fresh) = self.job(handle).and_then(|job| job.fresh.take()) else { return };
        self.keep_spare(handle, fresh.secret);
        self.write_spare(handle);
    }

    pub(super) fn keep_spare(&mut self, handle: Handle, secret: SecretRef) {
        let Some(member) = self.member_mut(handle) else { return };
        let old = member.spare.replace(secret);
        self.effects.extend(old.map(|secret| Effect::DropSecret { secret }));
    }

    pub(super) fn write_spare(&mut self, handle: Handle) {
        let Some(member) = self.member(handle) else { return };
        if member.spare.is_none() {
            return self.end_refresh(handle);
        }
        let row = member.refresh_row;
        self.event(EventKind::RefreshFailed, Some(handle)).cause = Some("superseded: kept as a spare".into());
        self.write_row(handle, Phase::Sparing, row);
    }
}

/// The version that a commit gave to its nth row.
pub(super) fn written_version(rows: &[(RowId, u64)], at: usize) -> Option<u64> {
    rows.get(at).map(|(_, version)| *version)
}
