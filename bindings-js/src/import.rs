//! Other tools' files for JavaScript: text in, JSON out.

use credpool::import::{detect, read, write, Credential, Report, Source, Tool};
use credpool::json::{self, Value};
use wasm_bindgen::prelude::*;

fn tool_of(word: &str) -> Result<Tool, JsError> {
    Tool::of(word).ok_or_else(|| {
        let all: Vec<_> = Tool::ALL.iter().map(|tool| tool.as_str()).collect();
        JsError::new(&["no such tool; there are: ", &all.join(", ")].concat())
    })
}

/// Which tool's file it is; empty where it looks like none.
#[wasm_bindgen(js_name = detectTool)]
pub fn detect_tool(text: &str) -> String {
    detect(text).map_or_else(String::new, |tool| tool.as_str().to_owned())
}

/// Reads a file of a tool, or (an empty word) of the one that it looks like: `{"tool","credentials","skipped","warnings"}`. Throws
/// where it cannot be read, with the place.
#[wasm_bindgen(js_name = readTool)]
pub fn read_tool(tool: &str, text: &str, beside: Option<String>) -> Result<String, JsError> {
    let tool = if tool.is_empty() { None } else { Some(tool_of(tool)?) };
    let source = Source { text, beside: beside.as_deref() };
    let (tool, found) = read(tool, &source).map_err(|error| JsError::new(&error.to_string()))?;
    Ok(json::write(&Report { tool, found }))
}

/// Writes credentials (a JSON array of them) as files of a tool: `{"files","losses"}`.
#[wasm_bindgen(js_name = writeTool)]
pub fn write_tool(tool: &str, credentials: &str) -> Result<String, JsError> {
    let tool = tool_of(tool)?;
    let given: Value = json::read(credentials).map_err(|error| JsError::new(&error.to_string()))?;
    let mut credentials = Vec::new();
    for (index, value) in given.as_array().unwrap_or_default().iter().enumerate() {
        let place = || {
            ["credentials[", &index.to_string(), "]: it has no provider, or none of key, token and access"]
                .concat()
        };
        credentials.push(Credential::read(value).ok_or_else(|| JsError::new(&place()))?);
    }
    Ok(json::write(&write(tool, &credentials)))
}
