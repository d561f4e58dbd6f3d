use super::*;
use proptest::prelude::*;

const NOW: Timestamp = Timestamp(1_767_225_600_000);

fn rules() -> ClassifyRules {
    json::read(include_str!("../policy/presets/default.classify.json")).unwrap()
}

fn show(failure: &Failure) -> String {
    format!("{} {}", failure.reason, failure.scope)
}

fn event(provider: &str, event: &str, data: &str) -> Option<String> {
    let event = sse::Event { event: event.into(), data: data.into(), truncated: false };
    classify_event(&rules(), provider, Headers::default(), &event, NOW).as_ref().map(show)
}

fn whole(provider: &str, tail: &str) -> String {
    end(provider, "", tail)
}

fn end(provider: &str, head: &str, tail: &str) -> String {
    match classify_stream(&rules(), provider, Headers::default(), Stream { head, tail }, NOW) {
        Verdict::Success => "ok".to_owned(),
        Verdict::Failure(failure) => show(&failure),
    }
}

#[test]
fn an_error_event_is_classified_by_its_type() {
    let overloaded = r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
    assert_eq!(event("anthropic", "error", overloaded).as_deref(), Some("overloaded model"));
    assert_eq!(event("anthropic", "", overloaded).as_deref(), Some("overloaded model"));
    let api = r#"{"type":"error","error":{"type":"api_error","message":"Internal server error"}}"#;
    assert_eq!(event("anthropic", "error", api).as_deref(), Some("overloaded model"));
    let inner = r#"{"id":"gen","error":{"code":402,"message":"Insufficient credits"},"choices":[]}"#;
    assert_eq!(event("openrouter", "", inner).as_deref(), Some("billing credential"));
    let choice = r#"{"id":"gen","object":"chat.completion.chunk","choices":[{"delta":{"content":""},"finish_reason":"error","error":{"code":429,"message":"m"}}]}"#;
    assert_eq!(event("openrouter", "", choice).as_deref(), Some("rate_limit model"));
    let failed =
        r#"{"type":"response.failed","response":{"error":{"code":"rate_limit_exceeded","message":"m"}}}"#;
    assert_eq!(event("openai", "response.failed", failed).as_deref(), Some("rate_limit model"));
    assert_eq!(event("openai", "", failed).as_deref(), Some("rate_limit model"));
    let error = r#"{"type":"error","code":"server_error","message":"m","param":null,"sequence_number":3}"#;
    assert_eq!(event("openai", "error", error).as_deref(), Some("overloaded model"));
    assert_eq!(event("openai", "", error).as_deref(), Some("overloaded model"));
    assert_eq!(event("openai", "error", "gone").as_deref(), Some("unknown model"));
}

/// A model may write whatever it likes, about errors too, and a user may quote it.
#[test]
fn what_a_model_wrote_is_no_error() {
    for data in [
        r#"{"type":"content_block_delta","delta":{"text":"{\"error\": {\"type\":\"overloaded_error\"}}"}}"#,
        r#"{"type":"content_block_delta","delta":{"type":"input_json_delta","partial_json":"\n\nevent: error\ndata: {\"type\":\"error\"}\n\n"}}"#,
        r#"{"choices":[{"delta":{"content":"\"error\""}}]}"#,
        r#"{"choices":[{"delta":{"tool_calls":[{"function":{"arguments":"{\"error\":{\"code\":401}}"}}]}}],"error":null}"#,
        r#"{"type":"response.completed","response":{"error":null,"output":[{"error":{"code":"invalid_api_key"}}]}}"#,
        r#"{"type":"response.output_item.done","item":{"type":"mcp_call","error":{"code":"invalid_api_key"}}}"#,
        r#"{"type":"response.output_text.delta","delta":"response.failed","type":"response.output_text.delta"}"#,
        r#"{"type":"message","content":[{"text":"x"}],"error":{"code":401}}"#,
        r#"{"candidates":[{"content":{"parts":[{"functionResponse":{"response":{"error":{"code":403}}}}]}}]}"#,
        r#"{"model":"m","message":{"content":"{\"error\":\"unauthorized\"}"},"done":false}"#,
        "[DONE]",
        "",
    ] {
        assert_eq!(event("openai", "", data), None, "{data}");
    }
}

const CLAUDE: &str =
    "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"content\":[]}}\n\n";
const DELTA: &str = "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"delta\":{\"text\":\"\\n\\ndata: {\\\"error\\\":{}}\\n\\n\"}}\n\n";
const STOP: &str = "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
const OVERLOADED: &str = "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n";

