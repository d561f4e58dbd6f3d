//! Leases: one use of a credential, from acquire to report.

use crate::id::{Handle, LeaseId, ModelIx, RouteId, SessionIx};
use crate::time::Instant;

const NONE: u32 = u32::MAX;

/// An open lease.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lease {
    pub(super) handle: Handle,
    /// Which credential sat at the handle: a place that is used again is not mistaken for its former owner.
    pub(super) incarnation: u32,
    pub(super) route: RouteId,
    pub(super) session: SessionIx,
    pub(super) began: Instant,
    /// Tokens that are counted for it until its report says what it took.
    pub(super) counted: u32,
    /// The model as its upstream has it, where that may be another than its caller's.
    pub(super) upstream: Option<ModelIx>,
    /// Which secret of the credential it was given.
    pub(super) version: u32,
    generation: u32,
    open: bool,
    older: u32,
    newer: u32,
}

/// All open leases, oldest first: all may live equally long, so the oldest ends first.
#[derive(Clone, Debug)]
pub(super) struct Leases {
    slots: Vec<Lease>,
    free: Vec<u32>,
    oldest: u32,
    newest: u32,
}

impl Leases {
    pub(super) const fn new() -> Self {
        Self { slots: Vec::new(), free: Vec::new(), oldest: NONE, newest: NONE }
    }

    /// Opens a lease; `None` where too many are open. Allocates only while the number of open leases grows.
    pub(super) fn open(
        &mut self,
        handle: Handle,
        incarnation: u32,
        route: RouteId,
        session: SessionIx,
        began: Instant,
        version: u32,
    ) -> Option<LeaseId> {
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None if self.slots.len() < LeaseId::MAX_OPEN as usize => {
                self.slots.push(Lease {
                    handle,
                    incarnation,
                    route,
                    session,
                    began,
                    counted: 0,
                    upstream: None,
                    version,
                    generation: 0,
                    open: false,
                    older: NONE,
                    newer: NONE,
                });
                self.slots.len() as u32 - 1
            }
            None => return None,
        };
        let generation = self.slots[slot as usize].generation.wrapping_add(1);
        self.slots[slot as usize] = Lease {
            handle,
            incarnation,
            route,
            session,
            began,
            counted: 0,
            upstream: None,
            version,
            generation,
            open: true,
            older: self.newest,
            newer: NONE,
        };
        match self.newest {
            NONE => self.oldest = slot,
            newest => self.slots[newest as usize].newer = slot,
        }
        self.newest = slot;
        Some(LeaseId::new(slot, generation, handle))
    }

    /// Looks at an open lease.
    pub(super) fn get(&self, id: LeaseId) -> Option<Lease> {
        let lease = self.slots.get(id.slot() as usize)?;
        (lease.open && lease.generation & 0x7ff == id.generation() && lease.handle == id.handle())
            .then_some(*lease)
    }

    /// Notes the model as its upstream has it.
    pub(super) fn aim(&mut self, id: LeaseId, upstream: ModelIx) {
        self.slots[id.slot() as usize].upstream = Some(upstream);
    }

    /// Notes the tokens that are counted for it.
    pub(super) fn count(&mut self, id: LeaseId, counted: u32) {
        self.slots[id.slot() as usize].counted = counted;
    }

    /// Ends a lease; `None` where it ended before.
    pub(super) fn close(&mut self, id: LeaseId) -> Option<Lease> {
        let lease = self.get(id)?;
        self.unlink(id.slot());
        Some(lease)
    }

    /// Ends the oldest lease if it began at or before `limit`.
    pub(super) fn close_oldest(&mut self, limit: Instant) -> Option<Lease> {
        let lease = *self.slots.get(self.oldest as usize)?;
        (lease.began <= limit).then(|| self.unlink(self.oldest))?;
        Some(lease)
    }

    /// When the oldest open lease began.
    pub(super) fn oldest(&self) -> Option<Instant> {
        self.slots.get(self.oldest as usize).map(|lease| lease.began)
    }

    fn unlink(&mut self, slot: u32) {
        let Lease { older, newer, .. } = self.slots[slot as usize];
        match older {
            NONE => self.oldest = newer,
            older => self.slots[older as usize].newer = newer,
        }
        match newer {
            NONE => self.newest = older,
            newer => self.slots[newer as usize].older = older,
        }
        self.slots[slot as usize].open = false;
        self.free.push(slot);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(leases: &mut Leases, began: u64) -> LeaseId {
        leases.open(Handle(3), 1, RouteId(0), SessionIx::NONE, Instant(began), 0).unwrap()
    }

    #[test]
    fn a_lease_ends_once() {
        let mut leases = Leases::new();
        let first = open(&mut leases, 0);
        assert!(leases.close(first).is_some());
        let second = open(&mut leases, 1);
        assert!(leases.close(first).is_none(), "the place was given away");
        assert!(leases.close(second).is_some());
        assert_eq!(leases.oldest(), None);
    }

    #[test]
    fn the_oldest_ends_first() {
        let mut leases = Leases::new();
        let ids: Vec<_> = (0..3).map(|began| open(&mut leases, began)).collect();
        leases.close(ids[0]);
        assert_eq!(leases.oldest(), Some(Instant(1)));
        assert!(leases.close_oldest(Instant(0)).is_none());
        assert_eq!(leases.close_oldest(Instant(1)).map(|lease| lease.began), Some(Instant(1)));
        assert_eq!(leases.oldest(), Some(Instant(2)));
    }
}
