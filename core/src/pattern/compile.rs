//! From the notation to steps: recursive descent that writes them straight away. Distances are relative, so a part can be
//! copied as it stands; that is how repetitions are made.

use super::{Edge, Pattern, PatternError, Step, MAX_DEPTH, MAX_REPEAT, MAX_SOURCE, MAX_STEPS};

type Result<T> = core::result::Result<T, PatternError>;

pub(super) fn compile(source: &str) -> Result<Pattern> {
    let mut compiler = Compiler { source, at: 0, steps: Vec::new(), ranges: Vec::new(), captures: false };
    if source.len() > MAX_SOURCE {
        return Err(PatternError { at: MAX_SOURCE, message: "is longer than 512 bytes" });
    }
    let exact = compiler.take("(?-i)");
    if !exact {
        compiler.take("(?i)");
    }
    compiler.either(0)?;
    if compiler.peek().is_some() {
        return Err(compiler.wrong("this bracket closes nothing"));
    }
    Ok(Pattern {
        source: source.into(),
        exact,
        steps: compiler.steps.into(),
        ranges: compiler.ranges.into(),
        captures: compiler.captures,
    })
}

struct Compiler<'a> {
    source: &'a str,
    at: usize,
    steps: Vec<Step>,
    ranges: Vec<(char, char)>,
    captures: bool,
}

