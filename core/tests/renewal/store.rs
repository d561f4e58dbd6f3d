//! The one store that all processes share: atomic commits, versions, generations, leases with fences.

use credpool::engine::{RowId, RowKind};
use credpool::id::OpId;
use credpool::pool::{MutationData, PoolInput, RowData};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Default)]
pub(crate) struct Store {
    pub(crate) rows: BTreeMap<(RowKind, RowId), Stored>,
    /// Which row was changed by a generation: nobody looks at all of them for a few that are new.
    changed: BTreeMap<u64, Vec<(RowKind, RowId)>>,
    leases: BTreeMap<String, (u64, u64, u64)>,
    generation: u64,
    last_id: u64,
    /// Every access token that was ever durable.
    pub(crate) durable: BTreeSet<String>,
}

pub(crate) struct Stored {
    version: u64,
    generation: u64,
    pub(crate) data: Box<str>,
    pub(crate) secret: Option<Box<str>>,
}

/// The text of a field of a stored secret.
pub(crate) fn part<'a>(secret: &'a str, field: &str) -> Option<&'a str> {
    let rest = secret.split_once(&format!("\"{field}\":\""))?.1;
    rest.split_once('"').map(|(text, _)| text)
}

impl Store {
    pub(crate) fn load(&self, op: OpId, since: u64) -> PoolInput {
        let newer =
            self.changed.range(since + 1..).flat_map(|(at, keys)| keys.iter().map(move |key| (*at, key)));
        let current = newer.filter(|(at, key)| self.rows.get(key).is_some_and(|row| row.generation == *at));
        let mut keys: Vec<_> = current.map(|(_, key)| key).collect();
        keys.sort();
        keys.dedup();
        let rows =
            keys.into_iter().map(|(kind, id)| data(*kind, id, self.rows.get(&(*kind, id.clone())))).collect();
        PoolInput::Loaded { op, generation: self.generation, rows }
    }

    pub(crate) fn commit(&mut self, op: OpId, mutations: Vec<MutationData>) -> PoolInput {
        let version = |id: &Option<RowId>, kind| {
            id.as_ref().and_then(|id| self.rows.get(&(kind, id.clone()))).map_or(0, |row| row.version)
        };
        let differs = |one: &&MutationData| one.expects.is_some_and(|is| version(&one.id, one.kind) != is);
        let conflicts: Vec<_> = mutations
            .iter()
            .filter(differs)
            .filter_map(|one| {
                let id = one.id.clone()?;
                Some(data(one.kind, &id, self.rows.get(&(one.kind, id.clone()))))
            })
            .collect();
        if !conflicts.is_empty() {
            return PoolInput::Conflict { op, rows: conflicts };
        }
        self.generation += 1;
        let mut done = Vec::new();
        for MutationData { kind, id, data, secret, .. } in mutations {
            let id = id.unwrap_or_else(|| {
                self.last_id += 1;
                RowId::Number(self.last_id)
            });
            let version = self.rows.get(&(kind, id.clone())).map_or(0, |row| row.version) + 1;
            if let Some(access) = secret.as_deref().and_then(|secret| part(secret, "access")) {
                self.durable.insert(access.to_owned());
            }
            if let Some(data) = data {
                let row =
                    Stored { version, generation: self.generation, data, secret: secret.map(Into::into) };
                self.changed.entry(self.generation).or_default().push((kind, id.clone()));
                self.rows.insert((kind, id.clone()), row);
            }
            done.push((id, version));
        }
        PoolInput::Committed { op, generation: self.generation, rows: done }
    }

    pub(crate) fn lease(&mut self, op: OpId, key: String, owner: u64, ttl: u64, now: u64) -> PoolInput {
        let held = self.leases.entry(key).or_insert((owner, 0, 0));
        let live = held.2 > now;
        if live && held.0 != owner {
            return PoolInput::Busy { op };
        }
        *held = (owner, held.1 + u64::from(!live), now + ttl);
        PoolInput::Leased { op, fence: held.1 }
    }

    pub(crate) fn renew(
        &mut self,
        op: OpId,
        key: &str,
        owner: u64,
        fence: u64,
        until: u64,
        now: u64,
    ) -> PoolInput {
        match self.leases.get_mut(key) {
            Some(held) if held.0 == owner && held.1 == fence && held.2 > now => {
                held.2 = until;
                PoolInput::Leased { op, fence }
            }
            _ => PoolInput::Busy { op },
        }
    }

    pub(crate) fn release(&mut self, key: &str, owner: u64, fence: u64) {
        if let Some(held) = self.leases.get_mut(key).filter(|held| held.0 == owner && held.1 == fence) {
            held.2 = 0;
        }
    }
}

fn data(kind: RowKind, id: &RowId, row: Option<&Stored>) -> RowData {
    RowData {
        kind,
        id: id.clone(),
        version: row.map_or(0, |row| row.version),
        data: row.map(|row| row.data.clone()),
        secret: row.and_then(|row| row.secret.clone()),
    }
}
