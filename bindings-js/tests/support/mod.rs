//! What is the same in Node and in a page.

use wasm_bindgen::JsValue;

/// Runs every scenario file by the function that JavaScript calls.
pub(crate) fn every_scenario_passes() {
    let mut problems = Vec::new();
    for (name, text) in credpool_scenarios::PASSING {
        let report = match credpool_wasm::simulate(text) {
            Ok(report) => report,
            Err(error) => {
                problems.push(format!("{name}: {:?}", JsValue::from(error)));
                continue;
            }
        };
        let read = js_sys::JSON::parse(&report).expect("a report is JSON");
        let count =
            |field: &str| js_sys::Reflect::get(&read, &field.into()).ok().and_then(|count| count.as_f64());
        if count("failed") != Some(0.0) || count("passed").is_none_or(|passed| passed < 1.0) {
            problems.push(format!("{name}: {report}"));
        }
    }
    assert!(problems.is_empty(), "{} scenarios do not pass here:\n{}", problems.len(), problems.join("\n"));
    assert!(
        credpool_scenarios::PASSING.len() >= 40,
        "only {} scenarios were found",
        credpool_scenarios::PASSING.len()
    );
}

/// What is no scenario is an error with its place.
pub(crate) fn a_wrong_scenario_names_its_place() {
    let error =
        credpool_wasm::simulate(r#"{"name":"x","steps":[{"at":0,"fly":{}}]}"#).expect_err("nothing flies");
    let text = js_sys::Error::from(JsValue::from(error)).message();
    assert!(text.includes("steps[0].fly", 0), "{text}");
}
