//! Errors in streams that were answered with a 200: events that say that they are errors, and streams without their end.
//!
//! | stream | its error | its end |
//! |---|---|---|
//! | Anthropic's messages | `event: error`, `{"type":"error"}` | `message_stop` |
//! | `OpenAI`'s chat completions, and all that are like them | a chunk with `error` and without choices, a choice with `error` | `[DONE]`, a `finish_reason` |
//! | `OpenAI`'s responses | `error`, `response.failed` | `response.completed`, `.incomplete`, `.failed`, `.cancelled` |
//! | Gemini, as events or as one array | an element with `error` | a `finishReason`, a `promptFeedback` |
//! | Ollama, a JSON object a line | a line with `error` | `"done": true` |
//! | Bedrock's converse, as Amazon's binary messages | a message of type `exception` or `error` | `messageStop` |
//! | a model's own events in Bedrock's chunks | the same, and the model's own | the model's own |
//!
//! A stream of none of these kinds is never said to lack its end.

use super::facts::{self, ErrorFacts};
use super::{decide, Answer, Subject};
use crate::json::{self, Value};
use crate::rules::ClassifyRules;
use crate::time::Timestamp;
use crate::verdict::{Failure, TransportError, Verdict};
use crate::wire::base64::decode_standard;
use crate::wire::find::find;
use crate::wire::http::Headers;
use crate::wire::{event_stream, sse};

/// What a host keeps of a stream that ended without an error of the transport.
#[derive(Clone, Copy, Default)]
pub struct Stream<'a> {
    /// Its first bytes, some hundreds are enough; nothing where `tail` is all of it.
    pub head: &'a str,
    /// Its last bytes, some thousands are enough, or all of it.
    pub tail: &'a str,
    /// Both are the base64 of bytes: Amazon's binary messages ([`event_stream`]).
    pub binary: bool,
}

/// No more events of the tail than this are looked at, the last ones.
const MAX_EVENTS: usize = 64;

/// What an event of a stream means that was answered with a 200: a failure where the event is an error of the provider, else
/// none. Nothing that a model wrote is looked at: the event itself must say that it is an error.
pub fn classify_event<'a>(
    rules: &ClassifyRules,
    subject: impl Into<Subject<'a>>,
    headers: Headers<'_>,
    event: &sse::Event,
    now: Timestamp,
) -> Option<Failure> {
    judge_event(rules, subject.into(), headers, event, now)
}

fn judge_event(
    rules: &ClassifyRules,
    subject: Subject<'_>,
    headers: Headers<'_>,
    event: &sse::Event,
    now: Timestamp,
) -> Option<Failure> {
    let data = event.data.trim();
    let facts = if matches!(event.event.as_str(), "error" | "response.failed") {
        facts::inside_success(Some(data)).unwrap_or_else(|| facts::read(None, headers, Some(data), None))
    } else if kind_of(data) == Some("response.failed") {
        facts::read(None, headers, Some(data), None)
    } else {
        facts::inside_success(Some(data))?
    };
    fail(rules, subject, &Answer { headers, body: Some(data), ..Answer::default() }, facts, now)
}

/// The type that an event gives itself; it stands near the front.
fn kind_of(data: &str) -> Option<&'static str> {
    let front = data.get(..200).unwrap_or(data);
    (front.starts_with('{') && find(front, "response.failed").is_some()).then(|| {
        let root = json::read::<Value>(data).ok()?;
        (root.get("type").and_then(Value::as_str) == Some("response.failed")).then_some("response.failed")
    })?
}

fn fail(
    rules: &ClassifyRules,
    subject: Subject<'_>,
    answer: &Answer<'_>,
    facts: ErrorFacts,
    now: Timestamp,
) -> Option<Failure> {
    match decide(rules, subject, answer, facts, now).verdict {
        Verdict::Failure(failure) => Some(failure),
        Verdict::Success => None,
    }
}

/// How a stream ended that was answered with a 200: by an error among its last events, without its last event
/// ([`TransportError::Truncated`]), or well.
pub fn classify_stream<'a>(
    rules: &ClassifyRules,
    subject: impl Into<Subject<'a>>,
    headers: Headers<'_>,
    stream: Stream<'_>,
    now: Timestamp,
) -> Verdict {
    let subject = subject.into();
    let (first, events) = events(stream);
    for event in &events {
        if let Some(failure) = judge_event(rules, subject, headers, event, now) {
            return Verdict::Failure(failure);
        }
    }
    let Some(kind) = first.as_ref().map_or(Some(Kind::Empty), Kind::of) else { return Verdict::Success };
    if events.iter().rev().any(|event| kind.ends_with(event)) {
        return Verdict::Success;
    }
    let answer = Answer { headers, transport: Some(TransportError::Truncated), ..Answer::default() };
    fail(rules, subject, &answer, ErrorFacts::default(), now).map_or(Verdict::Success, Verdict::Failure)
}

