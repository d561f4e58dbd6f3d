//! A provider's error body, in any of its shapes, as a few identifiers and one message.
//!
//! | shape | of |
//! |---|---|
//! | `{"error":{"message","type","code","status","details":[…]}}` | `OpenAI` and everybody like it, Google |
//! | `{"type":"error","error":{"type","message","details":{"error_code"}}}` | Anthropic |
//! | `[{"error":{…}}]` | Google's OpenAI-compatible endpoint |
//! | `{"code":"…","error":"text"}` | xAI |
//! | `{"error":"invalid_grant","error_description":"…"}` | OAuth (RFC 6749 §5.2) |
//! | `{"detail":"text"}`, `{"detail":[{"msg"}]}` | Mistral, whatever is made with `FastAPI` |
//! | `{"message","type","code"}`, `{"code":30014,"message"}` | Mistral, Cohere, `SiliconFlow` |
//! | `{"errors":[{"code","message"}]}` | Cloudflare |
//! | `{"base_resp":{"status_code","status_msg"}}` | `MiniMax` |
//! | `{"__type":"…Exception","message"}` | Amazon |
//! | `{"type":"response.failed","response":{"error":{…}}}` | an event in a stream |
//! | plain text, a web page | proxies, `DeepSeek` |
//!
//! What a model wrote is in none of these places, so it is never read.

use crate::json::{self, Value};
use crate::verdict::TransportError;
use crate::wire::find::find;
use crate::wire::http::Headers;

/// A longer body is not read as JSON. Hosts cap bodies well below.
pub const MAX_BODY: usize = 256 * 1024;
/// No more of the message than this is kept.
pub const MAX_MESSAGE: usize = 16 * 1024;
/// No more identifiers than this are kept, and none that is longer than [`MAX_CODE`].
pub const MAX_CODES: usize = 32;
/// The length in bytes of the longest identifier.
pub const MAX_CODE: usize = 200;

/// Headers that hold the identifier of an error: Amazon's, GitHub Copilot's.
const CODE_HEADERS: [&str; 2] = ["x-amzn-errortype", "x-ratelimit-exceeded"];

/// What an error body says.
#[derive(Default)]
pub(super) struct ErrorFacts {
    /// The status of the answer, or the one that an error inside a 200 claims for itself.
    pub(super) status: Option<u16>,
    /// Identifiers, in the order of their finding.
    pub(super) codes: Vec<Box<str>>,
    /// The error's own text; several are joined by line feeds.
    pub(super) message: String,
    /// Is the body a web page?
    pub(super) html: bool,
    /// The body, where it is JSON.
    pub(super) root: Option<Value>,
}

/// Reads the body of an answer.
pub(super) fn read(
    status: Option<u16>,
    headers: Headers<'_>,
    body: Option<&str>,
    transport: Option<TransportError>,
) -> ErrorFacts {
    let mut facts = ErrorFacts { status, ..ErrorFacts::default() };
    for name in CODE_HEADERS {
        let code = headers.get(name).unwrap_or_default();
        // Amazon puts an address behind its name.
        facts.identifier(
            code.split_once(':').filter(|_| name == CODE_HEADERS[0]).map_or(code, |(name, _)| name),
        );
    }
    let text = body.unwrap_or_default().trim_start_matches('\u{feff}').trim();
    if transport.is_some() || text.is_empty() {
        return facts;
    }
    if text.starts_with(['{', '[']) {
        if text.len() <= MAX_BODY {
            facts.root = json::read(text).ok();
        }
        if let Some(root) = facts.root.take() {
            facts.value(&root, 0);
            facts.root = Some(root);
        }
        return facts;
    }
    facts.html = is_page(text)
        || headers
            .get("content-type")
            .is_some_and(|kind| kind.get(..9).is_some_and(|start| start.eq_ignore_ascii_case("text/html")));
    // A JSON string, or plain text.
    match text.starts_with('"').then(|| json::read::<String>(text.get(..MAX_BODY).unwrap_or(text))) {
        Some(Ok(text)) => facts.say(&text),
        _ => facts.say(text),
    }
    facts
}

fn is_page(text: &str) -> bool {
    ["<!doctype html", "<html", "<head", "<body", "<!--"]
        .iter()
        .any(|start| text.get(..start.len()).is_some_and(|text| text.eq_ignore_ascii_case(start)))
}

impl ErrorFacts {
    fn value(&mut self, value: &Value, depth: u8) {
        match value {
            Value::Object(object) => self.object(object, depth),
            Value::Array(items) => items.iter().take(8).for_each(|item| match item {
                Value::Object(object) => self.object(object, depth),
                Value::String(text) => self.say(text),
                _ => {}
            }),
            Value::String(text) => self.say(text),
            _ => {}
        }
    }

