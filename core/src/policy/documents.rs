//! The documents that policies are made of: a preset's rules, and what an answer means under it (`NAME.classify`).
//!
//! All are JSON in `presets/`, so that a preset can be read, copied and changed. With the feature `presets` all of them are in
//! the program; without it `default` is, and the host gives the others that its policy names.

use super::preset::invalid;
use super::PolicyError;
use crate::json::{self, JsonError, Value};

/// Documents that the host gives: the name, as the file in `presets/` has it without `.json`, and the JSON.
pub(super) type Given<'a> = &'a [(String, String)];

pub(super) const PRESETS: [&str; 7] =
    ["default", "cliproxyapi", "oh-my-pi", "devclaw", "code-buddy", "openclaw", "openclaw-v1"];

/// The presets with a classification of their own.
pub(super) const SETS: [&str; 6] =
    ["default", "oh-my-pi", "cliproxyapi", "devclaw", "code-buddy", "openclaw"];

/// The default's rules, and what answers mean by them.
pub(super) const DEFAULT: [&str; 2] =
    [include_str!("presets/default.json"), include_str!("presets/default.classify.json")];

macro_rules! documents {
    ($($name:literal)*) => {
        [$(($name, include_str!(concat!("presets/", $name, ".json")))),*]
    };
}

#[cfg(not(feature = "presets"))]
const EMBEDDED: [(&str, &str); 2] = documents!["default" "default.classify"];

#[cfg(feature = "presets")]
const EMBEDDED: [(&str, &str); 13] = documents![
    "default" "default.classify" "cliproxyapi" "cliproxyapi.classify" "oh-my-pi" "oh-my-pi.classify" "devclaw" "devclaw.classify"
    "code-buddy" "code-buddy.classify" "openclaw" "openclaw.classify" "openclaw-v1"
];

/// A document by its name; nothing, where there is none.
pub(super) fn document(name: &str, given: Given) -> Result<Option<Value>, PolicyError> {
    let mut text = None;
    for (known, json) in EMBEDDED {
        if known == name {
            text = Some(json);
        }
    }
    if text.is_none() {
        for (known, json) in given {
            if known == name {
                text = Some(json);
            }
        }
    }
    let Some(text) = text else { return Ok(None) };
    match json::read(text) {
        Ok(document) => Ok(Some(document)),
        Err(JsonError { path, message }) => Err(invalid(&[name, ": ", &path].concat(), &message)),
    }
}

#[cfg(all(test, feature = "presets"))]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_its_document_and_every_document_a_name() {
        let mut names: Vec<String> = PRESETS.iter().map(|name| (*name).to_owned()).collect();
        names.extend(SETS.iter().map(|name| format!("{name}.classify")));
        for name in &names {
            assert!(document(name, &[]).unwrap().is_some(), "{name}");
        }
        for (name, _) in EMBEDDED {
            assert!(names.iter().any(|known| known == name), "{name}");
        }
    }
}