/// The first event, and the last ones.
pub(super) fn events(stream: Stream<'_>) -> (Option<sse::Event>, Vec<sse::Event>) {
    let head = if stream.head.is_empty() { stream.tail } else { stream.head };
    if stream.binary {
        let mut events = messages_of(stream.tail);
        let first = if stream.head.is_empty() {
            events.first().cloned()
        } else {
            messages_of(head).into_iter().next()
        };
        events.drain(..events.len().saturating_sub(MAX_EVENTS));
        // A first message that is longer than what was kept of it is an event all the same.
        return (first.or_else(|| (!head.is_empty()).then(sse::Event::default)), events);
    }
    let objects = head.trim_start_matches('\u{feff}').trim_start().starts_with(['{', '[']);
    let read = if objects { objects_of } else { events_of };
    let first = read(head).into_iter().next();
    let mut tail = stream.tail;
    if !stream.head.is_empty() {
        // It begins in the midst of an event. A line that a model wrote is never a line of its own: JSON has no bare line feeds.
        tail = tail.find(['\n', '\r']).and_then(|at| tail.get(at + 1..)).unwrap_or_default();
        if !objects {
            let blank = ["\n\n", "\r\n\r\n", "\n\r\n"]
                .iter()
                .filter_map(|gap| Some(find(tail, gap)? + gap.len()))
                .min();
            tail = blank.and_then(|at| tail.get(at..)).unwrap_or_default();
        }
    }
    let mut events = read(tail);
    let from = events.len().saturating_sub(MAX_EVENTS);
    events.drain(..from);
    (first, events)
}

fn events_of(text: &str) -> Vec<sse::Event> {
    let (mut parser, mut events) = (sse::Parser::new(), Vec::new());
    parser.push(text.as_bytes(), |event| events.push(event));
    events.extend(parser.finish());
    events
}

/// Amazon's messages as events: an error under its name, a model's own event out of its chunk.
fn messages_of(base64: &str) -> Vec<sse::Event> {
    let bytes = base64_bytes(base64);
    let mut events = Vec::new();
    for message in event_stream::messages(&bytes) {
        let text = String::from_utf8_lossy(message.payload).into_owned();
        let header = |name| message.header(name).unwrap_or_default();
        let (event, data) = match header(":message-type") {
            "exception" => ("error", amazon_error(header(":exception-type"), &text)),
            "error" => ("error", amazon_error(header(":error-code"), header(":error-message"))),
            _ => match chunk(&text) {
                Some(inner) => ("", inner),
                None => (header(":event-type"), text),
            },
        };
        events.push(sse::Event { event: event.to_owned(), data, truncated: false });
    }
    events
}

/// `{"bytes":"…"}`: what a model's own API says, in base64.
fn chunk(payload: &str) -> Option<String> {
    let root = json::read::<Value>(payload).ok()?;
    String::from_utf8(base64_bytes(root.get("bytes")?.as_str()?)).ok()
}

/// An error as the body of an answer has it: its type is in a header, and its payload is an object with a message, or a text.
fn amazon_error(kind: &str, said: &str) -> String {
    let kind = json::write(&kind);
    match said.trim_start().strip_prefix('{').map(str::trim_start) {
        Some(rest) => ["{\"__type\":", &*kind, if rest.starts_with('}') { "" } else { "," }, rest].concat(),
        None => ["{\"__type\":", &*kind, ",\"message\":", &json::write(&said), "}"].concat(),
    }
}

/// Nothing where it is no base64.
fn base64_bytes(text: &str) -> Vec<u8> {
    decode_standard(text).unwrap_or_default()
}

/// Objects that begin at the start of a line, alone or as elements of an array: everything inside of them is indented, or is
/// on the same line. An object ends where the next one begins.
fn objects_of(text: &str) -> Vec<sse::Event> {
    let mut events: Vec<sse::Event> = Vec::new();
    for line in text.split_inclusive('\n') {
        let object = line.trim_start_matches(['[', ',']);
        if object.trim_start().starts_with('{') && !line.starts_with([' ', '\t']) {
            events.push(sse::Event::default());
        }
        if let Some(event) = events.last_mut() {
            event.data.push_str(if event.data.is_empty() { object.trim_start() } else { line });
        }
    }
    for event in &mut events {
        let end = event.data.trim_end_matches([' ', '\t', '\r', '\n', ',', ']']).len();
        event.data.truncate(end);
    }
    events
}

/// What kind of stream it is, by its first event.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Not one event came.
    Empty,
    Messages,
    Responses,
    Chat,
    Gemini,
    Ollama,
    Converse,
}

impl Kind {
    fn of(event: &sse::Event) -> Option<Self> {
        if event.event == "messageStart" {
            return Some(Self::Converse);
        }
        let root = json::read::<Value>(event.data.trim()).ok()?;
        let text = |name| root.get(name).and_then(Value::as_str);
        Some(match text("type") {
            Some("message_start") => Self::Messages,
            Some("response.created" | "response.queued" | "response.in_progress") => Self::Responses,
            None if text("object") == Some("chat.completion.chunk") => Self::Chat,
            None if root.get("candidates").is_some() => Self::Gemini,
            None if root.get("done").is_some() => Self::Ollama,
            _ => return None,
        })
    }

    fn ends_with(self, event: &sse::Event) -> bool {
        if event.data == "[DONE]" {
            return true;
        }
        let Ok(root) = json::read::<Value>(event.data.trim()) else { return false };
        let kind = root.get("type").and_then(Value::as_str).unwrap_or_default();
        let some = |list: &str, name: &str| {
            let items = root.get(list).and_then(Value::as_array).unwrap_or_default();
            items.iter().any(|item| item.get(name).is_some_and(|value| !value.is_null()))
        };
        match self {
            Self::Empty => false,
            Self::Converse => event.event == "messageStop",
            Self::Messages => kind == "message_stop",
            Self::Responses => matches!(
                kind,
                "response.completed" | "response.incomplete" | "response.failed" | "response.cancelled"
            ),
            Self::Chat => some("choices", "finish_reason"),
            Self::Gemini => some("candidates", "finishReason") || root.get("promptFeedback").is_some(),
            Self::Ollama => root.get("done").is_some_and(|done| *done == Value::Bool(true)),
        }
    }
}

#[cfg(test)]
#[path = "stream_tests.rs"]
mod tests;