    fn object(&mut self, object: &[(String, Value)], depth: u8) {
        if depth > 3 {
            return;
        }
        for (key, value) in object {
            match key.as_str() {
                "code" | "type" | "status" | "reason" | "error_code" | "status_code" | "Code" => {
                    self.code(value);
                }
                // `com.amazon.coral#ThrottlingException`
                "__type" => {
                    let name = value.as_str().unwrap_or_default();
                    self.identifier(name.rsplit('#').next().unwrap_or(name));
                }
                "message" | "msg" | "error_description" | "title" | "status_msg" | "Message" | "raw" => {
                    match value {
                        Value::String(text) => self.say(text),
                        // Mistral: a list of what is wrong with the request.
                        _ => self.value(value, depth + 1),
                    }
                }
                "error" | "detail" => {
                    if let Value::String(text) = value {
                        if !text.contains(char::is_whitespace) {
                            self.identifier(text);
                        }
                    }
                    self.value(value, depth + 1);
                }
                // Lists of errors, and places around one. What else stands beside these is not the error's.
                "errors" | "details" | "violations" | "metadata" | "base_resp" => match value {
                    Value::String(_) => {}
                    _ => self.value(value, depth + 1),
                },
                "quotaId" | "quotaMetric" => self.code(value),
                "response" | "body" => {
                    if let Some(error) = value.get("error") {
                        self.value(error, depth + 1);
                    }
                }
                _ => {}
            }
        }
    }

    fn code(&mut self, value: &Value) {
        match value {
            Value::String(text) => self.identifier(text),
            // No provider's code has a fraction.
            Value::Number(number) => {
                if let Some(number) = number.as_i64() {
                    self.identifier(&number.to_string());
                }
            }
            _ => {}
        }
    }

    fn identifier(&mut self, text: &str) {
        let text = text.trim();
        if self.codes.len() < MAX_CODES && !text.is_empty() && text.len() <= MAX_CODE {
            self.codes.push(text.to_ascii_lowercase().into());
        }
    }

    fn say(&mut self, text: &str) {
        let mut end = text.len().min(MAX_MESSAGE.saturating_sub(self.message.len() + 1));
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        if end > 0 && !self.message.is_empty() {
            self.message.push('\n');
        }
        self.message.push_str(text.get(..end).unwrap_or_default());
    }

    /// Takes the status that an error inside a successful answer names for itself: `{"error":{"code":402,…}}`.
    fn take_inner_status(&mut self, error: &Value) {
        let status = |value: Option<&Value>| {
            let status = value.and_then(Value::as_u64).and_then(|code| u16::try_from(code).ok());
            status.filter(|code| (400..600).contains(code))
        };
        self.status =
            ["code", "status", "status_code", "http_code"].iter().find_map(|name| status(error.get(name)));
    }
}

/// The error that stands where an answer was expected: in the body of a 2xx, or in an event of a stream. Only structure
/// counts: an object beside which there is no answer. What a model wrote is text inside an answer, and so is never looked at.
pub(super) fn inside_success(body: Option<&str>) -> Option<ErrorFacts> {
    let text = body?.trim_start_matches('\u{feff}').trim();
    // Cheap for all that is none.
    if !text.starts_with(['{', '[']) || text.len() > MAX_BODY || !may_be_error(text) {
        return None;
    }
    let root = json::read::<Value>(text).ok()?;
    let mut facts = ErrorFacts::default();
    let error = error_in(root.first().unwrap_or(&root))?;
    facts.value(error, 0);
    facts.take_inner_status(error.get("error").filter(|inner| inner.is_object()).unwrap_or(error));
    facts.root = Some(root);
    Some(facts)
}

fn may_be_error(text: &str) -> bool {
    ["\"error\"", "\"base_resp\"", "\"success\"", "\"errors\""].iter().any(|word| find(text, word).is_some())
}

/// Does the object have a field of this name with something in it?
fn has_something(of: &Value, name: &str) -> bool {
    match of.get(name).unwrap_or(&Value::Null) {
        Value::Object(fields) => !fields.is_empty(),
        Value::String(text) => !text.is_empty(),
        _ => false,
    }
}

