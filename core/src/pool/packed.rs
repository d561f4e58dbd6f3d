//! Many rows in two pieces: their numbers, and one text of all their texts. What a load crosses the boundary as.

use super::protocol::{PoolStep, RowData};
use super::Pool;
use crate::engine::{Input, Row, RowId, RowKind};
use crate::id::OpId;
use crate::time::Now;

/// Numbers of one row: kind, id, version, and the lengths in bytes of id, data and secret in the text. A kind is its place
/// in [`KINDS`]; an id is a number where its length is zero; what is absent has a length below zero.
const PER_ROW: usize = 6;

/// Kinds of rows by their numbers.
const KINDS: [RowKind; 6] =
    [RowKind::Credential, RowKind::Health, RowKind::Usage, RowKind::Tie, RowKind::Refresh, RowKind::Report];

impl Pool {
    /// Some of the rows of a load; [`PoolInput::Loaded`](super::PoolInput::Loaded) ends it. `None`, and nothing is taken,
    /// where numbers and text do not belong together.
    pub fn take_rows(&mut self, now: Now, op: OpId, numbers: &[f64], text: &str) -> Option<PoolStep> {
        let mut rows: Vec<Row> = Vec::with_capacity(numbers.len() / PER_ROW);
        let mut rest = text;
        for row in numbers.chunks(PER_ROW) {
            let Some(row) = unpack(row, &mut rest) else {
                self.drop_rows(rows);
                return None;
            };
            let row = self.keep_secret(row);
            rows.push(row);
        }
        if !rest.is_empty() {
            self.drop_rows(rows);
            return None;
        }
        let step = self.engine.handle(now, Input::Rows(op, rows));
        Some(self.present(now, step))
    }

    fn drop_rows(&mut self, rows: Vec<Row>) {
        for secret in rows.into_iter().filter_map(|row| row.secret) {
            self.vault.forget(secret);
        }
    }
}

fn unpack(numbers: &[f64], rest: &mut &str) -> Option<RowData> {
    let &[kind, id, version, id_length, data, secret] = numbers else { return None };
    let mut take = |length: f64| {
        let (text, after) = rest.split_at_checked(length as usize)?;
        *rest = after;
        Some(if length < 0.0 { None } else { Some(text.into()) })
    };
    let text_id: Option<Box<str>> = take(id_length)?;
    Some(RowData {
        kind: *KINDS.get(kind as usize)?,
        id: text_id.filter(|id| !id.is_empty()).map_or(RowId::Number(id as u64), RowId::Text),
        version: version as u64,
        data: take(data)?,
        secret: take(secret)?,
    })
}

#[cfg(test)]
mod tests {
    use super::super::{PoolConfig, PoolInput};
    use super::*;
    use crate::id::RequestId;
    use crate::json;

