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

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn debug_shows_nothing_of_it() {
        assert_eq!(format!("{:?}", Secret::new("sk-canary")), "Secret(…)");
        assert_eq!(Secret::new("sk-canary").expose(), "sk-canary");
    }
}