/// The part of an object that is an error instead of an answer.
fn error_in(root: &Value) -> Option<&Value> {
    let text = |name| root.get(name).and_then(Value::as_str);
    let filled = |name| root.get(name).and_then(Value::as_array).is_some_and(|items| !items.is_empty());
    // OpenRouter: a choice that failed.
    let choices = root.get("choices").and_then(Value::as_array).unwrap_or_default();
    if let Some(choice) = choices.iter().take(8).find(|choice| has_something(choice, "error")) {
        return Some(choice);
    }
    if ["choices", "content", "candidates", "output", "data"].into_iter().any(filled) {
        return None;
    }
    // `{"object": "fine_tuning.job", "error": …}` is an answer about something that failed.
    let kind = text("object").unwrap_or("error");
    if !(kind == "error" || kind.starts_with("chat.") || kind.starts_with("text_")) {
        return None;
    }
    let refused = root.get("success").is_some_and(|success| *success == Value::Bool(false))
        || text("type") == Some("error")
        || text("object") == Some("error");
    // MiniMax: 0 is a success.
    let code = root.get("base_resp").and_then(|base| base.get("status_code")).and_then(Value::as_u64);
    let error = has_something(root, "error");
    (refused || error || code.is_some_and(|code| code != 0)).then_some(root)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(body: &str) -> (Vec<String>, String, bool) {
        let facts = read(Some(400), Headers::default(), Some(body), None);
        (facts.codes.iter().map(ToString::to_string).collect(), facts.message, facts.html)
    }

    #[test]
    fn every_shape() {
        for (body, codes, message) in [
            (r#"{"error":{"message":"m","type":"T","param":null,"code":"C"}}"#, vec!["c", "t"], "m"),
            (
                r#"{"type":"error","error":{"type":"x","message":"m","details":{"error_code":"spent"}},"request_id":"r"}"#,
                vec!["spent", "x", "error"],
                "m",
            ),
            (r#"[{"error":{"code":429,"message":"m","status":"S"}}]"#, vec!["429", "s"], "m"),
            (r#"{"code":"a b","error":"Incorrect API key"}"#, vec!["a b"], "Incorrect API key"),
            (
                r#"{"error":"invalid_grant","error_description":"gone"}"#,
                vec!["invalid_grant"],
                "invalid_grant\ngone",
            ),
            (r#"{"detail":"Unauthorized"}"#, vec!["unauthorized"], "Unauthorized"),
            (
                r#"{"detail":[{"loc":["body"],"msg":"field required","type":"missing"}]}"#,
                vec!["missing"],
                "field required",
            ),
            (r#"{"code":30014,"data":null,"message":"Invalid token"}"#, vec!["30014"], "Invalid token"),
            (r#"{"success":false,"errors":[{"code":10000,"message":"m"}]}"#, vec!["10000"], "m"),
            (r#"{"base_resp":{"status_code":1004,"status_msg":"m"}}"#, vec!["1004"], "m"),
            (r#"{"__type":"a.b#ThrottlingException","message":"m"}"#, vec!["throttlingexception"], "m"),
            (
                r#"{"type":"response.failed","response":{"error":{"code":"slow_down"},"output":[{"code":"no"}]}}"#,
                vec!["slow_down", "response.failed"],
                "",
            ),
            (r#""just text""#, vec![], "just text"),
            ("Authentication Fails (governor)", vec![], "Authentication Fails (governor)"),
            (r#"{"choices":[{"message":{"content":"no"}}]}"#, vec![], ""),
            ("{broken", vec![], ""),
        ] {
            let mut codes: Vec<_> = codes.into_iter().map(str::to_owned).collect();
            let (mut found, said, html) = of(body);
            codes.sort();
            found.sort();
            assert_eq!((found, said, html), (codes, message.to_owned(), false), "{body}");
        }
    }

    #[test]
    fn details_of_google() {
        let (codes, ..) = of(
            r#"{"error":{"details":[{"reason":"R"},{"violations":[{"quotaId":"PerDay","quotaMetric":"metric"}]}]}}"#,
        );
        assert_eq!(codes, ["r", "perday", "metric"]);
    }

    #[test]
    fn pages_are_known() {
        assert!(of("  <!DOCTYPE html><html>").2);
        assert!(of("<HTML>").2);
        assert!(!of("<3").2);
    }

    #[test]
    fn giants_are_bounded() {
        let message = "x".repeat(10 << 20);
        assert_eq!(of(&message).1.len(), MAX_MESSAGE - 1);
        assert_eq!(of(&format!("{{\"message\":\"{message}\"}}")).1, "", "longer than any error");
        let errors = format!("{{\"details\":[{}]}}", "{\"reason\":\"r\"},".repeat(5000) + "1");
        assert!(of(&errors).0.len() <= MAX_CODES);
        of(&"[".repeat(200_000));
        of(&"{\"error\":".repeat(20_000));
    }

    proptest! {
        #[test]
        fn no_body_panics(body in "\\PC{0,80}|[\\[{\":,a-e0-9}\\]]{0,60}") {
            of(&body);
        }
    }
}
