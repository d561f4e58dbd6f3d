//! A store in memory that keeps the contract of docs/stores.md: atomic commits, versions, ids that are never used again.

use crate::engine::{RowId, RowKind};
use crate::pool::{MutationData, RowData};
use std::collections::BTreeMap;

#[derive(Default)]
pub(super) struct MemoryStore {
    rows: BTreeMap<(RowKind, RowId), Stored>,
    last_id: u64,
    pub(super) generation: u64,
}

#[derive(Clone)]
struct Stored {
    version: u64,
    data: Box<str>,
    secret: Option<Box<str>>,
}

/// What came of a commit.
pub(super) enum Committed {
    Done(Vec<(RowId, u64)>),
    Conflict(Vec<RowData>),
}

impl MemoryStore {
    pub(super) fn load(&self) -> Vec<RowData> {
        self.rows.iter().map(|((kind, id), row)| row_data(*kind, id, Some(row))).collect()
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
                    let row = Stored { version, data, secret: secret.map(Into::into) };
                    self.rows.insert((kind, id.clone()), row);
                }
                None => {
                    self.rows.remove(&(kind, id.clone()));
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