/// What a class has, or has not.
const DIGITS: &[(char, char)] = &[('0', '9')];
const NO_DIGITS: &[(char, char)] = &[('\0', '/'), (':', char::MAX)];
const WORDS: &[(char, char)] = &[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')];
const NO_WORDS: &[(char, char)] = &[('\0', '/'), (':', '@'), ('[', '^'), ('`', '`'), ('{', char::MAX)];
const SPACES: &[(char, char)] = &[('\t', '\r'), (' ', ' ')];
const NO_SPACES: &[(char, char)] = &[('\0', '\u{8}'), ('\u{e}', '\u{1f}'), ('!', char::MAX)];

impl Compiler<'_> {
    fn wrong(&self, message: &'static str) -> PatternError {
        PatternError { at: self.at, message }
    }

    fn peek(&self) -> Option<char> {
        self.source.get(self.at..)?.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    fn take(&mut self, text: &str) -> bool {
        let taken = self.source.get(self.at..).is_some_and(|rest| rest.starts_with(text));
        if taken {
            self.at += text.len();
        }
        taken
    }

    fn push(&mut self, step: Step) -> Result<()> {
        if self.steps.len() >= MAX_STEPS {
            return Err(self.wrong("has too many steps"));
        }
        self.steps.push(step);
        Ok(())
    }

    /// The distance between two places; a pattern is far shorter than that.
    fn far(from: usize, to: usize) -> i16 {
        let place = |at: usize| i16::try_from(at).unwrap_or(i16::MAX);
        place(to) - place(from)
    }

    /// `a|b|c`
    fn either(&mut self, depth: u8) -> Result<()> {
        let mut start = self.steps.len();
        let mut ends = Vec::new();
        self.sequence(depth)?;
        while self.take("|") {
            ends.push(self.steps.len() + 1);
            self.push(Step::Jump(0))?;
            // The choice comes before what was just written.
            self.steps.insert(start, Step::Split(1, Self::far(start, self.steps.len() + 1)));
            start = self.steps.len();
            self.sequence(depth)?;
        }
        for end in ends {
            self.steps[end] = Step::Jump(Self::far(end, self.steps.len()));
        }
        Ok(())
    }

    /// `abc`
    fn sequence(&mut self, depth: u8) -> Result<()> {
        while !matches!(self.peek(), None | Some('|' | ')')) {
            let start = self.steps.len();
            self.one(depth)?;
            self.repeated(start)?;
        }
        Ok(())
    }

    /// `a`, `[a-z]`, `(…)`
    fn one(&mut self, depth: u8) -> Result<()> {
        let begin = self.at;
        let step = match self.next() {
            Some('(') => return self.group(depth, begin),
            Some('[') => self.class(begin)?,
            Some('.') => Step::Any,
            Some('^') => Step::Edge(Edge::Start),
            Some('$') => Step::Edge(Edge::End),
            Some('\\') => match self.peek() {
                Some('b') => self.edge(Edge::Word),
                Some('B') => self.edge(Edge::NoWord),
                _ => {
                    let from = self.ranges.len();
                    match self.escaped()? {
                        Escaped::Char(character) => Step::Char(character),
                        Escaped::Set(set) => {
                            self.ranges.extend_from_slice(set);
                            Step::Class { from: from as u16, to: self.ranges.len() as u16, out: false }
                        }
                    }
                }
            },
            Some('*' | '+' | '?' | '{') => {
                self.at = begin;
                return Err(self.wrong("there is nothing to repeat"));
            }
            Some(character) => Step::Char(character),
            None => return Ok(()),
        };
        self.push(step)
    }

    fn edge(&mut self, edge: Edge) -> Step {
        self.at += 1;
        Step::Edge(edge)
    }

    fn group(&mut self, depth: u8, begin: usize) -> Result<()> {
        if depth == MAX_DEPTH {
            return Err(PatternError { at: begin, message: "groups are nested too deeply" });
        }
        let captures = !self.take("?:");
        if captures {
            if self.peek() == Some('?') {
                return Err(self.wrong("expected `?:`"));
            }
            if core::mem::replace(&mut self.captures, true) {
                return Err(PatternError {
                    at: begin,
                    message: "only one group captures, write `(?:` for the others",
                });
            }
            self.push(Step::Save(0))?;
        }
        self.either(depth + 1)?;
        if !self.take(")") {
            return Err(PatternError { at: begin, message: "this group is not closed" });
        }
        if captures {
            self.push(Step::Save(1))?;
        }
        Ok(())
    }

    /// Behind a backslash.
    fn escaped(&mut self) -> Result<Escaped> {
        let at = self.at;
        Ok(match self.next() {
            Some('d') => Escaped::Set(DIGITS),
            Some('D') => Escaped::Set(NO_DIGITS),
            Some('w') => Escaped::Set(WORDS),
            Some('W') => Escaped::Set(NO_WORDS),
            Some('s') => Escaped::Set(SPACES),
            Some('S') => Escaped::Set(NO_SPACES),
            Some('n') => Escaped::Char('\n'),
            Some('r') => Escaped::Char('\r'),
            Some('t') => Escaped::Char('\t'),
            Some(mark) if mark.is_ascii_punctuation() => Escaped::Char(mark),
            _ => return Err(PatternError { at, message: "there is no such escape" }),
        })
    }

    /// `[a-z\d]`, behind its first bracket.
    fn class(&mut self, begin: usize) -> Result<Step> {
        let out = self.take("^");
        let from = self.ranges.len();
        loop {
            let at = self.at;
            let low = match self.next() {
                Some(']') if self.ranges.len() == from => {
                    return Err(PatternError { at, message: "this class is empty" });
                }
                Some(']') => break,
                Some('[') => return Err(PatternError { at, message: "write `\\[` in a class" }),
                Some('\\') => match self.escaped()? {
                    Escaped::Char(character) => character,
                    Escaped::Set(set) => {
                        self.ranges.extend_from_slice(set);
                        continue;
                    }
                },
                Some(character) => character,
                None => return Err(PatternError { at: begin, message: "this class is not closed" }),
            };
            let mut high = low;
            let rest = self.source.get(self.at..).unwrap_or_default();
            if rest.starts_with('-') && !rest.starts_with("-]") {
                self.at += 1;
                high = match self.next() {
                    Some('\\') => match self.escaped()? {
                        Escaped::Char(character) => character,
                        Escaped::Set(_) => {
                            return Err(PatternError { at, message: "a range needs two characters" })
                        }
                    },
                    Some(character) => character,
                    None => return Err(PatternError { at: begin, message: "this class is not closed" }),
                };
                if low > high {
                    return Err(PatternError { at, message: "this range is upside down" });
                }
            }
            self.ranges.push((low, high));
        }
        Ok(Step::Class { from: from as u16, to: self.ranges.len() as u16, out })
    }

    /// `*`, `+`, `?`, `{…}` behind what begins at `start`.
    fn repeated(&mut self, start: usize) -> Result<()> {
        let at = self.at;
        let (low, high) = match self.peek() {
            Some('*') => (0, None),
            Some('+') => (1, None),
            Some('?') => (0, Some(1)),
            Some('{') => {
                self.at += 1;
                let low = self.number()?;
                let high = if self.take(",") {
                    if self.peek() == Some('}') {
                        None
                    } else {
                        Some(self.number()?)
                    }
                } else {
                    Some(low)
                };
                if self.peek() != Some('}') {
                    return Err(self.wrong("expected `}`"));
                }
                (low, high)
            }
            _ => return Ok(()),
        };
        self.at += 1;
        if high.is_some_and(|high| high < low) {
            return Err(PatternError { at, message: "this range is upside down" });
        }
        let eager = !self.take("?");
        let split = |on: i16, past: i16| if eager { Step::Split(on, past) } else { Step::Split(past, on) };
        let part = self.steps.split_off(start);
        let length = part.len();
        let times = high.unwrap_or(low.max(1)) as usize;
        if start + times * (length + 1) + 2 > MAX_STEPS {
            return Err(PatternError { at, message: "has too many steps" });
        }
        for _ in 0..low {
            self.steps.extend_from_slice(&part);
        }
        if let Some(high) = high {
            let more = (high - low) as usize;
            for done in 0..more {
                self.steps.push(split(1, Self::far(0, (more - done) * (length + 1))));
                self.steps.extend_from_slice(&part);
            }
        } else {
            // `x*` is `(x+)?`: the same, and right too where x can be nothing.
            if low == 0 {
                self.steps.push(split(1, Self::far(0, length + 2)));
                self.steps.extend_from_slice(&part);
            }
            self.steps.push(split(Self::far(length, 0), 1));
        }
        Ok(())
    }

    fn number(&mut self) -> Result<u32> {
        let at = self.at;
        let mut number = 0_u32;
        while let Some(digit) = self.peek().and_then(|digit| digit.to_digit(10)) {
            number = number.saturating_mul(10).saturating_add(digit);
            self.at += 1;
        }
        if at == self.at || number > MAX_REPEAT {
            return Err(PatternError { at, message: "expected a number of repetitions up to 255" });
        }
        Ok(number)
    }
}

enum Escaped {
    Char(char),
    Set(&'static [(char, char)]),
}
