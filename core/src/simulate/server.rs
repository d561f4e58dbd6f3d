//! A provider whose refresh tokens rotate, that knows a thief when it sees one, and counts calls by a meter.

use super::scenario::{Manner, WorldSpec};
use std::collections::BTreeMap;

/// What becomes of a refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Active,
    /// It was replaced, at this time, by this exchange.
    Rotated {
        at: u64,
        by: usize,
    },
    Revoked,
}

/// One time that a refresh token was sent: it may never have arrived.
#[derive(Clone, Debug, Default)]
pub(super) struct Exchange {
    pub(super) account: usize,
    /// Who asked.
    pub(super) owner: u64,
    /// The access token that it gave.
    pub(super) access: String,
    /// Was the answer given to who had asked, while he lived?
    pub(super) heard: bool,
}

/// What the token endpoint answers.
pub(super) enum Said {
    Tokens { access: String, refresh: String, life: u64 },
    Dead,
}

/// What a call is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Called {
    Good,
    /// This token is not good.
    Refused,
    /// The account may not call before the end of its window, in so many milliseconds.
    Limited(u64),
}

pub(super) struct Server {
    manner: Manner,
    leeway: u64,
    meter: u64,
    window: u64,
    tokens: BTreeMap<String, (usize, Token)>,
    /// Access tokens that it gave: whose, and until when they are good.
    access: BTreeMap<String, (usize, u64)>,
    pub(super) exchanges: Vec<Exchange>,
    /// By account: the window, and the calls in it.
    calls: BTreeMap<usize, (u64, u64)>,
    issued: u64,
}

impl Server {
    pub(super) fn new(spec: &WorldSpec) -> Self {
        Self {
            manner: spec.manner,
            leeway: spec.leeway,
            meter: spec.meter,
            window: spec.meter_window,
            tokens: BTreeMap::new(),
            access: BTreeMap::new(),
            exchanges: Vec::new(),
            calls: BTreeMap::new(),
            issued: 0,
        }
    }

    /// An account that exists from the start.
    pub(super) fn know(&mut self, account: usize, refresh: &str, access: &str, until: u64) {
        self.tokens.insert(refresh.to_owned(), (account, Token::Active));
        self.access.insert(access.to_owned(), (account, until));
    }

    pub(super) fn manner(&self) -> Manner {
        self.manner
    }

    pub(super) fn state(&self, token: &str) -> Option<(usize, Token)> {
        self.tokens.get(token).copied()
    }

    /// Somebody sends a refresh token. The number tells which exchange it is.
    pub(super) fn sent(&mut self, owner: u64, token: &str) -> usize {
        let account = self.state(token).map_or(usize::MAX, |(account, _)| account);
        self.exchanges.push(Exchange { account, owner, ..Exchange::default() });
        self.exchanges.len() - 1
    }

    /// It arrives. `life`: of the access token that it gives, in seconds.
    pub(super) fn exchange(&mut self, number: usize, token: &str, now: u64, life: u64) -> Said {
        let Some((account, state)) = self.state(token) else { return Said::Dead };
        let good = match (state, self.manner) {
            (Token::Active, _) => true,
            (Token::Revoked, _) => false,
            (Token::Rotated { at, .. }, manner) => {
                let forgiven = manner == Manner::Leeway && now - at <= self.leeway;
                if !forgiven {
                    for (of, state) in self.tokens.values_mut() {
                        if *of == account {
                            *state = Token::Revoked;
                        }
                    }
                    self.access.retain(|_, (of, _)| *of != account);
                }
                forgiven
            }
        };
        if !good {
            return Said::Dead;
        }
        self.issued += 1;
        let access = format!("sim-at-{account}-{}", self.issued);
        self.access.insert(access.clone(), (account, now + life * 1000));
        self.exchanges[number].access.clone_from(&access);
        if self.manner == Manner::Fixed {
            return Said::Tokens { access, refresh: token.to_owned(), life };
        }
        if state == Token::Active {
            self.tokens.insert(token.to_owned(), (account, Token::Rotated { at: now, by: number }));
        }
        let refresh = format!("sim-rt-{account}-{}", self.issued);
        self.tokens.insert(refresh.clone(), (account, Token::Active));
        Said::Tokens { access, refresh, life }
    }

    /// A call with an access token.
    pub(super) fn call(&mut self, access: &str, now: u64) -> Called {
        let Some(&(account, until)) = self.access.get(access) else { return Called::Refused };
        if until <= now {
            return Called::Refused;
        }
        if self.meter == 0 {
            return Called::Good;
        }
        let window = now / self.window;
        let (of, calls) = self.calls.entry(account).or_default();
        if *of != window {
            (*of, *calls) = (window, 0);
        }
        if *calls >= self.meter {
            return Called::Limited((window + 1) * self.window - now);
        }
        *calls += 1;
        Called::Good
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(manner: Manner) -> Server {
        let mut server = Server::new(&WorldSpec {
            manner,
            leeway: 10,
            meter: 2,
            meter_window: 100,
            ..WorldSpec::default()
        });
        server.know(0, "r", "a", 1_000);
        server
    }

    fn try_with(server: &mut Server, token: &str, now: u64) -> Option<String> {
        let number = server.sent(1, token);
        match server.exchange(number, token, now, 60) {
            Said::Tokens { refresh, .. } => Some(refresh),
            Said::Dead => None,
        }
    }

    #[test]
    fn a_token_that_comes_back_is_a_theft_unless_the_provider_is_lenient() {
        let mut strict = server(Manner::Strict);
        let next = try_with(&mut strict, "r", 0).unwrap();
        assert_eq!(try_with(&mut strict, "r", 1), None);
        assert_eq!(try_with(&mut strict, &next, 2), None, "the account is closed");
        assert_eq!(strict.call("a", 2), Called::Refused);
        let mut lenient = server(Manner::Leeway);
        let next = try_with(&mut lenient, "r", 0).unwrap();
        assert!(try_with(&mut lenient, "r", 10).is_some() && try_with(&mut lenient, &next, 10).is_some());
        assert_eq!(try_with(&mut lenient, "r", 11), None);
        let mut fixed = server(Manner::Fixed);
        assert_eq!(try_with(&mut fixed, "r", 0).as_deref(), Some("r"));
    }

    #[test]
    fn calls_are_counted_by_window() {
        let mut server = server(Manner::Strict);
        let said: Vec<_> = [10, 20, 30, 100, 1_000].map(|now| server.call("a", now)).into();
        assert_eq!(said, [Called::Good, Called::Good, Called::Limited(70), Called::Good, Called::Refused]);
    }
}
