//! Ties of sessions to credentials: found by session and route, forgotten when idle, bounded in number.

use super::int_map::IntMap;
use super::xxhash::xxhash32;
use crate::id::{Handle, SessionIx};
use crate::time::{Instant, Span};
use sha2::{Digest, Sha256};

/// A session is known by a digest of its name: the name may say who somebody is, and is not ours to keep.
pub(crate) type SessionHash = u128;

const NONE: u32 = u32::MAX;

/// All ties of a pool, and the sessions that they are of.
#[derive(Clone, Debug)]
pub(crate) struct Ties {
    sessions: Vec<Session>,
    free_sessions: Vec<u32>,
    /// Where the last search for a session to forget ended.
    hand: u32,
    /// By half of the digest, the other half of which is compared.
    by_hash: IntMap<u64, u32>,
    /// By session place and what is tied: a provider or a route, as the policy says.
    by_key: IntMap<u64, u32>,
    ties: Vec<Tie>,
    free_ties: Vec<u32>,
    /// The list of ties by last use, oldest first. All live equally long, so it is the order of their ends too.
    oldest: u32,
    newest: u32,
    /// Ties whose last use is not in the store yet.
    dirty: Vec<u32>,
}

#[derive(Clone, Copy, Debug)]
struct Session {
    hash: SessionHash,
    /// xxHash32 of its name, once the name was heard: a restored session is known by its digest only.
    start: Option<u32>,
    generation: u32,
    ties: u32,
    /// The tie that it used last: mostly it has no other, and it is found without a look at the map.
    last: u32,
    alive: bool,
}

#[derive(Clone, Copy, Debug)]
struct Tie {
    session: u32,
    key: u32,
    handle: Handle,
    used: Instant,
    older: u32,
    newer: u32,
    dirty: bool,
    alive: bool,
}

/// A tie as it is saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SavedTie {
    pub(crate) session: SessionHash,
    pub(crate) key: u32,
    /// None: the tie is gone.
    pub(crate) tied: Option<(Handle, Instant)>,
}

impl Default for Ties {
    fn default() -> Self {
        Self {
            sessions: Vec::new(),
            free_sessions: Vec::new(),
            hand: 0,
            by_hash: IntMap::default(),
            by_key: IntMap::default(),
            ties: Vec::new(),
            free_ties: Vec::new(),
            oldest: NONE,
            newest: NONE,
            dirty: Vec::new(),
        }
    }
}

impl Ties {
    /// The digest of a session's name.
    pub(crate) fn hash(name: &str) -> SessionHash {
        let digest = Sha256::new_with_prefix(b"credpool:session:").chain_update(name).finalize();
        digest.iter().take(16).fold(0, |hash, &byte| hash << 8 | SessionHash::from(byte))
    }

    /// The session of this digest, new or known. A session without ties is forgotten when a tie of it ends, or when its
    /// place is needed.
    pub(crate) fn intern(&mut self, hash: SessionHash) -> SessionIx {
        if let Some(&slot) = self.by_hash.get(&half(hash)) {
            let known = self.sessions[slot as usize];
            // Of two sessions with one half, which nobody will ever see, the second has no ties.
            return if known.hash == hash { SessionIx::new(slot, known.generation) } else { SessionIx::NONE };
        }
        let slot = self.free_sessions.pop().unwrap_or_else(|| {
            self.sessions.push(Session {
                hash: 0,
                start: None,
                generation: 0,
                ties: 0,
                last: NONE,
                alive: false,
            });
            self.sessions.len() as u32 - 1
        });
        let session = &mut self.sessions[slot as usize];
        *session =
            Session { hash, start: None, generation: session.generation, ties: 0, last: NONE, alive: true };
        self.by_hash.insert(half(hash), slot);
        SessionIx::new(slot, session.generation)
    }

    /// The session of this name. Of those that are not tied at most `max` are known.
    pub(crate) fn named(&mut self, name: &str, max: u32) -> SessionIx {
        self.make_room(max);
        let session = self.intern(Self::hash(name));
        if let Some(slot) = self.slot(session) {
            self.sessions[slot as usize].start.get_or_insert_with(|| xxhash32(name.as_bytes()));
        }
        session
    }

    /// Forgets a session without ties, where there are too many. The search goes on where the last one ended.
    fn make_room(&mut self, max: u32) {
        let most = max.max(1) as usize + self.by_key.len();
        for _ in 0..8 {
            if self.sessions.len() - self.free_sessions.len() < most {
                return;
            }
            self.hand = (self.hand + 1) % self.sessions.len() as u32;
            let session = self.sessions[self.hand as usize];
            if session.alive && session.ties == 0 {
                self.forget_session(session.hash);
            }
        }
    }

    /// xxHash32 of a session's name, where that was heard.
    pub(crate) fn start(&self, session: SessionIx) -> Option<u32> {
        self.sessions[self.slot(session)? as usize].start
    }

