//! What this process has of limits that many machines share.
//!
//! It takes ahead: *slots* (leases at once), which it holds for a time and gives back, and *passes* (requests that may begin), which
//! are spent or lapse. Where nobody answers it goes on with the slots that it holds, and with a half of its part of the rate: how many
//! there are may have changed since it heard of them.

use crate::time::{Instant, Span};

/// Slots are held for so long after they were asked for, and prolonged in good time.
pub const SLOTS_FOR: Span = Span::from_secs(10);
/// Passes lapse so long after they were asked for: the shared bucket is smaller by what comes back in that time, so that no window lets
/// more through, whenever they are spent.
const PASSES_FOR: Span = Span::from_secs(1);
/// Slots that are not used are given back after this time.
const GIVE_BACK_AFTER: Span = Span::from_millis(20);
/// Where others have all slots, it is asked again after this time.
const ASK_AGAIN_AFTER: Span = Span::from_millis(25);
/// Where nobody answers, it is tried again after this time.
const AWAY_FOR: Span = Span::from_millis(500);
/// A credential that was not used for so long holds no slots: thousands would have to be prolonged for nothing.
const KEPT_FOR: Span = Span::from_secs(60);
/// Passes for so much of a minute's rate are taken ahead: a hundred milliseconds.
const AHEAD: u64 = 600;

/// What is limited, of one credential, for all machines together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// Leases at once; zero: any number.
    pub slots: u32,
    /// Requests a minute; zero: any number.
    pub rate: u64,
    /// The most requests at once.
    pub burst: u64,
}

impl Terms {
    /// The size of the shared bucket.
    pub fn bucket(&self) -> u64 {
        let lapse = self.rate.saturating_mul(PASSES_FOR.0).div_ceil(60_000);
        self.burst.saturating_sub(lapse).max(1)
    }
}

/// What is asked of those who share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Leases that are open here.
    pub used: u32,
    /// Slots that are held here.
    pub held: u32,
    /// So many slots are wanted in all; fewer than are held: the others are given back.
    pub slots: u32,
    /// So many further passes are wanted.
    pub passes: u32,
}

/// What was given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Granted {
    /// So many slots are held here from now on.
    pub slots: u32,
    /// So many further passes.
    pub passes: u32,
    /// So many processes share the limits now, this one included.
    pub members: u32,
    /// When a pass is there again, where there was none.
    pub retry: Span,
}

/// What this process has.
#[derive(Clone, Debug, Default)]
pub struct Share {
    slots: u32,
    slots_end: Instant,
    passes: u32,
    passes_end: Instant,
    /// Zero: nobody has ever answered.
    members: u32,
    /// When it was answered last.
    heard: Instant,
    /// Since when it is being asked.
    asked: Option<Instant>,
    /// It is not asked again before.
    denied: Instant,
    /// When slots are prolonged or given back.
    due: Option<Instant>,
    /// Nobody answers.
    away: bool,
    /// While nobody answers: when the next request may begin.
    next_pass: Instant,
    /// When it was used last.
    used: Option<Instant>,
    /// So many callers waited for the last answer.
    crowd: u32,
}

impl Share {
    #[inline(never)]
    fn has_slot(&self, terms: Terms, in_flight: u32, now: Instant) -> bool {
        terms.slots == 0 || in_flight < self.slots && (self.away || now < self.slots_end)
    }

    fn has_taken_pass(&self, now: Instant) -> bool {
        self.passes > 0 && now < self.passes_end
    }

    #[inline(never)]
    fn has_pass(&self, terms: Terms, now: Instant) -> bool {
        terms.rate == 0 || self.has_taken_pass(now) || self.away && self.members > 0 && now >= self.next_pass
    }

    /// May no further call begin with what is here?
    #[inline(never)]
    pub fn lacks(&self, terms: Terms, in_flight: u32, now: Instant) -> bool {
        !self.has_slot(terms, in_flight, now) || !self.has_pass(terms, now)
    }

