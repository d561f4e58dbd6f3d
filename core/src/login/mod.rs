//! One login from its start to its end: what is asked next, when it is asked again, when it is over.
//!
//! Knows no URL, no code and no token: what came is told in a word, what is to be done as well.

use crate::facts::oauth::Flow;
use crate::json::words;
use crate::time::{Instant, Span};

/// How long a person may take where the caller does not say.
pub const USUAL_WAIT: Span = Span::from_mins(5);
/// No login is waited for longer, whatever a caller or a provider says.
pub const LONGEST_WAIT: Span = Span::from_hours(24);
/// So much longer between two polls at each `slow_down` (RFC 8628 §3.5).
const SLOWER: Span = Span::from_secs(5);
/// No more than this between two polls.
const SLOWEST: Span = Span::from_mins(5);
/// What failed and may work later is tried so many times more, after 1 s and after 2 s.
const MORE_TRIES: u8 = 2;
/// A store that refused what a login brought is asked again after this time, for as long as the login lives.
const STORE_AGAIN: Span = Span::from_secs(1);

/// Where a login stands: what it waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Where the endpoints are (RFC 8414), at the first place to look.
    Discover,
    /// The same, at the second.
    DiscoverElsewhere,
    /// The codes of the device flow.
    Device,
    /// A person, who agrees in a browser.
    Person,
    /// A person, who agrees elsewhere; asked after from time to time.
    Poll,
    /// Tokens for the code that came.
    Exchange,
    /// Tokens for the client itself.
    Grant,
    /// Whose the tokens are.
    Whose,
    /// The store.
    Store,
}

words! {
    /// The word for it.
    Stage {
        Discover = "discover",
        DiscoverElsewhere = "discover_elsewhere",
        Device = "device",
        Person = "person",
        Poll = "poll",
        Exchange = "exchange",
        Grant = "grant",
        Whose = "whose",
        Store = "store",
    }
}

/// What came of what was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// The endpoints are known.
    Found,
    /// The codes of the device flow are there.
    Device {
        /// Between two polls.
        interval: Span,
        /// How long they are good.
        life: Span,
    },
    /// The person agreed, and a code came.
    Code,
    /// The person has not agreed yet.
    Pending,
    /// Nor that, and we ask too often: so long between two polls, where the provider says.
    SlowDown(Option<Span>),
    /// Tokens are there.
    Tokens {
        /// Is it to be asked whose they are?
        whose: bool,
    },
    /// It was asked whose they are; an answer is not needed.
    Whose,
    /// It failed.
    Failed {
        /// Why: a code of the provider's or of ours, never a secret.
        code: Box<str>,
        /// May it work later?
        transient: bool,
    },
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Todo {
    /// Nothing, for now.
    Wait,
    /// Ask what this stage asks for.
    Call(Stage),
    /// Show the person what to do.
    Prompt,
    /// Keep the account.
    Store,
    /// It is over, for this reason.
    Fail(Box<str>),
}

/// A login under way.
#[derive(Clone, Debug)]
pub struct Login {
    stage: Stage,
    flow: Flow,
    until: Instant,
    /// When something is to be done; none while an answer is awaited.
    at: Option<Instant>,
    interval: Span,
    tries: u8,
}

impl Login {
    /// Starts one. `discover`: endpoints are to be found first.
    pub fn start(flow: Flow, discover: bool, wait: Span, now: Instant) -> (Self, Todo) {
        let until = now + Span(wait.0.min(LONGEST_WAIT.0));
        let stage = Stage::Discover;
        let mut login = Self { stage, flow, until, at: None, interval: Span::ZERO, tries: 0 };
        let todo = if discover { Todo::Call(stage) } else { login.begin() };
        (login, todo)
    }

    /// Where it stands.
    pub const fn stage(&self) -> Stage {
        self.stage
    }

    /// When [`due`](Self::due) is to be called.
    pub fn deadline(&self) -> Instant {
        self.at.map_or(self.until, |at| at.min(self.until))
    }

    fn begin(&mut self) -> Todo {
        match self.flow {
            Flow::Device => self.call(Stage::Device),
            Flow::ClientCredentials => self.call(Stage::Grant),
            Flow::Code => {
                self.stage = Stage::Person;
                Todo::Prompt
            }
        }
    }

