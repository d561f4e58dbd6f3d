//! The yardstick of what meets somebody at random: reads of so many items of 32 bytes, each of which says which is next.

use std::hint::black_box;
use std::time::Instant;

const READS: usize = 1 << 18;
const ROUNDS: usize = 9;

#[derive(Clone, Copy)]
#[repr(align(32))]
struct Item {
    next: u32,
    uses: u32,
}

/// One circle through all items, in an order that no prefetcher foresees (Sattolo 1986).
fn circle(size: u32) -> Vec<Item> {
    let mut order: Vec<u32> = (0..size).collect();
    let mut state = 1_u64;
    for at in (1..size as usize).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        order.swap(at, (state >> 33) as usize % at);
    }
    order.into_iter().map(|next| Item { next, uses: 0 }).collect()
}

/// Prints what a read and a write of one costs, where the next cannot begin before it has ended.
pub(crate) fn measure(sizes: &[u32]) {
    let mut all: Vec<_> = sizes.iter().map(|&size| (size, circle(size), f64::INFINITY)).collect();
    for _ in 0..ROUNDS {
        for (_, items, best) in &mut all {
            let mut at = 0;
            let started = Instant::now();
            for _ in 0..READS {
                let item = &mut items[at as usize];
                item.uses += 1;
                at = item.next;
            }
            *best = best.min(started.elapsed().as_secs_f64() * 1e9 / READS as f64);
            black_box(at);
        }
    }
    for (size, items, best) in &all {
        let uses = items.iter().map(|item| u64::from(item.uses)).sum::<u64>();
        assert_eq!(uses, (READS * ROUNDS) as u64, "each read is counted");
        let row = serde_json::json!({ "row": "random reads", "size": size, "pick": { "min": best, "median": best } });
        println!("{row}");
    }
}
