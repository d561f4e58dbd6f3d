//! What opening a pool costs, part by part, and what it holds afterwards: the same calls that the WebAssembly makes.

use crate::allocations;
use crate::host::{row, WALL};
use credpool::json;
use credpool::pool::{HostEffect, Pool, PoolConfig, PoolInput};
use credpool::time::Now;
use std::time::Instant;

const ROUNDS: usize = 9;

/// The store's answer as it crosses: JSON.
fn text(size: u32) -> String {
    let rows: Vec<_> = (1..=size).map(row).collect();
    let rows: Vec<_> = rows
        .iter()
        .map(|row| {
            let id = row.id.credential().expect("a credential").0;
            serde_json::json!({ "kind": "credential", "id": id, "version": 1, "data": row.data, "secret": row.secret })
        })
        .collect();
    serde_json::json!({ "loaded": { "op": 1, "generation": 1, "rows": rows } }).to_string()
}

/// Loads so many credentials, several times, and prints the best time of each part.
pub(crate) fn measure(size: u32) {
    let text = text(size);
    let mut best = [f64::INFINITY; 3];
    let (mut held, mut most) = (0, 0);
    for _ in 0..ROUNDS {
        let now = Now::from_millis(WALL, 0);
        let before = allocations::held();
        let mut pool = Pool::new(PoolConfig::default(), now).expect("the policy is right");
        let asked = pool.handle(now, PoolInput::Load { request: credpool::id::RequestId(1) });
        assert!(matches!(asked.effects[..], [HostEffect::Load { .. }]), "a pool loads first");
        allocations::most();
        let started = Instant::now();
        let input: PoolInput = json::read(&text).expect("the text is right");
        let read = Instant::now();
        let step = pool.handle(now, input);
        let handled = Instant::now();
        let answer = json::write(&step);
        let printed = Instant::now();
        for (best, time) in best.iter_mut().zip([read - started, handled - read, printed - handled]) {
            *best = best.min(time.as_secs_f64() * 1e3);
        }
        most = allocations::most() - before;
        drop((step, answer));
        held = allocations::held() - before;
    }
    let [read, handle, print] = best;
    let each = |bytes: u64| bytes / u64::from(size);
    let row = serde_json::json!({
        "row": "load", "size": size, "read": read, "handle": handle, "print": print,
        "input": each(text.len() as u64), "held": each(held), "most": each(most),
    });
    println!("{row}");
}
