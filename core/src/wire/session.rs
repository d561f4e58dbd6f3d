//! Which session a request belongs to, where nobody says so: read off its headers and its body, in CLIProxyAPI's order.
//!
//! Two of its fourteen sources are not here: the caller's own word, which comes before all of them, and an identity made of
//! the caller's scope, which this library does not know.

use super::http::Headers;
use crate::json::{self, Value};
use std::borrow::Cow;

/// The body is read up to this length, in bytes; a longer one names no session.
pub const MAX_BODY: usize = 1024 * 1024;
/// An id is at most so long, in bytes.
const MAX_ID: usize = 256;
/// So many bytes of each first message count.
const MAX_TEXT: usize = 100;

/// What a request says of its session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DerivedSession {
    /// The session.
    pub session: String,
    /// Another name of it, by which an earlier request of it may be known: the same conversation before its first answer.
    pub known_as: Option<String>,
}

const HEADERS: &[(&str, &str)] = &[
    ("session-id", "codex:"),
    ("session_id", "codex:"),
    ("x-session-id", "header:"),
    ("x-session-affinity", "affinity:"),
    ("x-client-request-id", "clientreq:"),
];

/// Reads the session off a request; `body` is JSON text. Total: what cannot be read names nothing.
pub fn derive_session(headers: Headers<'_>, body: Option<&str>) -> Option<DerivedSession> {
    let in_header = |name: &str, prefix: &str| headers.get(name).and_then(|id| named(prefix, id));
    if let Some(session) = in_header("x-claude-code-session-id", "claude:") {
        return Some(only(session));
    }
    let body = body.filter(|body| body.len() <= MAX_BODY).and_then(|body| json::read::<Value>(body).ok());
    let body = body.filter(Value::is_object).unwrap_or(Value::Null);
    let at = |name: &str| body.get(name).and_then(Value::as_str);
    let user = body.get("metadata").and_then(|metadata| metadata.get("user_id")).and_then(Value::as_str);
    if let Some(session) = user.and_then(claude_session).and_then(|id| named("claude:", &id)) {
        return Some(only(session));
    }
    if let Some(session) = HEADERS.iter().find_map(|&(name, prefix)| in_header(name, prefix)) {
        return Some(only(session));
    }
    let field = |prefix: &str, id: Option<&str>| id.and_then(|id| named(prefix, id));
    if let Some(session) = field("session:", at("session_id")).or_else(|| field("session:", at("sessionId")))
    {
        return Some(only(session));
    }
    let conversation = body.get("conversation");
    let id = conversation.and_then(|conversation| conversation.get("id")).or(conversation);
    let conversation = field("conv:", id.and_then(Value::as_str));
    if let Some(session) = field("pck:", at("prompt_cache_key")) {
        return Some(DerivedSession { session, known_as: conversation });
    }
    let last =
        conversation.or_else(|| field("user:", user)).or_else(|| field("conv:", at("conversation_id")));
    last.map(only).or_else(|| first_messages(&body))
}

const fn only(session: String) -> DerivedSession {
    DerivedSession { session, known_as: None }
}

/// An id that may stand: 1 to 256 bytes without control characters.
fn named(prefix: &str, id: &str) -> Option<String> {
    let id = id.trim();
    if id.is_empty() || id.len() > MAX_ID || id.chars().any(char::is_control) {
        return None;
    }
    let mut session = String::with_capacity(prefix.len() + id.len());
    session.push_str(prefix);
    session.push_str(id);
    Some(session)
}

/// The session in Claude Code's user id: JSON with a `session_id`, or a name that ends in `_session_<hex and dashes>`.
fn claude_session(user: &str) -> Option<Cow<'_, str>> {
    if user.starts_with('{') {
        let id = json::read::<Value>(user).ok()?;
        return Some(id.get("session_id")?.as_str()?.to_owned().into());
    }
    let (before, id) = user.rsplit_once('_')?;
    let fits = before.ends_with("_session")
        && !id.is_empty()
        && id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    fits.then_some(id.into())
}