    /// Until when none may, and asking does not help; `None`: one may, or whoever wants to asks.
    #[inline(never)]
    pub fn shut(&self, terms: Terms, in_flight: u32, now: Instant) -> Option<Instant> {
        if !self.lacks(terms, in_flight, now) {
            return None;
        }
        let spent = self.away && self.members > 0 && self.has_slot(terms, in_flight, now);
        let until = if spent { self.next_pass } else { self.denied };
        Some(until).filter(|&until| until > now)
    }

    /// A call begins.
    #[inline(never)]
    pub fn enter(&mut self, terms: Terms, now: Instant) {
        self.used = Some(now);
        if terms.rate == 0 {
        } else if self.has_taken_pass(now) {
            self.passes -= 1;
        } else {
            let apart = (120_000 * u64::from(self.members.max(1))).div_ceil(terms.rate);
            self.next_pass = now + Span(apart);
        }
    }

    /// A call has ended, and so many are open. Answers when slots are to be given back, where that is sooner than it was.
    #[inline(never)]
    pub fn leave(&mut self, terms: Terms, in_flight: u32, now: Instant) -> Option<Instant> {
        let at = now + GIVE_BACK_AFTER;
        if self.away
            || self.slots <= self.wanted(terms, in_flight, now)
            || self.due.is_some_and(|due| due <= at)
        {
            return None;
        }
        self.due = Some(at);
        self.due
    }

    /// The slots to be held with so many leases open. While it is in use an equal part of a half of all is held without one, so that
    /// there is something to go on with where nobody answers.
    #[inline(never)]
    fn wanted(&self, terms: Terms, in_flight: u32, now: Instant) -> u32 {
        let is_used = self.used.is_some_and(|used| now < used + KEPT_FOR);
        let own = terms.slots.checked_div(self.members.saturating_mul(2)).filter(|_| is_used);
        terms.slots.min(in_flight.max(own.unwrap_or(0)))
    }

    /// Is it being asked?
    pub const fn is_asking(&self) -> bool {
        self.asked.is_some()
    }

    /// What is to be asked so that a call may begin, where asking helps.
    #[inline(never)]
    pub fn ask(&mut self, terms: Terms, in_flight: u32, now: Instant) -> Option<Ask> {
        if self.is_asking() || now < self.denied || !self.lacks(terms, in_flight, now) {
            return None;
        }
        let wanted = std::mem::take(&mut self.crowd).max(1);
        let slots =
            if terms.slots == 0 { 0 } else { self.wanted(terms, in_flight.saturating_add(wanted), now) };
        let passes = if terms.rate == 0 || self.has_taken_pass(now) {
            0
        } else {
            let ahead = u32::try_from(terms.rate / AHEAD).unwrap_or(u32::MAX);
            wanted.saturating_add(ahead).min(u32::try_from(terms.bucket()).unwrap_or(u32::MAX))
        };
        Some(self.asking(Ask { used: in_flight, held: self.slots, slots, passes }, now))
    }

    /// What is to be asked because it is time to: slots in use are prolonged, others are given back.
    #[inline(never)]
    pub fn serve(&mut self, terms: Terms, in_flight: u32, now: Instant) -> Option<Ask> {
        self.due.filter(|&due| due <= now)?;
        self.due = None;
        if self.is_asking() || terms.slots == 0 {
            return None;
        }
        let slots = self.wanted(terms, in_flight, now);
        Some(self.asking(Ask { used: in_flight, held: self.slots, slots, passes: 0 }, now))
    }

    const fn asking(&mut self, ask: Ask, now: Instant) -> Ask {
        self.asked = Some(now);
        // What is given back is gone from now on: the answer may be lost, and the others have it.
        if ask.slots < self.slots {
            self.slots = ask.slots;
        }
        ask
    }

