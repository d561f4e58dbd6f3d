//! A store in memory that keeps the contract of docs/stores.md: atomic commits, versions, ids that are never used again.

use super::scenario::Flaw;
use crate::engine::{RowId, RowKind};
use crate::pool::{MutationData, RowData};
use std::collections::BTreeMap;

#[derive(Default)]
pub(super) struct MemoryStore {
    rows: BTreeMap<(RowKind, RowId), Stored>,
    last_id: u64,
    pub(super) generation: u64,
    /// Rows that are gone, and the generation of their end.
    gone: BTreeMap<(RowKind, RowId), u64>,
    leases: BTreeMap<String, Lease>,
    /// By key: how often a lease was taken that its owner had not given back.
    pub(super) taken_over: BTreeMap<String, u64>,
    /// What is wrong with it.
    pub(super) flaw: Option<Flaw>,
}

#[derive(Clone)]
struct Stored {
    version: u64,
    generation: u64,
    data: Box<str>,
    secret: Option<Box<str>>,
}

#[derive(Clone, Copy)]
struct Lease {
    owner: u64,
    fence: u64,
    until: u64,
}

/// What came of a commit.
pub(super) enum Committed {
    Done(Vec<(RowId, u64)>),
    Conflict(Vec<RowData>),
}

impl MemoryStore {
    /// Rows that have changed after a generation; those that are gone without data.
    pub(super) fn load(&self, since: u64) -> Vec<RowData> {
        let changed = self.rows.iter().filter(|(_, row)| row.generation > since);
        let gone = self.gone.iter().filter(|(_, &at)| since > 0 && at > since);
        let changed = changed.map(|((kind, id), row)| row_data(*kind, id, Some(row)));
        changed.chain(gone.map(|((kind, id), _)| row_data(*kind, id, None))).collect()
    }

    /// Takes a lease; `None` where another has it.
    pub(super) fn lease(&mut self, key: String, owner: u64, until: u64, now: u64) -> Option<u64> {
        let held = self.leases.entry(key.clone()).or_insert(Lease { owner, fence: 0, until: 0 });
        let live = held.until > now;
        if held.until > 0 && !live && held.owner != owner {
            *self.taken_over.entry(key).or_default() += 1;
        }
        if live && held.owner != owner && self.flaw != Some(Flaw::LeaseToAll) {
            return None;
        }
        let fence = held.fence + u64::from(!live);
        *held = Lease { owner, fence, until };
        Some(fence)
    }

    /// Prolongs it; `None` where it was lost.
    pub(super) fn renew(&mut self, key: &str, owner: u64, fence: u64, until: u64, now: u64) -> Option<u64> {
        let held = self.leases.get_mut(key)?;
        let mine = held.owner == owner && held.fence == fence && held.until > now;
        mine.then(|| {
            held.until = until;
            fence
        })
    }

    /// Who has it now.
    pub(super) fn holder(&self, key: &str, now: u64) -> Option<u64> {
        self.leases.get(key).filter(|held| held.until > now).map(|held| held.owner)
    }

    /// A row's data and its secret's text.
    pub(super) fn row(&self, kind: RowKind, id: &RowId) -> Option<(&str, &str)> {
        let row = self.rows.get(&(kind, id.clone()))?;
        Some((&row.data, row.secret.as_deref().unwrap_or("")))
    }

    /// Gives it back.
    pub(super) fn release(&mut self, key: &str, owner: u64, fence: u64) {
        if let Some(held) = self.leases.get_mut(key) {
            if held.owner == owner && held.fence == fence {
                held.until = 0;
            }
        }
    }

    pub(super) fn commit(&mut self, mutations: Vec<MutationData>) -> Committed {
        let mut conflicts = Vec::new();
        for mutation in &mutations {
            if let (Some(id), Some(expects)) = (&mutation.id, mutation.expects) {
                let row = self.rows.get(&(mutation.kind, id.clone()));
                if row.map_or(0, |row| row.version) != expects {
                    conflicts.push(row_data(mutation.kind, id, row));
                }
            }
        }
        if !conflicts.is_empty() {
            return Committed::Conflict(conflicts);
        }
        self.generation += 1;
        let mut done = Vec::with_capacity(mutations.len());
        for MutationData { kind, id, data, secret, .. } in mutations {
            let id = id.unwrap_or_else(|| {
                self.last_id += 1;
                RowId::Number(self.last_id)
            });
            let version = self.rows.get(&(kind, id.clone())).map_or(0, |row| row.version) + 1;
            match data {
                Some(data) => {
                    let generation = self.generation;
                    let row = Stored { version, generation, data, secret: secret.map(Into::into) };
                    self.gone.remove(&(kind, id.clone()));
                    self.rows.insert((kind, id.clone()), row);
                }
                None => {
                    if self.rows.remove(&(kind, id.clone())).is_some() {
                        self.gone.insert((kind, id.clone()), self.generation);
                    }
                }
            }
            done.push((id, version));
        }
        Committed::Done(done)
    }
}

fn row_data(kind: RowKind, id: &RowId, row: Option<&Stored>) -> RowData {
    RowData {
        kind,
        id: id.clone(),
        version: row.map_or(0, |row| row.version),
        data: row.map(|row| row.data.clone()),
        secret: row.and_then(|row| row.secret.clone()),
    }
}
