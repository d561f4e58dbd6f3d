//! Taking over what the store holds: everything at a load, single rows after a conflict.

use super::member::ScopeKey;
use super::row_data::{HealthRow, TieRow, UsageRow};
use super::saving::PendingOp;
use super::{Effect, Engine, EventKind, Row, RowId, RowKind, PROVIDER_KEY};
use crate::cooldown::CooldownRow;
use crate::credential::Record;
use crate::id::{Handle, OpId, ProviderIx};
use crate::json;

/// Small numbers that were noted.
#[derive(Debug, Default)]
pub(super) struct Noted(Vec<bool>);

impl Noted {
    fn set(&mut self, number: u32) {
        let at = number as usize;
        if at >= self.0.len() {
            self.0.resize(at + 1, false);
        }
        self.0[at] = true;
    }

    fn get(&self, number: u32) -> bool {
        self.0.get(number as usize).is_some_and(|&noted| noted)
    }
}

/// Providers whose tables are to be laid out anew, once, when everything has come.
pub(super) type Providers = Noted;

impl Providers {
    pub(super) fn add(&mut self, provider: Option<ProviderIx>) {
        if let Some(ProviderIx(number)) = provider {
            self.set(number);
        }
    }
}

/// A load that is under way.
#[derive(Debug, Default)]
pub(super) struct Loading {
    pub(super) touched: Providers,
    /// Handles of the stored credentials that have come.
    seen: Noted,
    unreadable_ties: bool,
    /// Those whose usage report has come.
    reported: Vec<Handle>,
}

impl Engine {
    /// A load is done.
    pub(super) fn loaded(&mut self, generation: u64, rows: Vec<Row>, all: Option<Loading>) {
        self.generation = self.generation.max(generation);
        self.seen = generation;
        match all {
            Some(mut so_far) => {
                self.adopt_rows(rows, &mut so_far);
                self.adopted_all(&so_far);
            }
            None => self.adopt_changed(rows),
        }
    }

    /// Takes over rows that have changed.
    pub(super) fn adopt_changed(&mut self, rows: Vec<Row>) {
        let (credentials, others): (Vec<_>, Vec<_>) =
            rows.into_iter().partition(|row| row.kind == RowKind::Credential);
        let mut touched = Providers::default();
        for row in credentials {
            touched.add(self.adopt_credential_unseated(row));
        }
        self.lay_out_all(&touched);
        for row in &others {
            match row.kind {
                RowKind::Health => {
                    if let Some(handle) = self.handle_of(row) {
                        self.merge_health(handle, row);
                    }
                }
                RowKind::Usage => self.adopt_usage(row),
                RowKind::Refresh => self.adopt_refresh(row),
                RowKind::Report => {
                    if let Some(handle) = self.adopt_report(row) {
                        self.look_at_usage(handle);
                    }
                }
                RowKind::Tie | RowKind::Credential => self.drop_secrets(std::slice::from_ref(row)),
            }
        }
    }

    /// Takes over some of the rows of a load that is under way.
    pub(super) fn take_rows(&mut self, op: OpId, rows: Vec<Row>) {
        match self.ops.remove(&op) {
            Some(PendingOp::Load { request, mut so_far }) => {
                self.adopt_rows(rows, &mut so_far);
                self.ops.insert(op, PendingOp::Load { request, so_far });
            }
            Some(reading @ PendingOp::Refresh { .. }) => {
                self.ops.insert(op, reading);
                self.adopt_changed(rows);
            }
            other => {
                if let Some(other) = other {
                    self.ops.insert(op, other);
                }
                let _ = self.event(EventKind::StaleCompletion, None);
                self.drop_secrets(&rows);
            }
        }
    }

