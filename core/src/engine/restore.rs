//! An engine's whole state as rows, and an engine made of them: what a store would hold if everything were written now.

use super::loading::Loading;
use super::{Engine, Row, RowId, RowKind};
use crate::entropy::Seed;
use crate::id::Handle;
use crate::json;
use crate::policy::Policy;
use crate::time::Now;

impl Engine {
    /// Everything that outlives the process. Secrets are references: what holds them must live as long.
    ///
    /// Volatile, and so not in it: leases, cursors, waiting callers, credentials that are not stored.
    pub fn rows(&self) -> Vec<Row> {
        let mut rows = Vec::new();
        for (_, &handle) in self.by_id.iter() {
            rows.extend(self.credential_row(handle));
            let health = self.member(handle).is_some_and(|member| !member.health.is_empty());
            let mutations =
                [health.then(|| self.health_mutation(handle)).flatten(), self.usage_mutation(handle)];
            rows.extend(mutations.into_iter().flatten().filter_map(as_row));
            rows.extend(self.refresh_row(handle).and_then(as_row));
        }
        rows.extend(self.ties.all().filter_map(|tie| as_row(self.tie_mutation(tie)?)));
        rows
    }

    /// An engine as it was when `rows` were taken: the same credentials, cooldowns, ladders, ties and last uses.
    ///
    /// Total: a row that cannot be read is left out, and told in an event of the first step, which also reveals the
    /// secrets.
    pub fn restore(policy: Policy, seed: Seed, rows: Vec<Row>, now: Now) -> Self {
        let mut engine = Self::new(policy, seed, now);
        engine.advance(now);
        let mut all = Loading::default();
        engine.adopt_rows(rows, &mut all);
        engine.adopted_all(&all);
        engine
    }

    fn credential_row(&self, handle: Handle) -> Option<Row> {
        let member = self.member(handle)?;
        Some(Row {
            kind: RowKind::Credential,
            id: RowId::Number(member.id?.0),
            version: member.row_version,
            data: Some(json::write(&member.record).into()),
            secret: Some(member.secret),
        })
    }
}

fn as_row(mutation: super::Mutation) -> Option<Row> {
    let super::Mutation { kind, id, expects, data, secret } = mutation;
    Some(Row { kind, id: id?, version: expects.unwrap_or(0), data, secret })
}
