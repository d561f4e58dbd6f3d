//! What a call took, in tokens, as its answer says. Only fields of the answer's own structure are read: what a model wrote
//! stands in texts and lists, and those are never looked into.
//!
//! | answer | where |
//! |---|---|
//! | `OpenAI`'s chat, Mistral, Groq, `DeepSeek`, embeddings | `usage`: `prompt_tokens`, `completion_tokens`, `total_tokens`; streams: the last chunk, Groq's `x_groq.usage` |
//! | `OpenAI`'s responses | `usage`: `input_tokens`, `output_tokens`, `total_tokens`; streams: `response.usage` |
//! | Anthropic | `usage`: `input_tokens`, `cache_creation_input_tokens`, `output_tokens`; streams: `message.usage`, then `usage` |
//! | Gemini, Code Assist | `usageMetadata`: `totalTokenCount`; streams: the last chunk; Code Assist: in `response` |
//! | Ollama | `prompt_eval_count`, `eval_count` |
//! | Cohere | `usage.tokens`, `meta.tokens`, else `billed_units`; streams: in `delta`, in `response` |
//! | Bedrock's converse | `usage`: `inputTokens`, `outputTokens`, `totalTokens`; streams: in `metadata` |
//! | other models' streams on Bedrock | the model's own, else `amazon-bedrock-invocationMetrics` |
//!
//! What Anthropic read from a cache is left out: it does not count against the limits of its accounts.

use super::facts::MAX_BODY;
use super::stream::{events, Stream};
use crate::credential::MOST_TOKENS;
use crate::json::{self, Value};

/// Objects that hold the usage of an answer, beside the answer itself.
const HOLDERS: [&str; 4] = ["response", "message", "delta", "x_groq"];
const USAGES: [&str; 3] = ["usage", "usageMetadata", "meta"];
const INPUT: [&str; 4] = ["prompt_tokens", "input_tokens", "promptTokenCount", "inputTokens"];
const OUTPUT: [&str; 4] = ["completion_tokens", "output_tokens", "candidatesTokenCount", "outputTokens"];
const TOTAL: [&str; 3] = ["total_tokens", "totalTokenCount", "totalTokens"];

/// Tokens of prompt and answer together, as an answer of JSON says; nothing where it says none, or is cut off.
pub fn tokens_of_answer(body: &str) -> Option<u64> {
    if body.len() > MAX_BODY {
        return None;
    }
    let root = json::read::<Value>(body).ok()?;
    let mut counts = Counts::default();
    match root.as_array() {
        // Gemini's stream as one array.
        Some(parts) => parts.iter().for_each(|part| counts.note(part)),
        None => counts.note(&root),
    }
    counts.sum()
}

/// Tokens of prompt and answer together, as the first and the last events of a stream say; nothing where they say none.
pub fn tokens_of_stream(stream: Stream<'_>) -> Option<u64> {
    let (first, events) = events(stream);
    let mut counts = Counts::default();
    for event in first.iter().chain(&events) {
        if let Ok(root) = json::read::<Value>(event.data.trim()) {
            counts.note(&root);
        }
    }
    counts.sum()
}

/// What was said last of each.
#[derive(Default)]
struct Counts {
    input: Option<u64>,
    output: Option<u64>,
    total: Option<u64>,
}

impl Counts {
    fn note(&mut self, root: &Value) {
        for holder in HOLDERS.iter().filter_map(|name| root.get(name)).chain([root]) {
            for usage in USAGES.iter().filter_map(|name| holder.get(name)) {
                let parts = usage.get("tokens").or_else(|| usage.get("billed_units"));
                self.read(parts.unwrap_or(usage));
            }
        }
        if let Some(metrics) = root.get("amazon-bedrock-invocationMetrics") {
            self.input = self.input.or(count(metrics, "inputTokenCount"));
            self.output = self.output.or(count(metrics, "outputTokenCount"));
        }
        self.input = count(root, "prompt_eval_count").or(self.input);
        self.output = count(root, "eval_count").or(self.output);
    }

    fn read(&mut self, usage: &Value) {
        // Some gateways write one number under two names.
        let most = |names: &[&str]| names.iter().filter_map(|name| count(usage, name)).max();
        let with = |all: Option<u64>, more| Some(all?.saturating_add(count(usage, more).unwrap_or(0)));
        self.input = with(most(&INPUT), "cache_creation_input_tokens").or(self.input);
        self.output = with(most(&OUTPUT), "thoughtsTokenCount").or(self.output);
        self.total = most(&TOTAL).or(self.total);
    }

    fn sum(&self) -> Option<u64> {
        if self.total.is_some() || (self.input, self.output) == (None, None) {
            return self.total;
        }
        Some(self.input.unwrap_or(0).saturating_add(self.output.unwrap_or(0)))
    }
}

fn count(of: &Value, name: &str) -> Option<u64> {
    match of.get(name)? {
        Value::Number(number) => number.floor().map(|count| count.min(MOST_TOKENS)),
        _ => None,
    }
}

#[cfg(test)]
#[path = "usage_tests.rs"]
mod tests;
