//! Proof of possession (RFC 9449): tokens that are bound to a key, and the proof that goes along with each request. What is
//! signed is written here; the host signs it (ES256), since no secret of a key is used here but to tell one proof from another.

use super::pkce::challenge;
use super::token::failure_code;
use crate::json::{self, ToJson, Value, Writer};
use crate::secret::Secret;
use crate::time::Timestamp;
use crate::wire::base64::encode_url;
use crate::wire::find::find;
use crate::wire::http::Headers;

/// The length of 32 bytes in base64url: a coordinate, a private number (RFC 7518 §6.2.1.2).
const NUMBER: usize = 43;
/// A nonce longer than this is none, in bytes.
const LONGEST_NONCE: usize = 1024;

/// A pair of keys of P-256 as a host made it: a JWK (RFC 7517) with its private part.
struct Pair {
    x: Box<str>,
    y: Box<str>,
    d: Box<str>,
}

impl Pair {
    fn read(key: &Secret) -> Option<Self> {
        let key = json::read::<Value>(key.expose()).ok()?;
        let text = |name: &str| key.get(name).and_then(Value::as_str);
        let number = |name: &str| {
            let in_number = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
            text(name).filter(|text| text.len() == NUMBER && text.bytes().all(in_number)).map(Into::into)
        };
        let right = text("kty") == Some("EC") && text("crv") == Some("P-256");
        Some(Self { x: number("x")?, y: number("y")?, d: number("d")? }).filter(|_| right)
    }
}

/// May a text be a key: a JWK of P-256 with its private part?
pub fn is_dpop_key(key: &Secret) -> bool {
    Pair::read(key).is_some()
}

/// The private number of a key, which is the secret in it.
pub fn private_part(key: &Secret) -> Option<Box<str>> {
    Pair::read(key).map(|pair| pair.d)
}

/// The thumbprint of a key (RFC 7638, RFC 9449 §6.1): what a server binds tokens and codes to.
pub fn thumbprint(key: &Secret) -> Option<String> {
    let Pair { x, y, .. } = Pair::read(key)?;
    // The members in the order of their names, nothing between them (RFC 7638 §3.3).
    Some(challenge(&[r#"{"crv":"P-256","kty":"EC","x":""#, &*x, r#"","y":""#, &*y, r#""}"#].concat()))
}

/// What a proof is about.
pub struct Proof<'a> {
    /// The request's method.
    pub method: &'a str,
    /// Its address; query and fragment are left out of the proof (RFC 9449 §4.2).
    pub url: &'a str,
    /// When it is made, by the clock of the server as far as that is known.
    pub at: Timestamp,
    /// What no other proof with this key has; nothing that could be guessed from outside, and nothing secret.
    pub unlike: &'a str,
    /// The access token that goes along, where one does.
    pub access: Option<&'a Secret>,
    /// The nonce that the server gave last (§8).
    pub nonce: Option<&'a str>,
}

/// What the host signs: header and claims (RFC 9449 §4.2), base64url, a point between them. `None` where the key is none.
pub fn signing_input(key: &Secret, proof: &Proof<'_>) -> Option<String> {
    let pair = Pair::read(key)?;
    let mut claims = Claims { proof, id: challenge(&[&*pair.d, " ", proof.unlike].concat()) };
    claims.id.truncate(22); // 132 bits; §4.2 asks for 96.
    let header = [
        r#"{"typ":"dpop+jwt","alg":"ES256","jwk":{"kty":"EC","crv":"P-256","x":""#,
        &*pair.x,
        r#"","y":""#,
        &*pair.y,
        r#""}}"#,
    ]
    .concat();
    Some([&*encode_url(header.as_bytes()), ".", &encode_url(json::write(&claims).as_bytes())].concat())
}

struct Claims<'a> {
    proof: &'a Proof<'a>,
    id: String,
}

impl ToJson for Claims<'_> {
    fn write(&self, to: &mut Writer) {
        let Proof { method, url, at, access, nonce, .. } = self.proof;
        to.open('{');
        to.field("jti", &&*self.id);
        to.field("htm", method);
        to.field("htu", &without_query(url));
        to.field("iat", &(at.0 / 1000));
        if let Some(access) = access {
            // The hash of the token in base64url, as a challenge of RFC 7636 is of its verifier.
            to.field("ath", &&*challenge(access.expose()));
        }
        if let Some(nonce) = nonce {
            to.field("nonce", nonce);
        }
        to.close('}');
    }
}

