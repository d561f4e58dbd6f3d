//! Proof Key for Code Exchange (RFC 7636): the only method is S256.

use crate::wire::base64::encode_url;
use sha2::{Digest, Sha256};

/// The challenge of a verifier: base64url of its SHA-256 (RFC 7636 §4.2).
pub fn challenge(verifier: &str) -> String {
    encode_url(&Sha256::digest(verifier))
}

/// May a text be a verifier: 43 to 128 of `A-Z a-z 0-9 - . _ ~` (RFC 7636 §4.1)? Anything shorter could be guessed, so the same
/// holds for every secret that a host draws for a login.
pub fn is_verifier(text: &str) -> bool {
    (43..=128).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
}

/// Are both the same? Takes as long where they differ at once as where they differ at their end.
pub fn same_secret(one: &str, other: &str) -> bool {
    let (one, other) = (Sha256::digest(one), Sha256::digest(other));
    let differs = one.iter().zip(other).fold(0, |differs, (one, other)| differs | (one ^ other));
    core::hint::black_box(differs) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_7636_appendix_b() {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert!(is_verifier(verifier));
        assert_eq!(challenge(verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn what_is_no_verifier() {
        for bad in ["", &"a".repeat(42), &"a".repeat(129), &"a+".repeat(30), &"ä".repeat(40)] {
            assert!(!is_verifier(bad), "{bad}");
        }
    }

    #[test]
    fn secrets_are_compared_as_wholes() {
        assert!(same_secret("a", "a") && same_secret("", ""));
        assert!(!same_secret("a", "b") && !same_secret("a", "aa") && !same_secret("a", ""));
    }
}