    const fn call(&mut self, stage: Stage) -> Todo {
        self.stage = stage;
        self.tries = 0;
        Todo::Call(stage)
    }

    const fn store(&mut self) -> Todo {
        self.stage = Stage::Store;
        self.at = None;
        Todo::Store
    }

    fn later(&mut self, now: Instant, span: Span) -> Todo {
        self.at = Some(now + span);
        Todo::Wait
    }

    /// Something came. What does not belong to the stage changes nothing: it is late.
    pub fn hear(&mut self, news: News, now: Instant) -> Todo {
        match (self.stage, news) {
            (Stage::Discover | Stage::DiscoverElsewhere, News::Found) => self.begin(),
            (Stage::Discover, News::Failed { .. }) => self.call(Stage::DiscoverElsewhere),
            (Stage::Device, News::Device { interval, life }) => {
                // The codes' life is what counts now, not how patient the caller said it was before there were any.
                self.until = now + Span(life.0.min(LONGEST_WAIT.0));
                (self.stage, self.interval) = (Stage::Poll, slower(interval.0));
                self.later(now, interval);
                Todo::Prompt
            }
            // By a poll it comes where that is not of an RFC.
            (Stage::Person | Stage::Poll, News::Code) => self.call(Stage::Exchange),
            (Stage::Poll, News::Pending) => self.later(now, self.interval),
            (Stage::Poll, News::SlowDown(stated)) => {
                let longer = slower(self.interval.0 + SLOWER.0);
                self.interval = stated.map_or(longer, |stated| slower(stated.0).max(self.interval));
                self.later(now, self.interval)
            }
            (Stage::Poll, News::Failed { transient: true, .. }) => {
                self.interval = slower(self.interval.0.saturating_mul(2));
                self.later(now, self.interval)
            }
            (Stage::Poll | Stage::Exchange | Stage::Grant, News::Tokens { whose: true }) => {
                self.call(Stage::Whose)
            }
            (Stage::Poll | Stage::Exchange | Stage::Grant, News::Tokens { whose: false })
            | (Stage::Whose, News::Whose | News::Failed { .. }) => self.store(),
            (Stage::Store, News::Failed { transient: true, .. }) => self.later(now, STORE_AGAIN),
            (stage, News::Failed { code, transient }) => {
                if !transient || self.tries >= MORE_TRIES || stage == Stage::Person {
                    return Todo::Fail(code);
                }
                self.tries += 1;
                self.later(now, Span::from_secs(u64::from(self.tries)))
            }
            _ => Todo::Wait,
        }
    }

    /// Time has passed.
    pub fn due(&mut self, now: Instant) -> Todo {
        if self.until <= now {
            let expired = self.stage == Stage::Poll;
            return Todo::Fail(if expired { "expired_token" } else { "timeout" }.into());
        }
        if self.at.is_none_or(|at| at > now) {
            return Todo::Wait;
        }
        self.at = None;
        match self.stage {
            Stage::Store => Todo::Store,
            stage => Todo::Call(stage),
        }
    }
}

