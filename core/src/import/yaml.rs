//! YAML, read as the JSON that it stands for.

use super::{wrong, ImportError};
use crate::json::{self, Value};
use saphyr_parser::{Event, Parser, ScalarStyle};
use std::collections::HashMap;

/// Containers are at most so deep in each other.
const DEEPEST: usize = 64;
/// A document has at most so many values, those of aliases counted each time: a few lines of them can stand for billions.
const MOST: usize = 500_000;

/// A container that is open.
enum Open {
    Sequence(Vec<Value>),
    Mapping(Mapping),
}

#[derive(Default)]
struct Mapping {
    fields: Vec<(String, Value)>,
    /// The key whose value comes next.
    key: Option<Key>,
    /// What `<<` brings into it.
    brought: Vec<Value>,
}

enum Key {
    Named(String),
    /// A plain `<<` (YAML 1.1, the merge key); one in quotes is a name like any other.
    Merge,
}

/// Reads the first document. Errors name a line.
pub(super) fn read(text: &str) -> Result<Value, ImportError> {
    let mut open: Vec<(Open, usize)> = Vec::new();
    let mut anchors: HashMap<usize, Value> = HashMap::new();
    let mut count = 0;
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| at(error.marker().line(), "it is not YAML"))?;
        let line = span.start.line();
        let mut is_merge = false;
        let (value, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain && tag.is_none();
                is_merge = plain && text == "<<";
                (scalar(&text, plain), anchor)
            }
            Event::Alias(anchor) => {
                let value = anchors.get(&anchor).ok_or_else(|| at(line, "an alias of nothing before it"))?;
                count += size(value);
                if count > MOST {
                    return Err(at(line, TOO_MUCH));
                }
                (value.clone(), 0)
            }
            Event::SequenceStart(anchor, _) => {
                open.push((Open::Sequence(Vec::new()), anchor));
                if open.len() > DEEPEST {
                    return Err(at(line, "it is nested too deeply"));
                }
                continue;
            }
            Event::MappingStart(anchor, _) => {
                open.push((Open::Mapping(Mapping::default()), anchor));
                if open.len() > DEEPEST {
                    return Err(at(line, "it is nested too deeply"));
                }
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => match open.pop() {
                Some((Open::Sequence(items), anchor)) => (Value::Array(items), anchor),
                Some((Open::Mapping(mapping), anchor)) => (merged(mapping), anchor),
                None => return Err(at(line, "it is not YAML")),
            },
            Event::DocumentEnd => return Ok(Value::Null),
            Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::Nothing => continue,
        };
        count += 1;
        if count > MOST {
            return Err(at(line, TOO_MUCH));
        }
        if anchor > 0 {
            anchors.insert(anchor, value.clone());
            count += size(&value);
        }
        match open.last_mut() {
            None => return Ok(value),
            Some((Open::Sequence(items), _)) => items.push(value),
            Some((Open::Mapping(mapping), _)) => match mapping.key.take() {
                Some(Key::Named(key)) => mapping.fields.push((key, value)),
                Some(Key::Merge) => mapping.brought.push(value),
                None if is_merge => mapping.key = Some(Key::Merge),
                None => {
                    let key = key_of(value).ok_or_else(|| at(line, "a key that is no text"))?;
                    mapping.key = Some(Key::Named(key));
                }
            },
        }
    }
    Ok(Value::Null)
}

const TOO_MUCH: &str = "it stands for too much";

fn at(line: usize, message: &str) -> ImportError {
    wrong(&["line ", &line.to_string()].concat(), message)
}

fn size(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(size).sum::<usize>(),
        Value::Object(fields) => 1 + fields.iter().map(|(_, value)| size(value)).sum::<usize>(),
        _ => 1,
    }
}

/// A plain scalar may be null, a truth or a number (YAML 1.2 §10.3); every other one is a text.
fn scalar(text: &str, plain: bool) -> Value {
    if plain {
        match text {
            "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
            "true" | "True" | "TRUE" => return Value::Bool(true),
            "false" | "False" | "FALSE" => return Value::Bool(false),
            _ => {}
        }
        if let Ok(number @ Value::Number(_)) = json::read::<Value>(text) {
            return number;
        }
    }
    Value::from(text)
}

fn key_of(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        Value::Number(_) | Value::Bool(_) | Value::Null => Some(value.to_string()),
        Value::Array(_) | Value::Object(_) => None,
    }
}

