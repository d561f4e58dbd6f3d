//! Every fuzz target with some thousand inputs, the same in every run: mutations of good inputs and plain noise. No
//! nightly compiler, no libFuzzer; so `npm test` runs it.

use credpool_fuzz::{import, Target, TARGETS};
use std::time::{Duration, Instant};

const INPUTS: u32 = 4000;

/// Pieces that parsers care about.
const PIECES: [&[u8]; 28] = [
    b"0",
    b"9",
    b"-",
    b".",
    b":",
    b",",
    b"\"",
    b"{",
    b"}",
    b"[",
    b"]",
    b"\n",
    b"\r\n",
    b" ",
    b"%",
    b"*",
    b"=",
    b";",
    b"\xff",
    b"\xc3",
    b"\xf0\x9f\x92\xa5",
    b"\x00",
    b"null",
    b"1e999",
    b"99999999999999999999",
    b"ms",
    b"error",
    b"\\u0000",
];

/// xorshift64*
struct Noise(u64);

impl Noise {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % bound.max(1)
    }

    fn mutate(&mut self, data: &mut Vec<u8>) {
        let at = self.below(data.len() + 1);
        match self.below(7) {
            0 => data.truncate(at),
            1 => drop(data.splice(at..at, PIECES[self.below(PIECES.len())].iter().copied())),
            2 if at < data.len() => data[at] = self.below(256) as u8,
            3 if at < data.len() => data[at] ^= 1 << self.below(8),
            4 => {
                let end = at + self.below(data.len() + 1 - at);
                let piece = data[at..end].to_vec();
                for _ in 0..=self.below(3) {
                    data.splice(at..at, piece.iter().copied());
                }
            }
            5 => {
                let end = at + self.below(data.len() + 1 - at);
                data.drain(at..end);
            }
            _ => data.push(self.below(256) as u8),
        }
        data.truncate(1 << 14);
    }
}

/// Every target there is.
fn all() -> impl Iterator<Item = &'static Target> {
    TARGETS.iter().chain(import::TARGETS)
}

#[test]
fn no_input_breaks_a_parser() {
    for target in all() {
        let mut noise = Noise(0x9e37_79b9_7f4a_7c15);
        let started = Instant::now();
        for round in 0..INPUTS {
            let mut data = if round % 8 == 7 {
                (0..noise.below(200)).map(|_| noise.below(256) as u8).collect()
            } else {
                target.seeds[noise.below(target.seeds.len())].as_bytes().to_vec()
            };
            // The first inputs are the seeds as they are.
            if round as usize >= target.seeds.len() {
                for _ in 0..=noise.below(12) {
                    noise.mutate(&mut data);
                }
            }
            let one = Instant::now();
            (target.run)(&data);
            assert!(
                one.elapsed() < Duration::from_secs(5),
                "{}: {:?}",
                target.name,
                String::from_utf8_lossy(&data)
            );
        }
        println!("{}: {INPUTS} inputs in {:?}", target.name, started.elapsed());
    }
}

#[test]
fn giants_end_soon() {
    for target in all() {
        for seed in target.seeds {
            let mut giant = seed.as_bytes().repeat((1 << 20) / seed.len() + 1);
            (target.run)(&giant);
            giant.iter_mut().for_each(|byte| *byte = b'[');
            (target.run)(&giant);
        }
    }
}
