//! What a pick and the end of a call read and write of one credential.

/// Half a line of the cache: among 100,000 credentials each array more would be one miss more.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(32))]
pub(crate) struct Hot {
    /// The last use: grows with every use and with the wall clock.
    pub(crate) used: u64,
    /// Open leases.
    pub(crate) in_flight: u32,
    /// Which credential sits at the handle.
    pub(crate) incarnation: u32,
    /// The version of its secret.
    pub(crate) version: u32,
    /// Successes that are not in its record yet.
    pub(crate) successes: u32,
    /// Has it limits?
    pub(crate) gated: bool,
    /// May its upstream call models otherwise than callers do?
    pub(crate) mapped: bool,
    /// Has it cooldowns, ladders or strikes to be cleared by a success?
    pub(crate) remembers: bool,
    /// Is it coming back, so that its calls are to be counted?
    pub(crate) probation: bool,
    /// Is its last use noted to be written behind?
    pub(crate) is_recent: bool,
}