/// A mapping with what `<<` brings into it, one mapping or several: what it says itself counts first, then the first.
fn merged(Mapping { mut fields, brought, .. }: Mapping) -> Value {
    let all = brought.into_iter().flat_map(|one| match one {
        Value::Array(all) => all,
        one => vec![one],
    });
    for (key, value) in
        all.filter_map(|one| if let Value::Object(fields) = one { Some(fields) } else { None }).flatten()
    {
        if !fields.iter().any(|(known, _)| *known == key) {
            fields.push((key, value));
        }
    }
    Value::Object(fields)
}

/// Writes a value as YAML: block mappings and sequences, every text in double quotes, which JSON's escapes suit.
pub(super) fn write(value: &Value) -> String {
    let mut text = String::new();
    block(value, 0, &mut text);
    text
}

fn block(value: &Value, depth: usize, text: &mut String) {
    let indent = "  ".repeat(depth);
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (key, value) in fields {
                text.push_str(&indent);
                text.push_str(&plain_or_quoted(key));
                text.push(':');
                entry(value, depth + 1, text);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                text.push_str(&indent);
                text.push('-');
                if item.is_object() {
                    // Its first field stands behind the dash.
                    let mut inner = String::new();
                    block(item, depth + 1, &mut inner);
                    text.push(' ');
                    text.push_str(inner.trim_start());
                } else {
                    entry(item, depth + 1, text);
                }
            }
        }
        _ => entry(value, depth, text),
    }
}

fn entry(value: &Value, depth: usize, text: &mut String) {
    let nested = match value {
        Value::Object(fields) => !fields.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    };
    if nested {
        text.push('\n');
        block(value, depth, text);
    } else {
        text.push(' ');
        text.push_str(&value.to_string());
        text.push('\n');
    }
}

fn plain_or_quoted(key: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    let word = key.starts_with(|first: char| first.is_ascii_alphabetic()) && key.bytes().all(plain);
    let word = word
        && !matches!(
            key.to_ascii_lowercase().as_str(),
            "null" | "true" | "false" | "y" | "n" | "yes" | "no" | "on" | "off"
        );
    if word {
        key.to_owned()
    } else {
        Value::from(key).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{any, prop, prop_assert_eq, prop_oneof, proptest, Just, Strategy};

    fn json_of(text: &str) -> String {
        read(text).map_or_else(|error| error.to_string(), |value| value.to_string())
    }

    #[test]
    fn documents() {
        for (text, json) in [
            ("a: 1\nb: [x, \"1\", ~]\n", r#"{"a":1,"b":["x","1",null]}"#),
            ("- a: true\n  b: 'no'\n- 007\n- 1e3\n", r#"[{"a":true,"b":"no"},"007",1e3]"#),
            ("d: &d {k: v, w: 1}\ne:\n  <<: *d\n  w: 2\n", r#"{"d":{"k":"v","w":1},"e":{"w":2,"k":"v"}}"#),
            ("a: os.environ/KEY # why\n", r#"{"a":"os.environ/KEY"}"#),
            ("\"<<\": {a: 1}\n'<<b': 2\n", r#"{"<<":{"a":1},"<<b":2}"#),
            ("---\na: |\n  x\n  y\n---\nb: 1\n", r#"{"a":"x\ny\n"}"#),
            ("1: a\n", r#"{"1":"a"}"#),
            ("", "null"),
            ("A=b", r#""A=b""#),
        ] {
            assert_eq!(json_of(text), json, "{text}");
        }
    }

    #[test]
    fn what_is_none_names_a_line_and_no_value() {
        for (text, place) in [
            ("a: b\nc: [sk-canary", "line"),
            ("a: *sk-canary", "line 1"),
            ("? [sk-canary]\n: b", "line 1"),
            ("a: \"sk-canary", "line"),
        ] {
            let error = json_of(text);
            assert!(error.starts_with(place) && !error.contains("canary"), "{error}");
        }
    }

    #[test]
    fn a_few_lines_do_not_stand_for_billions() {
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let before = level - 1;
            let of = vec![format!("*a{before}"); 10].join(", ");
            bomb = format!("{bomb}a{level}: &a{level} [{of}]\n");
        }
        assert!(json_of(&bomb).contains(TOO_MUCH));
        assert!(json_of(&"[".repeat(100_000)).starts_with("line 1: "));
        assert!(json_of(&"- ".repeat(10_000)).contains("nested"));
    }

    fn documents_of_all_kinds() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(Value::from),
            "\\PC{0,12}|[a-z:#&*{}\\[\\]\"' \n\t-]{0,12}|yes|~|1e3|0x1f".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
                prop::collection::btree_map("[a-z_-]{1,6}|\\PC{1,4}|<<|~|1", inner, 0..4)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_again(value in documents_of_all_kinds()) {
            let text = write(&value);
            prop_assert_eq!(read(&text).map_err(|error| error.to_string()), Ok(value), "{}", text);
        }
    }
}