/// A hash of the first system, user and assistant texts. Before the first answer there is no assistant's, so the hash without
/// it is what the session was known as.
fn first_messages(body: &Value) -> Option<DerivedSession> {
    let mut first = [Cow::Borrowed(""), Cow::Borrowed(""), Cow::Borrowed("")];
    let mut note = |of: usize, text: Cow<'_, str>| {
        if first[of].is_empty() {
            first[of] = Cow::Owned(text.into_owned());
        }
    };
    for name in ["system", "instructions", "systemInstruction", "system_instruction"] {
        note(0, text_of(body.get(name)));
    }
    for list in ["messages", "contents", "input"] {
        let Some(list) = body.get(list) else { continue };
        if list.is_string() {
            note(1, text_of(Some(list)));
        }
        for message in list.as_array().unwrap_or_default() {
            let of = match message.get("role").and_then(Value::as_str) {
                Some("system" | "developer") => 0,
                Some("user") => 1,
                Some("assistant" | "model") => 2,
                _ => continue,
            };
            note(of, text_of(message.get("content").or(Some(message))));
        }
    }
    let [system, user, assistant] = first;
    let mut hash = 0xcbf2_9ce4_8422_2325;
    let before = hash;
    add(&mut hash, b"sys:", &system);
    add(&mut hash, b"usr:", &user);
    if hash == before && assistant.is_empty() {
        return None;
    }
    let short = message_hash(hash);
    if assistant.is_empty() {
        return Some(only(short));
    }
    add(&mut hash, b"ast:", &assistant);
    Some(DerivedSession { session: message_hash(hash), known_as: Some(short) })
}

/// A text: itself, or the texts of its parts with a space between them.
fn text_of(value: Option<&Value>) -> Cow<'_, str> {
    let Some(value) = value else { return "".into() };
    if let Some(text) = value.as_str() {
        return text.into();
    }
    let parts = value.get("parts").unwrap_or(value).as_array().unwrap_or_default();
    let mut all = String::new();
    for part in parts {
        let is_text = match part.get("type").and_then(Value::as_str) {
            None => true,
            Some(kind) => matches!(kind, "text" | "input_text" | "output_text"),
        };
        let text = part.as_str().or_else(|| part.get("text")?.as_str()).filter(|_| is_text);
        // Only the first bytes count.
        if let Some(text) = text.filter(|_| all.len() <= MAX_TEXT) {
            if !all.is_empty() {
                all.push(' ');
            }
            all.push_str(text);
        }
    }
    all.into()
}

