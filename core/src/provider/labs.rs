//! Makers of models who serve them themselves, beside the three largest.

use super::entry::{entry, Entry, Shape};

pub(super) const ENTRIES: &[Entry] = &[
    entry("groq", "Groq", "", "*", "console.groq.com/keys", &Shape::KEY),
    entry("mistral", "Mistral AI", "mistralai", "*", "console.mistral.ai/api-keys", &Shape::KEY),
    entry("cohere", "Cohere", "", "COHERE_API_KEY CO_API_KEY", "dashboard.cohere.com/api-keys", &Shape::KEY),
    entry("xai", "xAI", "grok x-ai", "*", "console.x.ai", &Shape::KEY),
    entry("xai-oauth", "xAI account", "", "XAI_OAUTH_TOKEN XAI_API_KEY", "grok.com", &XAI_ACCOUNT),
    entry("deepseek", "DeepSeek", "", "*", "platform.deepseek.com/api_keys", &Shape::KEY),
    entry("perplexity", "Perplexity", "", "*", "perplexity.ai/settings/api", &Shape::KEY_OR_ACCOUNT),
    entry("meta", "Meta", "", "MODEL_API_KEY META_API_KEY", "llama.developer.meta.com", &Shape::KEY),
    entry("sakana", "Sakana AI", "", "SAKANA_API_KEY FUGU_API_KEY", "sakana.ai", &Shape::KEY),
    entry("cerebras", "Cerebras", "", "*", "cloud.cerebras.ai", &Shape::KEY),
];

const XAI_ACCOUNT: Shape = Shape {
    notice: "A Grok plan is meant for xAI's own apps; its terms may not allow its use in other programs: read them first.",
    ..Shape::ACCOUNT_OR_KEY
};
