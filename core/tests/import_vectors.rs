//! Files of other tools as they are found, old, partial and hostile: tests/import/vectors. What each gives stands beside it.
#![cfg(feature = "import")]

use credpool::import::{detect, read, Report, Source, Tool};
use credpool::json::{self, Value};

fn files() -> Vec<(String, Vec<Value>)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/import/vectors");
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = names
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            let cases: Value =
                json::read(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            (path.file_stem().unwrap().to_string_lossy().into_owned(), cases.as_array().unwrap().to_vec())
        })
        .collect();
    files.sort_by(|one, other| one.0.cmp(&other.0));
    files
}

#[test]
fn every_file_gives_what_stands_beside_it() {
    let mut count = 0;
    for (file, cases) in files() {
        for case in cases {
            let name = case.get("name").and_then(Value::as_str).unwrap();
            let tool = case.get("tool").and_then(Value::as_str).map(|word| Tool::of(word).unwrap());
            let text = match case.get("json") {
                Some(value) => value.to_string(),
                None => case.get("text").and_then(Value::as_str).unwrap().to_owned(),
            };
            let beside = case.get("beside").and_then(Value::as_str);
            let actual = match read(tool, &Source { text: &text, beside }) {
                Ok((tool, found)) => json::write(&Report { tool, found }),
                Err(error) => {
                    let mut wrong = Value::default();
                    wrong.set("error", error.to_string());
                    wrong.to_string()
                }
            };
            let notes: Value = json::read(&actual).unwrap();
            for part in ["skipped", "warnings", "error"] {
                let shown = notes.get(part).map(ToString::to_string).unwrap_or_default();
                assert!(!shown.contains("canary"), "{file}, {name}: {shown}");
            }
            if std::env::var_os("SHOW").is_some() {
                println!("{file}\t{name}\t{actual}");
            } else {
                assert_eq!(case.get("expect").map(ToString::to_string), Some(actual), "{file}, {name}");
            }
            count += 1;
        }
    }
    assert!(count >= 60, "{count} cases");
}

#[test]
fn a_document_is_known_by_its_content() {
    for (file, cases) in files() {
        for case in cases.iter().filter(|case| case.get("tool").is_none()) {
            let text = case.get("json").map(ToString::to_string);
            let text =
                text.or_else(|| case.get("text").and_then(Value::as_str).map(ToOwned::to_owned)).unwrap();
            let expected = if file == "any" { None } else { Tool::of(&file) };
            let expected =
                expected.filter(|_| case.get("expect").is_none_or(|expect| expect.get("error").is_none()));
            assert_eq!(detect(&text), expected, "{file}, {:?}", case.get("name"));
        }
    }
}
