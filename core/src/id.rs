//! Names of things as types of their own, so that one cannot be taken for another.

use core::fmt;

use crate::json::transparent;

/// The id that a store gave a credential: a positive integer, never used again in that store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CredentialId(pub u64);

/// A credential's place in the engine's memory: what the host's table of secrets is indexed by. A place that became free
/// is used again with the next generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Handle(pub u32);

/// A secret in the vault. The machine passes it on and never looks behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretRef(pub u64);

impl SecretRef {
    /// Set where the secret has a part that renews it: that much of it the machine must know.
    pub(crate) const RENEWABLE: u64 = 1 << 63;
    /// What renews it may be used again and again: nothing rotates.
    pub(crate) const REPEATABLE: u64 = 1 << 62;

    /// Where the way out of its requests stands.
    const WAY: u32 = 54;

    /// The way out of its requests, as far as that can be told from others': zero is our own address.
    pub(crate) const fn by_way(self, way: u8) -> Self {
        Self(self.0 | (way as u64) << Self::WAY)
    }

    /// By which way its requests go out: zero is our own address, others are proxies.
    pub const fn way(self) -> u8 {
        (self.0 >> Self::WAY) as u8
    }

    /// Is there a part that renews it?
    pub const fn is_renewable(self) -> bool {
        self.0 & Self::RENEWABLE != 0
    }

    /// May what renews it be used again and again, whoever used it before?
    pub const fn is_repeatable(self) -> bool {
        self.0 & Self::REPEATABLE != 0
    }
}

/// An effect that was asked of the host and awaits its completion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OpId(pub u64);

/// A number that the host gave to a command, and finds again in its reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// A provider and a model, interned: what a caller of the hot path names instead of two texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RouteId(pub u32);

/// A provider, interned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProviderIx(pub u32);

/// A model, interned, without its thinking suffix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModelIx(pub u32);

/// Three small numbers in one integer below 2^53, so that it crosses into JavaScript as a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LeaseId(pub u64);

impl LeaseId {
    /// At most so many leases are open at once.
    pub const MAX_OPEN: u32 = 1 << 20;
    /// At most so many credentials are in one pool.
    pub const MAX_HANDLES: u32 = 1 << 22;

    /// `generation` is kept modulo 2^11.
    pub(crate) const fn new(slot: u32, generation: u32, handle: Handle) -> Self {
        Self(((handle.0 as u64) << 31) | (((generation & 0x7ff) as u64) << 20) | slot as u64)
    }

    pub(crate) const fn slot(self) -> u32 {
        (self.0 & 0xf_ffff) as u32
    }

    pub(crate) const fn generation(self) -> u32 {
        ((self.0 >> 20) & 0x7ff) as u32
    }

    /// The credential that the lease is of.
    pub const fn handle(self) -> Handle {
        Handle((self.0 >> 31) as u32)
    }
}

/// A session, interned: a place and its generation in one integer below 2^53. Zero is no session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SessionIx(pub u64);

impl SessionIx {
    /// No session.
    pub const NONE: Self = Self(0);

    pub(crate) const fn new(slot: u32, generation: u32) -> Self {
        Self(((generation as u64) << 22) | (slot as u64 + 1))
    }

    /// The place, if this names a session at all.
    pub(crate) const fn slot(self) -> Option<u32> {
        ((self.0 & 0x3f_ffff) as u32).checked_sub(1)
    }

    pub(crate) const fn generation(self) -> u32 {
        (self.0 >> 22) as u32
    }
}

transparent!(CredentialId, Handle, OpId, RequestId, LeaseId);

impl fmt::Display for CredentialId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_fits_into_a_javascript_number_and_comes_apart_again() {
        let lease = LeaseId::new(LeaseId::MAX_OPEN - 1, 0x7ff, Handle(LeaseId::MAX_HANDLES - 1));
        assert!(lease.0 < 1 << 53);
        assert_eq!((lease.slot(), lease.generation()), (LeaseId::MAX_OPEN - 1, 0x7ff));
        assert_eq!(lease.handle(), Handle(LeaseId::MAX_HANDLES - 1));
    }

    #[test]
    fn a_session_is_never_zero() {
        let session = SessionIx::new(0, 0);
        assert_ne!(session, SessionIx::NONE);
        assert_eq!((session.slot(), SessionIx::NONE.slot()), (Some(0), None));
    }
}
