//! Who waits for a place among the refreshes that run.

use crate::id::Handle;

/// Refreshes that are to begin: those that somebody waits for before all others, each in the order of its coming.
#[derive(Debug, Default)]
pub struct Queue {
    urgent: Vec<(Handle, u32)>,
    later: Vec<(Handle, u32)>,
    /// Those of `later` before this have begun.
    begun: usize,
    /// How many run.
    pub running: u32,
}

impl Queue {
    /// Is anybody in it?
    pub const fn has_some(&self) -> bool {
        !self.urgent.is_empty() || !self.later.is_empty()
    }

    /// Adds one. The number tells who sits at the handle.
    pub fn push(&mut self, handle: Handle, incarnation: u32, urgent: bool) {
        if urgent { &mut self.urgent } else { &mut self.later }.push((handle, incarnation));
    }

    /// The next that may begin, while no more than `limit` run; twice as many where somebody waits.
    pub fn next(&mut self, limit: u32) -> Option<(Handle, u32)> {
        if !self.urgent.is_empty() && self.running < limit.saturating_mul(2) {
            return Some(self.urgent.remove(0));
        }
        if self.running >= limit {
            return None;
        }
        let next = self.later.get(self.begun).copied();
        self.begun += usize::from(next.is_some());
        if self.begun == self.later.len() {
            self.later.clear();
            self.begun = 0;
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_waited_for_comes_first_and_beyond_the_bound() {
        let mut queue = Queue::default();
        for at in 0..3 {
            queue.push(Handle(at), 0, false);
        }
        queue.push(Handle(9), 0, true);
        let mut began = Vec::new();
        while let Some((handle, _)) = queue.next(1) {
            queue.running += 1;
            began.push(handle.0);
        }
        assert_eq!(began, [9], "one runs, and that is the bound");
        queue.push(Handle(8), 0, true);
        assert_eq!(queue.next(1), Some((Handle(8), 0)));
        queue.running = 0;
        assert_eq!(queue.next(1), Some((Handle(0), 0)));
        assert_eq!(queue.next(1), Some((Handle(1), 0)));
        assert_eq!(queue.next(1), Some((Handle(2), 0)));
        assert_eq!(queue.next(1), None);
    }
}