/// An address without query and fragment (RFC 9449 §4.2: `htu`).
fn without_query(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or(url)
}

/// Whose nonces are whose: scheme, host and port of an address.
pub fn origin_of(url: &str) -> &str {
    let after = find(url, "://").map_or(0, |at| at + 3);
    let length = url.bytes().skip(after).take_while(|byte| !b"/?#".contains(byte)).count();
    url.get(..after + length).unwrap_or(url)
}

/// The nonce of an answer (§8.1). More than one, or what is none, says nothing.
pub fn nonce_of(headers: Headers<'_>) -> Option<&str> {
    let mut all = headers.all("dpop-nonce");
    let nonce = all.next()?;
    // NQCHAR of RFC 6749, appendix A.
    let good = (1..=LONGEST_NONCE).contains(&nonce.len())
        && nonce.bytes().all(|byte| (0x21..=0x7e).contains(&byte) && byte != b'"' && byte != b'\\');
    (good && all.next().is_none()).then_some(nonce)
}

/// Why a proof was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The server's nonce is to be in it (RFC 9449 §8, §9).
    Nonce,
    /// It is wrong (§5, §7.1): too old or too young, for one.
    Proof,
}

/// Does an answer refuse a proof? A token endpoint says so by its error code, a resource by its challenge.
pub fn refuses_proof(status: u16, headers: Headers<'_>, body: &str) -> Option<Refused> {
    if !matches!(status, 400 | 401) {
        return None;
    }
    let code = failure_code(status, body);
    for (word, refused) in [("use_dpop_nonce", Refused::Nonce), ("invalid_dpop_proof", Refused::Proof)] {
        let error = ["error=\"", word, "\""].concat();
        let challenged = || headers.all("www-authenticate").any(|text| find(text, &error).is_some());
        if *code == *word || status == 401 && challenged() {
            return Some(refused);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::base64::decode_url;
    use proptest::prelude::*;

    /// The key of RFC 9449, figure 2 (its private part is not in the RFC).
    fn key() -> Secret {
        Secret::new(
            r#"{"kty":"EC","crv":"P-256","x":"l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs","y":"9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA","d":"canary-canary-canary-canary-canary-canary-c"}"#,
        )
    }

    fn parts(input: &str) -> (String, Value) {
        let (header, claims) = input.split_once('.').unwrap();
        let text = |part: &str| String::from_utf8(decode_url(part).unwrap()).unwrap();
        (text(header), json::read(&text(claims)).unwrap())
    }

    const PROOF: Proof<'_> = Proof {
        method: "POST",
        url: "https://server.example.com/token?a=b#c",
        at: Timestamp(1_562_262_616_999),
        unlike: "1",
        access: None,
        nonce: None,
    };

    #[test]
    fn the_proof_of_rfc_9449_figure_3() {
        let (header, claims) = parts(&signing_input(&key(), &PROOF).unwrap());
        let wanted = r#"{"typ":"dpop+jwt","alg":"ES256","jwk":{"kty":"EC","crv":"P-256","x":"l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs","y":"9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA"}}"#;
        assert_eq!(header, wanted, "no private part");
        let text = |name: &str| claims.get(name).and_then(Value::as_str).map(str::to_owned);
        assert_eq!(text("htm").as_deref(), Some("POST"));
        assert_eq!(text("htu").as_deref(), Some("https://server.example.com/token"));
        assert_eq!(json::write(claims.get("iat").unwrap()), "1562262616");
        assert_eq!(text("jti").unwrap().len(), 22);
        assert!(claims.get("ath").is_none() && claims.get("nonce").is_none());
    }

    #[test]
    fn the_thumbprint_and_the_hash_of_a_token_of_rfc_9449() {
        // Figure 8: `jkt`; figure 12: `ath` of its access token.
        assert_eq!(thumbprint(&key()).as_deref(), Some("0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"));
        let access = Secret::new("Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU");
        let proof = Proof { method: "GET", access: Some(&access), nonce: Some("n-1"), ..PROOF };
        let (_, claims) = parts(&signing_input(&key(), &proof).unwrap());
        let text = |name: &str| claims.get(name).and_then(Value::as_str).map(str::to_owned);
        assert_eq!(text("ath").as_deref(), Some("fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"));
        assert_eq!(text("nonce").as_deref(), Some("n-1"));
    }

    #[test]
    fn no_two_proofs_have_one_name() {
        let name = |unlike: &str| {
            let (_, claims) = parts(&signing_input(&key(), &Proof { unlike, ..PROOF }).unwrap());
            claims.get("jti").and_then(Value::as_str).map(str::to_owned)
        };
        assert_eq!(name("1"), name("1"));
        assert_ne!(name("1"), name("2"));
    }

    #[test]
    fn what_is_no_key() {
        let good = key();
        assert!(is_dpop_key(&good) && private_part(&good).is_some());
        for (old, new) in [
            ("\"EC\"", "\"RSA\""),
            ("P-256", "P-384"),
            ("\"d\"", "\"e\""),
            ("l8tF", "l8t"),
            ("l8tF", "l8t\\\""),
            ("l8tF", "l8t="),
            ("{", "["),
        ] {
            let text = good.expose().replacen(old, new, 1);
            assert!(!is_dpop_key(&Secret::new(&*text)), "{old} {new}");
            assert!(signing_input(&Secret::new(&*text), &PROOF).is_none());
        }
        for text in ["", "7", "{}", "key"] {
            assert!(thumbprint(&Secret::new(text)).is_none(), "{text}");
        }
    }

    #[test]
    fn whose_nonce_and_when_a_proof_is_refused() {
        for (url, origin) in [
            ("https://a.example/token?x=/", "https://a.example"),
            ("http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
            ("https://a.example", "https://a.example"),
            ("https://a.example?x", "https://a.example"),
            ("nonsense", "nonsense"),
        ] {
            assert_eq!(origin_of(url), origin);
        }
        let pairs = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
        };
        let nonce = |list: &[(&str, &str)]| nonce_of(Headers::new(&pairs(list))).map(str::to_owned);
        assert_eq!(nonce(&[("DPoP-Nonce", "eyJ7S_zG.eyJbMPvb")]).as_deref(), Some("eyJ7S_zG.eyJbMPvb"));
        for bad in ["", "a b", "a\"b", "a\\b", "ä", &"a".repeat(1025)] {
            assert_eq!(nonce(&[("dpop-nonce", bad)]), None, "{bad}");
        }
        assert_eq!(nonce(&[("dpop-nonce", "a"), ("dpop-nonce", "b")]), None);

        let refused =
            |status, list: &[(&str, &str)], body| refuses_proof(status, Headers::new(&pairs(list)), body);
        let challenge = |error| [("www-authenticate", error)];
        assert_eq!(refused(400, &[], r#"{"error":"use_dpop_nonce"}"#), Some(Refused::Nonce));
        assert_eq!(refused(401, &[], r#"{"error":"use_dpop_nonce"}"#), Some(Refused::Nonce));
        assert_eq!(refused(400, &[], r#"{"error":"invalid_dpop_proof"}"#), Some(Refused::Proof));
        let asked = r#"DPoP error="use_dpop_nonce", error_description="x""#;
        assert_eq!(refused(401, &challenge(asked), ""), Some(Refused::Nonce));
        let wrong = r#"DPoP algs="ES256", error="invalid_dpop_proof""#;
        assert_eq!(refused(401, &challenge(wrong), ""), Some(Refused::Proof));
        for (status, body) in [
            (400, r#"{"error":"invalid_grant"}"#),
            (200, r#"{"error":"use_dpop_nonce"}"#),
            (400, "use_dpop_nonce"),
            (401, ""),
        ] {
            assert_eq!(refused(status, &[], body), None, "{status} {body}");
        }
        for status in [200, 400, 403] {
            assert_eq!(refused(status, &challenge(asked), ""), None);
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(key in "\\PC{0,80}", url in "\\PC{0,80}", status: u16, body in "\\PC{0,80}") {
            let _ = signing_input(&Secret::new(&*key), &Proof { url: &url, ..PROOF });
            let _ = origin_of(&url);
            let _ = refuses_proof(status, Headers::default(), &body);
        }
    }
}
