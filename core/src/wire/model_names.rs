//! Answers that name another model than the upstream does, rewritten while they pass: bytes in, bytes out, nothing kept.
//!
//! Only fields of the answer's own structure are touched, where their values are texts: `model` and `modelVersion` of the answer
//! itself, `message.model` (Anthropic's first event), `response.model` and `response.modelVersion` (`OpenAI`'s responses, Code
//! Assist). What a model wrote stands in other texts and deeper down. All other bytes pass as they are. The fields are
//! CLIProxyAPI's (`force-mapping`).

use crate::json;

/// Of which form a body is that holds names of models.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One JSON value, an array of answers, or a value a line.
    Json,
    /// Server-sent events whose data is JSON.
    Events,
}

impl Form {
    /// By a `Content-Type`; none where names of models cannot be rewritten in it.
    pub fn of(content_type: &str) -> Option<Self> {
        let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match kind.as_str() {
            "text/event-stream" => Some(Self::Events),
            "application/x-ndjson" | "application/ndjson" | "application/jsonl" => Some(Self::Json),
            other => other
                .strip_prefix("application/")
                .is_some_and(|of| of == "json" || of.ends_with("+json"))
                .then_some(Self::Json),
        }
    }
}

/// The rewriter: what it holds does not grow with what passes.
#[derive(Clone, Debug)]
pub struct ModelNames {
    /// The name as it stands between the quotes of a JSON text.
    name: Box<str>,
    form: Form,
    line: Line,
    /// The byte before ended a line as a carriage return: a line feed belongs to it.
    after_return: bool,
    value: Value,
}

/// Where in a line of events it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    /// So many bytes of `data:` have come, and nothing else.
    Field(u8),
    Data,
    Other,
}

const DATA: &[u8] = b"data:";

/// Where in the JSON it is.
#[derive(Clone, Debug, Default)]
struct Value {
    /// Objects and arrays that are open.
    depth: u32,
    /// The answers are elements of an array.
    listed: bool,
    /// The open answer is an object.
    answer: bool,
    /// The object in the answer whose fields count too.
    holder: Option<Name>,
    /// A name comes next, not a value.
    naming: bool,
    /// The field whose value comes.
    field: Option<Name>,
    text: Text,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Text {
    /// Outside of any.
    #[default]
    None,
    /// In one that passes. `escaped`: the byte before was a backslash.
    Passes { escaped: bool },
    /// In the name of a field that may count: the first bytes of it, and how many.
    Named { read: [u8; LONGEST], length: u8 },
    /// In the name of a model, which does not pass.
    Dropped { escaped: bool },
    /// It did not end in its line: nothing is looked at until the event ends.
    Broken,
}

/// The fields that count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Name {
    Model,
    Version,
    Message,
    Response,
}

/// No name that counts is longer.
const LONGEST: usize = 12;

impl Name {
    fn of(text: &[u8]) -> Option<Self> {
        Some(match text {
            b"model" => Self::Model,
            b"modelVersion" => Self::Version,
            b"message" => Self::Message,
            b"response" => Self::Response,
            _ => return None,
        })
    }
}

impl ModelNames {
    /// A rewriter at the start of a body. Every model in it is called `name` from now on.
    pub fn new(form: Form, name: &str) -> Self {
        let quoted = json::write(&name);
        let name = quoted.get(1..quoted.len() - 1).unwrap_or_default().into();
        Self { name, form, line: Line::Field(0), after_return: false, value: Value::default() }
    }

