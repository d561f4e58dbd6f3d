use super::*;
use base64::engine::general_purpose::STANDARD;
use base64::Engine;
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
    match classify_stream(&rules(), provider, Headers::default(), Stream { head, tail, binary: false }, NOW) {
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

mod amazon {
    use super::*;
    use crate::wire::event_stream::tests::message;

    fn event(name: &str, payload: &str) -> Vec<u8> {
        message(
            &[(":event-type", name), (":content-type", "application/json"), (":message-type", "event")],
            payload.as_bytes(),
        )
    }

    fn exception(name: &str, payload: &str) -> Vec<u8> {
        message(
            &[
                (":exception-type", name),
                (":content-type", "application/json"),
                (":message-type", "exception"),
            ],
            payload.as_bytes(),
        )
    }

    fn chunk(json: &str) -> Vec<u8> {
        event("chunk", &format!(r#"{{"bytes":"{}","p":"abcdef"}}"#, STANDARD.encode(json)))
    }

    fn ends(head: &[u8], tail: &[u8]) -> String {
        let (head, tail) = (STANDARD.encode(head), STANDARD.encode(tail));
        let stream = Stream { head: &head, tail: &tail, binary: true };
        match classify_stream(&rules(), "amazon-bedrock", Headers::default(), stream, NOW) {
            Verdict::Success => "ok".to_owned(),
            Verdict::Failure(failure) => show(&failure),
        }
    }

    fn whole(messages: &[Vec<u8>]) -> String {
        ends(b"", &messages.concat())
    }

    #[test]
    fn exceptions_are_errors() {
        let start = event("messageStart", r#"{"role":"assistant"}"#);
        for (kind, payload, want) in [
            (
                "throttlingException",
                r#"{"message":"Too many requests, please wait before trying again."}"#,
                "rate_limit model",
            ),
            (
                "internalServerException",
                r#"{"message":"The system encountered an unexpected error."}"#,
                "overloaded model",
            ),
            ("serviceUnavailableException", "{}", "overloaded model"),
            (
                "modelTimeoutException",
                r#"{"message":"Model has timed out in processing the request."}"#,
                "timeout model",
            ),
            (
                "validationException",
                r#"{"message":"The provided request is not valid"}"#,
                "request_fault request",
            ),
            (
                "modelStreamErrorException",
                r#"{"message":"The model returned an error","originalStatusCode":500}"#,
                "overloaded model",
            ),
            ("throttlingException", "plain words", "rate_limit model"),
        ] {
            assert_eq!(whole(&[start.clone(), exception(kind, payload)]), want, "{kind} {payload}");
        }
        let error = message(
            &[
                (":message-type", "error"),
                (":error-code", "ThrottlingException"),
                (":error-message", "slow \"down\""),
            ],
            b"",
        );
        assert_eq!(whole(&[start, error]), "rate_limit model");
    }

    #[test]
    fn what_a_model_wrote_is_no_exception() {
        let said = r#"{"delta":{"text":"{\"__type\":\"throttlingException\"} :message-type exception"}}"#;
        assert_eq!(
            whole(&[
                event("messageStart", "{}"),
                event("contentBlockDelta", said),
                event("messageStop", r#"{"stopReason":"end_turn"}"#)
            ]),
            "ok"
        );
    }

    #[test]
    fn a_stream_without_its_end() {
        let start = event("messageStart", r#"{"role":"assistant"}"#);
        let stop = event("messageStop", r#"{"stopReason":"end_turn"}"#);
        let usage = event("metadata", r#"{"usage":{"totalTokens":9}}"#);
        assert_eq!(whole(&[start.clone(), stop.clone(), usage.clone()]), "ok");
        assert_eq!(whole(&[start.clone(), usage.clone()]), "network model");
        assert_eq!(whole(&[]), "network model");
        // The tail begins in the midst of a message.
        let long = event("contentBlockDelta", &format!(r#"{{"delta":{{"text":"{}"}}}}"#, "x".repeat(3000)));
        let end = [&long[100..], &stop, &usage].concat();
        assert_eq!(ends(&[start.clone(), long[..200].to_vec()].concat(), &end), "ok");
        assert_eq!(ends(&start, &long[100..]), "network model");
        // Of a first message that is longer than what was kept of it nothing is known.
        assert_eq!(ends(&long[..200], &long[300..]), "ok");
    }

    #[test]
    fn chunks_hold_the_events_of_a_model() {
        let start = chunk(r#"{"type":"message_start","message":{"model":"m"}}"#);
        assert_eq!(whole(&[start.clone(), chunk(r#"{"type":"message_stop"}"#)]), "ok");
        assert_eq!(whole(&[start.clone(), chunk(r#"{"type":"message_delta"}"#)]), "network model");
        let error = chunk(r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#);
        assert_eq!(whole(&[start, error]), "overloaded model");
    }

    proptest! {
        #[test]
        fn no_bytes_panic(head in "[A-Za-z0-9+/=]{0,40}", tail in prop::collection::vec(any::<u8>(), 0..200), payload in "\\PC{0,60}") {
            let _ = ends(head.as_bytes(), &tail);
            let _ = whole(&[exception("x", &payload), event("chunk", &payload)]);
            let stream = Stream { head: &head, tail: "no base64", binary: true };
            let _ = classify_stream(&rules(), "x", Headers::default(), stream, NOW);
        }
    }
}