    /// Ends all ties of a session. O(ties). Returns whose they were.
    pub(crate) fn untie_session(&mut self, session: SessionIx) -> Vec<Handle> {
        let Some(slot) = self.slot(session) else { return Vec::new() };
        let mut freed = Vec::new();
        for at in 0..self.ties.len() as u32 {
            let tie = self.ties[at as usize];
            if tie.alive && tie.session == slot {
                freed.push(tie.handle);
                self.end(at);
            }
        }
        freed
    }

    fn slot(&self, session: SessionIx) -> Option<u32> {
        let slot = session.slot()?;
        let known = self.sessions.get(slot as usize)?;
        (known.alive && known.generation == session.generation()).then_some(slot)
    }

    /// Where a session's tie is.
    fn find(&self, slot: u32, key: u32) -> Option<u32> {
        let last = self.sessions[slot as usize].last;
        match self.ties.get(last as usize) {
            Some(tie) if tie.alive && tie.session == slot && tie.key == key => Some(last),
            _ => self.by_key.get(&joined(slot, key)).copied(),
        }
    }

    /// The credential that a session is tied to, and how long ago the tie was used.
    pub(crate) fn get(&self, session: SessionIx, key: u32) -> Option<(Handle, Instant)> {
        let slot = self.slot(session)?;
        let tie = &self.ties[self.find(slot, key)? as usize];
        Some((tie.handle, tie.used))
    }

    /// Ties a session, or notes that its tie was used. At most `max` ties are kept. Allocates only for a new tie.
    pub(crate) fn tie(&mut self, session: SessionIx, key: u32, handle: Handle, now: Instant, max: u32) {
        let Some(slot) = self.slot(session) else { return };
        let at = if let Some(at) = self.find(slot, key) {
            self.unlink(at);
            at
        } else {
            while self.by_key.len() >= max.max(1) as usize && self.oldest != NONE {
                self.end(self.oldest);
            }
            // Ending others may have ended this session's last tie, and with it the session.
            if !self.sessions[slot as usize].alive {
                return;
            }
            let at = self.free_ties.pop().unwrap_or_else(|| {
                self.ties.push(Tie {
                    session: 0,
                    key: 0,
                    handle,
                    used: now,
                    older: NONE,
                    newer: NONE,
                    dirty: false,
                    alive: false,
                });
                self.ties.len() as u32 - 1
            });
            self.by_key.insert(joined(slot, key), at);
            self.sessions[slot as usize].ties += 1;
            at
        };
        self.sessions[slot as usize].last = at;
        let tie = &mut self.ties[at as usize];
        let was_dirty = tie.dirty;
        *tie = Tie {
            session: slot,
            key,
            handle,
            used: now,
            older: self.newest,
            newer: NONE,
            dirty: true,
            alive: true,
        };
        if !was_dirty {
            self.dirty.push(at);
        }
        match self.newest {
            NONE => self.oldest = at,
            newest => self.ties[newest as usize].newer = at,
        }
        self.newest = at;
    }

    /// Unties a session, if it is tied to this credential.
    pub(crate) fn untie(&mut self, session: SessionIx, key: u32, handle: Handle) {
        let Some(slot) = self.slot(session) else { return };
        if let Some(at) = self.find(slot, key) {
            if self.ties[at as usize].handle == handle {
                self.end(at);
            }
        }
    }

    /// Ends every tie to a credential. O(ties): only when a credential is removed.
    pub(crate) fn untie_all(&mut self, handle: Handle) {
        for at in 0..self.ties.len() as u32 {
            if self.ties[at as usize].alive && self.ties[at as usize].handle == handle {
                self.end(at);
            }
        }
    }

    /// Forgets what was not used for `ttl`. O(1) for each tie that ends.
    pub(crate) fn expire(&mut self, now: Instant, ttl: Span) {
        while self.oldest != NONE && now >= self.ties[self.oldest as usize].used + ttl {
            self.end(self.oldest);
        }
    }

    /// When the next tie ends, if nobody uses it.
    pub(crate) fn next_end(&self, ttl: Span) -> Option<Instant> {
        (self.oldest != NONE).then(|| self.ties[self.oldest as usize].used + ttl)
    }

    /// Is something not saved yet?
    pub(crate) fn is_dirty(&self) -> bool {
        !self.dirty.is_empty()
    }

    /// Puts a tie back as it was saved.
    pub(crate) fn restore(
        &mut self,
        session: SessionHash,
        key: u32,
        handle: Handle,
        used: Instant,
        max: u32,
    ) {
        let session = self.intern(session);
        self.tie(session, key, handle, used, max);
    }

    /// After a restore: nothing is unsaved.
    pub(crate) fn all_saved(&mut self) {
        for at in std::mem::take(&mut self.dirty) {
            self.ties[at as usize].dirty = false;
        }
    }

