use super::*;

/// Answers as the providers' references show them, and what they took.
#[test]
fn every_provider_says_what_its_call_took() {
    for (body, took) in [
        // OpenAI, chat completions.
        (
            r#"{"object":"chat.completion","choices":[{"message":{"content":"hi"}}],"usage":{"prompt_tokens":19,"completion_tokens":10,"total_tokens":29,"prompt_tokens_details":{"cached_tokens":5}}}"#,
            Some(29),
        ),
        // OpenAI, responses.
        (
            r#"{"object":"response","status":"completed","usage":{"input_tokens":36,"input_tokens_details":{"cached_tokens":0},"output_tokens":87,"total_tokens":123}}"#,
            Some(123),
        ),
        // OpenAI, embeddings: no answer to count.
        (
            r#"{"object":"list","data":[{"embedding":[0.1]}],"usage":{"prompt_tokens":8,"total_tokens":8}}"#,
            Some(8),
        ),
        // Anthropic: what was read from the cache is not counted.
        (
            r#"{"type":"message","content":[],"usage":{"input_tokens":100,"cache_creation_input_tokens":20,"cache_read_input_tokens":9000,"output_tokens":3}}"#,
            Some(123),
        ),
        // Gemini: thoughts are in the total.
        (
            r#"{"candidates":[],"usageMetadata":{"promptTokenCount":10,"candidatesTokenCount":20,"thoughtsTokenCount":30,"totalTokenCount":60}}"#,
            Some(60),
        ),
        (
            r#"{"usageMetadata":{"promptTokenCount":10,"candidatesTokenCount":20,"thoughtsTokenCount":30}}"#,
            Some(60),
        ),
        // Code Assist wraps it.
        (r#"{"response":{"candidates":[],"usageMetadata":{"totalTokenCount":7}},"traceId":"x"}"#, Some(7)),
        // Gemini's stream as one array: the last part counts.
        (
            r#"[{"usageMetadata":{"promptTokenCount":4,"totalTokenCount":5}},{"usageMetadata":{"promptTokenCount":4,"totalTokenCount":9}}]"#,
            Some(9),
        ),
        // Ollama.
        (
            r#"{"model":"llama3.2","response":"{\"eval_count\":1}","done":true,"prompt_eval_count":26,"eval_count":290}"#,
            Some(316),
        ),
        // Mistral.
        (r#"{"usage":{"prompt_tokens":16,"completion_tokens":34,"total_tokens":50}}"#, Some(50)),
        // Cohere, version 2 and 1, with numbers as floats.
        (
            r#"{"message":{"role":"assistant"},"usage":{"billed_units":{"input_tokens":5,"output_tokens":418},"tokens":{"input_tokens":71,"output_tokens":418}}}"#,
            Some(489),
        ),
        (r#"{"text":"hi","meta":{"billed_units":{"input_tokens":5.0,"output_tokens":4.0}}}"#, Some(9)),
        // Bedrock's converse.
        (r#"{"output":{},"usage":{"inputTokens":30,"outputTokens":628,"totalTokens":658}}"#, Some(658)),
        // A gateway that writes both families.
        (
            r#"{"usage":{"prompt_tokens":5,"input_tokens":5,"completion_tokens":2,"output_tokens":0}}"#,
            Some(7),
        ),
    ] {
        assert_eq!(tokens_of_answer(body), took, "{body}");
    }
}

#[test]
fn nothing_that_a_model_wrote_is_counted() {
    for body in [
        // In a text, in a tool's arguments, in a list.
        r#"{"choices":[{"message":{"content":"{\"usage\":{\"total_tokens\":999}}"}}]}"#,
        r#"{"content":[{"type":"tool_use","input":{"usage":{"input_tokens":999}}}]}"#,
        r#"{"output":[{"usage":{"total_tokens":999}}]}"#,
        // An answer that counts tokens, and took none.
        r#"{"input_tokens":2095}"#,
        r#"{"totalTokens":31}"#,
        // What is no count.
        r#"{"usage":{"total_tokens":"12","prompt_tokens":-3}}"#,
        r#"{"usage":null}"#,
        r#"{"usage":12}"#,
        // Cut off.
        r#"{"usage":{"total_tokens":5}"#,
        "",
        "[]",
    ] {
        assert_eq!(tokens_of_answer(body), None, "{body}");
    }
    assert_eq!(tokens_of_answer(r#"{"usage":{"total_tokens":1e300}}"#), Some(MOST_TOKENS));
}

#[test]
fn streams_say_it_at_their_ends() {
    let whole = |tail| tokens_of_stream(Stream { tail, ..Stream::default() });
    let chat = concat!(
        "data: {\"object\":\"chat.completion.chunk\",\"choices\":[{\"delta\":{\"content\":\"usage\"}}],\"usage\":null}\n\n",
        "data: {\"object\":\"chat.completion.chunk\",\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":3,\"total_tokens\":12}}\n\n",
        "data: [DONE]\n\n"
    );
    assert_eq!(whole(chat), Some(12));
    let groq = "data: {\"object\":\"chat.completion.chunk\",\"choices\":[],\"x_groq\":{\"usage\":{\"total_tokens\":31}}}\n\ndata: [DONE]\n\n";
    assert_eq!(whole(groq), Some(31));
    let responses = concat!(
        "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"usage\":null}}\n\n",
        "event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"usage\":{\"input_tokens\":2,\"output_tokens\":3,\"total_tokens\":5}}}\n\n"
    );
    assert_eq!(whole(responses), Some(5));
    let gemini = "data: {\"candidates\":[{}],\"usageMetadata\":{\"totalTokenCount\":3}}\r\n\r\ndata: {\"candidates\":[{\"finishReason\":\"STOP\"}],\"usageMetadata\":{\"totalTokenCount\":8}}\r\n\r\n";
    assert_eq!(whole(gemini), Some(8));
    let ollama =
        "{\"message\":{\"content\":\"a\"},\"done\":false}\n{\"done\":true,\"prompt_eval_count\":5,\"eval_count\":6}\n";
    assert_eq!(whole(ollama), Some(11));
    let cohere = "event: message-end\ndata: {\"type\":\"message-end\",\"delta\":{\"usage\":{\"tokens\":{\"input_tokens\":17,\"output_tokens\":4}}}}\n\n";
    assert_eq!(whole(cohere), Some(21));
    assert_eq!(
        whole("data: {\"choices\":[{\"delta\":{}}]}\n\ndata: [DONE]\n\n"),
        None,
        "nobody asked for it"
    );
}

#[test]
fn anthropic_says_the_prompt_first_and_the_answer_last() {
    let start = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"content\":[],\"usage\":{\"input_tokens\":25,\"cache_creation_input_tokens\":5,\"cache_read_input_tokens\":70,\"output_tokens\":1}}}\n\n";
    let end = "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":15}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
    assert_eq!(tokens_of_stream(Stream { tail: &[start, end].concat(), ..Stream::default() }), Some(45));
    // The midst is not kept; the tail begins within an event.
    let tail =
        ["ta\":{\"usage\":{\"output_tokens\":999}}}\n\nevent: ping\ndata: {\"type\":\"ping\"}\n\n", end]
            .concat();
    assert_eq!(tokens_of_stream(Stream { head: start, tail: &tail, binary: false }), Some(45));
}

#[test]
fn amazon_says_it_in_binary_messages() {
    use crate::wire::event_stream::tests::message;
    use base64::engine::general_purpose::STANDARD;
    use base64::Engine;
    let event = |name: &str, payload: &str| {
        message(
            &[(":event-type", name), (":content-type", "application/json"), (":message-type", "event")],
            payload.as_bytes(),
        )
    };
    let chunk = |json: &str| event("chunk", &format!(r#"{{"bytes":"{}","p":"abc"}}"#, STANDARD.encode(json)));
    let tokens = |messages: &[Vec<u8>]| {
        tokens_of_stream(Stream {
            tail: &STANDARD.encode(messages.concat()),
            binary: true,
            ..Stream::default()
        })
    };
    let converse = [
        event("messageStart", r#"{"role":"assistant"}"#),
        event("contentBlockDelta", r#"{"delta":{"text":"{\"usage\":{\"totalTokens\":9}}"}}"#),
        event("messageStop", r#"{"stopReason":"end_turn"}"#),
        event(
            "metadata",
            r#"{"metrics":{"latencyMs":5},"usage":{"inputTokens":30,"outputTokens":12,"totalTokens":42}}"#,
        ),
    ];
    assert_eq!(tokens(&converse), Some(42));
    let claude = [
        chunk(
            r#"{"type":"message_start","message":{"usage":{"input_tokens":10,"cache_creation_input_tokens":5}}}"#,
        ),
        chunk(r#"{"type":"message_delta","usage":{"output_tokens":7}}"#),
        chunk(
            r#"{"type":"message_stop","amazon-bedrock-invocationMetrics":{"inputTokenCount":10,"outputTokenCount":7}}"#,
        ),
    ];
    assert_eq!(tokens(&claude), Some(22));
    let llama = [chunk(
        r#"{"generation":"hi","amazon-bedrock-invocationMetrics":{"inputTokenCount":10,"outputTokenCount":7}}"#,
    )];
    assert_eq!(tokens(&llama), Some(17));
    assert_eq!(tokens(&converse[..3]), None);
}