    pub(super) fn adopt_rows(&mut self, rows: Vec<Row>, so_far: &mut Loading) {
        let mut others = Vec::new();
        for row in rows {
            if row.kind != RowKind::Credential {
                others.push(row);
                continue;
            }
            let id = row.id.credential();
            so_far.touched.add(self.adopt_credential_unseated(row));
            if let Some(&handle) = id.and_then(|id| self.by_id.get(&id)) {
                so_far.seen.set(handle.0);
            }
        }
        for row in &others {
            match row.kind {
                RowKind::Health => {
                    if let Some(handle) = self.handle_of(row) {
                        self.merge_health(handle, row);
                        so_far.touched.add(self.member(handle).map(|member| member.provider));
                    }
                }
                RowKind::Usage => self.adopt_usage(row),
                RowKind::Refresh => self.adopt_refresh(row),
                RowKind::Report => {
                    if let Some(handle) = self.adopt_report(row) {
                        so_far.reported.push(handle);
                    }
                }
                RowKind::Tie => so_far.unreadable_ties |= self.adopt_tie(row).is_none(),
                RowKind::Credential => {}
            }
        }
    }

    /// Everything has come: stored credentials that did not are gone.
    pub(super) fn adopted_all(&mut self, so_far: &Loading) {
        let stored = self.by_id.iter().map(|(_, &handle)| handle);
        for handle in stored.filter(|handle| !so_far.seen.get(handle.0)).collect::<Vec<_>>() {
            let _ = self.event(EventKind::Removed, Some(handle));
            self.take_away(handle);
        }
        self.lay_out_all(&so_far.touched);
        for &handle in &so_far.reported {
            self.look_at_usage(handle);
        }
        if so_far.unreadable_ties {
            self.event(EventKind::PersistFailed, None).cause = Some("a tie's row cannot be read".into());
        }
        self.ties.all_saved();
        self.somebody_returned = true;
    }

    /// Lays tables out anew; says whether there were any.
    pub(super) fn lay_out_all(&mut self, touched: &Providers) -> bool {
        for (number, _) in (0..).zip(&touched.0).filter(|(_, &touched)| touched) {
            self.lay_out(ProviderIx(number));
        }
        !touched.0.is_empty()
    }

    pub(super) fn handle_of(&self, row: &Row) -> Option<Handle> {
        self.by_id.get(&row.id.credential()?).copied()
    }

    pub(super) fn adopt_credential(&mut self, row: Row) {
        if let Some(provider) = self.adopt_credential_unseated(row) {
            self.lay_out(provider);
        }
    }

    /// Takes over a credential's row. Returns the provider whose table is to be laid out anew.
    pub(super) fn adopt_credential_unseated(&mut self, row: Row) -> Option<ProviderIx> {
        let id = row.id.credential()?;
        let known = self.by_id.get(&id).copied();
        let Some(data) = row.data.as_deref() else {
            if let Some(handle) = known {
                let _ = self.event(EventKind::Removed, Some(handle));
                self.take_away(handle);
            }
            return None;
        };
        let (record, secret) = match (json::read::<Record>(data), row.secret) {
            (Ok(record), Some(secret)) => (record, secret),
            (parsed, secret) => {
                // Kept in the store as it is: somebody may mend it.
                let what =
                    parsed.err().map_or_else(|| "it has no secret".to_owned(), |error| error.to_string());
                self.event(EventKind::PersistFailed, None).cause =
                    Some(format!("credential {id} cannot be read and is left out: {what}").into());
                self.effects.extend(secret.map(|secret| Effect::DropSecret { secret }));
                return None;
            }
        };
        if let Some(handle) = known {
            let newer = self.member(handle).is_some_and(|member| member.row_version != row.version);
            if !newer {
                self.effects.push(Effect::DropSecret { secret });
                return None;
            }
            if let Some(member) = self.member_mut(handle) {
                member.row_version = row.version;
            }
            self.replace(handle, record, Some(secret));
            let _ = self.event(EventKind::Updated, Some(handle));
            return self.member(handle).map(|member| member.provider);
        }
        let handle = self.enlist_stored(record, id, secret)?;
        let member = self.member_mut(handle)?;
        member.row_version = row.version;
        Some(member.provider)
    }