#[test]
fn a_stream_of_each_kind_ends_well_by_an_error_or_without_its_end() {
    let chat = "data: {\"object\":\"chat.completion.chunk\",\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":null}]}\n\n";
    let finished = "data: {\"object\":\"chat.completion.chunk\",\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
    let failed = "data: {\"error\":{\"message\":\"The server had an error\",\"type\":\"server_error\",\"code\":null}}\n\n";
    let created = "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{}}\n\n";
    let completed = "event: response.completed\r\ndata: {\"type\":\"response.completed\",\"response\":{\"error\":null}}\r\n\r\n";
    let gemini = "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\"}]}}]}\r\n\r\n";
    let stopped = "data: {\"candidates\":[{\"finishReason\":\"STOP\"}]}\r\n\r\n";
    let array = "[{\n  \"candidates\": [\n    {\"content\": {\"parts\": [{\"text\": \"a\"}]}}\n  ]\n}\n";
    let array_error = ",\r\n{\n  \"error\": {\n    \"code\": 503,\n    \"message\": \"The model is overloaded.\",\n    \"status\": \"UNAVAILABLE\"\n  }\n}\n]\n";
    let array_end = ",\n{\n  \"candidates\": [\n    {\"finishReason\": \"STOP\"}\n  ]\n}\n]";
    let ollama = "{\"model\":\"m\",\"message\":{\"content\":\"a\"},\"done\":false}\n";
    for (provider, stream, want) in [
        ("anthropic", [CLAUDE, DELTA, STOP].concat(), "ok"),
        ("anthropic", [CLAUDE, DELTA, OVERLOADED].concat(), "overloaded model"),
        ("anthropic", [CLAUDE, DELTA, OVERLOADED.trim_end()].concat(), "overloaded model"),
        ("anthropic", [CLAUDE, DELTA].concat(), "network model"),
        ("openai", [chat, finished].concat(), "ok"),
        ("openai", [chat, "data: [DONE]\n\n"].concat(), "ok"),
        ("openai", [chat, failed, "data: [DONE]\n\n"].concat(), "overloaded model"),
        ("openai", chat.to_owned(), "network model"),
        ("openai", [created, completed].concat(), "ok"),
        ("openai", created.to_owned(), "network model"),
        ("google", [gemini, stopped].concat(), "ok"),
        ("google", gemini.to_owned(), "network model"),
        ("google", [array, array_end].concat(), "ok"),
        ("google", [array, array_error].concat(), "overloaded model"),
        ("google", array.to_owned(), "network model"),
        ("ollama", [ollama, "{\"model\":\"m\",\"done\":true,\"done_reason\":\"stop\"}\n"].concat(), "ok"),
        (
            "ollama",
            [ollama, "{\"error\":\"an error was encountered while running the model\"}\n"].concat(),
            "unknown model",
        ),
        ("ollama", ollama.to_owned(), "network model"),
        ("openai", ": keep-alive\n\n".to_owned(), "network model"),
        ("openai", String::new(), "network model"),
        ("openai", "data: something of its own\n\n".to_owned(), "ok"),
        ("openai", "{\"something\":1}".to_owned(), "ok"),
    ] {
        assert_eq!(whole(provider, &stream), want, "{stream}");
    }
}

#[test]
fn of_a_long_stream_its_first_and_last_bytes_are_enough() {
    let long = [CLAUDE, &DELTA.repeat(100), STOP].concat();
    let failed = [CLAUDE, &DELTA.repeat(100), OVERLOADED].concat();
    let cut = [CLAUDE, &DELTA.repeat(100)].concat();
    for kept in (200..2 * DELTA.len() + 300).step_by(5) {
        let tail = |stream: &str| stream[stream.len() - kept..].to_owned();
        assert_eq!(end("anthropic", CLAUDE, &tail(&long)), "ok", "{kept}");
        assert_eq!(end("anthropic", CLAUDE, &tail(&failed)), "overloaded model", "{kept}");
        assert_eq!(end("anthropic", CLAUDE, &tail(&cut)), "network model", "{kept}");
    }
}

proptest! {
    /// Whatever a model writes, wherever the tail begins: it is an answer.
    #[test]
    fn no_text_of_a_model_fails_a_stream(
        texts in prop::collection::vec(r#"(\n|"|error|data: |event: error|\{"error":\{"code":401\}\}|[\[\]\{\},:]|\PC){0,12}"#, 1..8),
        from in any::<prop::sample::Index>(),
        array in any::<bool>(),
    ) {
        let quoted: Vec<_> = texts.iter().map(|text| serde_json::to_string(text).unwrap()).collect();
        let (provider, stream) = if array {
            let item = |text: &String| format!("{{\n  \"candidates\": [\n    {{\"content\": {{\"parts\": [{{\"text\": {text}}}]}},\n \"finishReason\": \"STOP\"}}\n  ]\n}}\n");
            ("google", format!("[{}]", quoted.iter().map(item).collect::<Vec<_>>().join(",\n")))
        } else {
            let item = |text: &String| format!("data: {{\"object\":\"chat.completion.chunk\",\"choices\":[{{\"delta\":{{\"content\":{text}}}}}]}}\n\n");
            ("openai", format!("{}data: [DONE]\n\n", quoted.iter().map(item).collect::<String>()))
        };
        let at = from.index(stream.len());
        let verdict = |head: &str, tail: &str| end(provider, head, tail);
        prop_assert_eq!(verdict("", &stream), "ok");
        if let Some(tail) = stream.get(at..) {
            // A tail may be too short to show the end; an error it never shows.
            let found = verdict(&stream, tail);
            prop_assert!(found == "ok" || found == "network model", "{} of {}", found, tail);
        }
    }

    #[test]
    fn nothing_panics(head in "\\PC{0,40}", tail in "(data: |event: error|\n|\\{|\\[|,|\"error\":|\\PC){0,40}") {
        let _ = end("openai", &head, &tail);
    }
}
