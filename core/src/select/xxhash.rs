//! xxHash32 (Collet, `xxhash_spec.md` 0.1.1): the hash by which oh-my-pi gives a session its account. Sessions that come from
//! there find theirs again.

const PRIMES: [u32; 5] = [0x9e37_79b1, 0x85eb_ca77, 0xc2b2_ae3d, 0x27d4_eb2f, 0x1656_67b1];

fn word(bytes: &[u8]) -> u32 {
    bytes.iter().rev().fold(0, |word, &byte| word << 8 | u32::from(byte))
}

/// The hash with seed 0.
pub(super) fn xxhash32(text: &[u8]) -> u32 {
    let [p1, p2, p3, p4, p5] = PRIMES;
    let stripes = text.chunks_exact(16);
    let rest = stripes.remainder();
    let mut hash = if text.len() < 16 {
        p5
    } else {
        let mut lanes = [p1.wrapping_add(p2), p2, 0, 0_u32.wrapping_sub(p1)];
        for stripe in stripes {
            for (lane, bytes) in lanes.iter_mut().zip(stripe.chunks_exact(4)) {
                *lane = lane.wrapping_add(word(bytes).wrapping_mul(p2)).rotate_left(13).wrapping_mul(p1);
            }
        }
        let turned = lanes.iter().zip([1, 7, 12, 18]).map(|(lane, by)| lane.rotate_left(by));
        turned.fold(0, u32::wrapping_add)
    };
    hash = hash.wrapping_add(text.len() as u32);
    let words = rest.chunks_exact(4);
    let last = words.remainder();
    for bytes in words {
        hash = hash.wrapping_add(word(bytes).wrapping_mul(p3)).rotate_left(17).wrapping_mul(p4);
    }
    for &byte in last {
        hash = hash.wrapping_add(u32::from(byte).wrapping_mul(p5)).rotate_left(11).wrapping_mul(p1);
    }
    hash = (hash ^ hash >> 15).wrapping_mul(p2);
    hash = (hash ^ hash >> 13).wrapping_mul(p3);
    hash ^ hash >> 16
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors of oh-my-pi's sessions, and those of the specification's reference for longer texts.
    #[test]
    fn it_is_xxhash32() {
        for (text, hash) in [
            ("session-1", 0xb576_d72d),
            ("session-2", 0xa283_ec13),
            ("session-3", 0x39a9_d967),
            ("session-a", 0xe09f_92b7),
            ("session-b", 0x188a_3af5),
            ("sess", 0xb393_d742),
            ("s", 0x3a10_89b2),
            ("0", 0x4845_4cb2),
            ("conversation-0001-long-id-xyz", 0xd9bb_7cd7),
            ("Ünï-✓", 0xeb01_5383),
            ("aaaaaaaaaaaaaaaa", 0x5dac_dd8c),
            ("", 0x02cc_5d05),
        ] {
            assert_eq!(xxhash32(text.as_bytes()), hash, "{text}");
        }
    }
}
