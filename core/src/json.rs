//! Reading JSON with errors that name their place.

use serde::de::DeserializeOwned;
use std::fmt::Write;

/// Why a text could not be read: where, and what is wrong there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonError {
    /// The place: `steps[3].acquire.model`, or `.` for the whole text.
    pub path: String,
    /// What is wrong.
    pub message: String,
}

impl core::fmt::Display for JsonError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}

impl core::error::Error for JsonError {}

/// Reads a text. On an error the place is found from the line and column at which the parser stopped: a parser that keeps
/// track of the path all the time would be instantiated a second time for every type, half of the WebAssembly.
pub fn read<T: DeserializeOwned>(text: &str) -> Result<T, JsonError> {
    serde_json::from_str(text).map_err(|error| {
        let message = error.to_string();
        let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(said, _)| said).to_owned();
        JsonError { path: path_at(text, error.line(), error.column()), message }
    })
}

/// An error without the values that it quotes: for texts that hold secrets.
#[must_use]
pub fn without_values(error: JsonError) -> JsonError {
    let message = match (error.message.find('"'), error.message.rfind('"')) {
        (Some(first), Some(last)) if first < last => {
            format!("{}…{}", &error.message[..=first], &error.message[last..])
        }
        _ => error.message,
    };
    JsonError { path: error.path, message }
}

/// One container that is open at a place.
enum Open {
    /// An object, and the key of the field that is being read.
    Object(Option<String>),
    /// An array, and the index of the item that is being read.
    Array(usize),
}

/// The path of what stands at a line and column, both from 1, of a text that is JSON up to there.
fn path_at(text: &str, line: usize, column: usize) -> String {
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let end = (start + column).min(text.len());
    let bytes = &text.as_bytes()[..end];
    let mut open: Vec<Open> = Vec::new();
    let mut at = 0;
    let mut key_next = false;
    while at < bytes.len() {
        match bytes[at] {
            b'{' => {
                open.push(Open::Object(None));
                key_next = true;
            }
            b'[' => open.push(Open::Array(0)),
            b'}' | b']' => {
                // A container that ends just where the parser stopped is the one it complains of.
                if at + 1 < bytes.len() {
                    open.pop();
                } else if let Some(Open::Object(key)) = open.last_mut() {
                    *key = None;
                }
                key_next = false;
            }
            b',' => match open.last_mut() {
                Some(Open::Array(index)) => *index += 1,
                Some(Open::Object(_)) => key_next = true,
                None => {}
            },
            b'"' => {
                let from = at + 1;
                at = from;
                while at < bytes.len() && bytes[at] != b'"' {
                    at += 1 + usize::from(bytes[at] == b'\\');
                }
                if let (true, Some(Open::Object(key))) = (key_next, open.last_mut()) {
                    let to = at.min(bytes.len());
                    *key = Some(String::from_utf8_lossy(&bytes[from..to]).into_owned());
                    key_next = false;
                }
            }
            _ => {}
        }
        at += 1;
    }
    let mut path = String::new();
    for container in open {
        match container {
            Open::Object(Some(key)) => {
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(&key);
            }
            Open::Object(None) => {}
            Open::Array(index) => {
                let _ = write!(path, "[{index}]");
            }
        }
    }
    if path.is_empty() {
        path.push('.');
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use std::collections::BTreeMap;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "only read")]
    struct Outer {
        name: String,
        inner: BTreeMap<String, Vec<Inner>>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "only read")]
    struct Inner {
        n: u8,
    }

    #[test]
    fn an_error_names_its_place() {
        for (text, path) in [
            ("{\"name\":\"x\",\"inner\":{\"a\":[{\"n\":1},{\"n\":-1}]}}", "inner.a[1].n"),
            ("{\n \"name\": \"x\",\n \"inner\": {\"a\": [{\"n\": 1, \"m\": 2}]}}", "inner.a[0].m"),
            ("{\"name\":\"}{[\\\"\",\"inner\":{\"b\":[{}]}}", "inner.b[0]"),
            ("{\"name\":1}", "name"),
            ("{\"name\":\"x\",\"outer\":1}", "outer"),
            ("[", "[0]"),
            ("", "."),
            ("nonsense", "."),
        ] {
            assert_eq!(read::<Outer>(text).unwrap_err().path, path, "{text}");
        }
    }

    #[test]
    fn quoted_values_can_be_left_out() {
        let error = without_values(read::<Vec<u8>>("[\"sk-canary\"]").unwrap_err());
        assert_eq!(error.message, "invalid type: string \"…\", expected u8");
    }
}
