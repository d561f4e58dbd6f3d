//! Comparing what came with what was expected.

use crate::json::Value;

/// Each difference, with its place. Objects are compared as subsets, arrays whole.
pub(super) fn differences(expected: &Value, found: &Value) -> Vec<String> {
    let mut differences = Vec::new();
    compare("", expected, Some(found), &mut differences);
    differences
}

fn compare(path: &str, expected: &Value, found: Option<&Value>, out: &mut Vec<String>) {
    let place = if path.is_empty() { "result" } else { path };
    if let Some((operator, argument)) = operator(expected) {
        if !holds(operator, argument, found) {
            out.push(format!("{place}: expected {expected}, found {}", shown(found)));
        }
        return;
    }
    match (expected, found) {
        (Value::Object(fields), Some(have @ Value::Object(_))) => {
            for (name, value) in fields {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                compare(&path, value, have.get(name), out);
            }
        }
        (Value::Array(items), Some(Value::Array(have))) => {
            if items.len() != have.len() {
                out.push(format!(
                    "{place}: expected {} items, found {}: {}",
                    items.len(),
                    have.len(),
                    shown(found)
                ));
                return;
            }
            for (index, (item, have)) in items.iter().zip(have).enumerate() {
                compare(&format!("{path}[{index}]"), item, Some(have), out);
            }
        }
        (expected, Some(found)) if same(expected, found) => {}
        _ => out.push(format!("{place}: expected {expected}, found {}", shown(found))),
    }
}

fn operator(expected: &Value) -> Option<(&str, &Value)> {
    let fields = expected.as_object().filter(|fields| fields.len() == 1)?;
    fields.iter().next().filter(|(name, _)| name.starts_with('$')).map(|(name, value)| (name.as_str(), value))
}

fn holds(operator: &str, argument: &Value, found: Option<&Value>) -> bool {
    let matches = |expected: &Value, found: &Value| {
        let mut out = Vec::new();
        compare("", expected, Some(found), &mut out);
        out.is_empty()
    };
    match (operator, argument, found) {
        ("$absent", Value::Bool(absent), found) => found.is_none() == *absent,
        ("$any", _, found) => found.is_some(),
        ("$within", Value::Array(ends), Some(Value::Number(found))) => {
            match (ends.as_slice(), found.as_f64()) {
                ([low, high], Some(found)) => {
                    low.as_f64().is_some_and(|low| low <= found)
                        && high.as_f64().is_some_and(|high| found <= high)
                }
                _ => false,
            }
        }
        ("$in", Value::Array(values), Some(found)) => values.iter().any(|value| matches(value, found)),
        ("$has", Value::Array(wanted), Some(Value::Array(found))) => {
            wanted.iter().all(|wanted| found.iter().any(|found| matches(wanted, found)))
        }
        ("$like", Value::String(part), Some(Value::String(found))) => found.contains(part.as_str()),
        _ => false,
    }
}

/// Numbers by value, whether they were written as `1` or `1.0`.
fn same(expected: &Value, found: &Value) -> bool {
    match (expected.as_f64(), found.as_f64()) {
        (Some(expected), Some(found)) => expected.to_bits() == found.to_bits(),
        _ => expected == found,
    }
}

fn shown(found: Option<&Value>) -> String {
    found.map_or_else(|| "nothing".to_owned(), Value::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Value {
        crate::json::read(text).unwrap()
    }

    #[test]
    fn operators_hold_and_fail() {
        let found = value(r#"{"n": 5, "s": "a text", "list": ["a", "b"], "deep": {"x": 1, "y": 2}}"#);
        for expected in [
            value(r#"{"n": {"$within": [5, 6]}, "gone": {"$absent": true}}"#),
            value(r#"{"s": {"$like": "tex"}, "n": {"$in": [1, 5]}, "deep": {"x": 1}}"#),
            value(r#"{"list": {"$has": ["b"]}, "s": {"$any": true}, "n": {"$absent": false}}"#),
            value(r#"{"list": ["a", "b"]}"#),
        ] {
            assert_eq!(differences(&expected, &found), Vec::<String>::new());
        }
        for (expected, place) in [
            (value(r#"{"n": {"$within": [6, 7]}}"#), "n"),
            (value(r#"{"n": {"$absent": true}}"#), "n"),
            (value(r#"{"gone": 1}"#), "gone"),
            (value(r#"{"list": ["a"]}"#), "list"),
            (value(r#"{"list": ["a", "c"]}"#), "list[1]"),
            (value(r#"{"deep": {"x": 2}}"#), "deep.x"),
            (value(r#"{"s": {"$sounds": "odd"}}"#), "s"),
        ] {
            let found = differences(&expected, &found);
            assert!(found.len() == 1 && found[0].starts_with(place), "{expected}: {found:?}");
        }
    }
}