    fn loading() -> (Pool, Now, OpId) {
        let now = Now::from_millis(1_000, 0);
        let config: PoolConfig = json::read(r#"{"seed":1}"#).unwrap();
        let mut pool = Pool::new(config, now).unwrap();
        let _ = pool.handle(now, PoolInput::Load { request: RequestId(1) });
        (pool, now, OpId(1))
    }

    const RECORD: &str =
        r#"{"uid":"u","provider":"openai","name":"é","kind":"api_key","created":0,"secret_version":1}"#;

    #[test]
    fn rows_come_in_parts_and_count_when_all_have_come() {
        let (mut pool, now, op) = loading();
        for id in [7, 8] {
            let secret = format!(r#"{{"key":"k{id}"}}"#);
            let record = RECORD.replace("é", if id == 7 { "é" } else { "b" });
            let numbers = [0.0, f64::from(id), 3.0, 0.0, record.len() as f64, secret.len() as f64];
            let step = pool.take_rows(now, op, &numbers, &[record, secret].concat()).unwrap();
            assert!(step.events.is_empty() && step.effects.is_empty());
            let route = pool.route("openai", None);
            assert!(pool.engine().peek(route, crate::id::SessionIx::NONE).is_none(), "not before the end");
        }
        let step = pool.handle(now, PoolInput::Loaded { op, generation: 5, rows: Vec::new() });
        assert_eq!(step.effects.len(), 1, "the answer");
        let handle = pool.find_named("openai", "é").unwrap();
        assert_eq!(pool.secret(handle), Some("k7"));
        let route = pool.route("openai", None);
        assert!(pool.engine().peek(route, crate::id::SessionIx::NONE).is_some());
    }

    #[test]
    fn numbers_and_text_that_do_not_belong_together_take_nothing() {
        let (mut pool, now, op) = loading();
        let good = [0.0, 1.0, 1.0, 0.0, 2.0, 11.0];
        let text = r#"{}{"key":"k"}"#;
        for (at, wrong) in
            [(0, 9.0), (3, 1e9), (4, 3.0), (5, 12.0), (5, 10.0), (5, f64::NAN), (5, f64::INFINITY)]
        {
            let mut numbers = good;
            numbers[at] = wrong;
            assert!(pool.take_rows(now, op, &numbers, text).is_none(), "{at}: {wrong}");
        }
        assert!(pool.take_rows(now, op, &good[..5], text).is_none());
        assert!(
            pool.take_rows(now, op, &[0.0, 1.0, 1.0, 0.0, 1.0, 1.0], "é").is_none(),
            "within a character"
        );
        assert!(pool.vault.is_empty());
    }

    #[test]
    fn an_entry_is_outdated_once() {
        let (mut pool, now, op) = loading();
        let secret = r#"{"key":"k"}"#;
        let numbers = [0.0, 1.0, 1.0, 0.0, RECORD.len() as f64, secret.len() as f64];
        let _ = pool.take_rows(now, op, &numbers, &[RECORD, secret].concat());
        let step = pool.handle(now, PoolInput::Loaded { op, generation: 1, rows: Vec::new() });
        assert!(step.changed.is_empty(), "nobody has taken it");
        let handle = pool.find_named("openai", "é").unwrap();
        assert_eq!(pool.entry(handle).unwrap().secret, "k");
        let _ = pool.handle(now, PoolInput::Load { request: RequestId(2) });
        let step = pool.handle(now, PoolInput::Loaded { op: OpId(2), generation: 2, rows: Vec::new() });
        assert_eq!(step.changed, [handle], "it is gone");
        assert!(pool.entry(handle).is_none());
    }

    #[test]
    fn what_others_changed_is_taken_over_by_itself() {
        let (mut pool, now, op) = loading();
        let row = |id: u64, version: u64, name: &str, secret: Option<&str>| {
            let data = secret.map(|_| RECORD.replace('é', name).into());
            RowData {
                kind: RowKind::Credential,
                id: RowId::Number(id),
                version,
                data,
                secret: secret.map(Into::into),
            }
        };
        let rows = vec![row(1, 1, "a", Some(r#"{"key":"1"}"#)), row(2, 1, "b", Some(r#"{"key":"2"}"#))];
        let _ = pool.handle(now, PoolInput::Loaded { op, generation: 1, rows });
        let handle = pool.find_named("openai", "a").unwrap();
        let _ = pool.entry(handle);
        let changed = vec![
            row(1, 2, "a", Some(r#"{"key":"new"}"#)),
            row(2, 0, "b", None),
            row(3, 1, "c", Some(r#"{"key":"3"}"#)),
        ];
        let step = pool.handle(now, PoolInput::Changed { generation: 4, rows: changed });
        assert_eq!(step.changed, [handle], "whoever has it forgets the old secret");
        assert_eq!(pool.secret(handle), Some("new"));
        assert!(pool.find_named("openai", "b").is_none());
        assert_eq!(pool.secret(pool.find_named("openai", "c").unwrap()), Some("3"));
        // The same once more changes nothing.
        let same = vec![row(1, 2, "a", Some(r#"{"key":"new"}"#))];
        let step = pool.handle(now, PoolInput::Changed { generation: 4, rows: same });
        assert!(step.changed.is_empty() && step.events.is_empty());
    }
}
