//! The smallest script that fails as a given one does: whatever can be taken out is taken out, whatever can be simpler is made so.

use crate::play;
use serde_json::{json, Value};

/// A rule without its figures: what is the same fault.
pub(crate) fn kind_of(rule: &str) -> String {
    let words = rule.split(|one: char| one.is_whitespace() || one == ':');
    let plain = words.filter(|word| !word.contains(|one: char| one.is_ascii_digit() || "{}\"".contains(one)));
    plain.collect::<Vec<_>>().join(" ")
}

fn fails_as(script: &Value, kind: &str) -> bool {
    play(script).broken.is_some_and(|rule| kind_of(&rule) == kind)
}

/// Keeps a change, if the script still fails alike.
fn try_change(script: &mut Value, kind: &str, change: impl FnOnce(&mut Value)) -> bool {
    let mut changed = script.clone();
    change(&mut changed);
    let holds = changed != *script && fails_as(&changed, kind);
    if holds {
        *script = changed;
    }
    holds
}

/// Takes entries out of a list: halves first, then quarters, at last each by itself (delta debugging).
fn thin(script: &mut Value, kind: &str, list: &str) {
    let length = |script: &Value| script.pointer(list).and_then(Value::as_array).map_or(0, Vec::len);
    let mut size = length(script).div_ceil(2);
    while size > 0 {
        let mut from = 0;
        while from < length(script) {
            let until = (from + size).min(length(script));
            let gone = try_change(script, kind, |script| {
                if let Some(list) = script.pointer_mut(list).and_then(Value::as_array_mut) {
                    list.drain(from..until);
                }
            });
            from = if gone { from } else { until };
        }
        size /= 2;
    }
}

/// Makes a number smaller, as far as it goes.
fn lower(script: &mut Value, kind: &str, place: &str) {
    for _ in 0..40 {
        let Some(number) = script.pointer(place).and_then(Value::as_i64).filter(|number| *number != 0) else {
            return;
        };
        let lowered = [0, number / 2, number / 10 * 9].into_iter().any(|less| {
            less != number
                && try_change(script, kind, |script| *script.pointer_mut(place).unwrap() = json!(less))
        });
        if !lowered {
            return;
        }
    }
}

pub(crate) fn smallest(script: &Value) -> Value {
    let Some(rule) = play(script).broken else { return script.clone() };
    let kind = kind_of(&rule);
    let mut script = script.clone();
    for _ in 0..4 {
        let before = script.clone();
        thin(&mut script, &kind, "/steps");
        thin(&mut script, &kind, "/world/faults");
        for (field, plain) in
            [("store", json!([0, 0])), ("network", json!([0, 0])), ("skew", json!([])), ("meter", json!(0))]
        {
            let _ = try_change(&mut script, &kind, |script| script["world"][field] = plain);
        }
        let _ = try_change(&mut script, &kind, |script| script["world"]["life"] = json!([600, 600]));
        let last = script["credentials"].as_array().map_or(0, Vec::len);
        for _ in 1..last {
            let _ = try_change(&mut script, &kind, |script| {
                script["credentials"].as_array_mut().unwrap().pop();
                let names: Vec<Value> =
                    script["credentials"].as_array().unwrap().iter().map(|one| one["name"].clone()).collect();
                script["steps"]
                    .as_array_mut()
                    .unwrap()
                    .retain(|step| step.get("refresh").is_none_or(|of| names.contains(&of["name"])));
            });
        }
        for list in ["steps", "world/faults", "credentials"] {
            for at in 0..script.pointer(&format!("/{list}")).and_then(Value::as_array).map_or(0, Vec::len) {
                for field in ["ms", "crash/for", "freeze/for", "store_down/for", "clock/jump", "expires"] {
                    lower(&mut script, &kind, &format!("/{list}/{at}/{field}"));
                }
            }
        }
        if script == before {
            break;
        }
    }
    script
}

/// The smallest script, one step a line, and what it breaks.
pub(crate) fn told(script: &Value) -> String {
    let small = smallest(script);
    let rule = play(&small).broken.unwrap_or_else(|| "an expectation of the script".to_owned());
    let mut lines = Vec::new();
    for (name, value) in small.as_object().into_iter().flatten() {
        match value.as_array() {
            Some(list) if list.len() > 1 => {
                let list: Vec<_> = list.iter().map(|one| format!("    {one}")).collect();
                lines.push(format!("  \"{name}\": [\n{}\n  ]", list.join(",\n")));
            }
            _ => lines.push(format!("  \"{name}\": {value}")),
        }
    }
    format!("{{\n{}\n}}\nbreaks: {rule}", lines.join(",\n"))
}
