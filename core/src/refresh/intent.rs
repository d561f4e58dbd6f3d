//! What a store keeps of a refresh that is under way: the intent, written before the token endpoint is asked, and closed in
//! the commit of the new tokens.

use crate::json::{from_json, object, ToJson, Writer};
use crate::time::{Span, Timestamp};

/// The row of a credential's refresh. It stays when a refresh is over, so that its version never repeats: who froze with an
/// older one is refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RefreshRow {
    /// The fence of the lease under which it was written.
    pub fence: u64,
    /// The version of the secret that is refreshed. It tells one refresh token from the next as a digest of it would, and
    /// reveals nothing of it.
    pub base: u64,
    /// When the first request with that secret was sent.
    pub at: Timestamp,
    /// Has nobody heard how it ended?
    pub open: bool,
}

/// What an open intent means to who finds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// There is no doubt: ask.
    None,
    /// The endpoint may have answered somebody who cannot say so any more: ask once more, the provider may still take the old
    /// token.
    Retry,
    /// The provider will not take it any more.
    Lost,
}

impl RefreshRow {
    /// Is a refresh of the secret of version `base` in doubt? Who asks holds the lease: whoever was asked before is gone, or
    /// has not heard either.
    pub fn doubt(&self, base: u64, now: Timestamp, grace: Span) -> Doubt {
        if !self.open || self.base != base {
            return Doubt::None;
        }
        // A clock that went back since makes the age zero: one retry too many is the lesser evil.
        if now.since(self.at) > grace {
            return Doubt::Lost;
        }
        Doubt::Retry
    }
}

from_json! {
    open RefreshRow { fence = 0, base = 0, at = Timestamp(0), open = false }
}

impl ToJson for RefreshRow {
    fn write(&self, to: &mut Writer) {
        object!(to, self { fence, base, at, open });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_intent_is_a_doubt_about_its_own_secret_only() {
        let row = RefreshRow { fence: 1, base: 3, at: Timestamp(1000), open: true };
        let grace = Span(500);
        assert_eq!(row.doubt(4, Timestamp(1100), grace), Doubt::None);
        assert_eq!(row.doubt(3, Timestamp(1500), grace), Doubt::Retry);
        assert_eq!(row.doubt(3, Timestamp(1501), grace), Doubt::Lost);
        assert_eq!(row.doubt(3, Timestamp(10), grace), Doubt::Retry);
        assert_eq!(RefreshRow { open: false, ..row }.doubt(3, Timestamp(9999), grace), Doubt::None);
        let text = crate::json::write(&row);
        assert_eq!(crate::json::read::<RefreshRow>(&text), Ok(row));
    }
}
