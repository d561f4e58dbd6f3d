//! The claims of a JSON Web Token (RFC 7519), read and not verified: who holds a token may know whose it is and until
//! when. Nothing may be decided by these claims that a forger could want.

use crate::json::{self, Value};
use crate::time::Timestamp;
use crate::wire::base64::decode_url;

/// Longer tokens are not read.
pub const MAX_LEN: usize = 64 * 1024;

/// The claims of a token. No `Debug`: they may name a person.
#[derive(Clone, PartialEq)]
pub struct Claims(Value);

impl Claims {
    /// Reads the middle one of the three parts. `None` for what is no JWT.
    pub fn read(token: &str) -> Option<Self> {
        let token = token.trim();
        if token.len() > MAX_LEN {
            return None;
        }
        let mut parts = token.split('.');
        let (_, payload, _) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() {
            return None;
        }
        let claims: Value = json::read(core::str::from_utf8(&decode_url(payload)?).ok()?).ok()?;
        claims.is_object().then_some(Self(claims))
    }

    /// The claim of that name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// All claims: an object.
    pub fn into_value(self) -> Value {
        self.0
    }

    /// The text under a path of names, as `["https://api.openai.com/auth", "chatgpt_account_id"]`.
    pub fn text(&self, path: &[&str]) -> Option<&str> {
        let (first, rest) = path.split_first()?;
        rest.iter().try_fold(self.get(first)?, |value, name| value.get(name))?.as_str()
    }

    /// When it expires (`exp`, seconds since 1970). A nonsensical number is none.
    pub fn expires(&self) -> Option<Timestamp> {
        let Value::Number(seconds) = self.get("exp")? else { return None };
        let seconds = seconds.floor()?;
        // Ends of the year 9999: what lies beyond is no date.
        (seconds <= 253_402_300_799).then(|| Timestamp(seconds * 1000))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn token(claims: &str) -> String {
        format!("eyJhbGciOiJub25lIn0.{}.sig", crate::wire::base64::encode_url(claims.as_bytes()))
    }

    #[test]
    fn claims_with_and_without_padding() {
        let text = token(r#"{"exp":1767225600,"email":"a@example.com","auth":{"account":"acct"}}"#);
        for text in [text.clone(), text.replace('=', "")] {
            let claims = Claims::read(&text).unwrap();
            assert_eq!(claims.expires(), Some(Timestamp(1_767_225_600_000)));
            assert_eq!(claims.text(&["email"]), Some("a@example.com"));
            assert_eq!(claims.text(&["auth", "account"]), Some("acct"));
            assert_eq!(claims.text(&["auth"]), None);
            assert_eq!(claims.text(&[]), None);
        }
    }

    #[test]
    fn what_is_no_token_is_none() {
        for bad in ["", "a.b", "a.b.c.d", "a.!!.c", "..", &token("[]"), &token("{"), &"a".repeat(MAX_LEN + 1)]
        {
            assert!(Claims::read(bad).is_none());
        }
        for exp in ["-1", "1e300", "\"soon\"", "99999999999999"] {
            assert_eq!(Claims::read(&token(&format!("{{\"exp\":{exp}}}"))).unwrap().expires(), None, "{exp}");
        }
        assert!(Claims::read(&token(&"[".repeat(40_000))).is_none(), "depth is bounded");
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,60}|[A-Za-z0-9_.=-]{0,80}") {
            let _ = Claims::read(&text);
        }
    }
}
