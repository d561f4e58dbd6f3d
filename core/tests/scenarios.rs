//! Every scenario file passes, or waits by name for the stage that builds its rules.

use credpool::simulate::{run, Scenario};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/scenarios")
}

fn files(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, out);
        } else if path.extension().is_some_and(|extension| extension == "json") {
            out.push(path);
        }
    }
}

/// `folder/file.json` and what went wrong; nothing where all passed.
fn check(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap();
    match Scenario::parse(&text).and_then(|scenario| run(&scenario)) {
        Err(error) => vec![error.to_string()],
        Ok(report) => report
            .steps
            .iter()
            .flat_map(|step| {
                let told =
                    move |difference: &String| format!("steps[{}].{}: {difference}", step.step, step.did);
                step.differences.iter().flatten().map(told)
            })
            .collect(),
    }
}

#[test]
fn every_scenario_passes_or_waits_by_name() {
    let root = root();
    let mut found = Vec::new();
    files(&root, &mut found);
    found.sort();
    let waiting: BTreeMap<String, String> = std::fs::read_to_string(root.join("waiting.txt"))
        .unwrap()
        .lines()
        .filter(|line| !line.starts_with('#') && !line.trim().is_empty())
        .map(|line| line.split_once(' ').expect("a file and what it waits for"))
        .map(|(file, stage)| (file.to_owned(), stage.to_owned()))
        .collect();
    let mut problems = Vec::new();
    let mut passed = 0;
    for path in &found {
        let name = path.strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/");
        let differences = check(path);
        match (waiting.get(&name), differences.is_empty()) {
            (None, true) => passed += 1,
            (None, false) => problems.push(format!("{name}\n    {}", differences.join("\n    "))),
            (Some(_), false) => {}
            (Some(_), true) => {
                problems.push(format!("{name} passes: take it off tests/scenarios/waiting.txt"));
            }
        }
    }
    for name in waiting.keys() {
        if !root.join(name).exists() {
            problems.push(format!("{name} waits, but is not there"));
        }
    }
    assert!(
        problems.is_empty(),
        "{passed} scenarios pass, {} do not:\n{}",
        problems.len(),
        problems.join("\n")
    );
    assert!(passed >= 27, "only {passed} scenarios were found");
}

#[test]
fn what_is_no_scenario_names_its_place() {
    for (text, place) in [
        (
            r#"{"name":"x","steps":[{"at":0,"acquire":{"provider":"openai","modle":"m"}}]}"#,
            "steps[0].acquire.modle",
        ),
        (r#"{"name":"x","steps":[{"at":0,"fly":{}}]}"#, "steps[0].fly"),
        (r#"{"name":"x","steps":[{"at":0}]}"#, "steps[0]"),
        (r#"{"name":"x","steps":[{"at":0,"events":{},"crash":{}}]}"#, "steps[0].crash"),
        (r#"{"name":"x","steps":[{"at":-1,"events":{}}]}"#, "steps[0].at"),
        (r#"{"name":"x","steps":[{"at":0,"pool":1,"events":{}}]}"#, "steps[0].pool"),
        (r#"{"name":"x","steps":[],"colour":1}"#, "colour"),
        (r#"{"name":"x","policy":{"jitter":900},"steps":[]}"#, "policy"),
        (r#"{"name":"x","preset":"nobody","steps":[]}"#, "policy"),
        (r#"{"name":"x","credentials":[{"name":"a","key":"k"}],"steps":[]}"#, "credentials[0].provider"),
        (r#"{"name":"x","credentials":[{"provider":"openai","key":""}],"steps":[]}"#, "credentials"),
        (r#"{"name":"x","steps":[{"at":0,"state":{"name":"ghost"}}]}"#, "steps[0].state.name"),
    ] {
        let error = Scenario::parse(text).and_then(|scenario| run(&scenario)).unwrap_err();
        assert!(error.path.starts_with(place), "{text}: {error}");
    }
}