fn slower(interval: u64) -> Span {
    Span(interval).min(SLOWEST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const WAIT: Span = USUAL_WAIT;

    fn at(seconds: u64) -> Instant {
        Instant(seconds * 1000)
    }

    fn failed(code: &str, transient: bool) -> News {
        News::Failed { code: code.into(), transient }
    }

    #[test]
    fn a_browser_login() {
        let (mut login, todo) = Login::start(Flow::Code, false, WAIT, at(0));
        assert_eq!((todo, login.deadline()), (Todo::Prompt, at(300)));
        assert_eq!(login.hear(News::Tokens { whose: false }, at(1)), Todo::Wait, "too early");
        assert_eq!(login.hear(News::Code, at(9)), Todo::Call(Stage::Exchange));
        assert_eq!(login.hear(News::Code, at(9)), Todo::Wait, "a code is used once");
        assert_eq!(login.hear(News::Tokens { whose: true }, at(10)), Todo::Call(Stage::Whose));
        assert_eq!(
            login.hear(failed("http-500", true), at(11)),
            Todo::Store,
            "whose it is need not be known"
        );
        assert_eq!(login.hear(failed("busy", true), at(12)), Todo::Wait);
        assert_eq!((login.deadline(), login.due(at(13))), (at(13), Todo::Store));
    }

    #[test]
    fn a_person_who_does_not_come() {
        let (mut login, _) = Login::start(Flow::Code, false, WAIT, at(0));
        assert_eq!(login.due(at(299)), Todo::Wait);
        assert_eq!(login.due(at(300)), Todo::Fail("timeout".into()));
        let (mut login, _) = Login::start(Flow::Code, false, WAIT, at(0));
        assert_eq!(login.hear(failed("access_denied", false), at(1)), Todo::Fail("access_denied".into()));
        let (login, _) = Login::start(Flow::Code, false, Span(u64::MAX), at(0));
        assert_eq!(login.deadline(), at(24 * 3600));
    }

    #[test]
    fn a_device_is_polled_at_its_interval_and_slower_when_told() {
        let (mut login, todo) = Login::start(Flow::Device, true, WAIT, at(0));
        assert_eq!(todo, Todo::Call(Stage::Discover));
        assert_eq!(login.hear(failed("http-404", true), at(0)), Todo::Call(Stage::DiscoverElsewhere));
        assert_eq!(login.hear(News::Found, at(0)), Todo::Call(Stage::Device));
        let device = News::Device { interval: Span::from_secs(5), life: Span::from_secs(900) };
        assert_eq!((login.hear(device, at(0)), login.deadline()), (Todo::Prompt, at(5)));
        assert_eq!(login.due(at(4)), Todo::Wait);
        assert_eq!(login.due(at(5)), Todo::Call(Stage::Poll));
        assert_eq!(login.due(at(6)), Todo::Wait, "one poll at a time");
        for (news, next) in [
            (News::Pending, 5),
            (News::SlowDown(None), 10),
            (News::SlowDown(Some(Span::from_secs(30))), 30),
            (failed("http-503", true), 60),
            (News::Pending, 60),
            (failed("network", true), 120),
        ] {
            assert_eq!((login.hear(news, at(100)), login.deadline()), (Todo::Wait, at(100 + next)));
            assert_eq!(login.due(at(100 + next)), Todo::Call(Stage::Poll));
        }
        assert_eq!(login.due(at(900)), Todo::Fail("expired_token".into()));
        assert_eq!(login.hear(failed("access_denied", false), at(899)), Todo::Fail("access_denied".into()));
    }

    #[test]
    fn what_may_work_later_is_tried_thrice() {
        let (mut login, todo) = Login::start(Flow::ClientCredentials, false, WAIT, at(0));
        assert_eq!(todo, Todo::Call(Stage::Grant));
        for second in [1, 3] {
            assert_eq!(
                login.hear(failed("http-502", true), at(second - 1 - u64::from(second == 3))),
                Todo::Wait
            );
            assert_eq!(login.due(at(second)), Todo::Call(Stage::Grant));
        }
        assert_eq!(login.hear(failed("http-502", true), at(4)), Todo::Fail("http-502".into()));
        let (mut login, _) = Login::start(Flow::ClientCredentials, false, WAIT, at(0));
        assert_eq!(login.hear(failed("invalid_client", false), at(0)), Todo::Fail("invalid_client".into()));
    }

    proptest! {
        #[test]
        fn every_login_ends(choices in proptest::collection::vec(0_u8..9, 0..200), flow in 0_u8..3, discover: bool) {
            let flow = [Flow::Code, Flow::Device, Flow::ClientCredentials][usize::from(flow)];
            let (mut login, _) = Login::start(flow, discover, WAIT, at(0));
            let mut now = at(0);
            for choice in choices {
                let news = match choice {
                    0 => News::Found,
                    1 => News::Device { interval: Span(u64::MAX), life: Span(u64::MAX) },
                    2 => News::Code,
                    3 => News::Pending,
                    4 => News::SlowDown(Some(Span(7))),
                    5 => News::Tokens { whose: true },
                    6 => News::Whose,
                    7 => failed("x", true),
                    _ => { now = now.max(login.deadline()); let _ = login.due(now); continue }
                };
                let _ = login.hear(news, now);
                prop_assert!(login.deadline() <= now + LONGEST_WAIT);
            }
            prop_assert!(matches!(login.due(now + LONGEST_WAIT), Todo::Fail(_)));
        }
    }
}
