//! A provider with rotating refresh tokens: who presents one a second time is a thief, unless the provider is lenient.

use std::collections::BTreeMap;

/// What a provider does when an old token comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// For so many milliseconds it is taken once more; later the whole account is closed.
    Leeway(u64),
    /// The whole account is closed at once.
    Strict,
    /// Tokens do not rotate at all.
    Fixed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    Active,
    Rotated { at: u64, by: usize },
    Revoked,
}

/// One time that a token was presented.
#[derive(Clone, Debug)]
pub(crate) struct Presented {
    pub(crate) epoch: u64,
    /// The access token that it gave.
    pub(crate) access: String,
    /// Was the answer handed to that process while it lived?
    pub(crate) delivered: bool,
}

pub(crate) struct Provider {
    pub(crate) manner: Manner,
    tokens: BTreeMap<String, (usize, Token)>,
    pub(crate) presented: Vec<Presented>,
    issued: u64,
}

pub(crate) enum Answer {
    Tokens(String, String),
    Dead,
}

impl Provider {
    pub(crate) fn new(manner: Manner) -> Self {
        Self { manner, tokens: BTreeMap::new(), presented: Vec::new(), issued: 0 }
    }

    /// A first refresh token of an account.
    pub(crate) fn issue(&mut self, account: usize) -> String {
        self.issued += 1;
        let token = format!("CANARY-r{account}-{}", self.issued);
        self.tokens.insert(token.clone(), (account, Token::Active));
        token
    }

    pub(crate) fn state(&self, token: &str) -> Option<Token> {
        self.tokens.get(token).map(|(_, state)| *state)
    }

    /// A refresh token is presented. The number tells which presentation it is.
    pub(crate) fn present(&mut self, now: u64, epoch: u64, token: &str) -> (usize, Answer) {
        let number = self.presented.len();
        self.presented.push(Presented { epoch, access: String::new(), delivered: false });
        let Some(&(account, state)) = self.tokens.get(token) else { return (number, Answer::Dead) };
        let fresh = match (state, self.manner) {
            (Token::Active, _) => true,
            (Token::Revoked, _) => false,
            (Token::Rotated { at, .. }, manner) => {
                let lenient = matches!(manner, Manner::Leeway(leeway) if now - at <= leeway);
                if !lenient {
                    for (of, state) in self.tokens.values_mut() {
                        if *of == account {
                            *state = Token::Revoked;
                        }
                    }
                }
                lenient
            }
        };
        if !fresh {
            return (number, Answer::Dead);
        }
        self.issued += 1;
        let access = format!("CANARY-a{account}-{}", self.issued);
        self.presented[number].access.clone_from(&access);
        if self.manner == Manner::Fixed {
            return (number, Answer::Tokens(access, token.to_owned()));
        }
        if state == Token::Active {
            self.tokens.insert(token.to_owned(), (account, Token::Rotated { at: now, by: number }));
        }
        let refresh = self.issue(account);
        (number, Answer::Tokens(access, refresh))
    }
}