    /// Every tie.
    pub(crate) fn all(&self) -> impl Iterator<Item = SavedTie> + '_ {
        self.ties.iter().filter(|tie| tie.alive).map(|tie| SavedTie {
            session: self.sessions[tie.session as usize].hash,
            key: tie.key,
            tied: Some((tie.handle, tie.used)),
        })
    }

    /// What is to be saved: every tie that is new, was used or has ended since the last call.
    pub(crate) fn take_dirty(&mut self) -> Vec<SavedTie> {
        let mut saved: Vec<_> = std::mem::take(&mut self.dirty)
            .into_iter()
            .map(|at| {
                let tie = &mut self.ties[at as usize];
                tie.dirty = false;
                let session = self.sessions[tie.session as usize];
                let saved = SavedTie {
                    session: session.hash,
                    key: tie.key,
                    tied: tie.alive.then_some((tie.handle, tie.used)),
                };
                if !tie.alive {
                    self.free_ties.push(at);
                }
                saved
            })
            .collect();
        // Places of sessions whose ties have all been written can be used again.
        saved.dedup();
        let ended: Vec<_> = saved.iter().filter(|tie| tie.tied.is_none()).map(|tie| tie.session).collect();
        for hash in ended {
            self.forget_session(hash);
        }
        saved
    }

    fn forget_session(&mut self, hash: SessionHash) {
        let Some(&slot) = self.by_hash.get(&half(hash)) else { return };
        let unsaved = |tie: &Tie| tie.dirty && tie.session == slot;
        let session = &mut self.sessions[slot as usize];
        if session.ties == 0 && !self.dirty.iter().any(|&at| unsaved(&self.ties[at as usize])) {
            session.alive = false;
            session.generation = (session.generation + 1) & 0x7fff_ffff;
            self.by_hash.remove(&half(hash));
            self.free_sessions.push(slot);
        }
    }

    fn end(&mut self, at: u32) {
        self.unlink(at);
        let tie = &mut self.ties[at as usize];
        tie.alive = false;
        self.by_key.remove(&joined(tie.session, tie.key));
        self.sessions[tie.session as usize].ties -= 1;
        // Its end is saved before its place is used again.
        if !tie.dirty {
            tie.dirty = true;
            self.dirty.push(at);
        }
    }

    fn unlink(&mut self, at: u32) {
        let Tie { older, newer, .. } = self.ties[at as usize];
        match older {
            NONE => self.oldest = newer,
            older => self.ties[older as usize].newer = newer,
        }
        match newer {
            NONE => self.newest = older,
            newer => self.ties[newer as usize].older = older,
        }
    }
}

const fn half(hash: SessionHash) -> u64 {
    hash as u64
}

const fn joined(session: u32, key: u32) -> u64 {
    (session as u64) << 32 | key as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(ties: &mut Ties, name: &str) -> SessionIx {
        ties.intern(Ties::hash(name))
    }

    #[test]
    fn a_tie_is_found_touched_and_forgotten() {
        let mut ties = Ties::default();
        let s = session(&mut ties, "s");
        ties.tie(s, 1, Handle(7), Instant(0), 10);
        assert_eq!(ties.get(s, 1), Some((Handle(7), Instant(0))));
        ties.tie(s, 1, Handle(7), Instant(50), 10);
        ties.expire(Instant(99), Span(100));
        assert_eq!(ties.get(s, 1), Some((Handle(7), Instant(50))));
        ties.expire(Instant(150), Span(100));
        assert_eq!(ties.get(s, 1), None);
    }

    #[test]
    fn the_oldest_goes_when_there_are_too_many() {
        let mut ties = Ties::default();
        let all: Vec<_> = (0..4).map(|n| session(&mut ties, &n.to_string())).collect();
        for (now, &s) in all.iter().enumerate() {
            ties.tie(s, 0, Handle(0), Instant(now as u64), 3);
        }
        assert_eq!(ties.get(all[0], 0), None);
        assert!(ties.get(all[3], 0).is_some());
    }

    #[test]
    fn a_session_whose_place_was_given_away_is_not_mistaken() {
        let mut ties = Ties::default();
        let old = session(&mut ties, "old");
        ties.tie(old, 0, Handle(1), Instant(0), 10);
        ties.take_dirty();
        ties.expire(Instant(10), Span(10));
        assert_eq!(ties.take_dirty(), [SavedTie { session: Ties::hash("old"), key: 0, tied: None }]);
        let new = session(&mut ties, "new");
        assert_eq!(new.slot(), old.slot());
        ties.tie(new, 0, Handle(2), Instant(20), 10);
        assert_eq!(ties.get(old, 0), None);
        assert_eq!(ties.get(new, 0), Some((Handle(2), Instant(20))));
    }

    #[test]
    fn what_ended_before_it_was_saved_is_saved_as_ended() {
        let mut ties = Ties::default();
        let s = session(&mut ties, "s");
        ties.tie(s, 0, Handle(1), Instant(0), 10);
        ties.untie(s, 0, Handle(2));
        assert!(ties.get(s, 0).is_some());
        ties.untie(s, 0, Handle(1));
        assert_eq!(ties.take_dirty(), [SavedTie { session: Ties::hash("s"), key: 0, tied: None }]);
        assert!(!ties.is_dirty());
    }
}