    /// It was answered, or nobody did; `crowd` callers have waited for it.
    #[inline(never)]
    pub fn answered(
        &mut self,
        granted: Option<Granted>,
        terms: Terms,
        in_flight: u32,
        crowd: u32,
        now: Instant,
    ) {
        let asked = self.asked.take().unwrap_or(now);
        self.crowd = crowd;
        if granted.is_none() && !self.away && now >= self.heard + SLOTS_FOR {
            // Who has not heard of the others for so long does not know how many there are.
            self.members = 0;
        }
        self.away = granted.is_none();
        let Some(granted) = granted else {
            self.denied = now + AWAY_FOR;
            self.due = Some(self.denied).filter(|_| self.slots > 0 || in_flight > 0);
            return;
        };
        (self.slots, self.slots_end) = (granted.slots, asked + SLOTS_FOR);
        self.heard = now;
        if granted.passes > 0 {
            (self.passes, self.passes_end) = (granted.passes, asked + PASSES_FOR);
        }
        self.members = granted.members.max(1);
        let mut wait = Span::ZERO;
        if !self.has_slot(terms, in_flight, now) {
            wait = ASK_AGAIN_AFTER;
        }
        if !self.has_pass(terms, now) {
            wait = wait.max(granted.retry).max(Span::from_millis(1));
        }
        self.denied = now + wait;
        self.due = Some(now + Span(SLOTS_FOR.0 / 3)).filter(|_| self.slots > 0 || in_flight > 0);
        if let Some(at) = self.leave(terms, in_flight, now) {
            self.due = Some(at);
        }
    }