    /// Takes over another's view of a credential's health: the later end, the higher level.
    pub(super) fn merge_health(&mut self, handle: Handle, row: &Row) {
        let parsed = row.data.as_deref().map(json::read::<HealthRow>);
        let Some(Ok(parsed)) = parsed else {
            if let Some(member) = self.member_mut(handle) {
                member.health_version = row.version;
            }
            if parsed.is_some() {
                self.event(EventKind::PersistFailed, Some(handle)).cause =
                    Some("its health cannot be read".into());
            }
            return;
        };
        let now = self.now;
        for (name, row) in parsed.scopes.iter() {
            let Some(scope) = self.scope_named(name) else { continue };
            let gently = self.policy.return_;
            let Some(member) = self.member_mut(handle) else { return };
            let state = member.scope_mut(&scope);
            let merged =
                if state.remembers() { CooldownRow::of(state, now).merged(row, now) } else { row.clone() };
            state.become_merged(merged.restore(gently, now));
            // An end beyond its own length: the clock went back since it was written. Written anew it is right again.
            if merged.until.since(now.wall) > merged.length {
                self.note_unsaved_health(handle);
            }
            self.restand(handle, scope.model());
        }
        if let Some(member) = self.member_mut(handle) {
            member.health_version = row.version;
        }
        self.set_timer(handle);
        self.remember(handle);
    }

    pub(super) fn adopt_usage(&mut self, row: &Row) {
        let Some(handle) = self.handle_of(row) else { return };
        let parsed = row.data.as_deref().and_then(|data| json::read::<UsageRow>(data).ok());
        let Some(parsed) = parsed else { return };
        let at = handle.0 as usize;
        self.hot[at].used = self.hot[at].used.max(parsed.last_used.saturating_mul(1024));
        self.last_use = self.last_use.max(self.hot[at].used);
        if let (Some(spent), Some(gate)) = (parsed.spent, &mut self.gates[at]) {
            gate.restore(spent, self.now);
            self.look_at_gate(handle, self.now.mono);
        }
        if let Some(member) = self.member_mut(handle) {
            let known = (member.success, member.failure);
            member.success = member.success.max(parsed.success);
            member.failure = member.failure.max(parsed.failure);
            // What was counted before this pool, or by another one, is not of these ten minutes.
            member.tally.pass_over(member.success - known.0, member.failure - known.1);
        }
    }

    pub(super) fn adopt_tie(&mut self, row: &Row) -> Option<()> {
        let RowId::Text(id) = &row.id else { return None };
        let row: TieRow = json::read(row.data.as_deref()?).ok()?;
        let mut parts = id.splitn(3, '/');
        let (high, low) = parts.next()?.split_at_checked(16)?;
        let half = |digits| u64::from_str_radix(digits, 16).ok().map(u128::from);
        let session = half(high)? << 64 | half(low)?;
        let provider = parts.next()?;
        let key = match parts.next() {
            None => self.provider_ix(provider).0 | PROVIDER_KEY,
            Some(model) => self.route(provider, Some(model).filter(|model| !model.is_empty()), false).0,
        };
        // A tie to somebody who is gone is no tie; one from the future of a clock that was wrong is from now.
        if let Some(&handle) = self.by_id.get(&row.credential) {
            let used = self.now.mono_of(row.used.min(self.now.wall));
            let age = self.now.wall.since(row.used);
            if age < self.policy.affinity.ttl {
                self.ties.restore(session, key, handle, used, self.policy.affinity.max);
            }
        }
        Some(())
    }

    pub(super) fn drop_secrets(&mut self, rows: &[Row]) {
        let secrets = rows.iter().filter_map(|row| row.secret);
        self.effects.extend(secrets.map(|secret| Effect::DropSecret { secret }));
    }

    pub(super) fn scope_name(&self, scope: &ScopeKey) -> Box<str> {
        match scope {
            ScopeKey::Credential => "credential".into(),
            ScopeKey::Apart => "apart".into(),
            ScopeKey::Model(model) => format!("model:{}", self.models.text(model.0)).into(),
            ScopeKey::Meter(name) => format!("meter:{name}").into(),
        }
    }

    pub(super) fn scope_named(&mut self, name: &str) -> Option<ScopeKey> {
        match name {
            "credential" => return Some(ScopeKey::Credential),
            "apart" => return Some(ScopeKey::Apart),
            _ => {}
        }
        if let Some(model) = name.strip_prefix("model:") {
            return Some(ScopeKey::Model(self.model_ix(model)));
        }
        Some(ScopeKey::Meter(name.strip_prefix("meter:")?.into()))
    }
}