/// FNV-1a, 64 bits.
fn add(hash: &mut u64, label: &[u8], text: &str) {
    if text.is_empty() {
        return;
    }
    let text = text.as_bytes();
    let text = text.get(..MAX_TEXT).unwrap_or(text);
    for &byte in label.iter().chain(text).chain(b"\n") {
        *hash = (*hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
}

fn message_hash(hash: u64) -> String {
    let mut text = String::from("msg:");
    for place in (0..16).rev() {
        text.push(char::from(b"0123456789abcdef"[(hash >> (4 * place) & 15) as usize]));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(headers: &[(&str, &str)], body: &str) -> Option<(String, Option<String>)> {
        let headers: Vec<_> =
            headers.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        let found = derive_session(Headers::from(&headers), Some(body))?;
        Some((found.session, found.known_as))
    }

    fn body(body: &str) -> Option<(String, Option<String>)> {
        of(&[], body)
    }

    /// What was found: of one name only.
    macro_rules! alone {
        ($session:expr) => {
            Some((String::from($session), None))
        };
    }

    /// CLIProxyAPI's vectors V-SID-1 to 8.
    #[test]
    fn sessions_are_those_of_cliproxyapi() {
        let id = "ac980658-63bd-4fb3-97ba-8da64cb1e344";
        assert_eq!(
            body(&format!(r#"{{"metadata":{{"user_id":"user_x_account__session_{id}"}}}}"#)),
            alone!(&format!("claude:{id}"))
        );
        assert_eq!(
            body(r#"{"metadata":{"user_id":"{\"device_id\":\"abc123\"}"}}"#),
            alone!(r#"user:{"device_id":"abc123"}"#)
        );
        assert_eq!(body(r#"{"conversation_id":"conv-12345"}"#), alone!("conv:conv-12345"));
        assert_eq!(body(r#"{"model":"x"}"#), None);
        assert_eq!(body(""), None);
        let asked = r#"{"role":"system","content":"You are helpful"},{"role":"user","content":"Hello"}"#;
        assert_eq!(body(&format!(r#"{{"messages":[{asked}]}}"#)), alone!("msg:db09d768eef0153d"));
        assert_eq!(
            body(&format!(r#"{{"messages":[{asked},{{"role":"assistant","content":"Hi there!"}}]}}"#)),
            Some(("msg:46d2b383fc6205a1".to_owned(), Some("msg:db09d768eef0153d".to_owned())))
        );
        assert_eq!(
            body(r#"{"messages":[{"role":"user","content":"Hello Claude"}]}"#),
            alone!("msg:feee3c0a1fd5ca7f")
        );
        assert_eq!(
            body(
                r#"{"messages":[{"role":"user","content":"Hello Claude"},{"role":"assistant","content":"Hello!"}]}"#
            ),
            Some(("msg:c254871e606ffa8c".to_owned(), Some("msg:feee3c0a1fd5ca7f".to_owned())))
        );
        assert_eq!(
            body(r#"{"conversation":{"id":"C"},"prompt_cache_key":"K"}"#),
            Some(("pck:K".to_owned(), Some("conv:C".to_owned())))
        );
    }

    /// Each source comes before the next.
    #[test]
    fn the_first_source_counts() {
        let headers = [
            ("X-Client-Request-Id", "r"),
            ("X-Session-Affinity", "a"),
            ("X-Session-ID", "x"),
            ("Session_id", "u"),
            ("Session-Id", "s"),
            ("X-Claude-Code-Session-Id", "c"),
        ];
        let all = r#"{"session_id":"i","sessionId":"j","prompt_cache_key":"k","conversation":"l","conversation_id":"n",
            "metadata":{"user_id":"{\"session_id\":\"m\"}"},"messages":[{"role":"user","content":"t"}]}"#;
        assert_eq!(of(&headers, all), alone!("claude:c"));
        assert_eq!(of(&headers[..5], all), alone!("claude:m"));
        let all = all.replace("session_id\\\"", "device\\\"");
        for (left, session) in [
            (5, "codex:s"),
            (4, "codex:u"),
            (3, "header:x"),
            (2, "affinity:a"),
            (1, "clientreq:r"),
            (0, "session:i"),
        ] {
            assert_eq!(of(&headers[..left], &all), alone!(session));
        }
        let all = all.replace(r#""session_id":"i","#, "");
        assert_eq!(body(&all), alone!("session:j"));
        let all = all.replace(r#""sessionId":"j","#, "");
        assert_eq!(body(&all), Some(("pck:k".to_owned(), Some("conv:l".to_owned()))));
        let all = all.replace(r#""prompt_cache_key":"k","#, "");
        assert_eq!(body(&all), alone!("conv:l"));
        let all = all.replace(r#""conversation":"l","#, "");
        assert_eq!(body(&all), alone!(r#"user:{"device":"m"}"#));
        let all = all.replace("user_id", "nobody");
        assert_eq!(body(&all), alone!("conv:n"));
        let all = all.replace("conversation_id", "nothing");
        assert!(body(&all).unwrap().0.starts_with("msg:"));
        assert_eq!(of(&[("Idempotency-Key", "i")], "{}"), None);
    }

    #[test]
    fn what_may_not_be_an_id_is_passed_over() {
        let long = "x".repeat(257);
        for id in ["", "  ", "a\\u0007b", &long] {
            assert_eq!(
                body(&format!(r#"{{"session_id":"{id}","conversation_id":"c"}}"#)),
                alone!("conv:c"),
                "{id}"
            );
        }
        assert_eq!(body(r#"{"session_id":"  s  "}"#), alone!("session:s"));
        assert_eq!(body(r#"{"session_id":7,"metadata":[],"messages":{},"input":[1,{}]}"#), None);
        assert_eq!(body(&format!(r#"{{"session_id":"s","x":"{}"}}"#, "y".repeat(MAX_BODY))), None);
    }

    #[test]
    fn every_dialect_says_the_same_thing() {
        let session =
            body(r#"{"messages":[{"role":"system","content":"S"},{"role":"user","content":"U V"}]}"#);
        for same in [
            r#"{"system":"S","messages":[{"role":"user","content":[{"type":"text","text":"U"},{"type":"image"},{"type":"text","text":"V"}]}]}"#,
            r#"{"system":[{"type":"text","text":"S"}],"messages":[{"role":"user","content":"U V"},{"role":"user","content":"W"}]}"#,
            r#"{"systemInstruction":{"parts":[{"text":"S"}]},"contents":[{"role":"user","parts":[{"text":"U V"}]}]}"#,
            r#"{"instructions":"S","input":"U V"}"#,
            r#"{"instructions":"S","input":[{"role":"user","content":[{"type":"input_text","text":"U V"}]}]}"#,
        ] {
            assert_eq!(body(same), session, "{same}");
        }
        // Only the first 100 bytes count, wherever they end.
        let text = |tail: &str| format!(r#"{{"input":"{}ü{tail}"}}"#, "x".repeat(99));
        assert_eq!(body(&text("a")), body(&text("b")));
    }
}
