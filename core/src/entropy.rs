//! Chance without a generator: a draw is a pure function of the seed, of what it is for, and of a number.
//!
//! The order of calls cannot matter, and a seed repeats a history. This is not secret randomness: PKCE verifiers, states
//! and nonces come from the host's generator.

/// What the draws of one pool grow from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed(pub u64);

/// What a draw is for: draws for different purposes are independent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Purpose {
    /// The jitter of a cooldown.
    Cooldown = 1,
    /// The jitter of a wait before the next round of a retry.
    Backoff = 2,
    /// The `uid` of a new credential.
    Uid = 3,
    /// The key of a name in a table.
    Name = 4,
    /// A choice by lot.
    Pick = 5,
    /// A credential's point on a circle.
    Point = 6,
    /// Where a session asks for the next point of a circle.
    Probe = 7,
    /// How much earlier than its lead a token is renewed.
    Refresh = 8,
    /// When an account's usage is asked for again.
    Usage = 9,
    /// How long what a simulated world does takes.
    World = 10,
}

impl Seed {
    /// 64 bits for the `n`th draw of a purpose about `key`.
    pub const fn draw(self, purpose: Purpose, key: u64, n: u64) -> u64 {
        mix(mix(mix(mix(self.0) ^ purpose as u64) ^ key) ^ n)
    }

    /// `length` lengthened by a share between 0 and `percent` of it.
    pub fn jitter(self, purpose: Purpose, key: u64, n: u64, length: u64, percent: u8) -> u64 {
        let percent = u64::from(percent.min(100));
        // The share of the length, in two parts that cannot overflow.
        let bound = length / 100 * percent + length % 100 * percent / 100;
        let drawn = (u128::from(self.draw(purpose, key, n)) * (u128::from(bound) + 1)) >> 64;
        length.saturating_add(drawn as u64)
    }

    /// 64 bits for some texts: who does not know the seed cannot find others for which they are the same.
    pub fn hash(self, purpose: Purpose, texts: &[&str]) -> u64 {
        let mut hash = mix(self.0) ^ purpose as u64;
        for text in texts {
            for piece in text.as_bytes().chunks(8) {
                hash = mix(hash ^ piece.iter().fold(0, |word, &byte| word << 8 | u64::from(byte)));
            }
            hash = mix(hash ^ text.len() as u64);
        }
        hash
    }
}

/// The finaliser of SplitMix64 (Steele, Lea, Flood 2014): every bit of the input moves about half of the output's.
const fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_repeat_and_differ_by_each_argument() {
        let seed = Seed(7);
        let base = seed.draw(Purpose::Cooldown, 1, 1);
        assert_eq!(base, seed.draw(Purpose::Cooldown, 1, 1));
        for other in [
            Seed(8).draw(Purpose::Cooldown, 1, 1),
            seed.draw(Purpose::Backoff, 1, 1),
            seed.draw(Purpose::Cooldown, 2, 1),
            seed.draw(Purpose::Cooldown, 1, 2),
        ] {
            assert_ne!(base, other);
        }
    }

    #[test]
    fn jitter_only_lengthens_and_by_no_more_than_its_share() {
        for n in 0..1000 {
            let length = Seed(n).jitter(Purpose::Cooldown, n, n, 1000, 10);
            assert!((1000..=1100).contains(&length));
        }
        assert_eq!(Seed(1).jitter(Purpose::Cooldown, 0, 0, u64::MAX, 100), u64::MAX);
        assert_eq!(Seed(1).jitter(Purpose::Cooldown, 0, 0, 50, 0), 50);
    }
}