    /// When it is to be served next.
    pub const fn due(&self) -> Option<Instant> {
        self.due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TERMS: Terms = Terms { slots: 4, rate: 60, burst: 60 };

    fn granted(slots: u32, passes: u32, members: u32) -> Granted {
        Granted { slots, passes, members, retry: Span(700) }
    }

    #[test]
    fn nothing_may_begin_without_a_share_and_asking_is_lazy() {
        let mut share = Share::default();
        assert!(share.lacks(TERMS, 0, Instant(0)));
        assert_eq!(share.shut(TERMS, 0, Instant(0)), None, "who wants one asks");
        assert_eq!(share.ask(TERMS, 0, Instant(0)), Some(Ask { used: 0, held: 0, slots: 1, passes: 1 }));
        assert_eq!(share.ask(TERMS, 0, Instant(0)), None, "it is being asked");
        share.answered(Some(granted(1, 1, 2)), TERMS, 0, 0, Instant(5));
        assert!(!share.lacks(TERMS, 0, Instant(5)));
        share.enter(TERMS, Instant(5));
        assert!(share.lacks(TERMS, 1, Instant(5)));
    }

    #[test]
    fn what_was_refused_is_not_asked_for_at_once() {
        let mut share = Share::default();
        let _ = share.ask(TERMS, 0, Instant(0));
        share.answered(Some(granted(1, 0, 2)), TERMS, 0, 3, Instant(1));
        assert_eq!(share.shut(TERMS, 0, Instant(1)), Some(Instant(701)), "when a pass is there");
        assert_eq!(share.ask(TERMS, 0, Instant(700)), None);
        let ask = share.ask(TERMS, 0, Instant(701)).unwrap();
        assert_eq!((ask.slots, ask.passes), (3, 3), "for all who wait");
    }

    #[test]
    fn passes_lapse_and_slots_end_unless_they_are_prolonged() {
        let mut share = Share::default();
        let _ = share.ask(TERMS, 0, Instant(0));
        share.answered(Some(granted(1, 1, 1)), TERMS, 0, 0, Instant(900));
        assert!(!share.lacks(TERMS, 0, Instant(999)));
        assert!(share.lacks(TERMS, 0, Instant(1_000)), "counted from when it was asked for");
        let open = Terms { rate: 0, ..TERMS };
        assert!(!share.lacks(open, 0, Instant(9_999)));
        assert!(share.lacks(open, 0, Instant(10_000)));
        let due = share.due().unwrap();
        assert!(due < Instant(10_000));
        let ask = share.serve(open, 1, due).unwrap();
        assert_eq!(ask, Ask { used: 1, held: 1, slots: 1, passes: 0 });
    }

    #[test]
    fn who_uses_it_holds_a_part_for_bad_times_and_nobody_for_ever() {
        let mut share = Share::default();
        let open = Terms { rate: 0, ..TERMS };
        let _ = share.ask(open, 0, Instant(0));
        share.answered(Some(granted(1, 0, 1)), open, 0, 0, Instant(0));
        share.enter(open, Instant(10));
        let due = share.due().unwrap();
        assert_eq!(share.serve(open, 0, due).map(|ask| ask.slots), Some(2), "a half, for it is alone");
        share.answered(Some(granted(2, 0, 2)), open, 0, 0, due);
        assert_eq!(share.due(), Some(due + GIVE_BACK_AFTER), "with another it is a quarter");
        assert_eq!(share.serve(open, 0, Instant(60_010)).map(|ask| ask.slots), Some(0));
        share.answered(Some(granted(0, 0, 2)), open, 0, 0, Instant(60_010));
        assert_eq!(share.due(), None);
    }

    #[test]
    fn what_is_not_used_is_given_back_soon() {
        let mut share = Share::default();
        let open = Terms { rate: 0, ..TERMS };
        let _ = share.ask(open, 0, Instant(0));
        share.answered(Some(granted(1, 0, 4)), open, 1, 0, Instant(0));
        share.enter(open, Instant(0));
        assert_eq!(share.leave(open, 0, Instant(50)), Some(Instant(70)));
        assert_eq!(share.leave(open, 0, Instant(60)), None, "that is known already");
        assert_eq!(share.serve(open, 0, Instant(69)), None);
        assert_eq!(share.serve(open, 0, Instant(70)).map(|ask| ask.slots), Some(0));
    }

    #[test]
    fn where_nobody_answers_it_goes_on_with_what_it_holds() {
        let mut share = Share::default();
        let _ = share.ask(TERMS, 0, Instant(0));
        share.answered(Some(granted(2, 1, 3)), TERMS, 0, 0, Instant(0));
        share.enter(TERMS, Instant(0));
        let _ = share.ask(TERMS, 1, Instant(9_000)).unwrap();
        share.answered(None, TERMS, 1, 0, Instant(9_000));
        assert!(!share.lacks(TERMS, 1, Instant(9_000)), "its slots are nobody else's");
        share.enter(TERMS, Instant(9_000));
        // A half of a third of one a second.
        assert_eq!(share.shut(TERMS, 1, Instant(9_000)), Some(Instant(15_000)));
        assert!(!share.lacks(TERMS, 1, Instant(15_000)));
        assert!(share.lacks(TERMS, 2, Instant(15_000)), "more slots than it holds it has not");
        let mut stranger = Share::default();
        let _ = stranger.ask(TERMS, 0, Instant(0));
        stranger.answered(None, TERMS, 0, 0, Instant(0));
        assert_eq!(
            stranger.shut(TERMS, 0, Instant(0)),
            Some(Instant(500)),
            "it knows of nothing that is its own"
        );
    }

    #[test]
    fn nothing_overflows() {
        let terms = Terms { slots: u32::MAX, rate: u64::MAX, burst: u64::MAX };
        let mut share = Share::default();
        for now in [0, 1, u64::MAX - 1, u64::MAX] {
            let _ = share.ask(terms, u32::MAX, Instant(now));
            share.answered(
                Some(Granted { slots: u32::MAX, passes: u32::MAX, members: u32::MAX, retry: Span(u64::MAX) }),
                terms,
                u32::MAX,
                u32::MAX,
                Instant(now),
            );
            share.enter(terms, Instant(now));
            let _ = share.leave(terms, 0, Instant(now));
            let _ = share.serve(terms, u32::MAX, Instant(now));
        }
        assert_eq!(Terms { slots: 0, rate: 60, burst: 60 }.bucket(), 59);
        assert_eq!(Terms { slots: 0, rate: 6_000, burst: 1 }.bucket(), 1);
    }
}
