//! Text that must not be shown.

use core::fmt;

/// A key, token or password. It has no `Debug` of its content, no `Display` and no `Serialize`: who needs the text says
/// [`expose`](Self::expose).
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Secret(Box<str>);

impl Secret {
    /// Takes the text over.
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// The text itself. For the wire, the store and the host's table only.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Is there no text?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Drop for Secret {
    /// Overwrites the text, so that it does not stay in freed memory. Best effort: copies that the allocator or the host
    /// made are out of reach.
    fn drop(&mut self) {
        let mut bytes = core::mem::take(&mut self.0).into_string().into_bytes();
        bytes.fill(0);
        // Keeps the compiler from dropping the writes above.
        core::hint::black_box(&bytes);
    }
}

/// Is this text the name of a secret that is kept elsewhere (`env:NAME`, `file:PATH`, `exec:COMMAND`, `vault://…`), and not the
/// secret itself? Keys and tokens of no provider look so.
pub fn is_reference(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let named = matches!(scheme, "env" | "file" | "exec");
    let in_scheme = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+-.".contains(&byte);
    let scheme =
        scheme.starts_with(|first: char| first.is_ascii_lowercase()) && scheme.bytes().all(in_scheme);
    !rest.is_empty() && (named || scheme && rest.starts_with("//"))
}

#[cfg(test)]
mod tests {
    use super::{is_reference, Secret};

    #[test]
    fn references_are_told_from_secrets() {
        for text in [
            "env:OPENAI_API_KEY",
            "file:/run/secrets/key",
            "exec:pass show openai",
            "vault://team/openai",
            "op://vault/item/field",
            "aws-sm://x",
        ] {
            assert!(is_reference(text), "{text}");
        }
        for text in [
            "",
            "env",
            "env:",
            "sk-abc",
            "ABC://x",
            "http:/x",
            "a:b",
            "1//0g-refresh",
            "://x",
            "user:pass",
            "Env:X",
            "ya29.a:b//c",
        ] {
            assert!(!is_reference(text), "{text}");
        }
    }

    #[test]
    fn debug_shows_nothing_of_it() {
        assert_eq!(format!("{:?}", Secret::new("sk-canary")), "Secret(…)");
        assert_eq!(Secret::new("sk-canary").expose(), "sk-canary");
    }
}