    /// Takes the next bytes of the body and adds to `out` what takes their place. A body that is cut off is cut off there too:
    /// nothing is held back, and nothing is added at the end.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        let mut from = 0;
        for (at, &byte) in bytes.iter().enumerate() {
            let dropped = matches!(self.value.text, Text::Dropped { .. });
            if !self.is_value(byte) {
                if dropped {
                    // The line's end broke it off, and passes.
                    from = at;
                }
                continue;
            }
            match self.value.step(byte) {
                Step::Passes => {}
                Step::Begins => {
                    out.extend_from_slice(bytes.get(from..=at).unwrap_or_default());
                    out.extend_from_slice(self.name.as_bytes());
                    from = bytes.len();
                }
                Step::Ends => from = at,
            }
        }
        if !matches!(self.value.text, Text::Dropped { .. }) {
            out.extend_from_slice(bytes.get(from..).unwrap_or_default());
        }
    }

    /// Does the byte belong to a JSON value, and not to the lines around it?
    fn is_value(&mut self, byte: u8) -> bool {
        if self.form == Form::Json {
            return true;
        }
        let after_return = core::mem::replace(&mut self.after_return, byte == b'\r');
        if !matches!(byte, b'\n' | b'\r') {
            self.line = match self.line {
                Line::Data => return true,
                Line::Field(read) if DATA.get(usize::from(read)) == Some(&byte) => {
                    if usize::from(read) + 1 == DATA.len() {
                        Line::Data
                    } else {
                        Line::Field(read + 1)
                    }
                }
                // A mark of the byte order before the first line.
                Line::Field(0) if matches!(byte, 0xef | 0xbb | 0xbf) => Line::Field(0),
                _ => Line::Other,
            };
            return false;
        }
        if byte == b'\n' && after_return {
            return false;
        }
        if self.line == Line::Field(0) {
            // A blank line ends the event.
            self.value = Value::default();
        } else if self.value.text != Text::None {
            self.value.text = Text::Broken;
        }
        self.line = Line::Field(0);
        false
    }
}

enum Step {
    Passes,
    /// The quote before a name that does not pass.
    Begins,
    /// The quote behind it.
    Ends,
}

impl Value {
    fn step(&mut self, byte: u8) -> Step {
        match &mut self.text {
            Text::Broken => {}
            Text::Passes { escaped } => match byte {
                b'"' if !*escaped => self.text = Text::None,
                _ => *escaped = byte == b'\\' && !*escaped,
            },
            Text::Dropped { escaped } => match byte {
                b'"' if !*escaped => {
                    self.text = Text::None;
                    return Step::Ends;
                }
                _ => *escaped = byte == b'\\' && !*escaped,
            },
            Text::Named { read, length } => match byte {
                b'"' => {
                    self.field = read.get(..usize::from(*length)).and_then(Name::of);
                    self.text = Text::None;
                }
                b'\\' => self.text = Text::Passes { escaped: true },
                _ => match read.get_mut(usize::from(*length)) {
                    Some(place) => (*place, *length) = (byte, *length + 1),
                    None => self.text = Text::Passes { escaped: false },
                },
            },
            Text::None => return self.outside(byte),
        }
        Step::Passes
    }

    fn outside(&mut self, byte: u8) -> Step {
        match byte {
            b'"' if !self.counts() => self.text = Text::Passes { escaped: false },
            b'"' if self.naming => {
                self.field = None;
                self.text = Text::Named { read: [0; LONGEST], length: 0 };
            }
            b'"' => {
                let message = self.holder == Some(Name::Message);
                let model = match self.field.take() {
                    Some(Name::Model) => true,
                    Some(Name::Version) => !message,
                    _ => false,
                };
                if model {
                    self.text = Text::Dropped { escaped: false };
                    return Step::Begins;
                }
                self.text = Text::Passes { escaped: false };
            }
            b'{' | b'[' => self.open(byte == b'{'),
            b'}' | b']' => self.close(),
            b',' => (self.naming, self.field) = (true, None),
            b':' => self.naming = false,
            _ => {}
        }
        Step::Passes
    }

    /// How deep an answer's own fields are.
    fn answer_depth(&self) -> u32 {
        1 + u32::from(self.listed)
    }

    /// Do the fields of the innermost object count?
    fn counts(&self) -> bool {
        let deeper = self.depth.checked_sub(self.answer_depth());
        self.answer && (deeper == Some(0) || (deeper == Some(1) && self.holder.is_some()))
    }

    fn open(&mut self, object: bool) {
        let answer_depth = self.answer_depth();
        if self.depth == 0 && !object {
            self.listed = true;
        } else if self.depth + 1 == answer_depth {
            self.answer = object;
        } else if self.depth == answer_depth && self.answer {
            let holds = |field: &Name| object && matches!(field, Name::Message | Name::Response);
            self.holder = self.field.filter(holds);
        }
        self.depth = self.depth.saturating_add(1);
        (self.naming, self.field) = (object, None);
    }

    fn close(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        if self.depth == 0 {
            *self = Self::default();
        } else if self.depth == self.answer_depth() {
            self.holder = None;
        } else if self.depth < self.answer_depth() {
            self.answer = false;
        }
        (self.naming, self.field) = (false, None);
    }
}

#[cfg(test)]
#[path = "model_names_tests.rs"]
mod tests;
