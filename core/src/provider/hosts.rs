//! Who serves the models of others: clouds, gateways, local servers.

use super::entry::{entry, Entry, Shape};
use crate::facts::Kind;

pub(super) const ENTRIES: &[Entry] = &[
    entry(
        "openrouter",
        "OpenRouter",
        "open-router",
        "*",
        "openrouter.ai/settings/keys",
        &Shape::KEY_OR_ACCOUNT,
    ),
    entry(
        "vercel-ai-gateway",
        "Vercel AI Gateway",
        "vercel ai-gateway",
        "AI_GATEWAY_API_KEY",
        "vercel.com/ai-gateway",
        &Shape::KEY_OR_ACCOUNT,
    ),
    entry(
        "cloudflare-ai-gateway",
        "Cloudflare AI Gateway",
        "cloudflare",
        "*",
        "dash.cloudflare.com",
        &Shape::KEY,
    ),
    entry(
        "amazon-bedrock",
        "Amazon Bedrock",
        "bedrock aws-bedrock",
        "AWS_BEARER_TOKEN_BEDROCK",
        "console.aws.amazon.com/bedrock",
        &BEDROCK,
    ),
    entry(
        "bedrock-mantle",
        "Amazon Bedrock (Mantle)",
        "",
        "AWS_BEARER_TOKEN_BEDROCK",
        "console.aws.amazon.com/bedrock",
        &BEDROCK,
    ),
    entry(
        "huggingface",
        "Hugging Face",
        "hf hugging-face",
        "HUGGINGFACE_HUB_TOKEN HF_TOKEN",
        "huggingface.co/settings/tokens",
        &Shape::KEY,
    ),
    entry(
        "together",
        "Together AI",
        "togetherai together-ai",
        "*",
        "api.together.ai/settings/api-keys",
        &Shape::KEY,
    ),
    entry(
        "fireworks",
        "Fireworks AI",
        "fireworks-ai",
        "*",
        "app.fireworks.ai/settings/users/api-keys",
        &Shape::KEY,
    ),
    entry("nvidia", "NVIDIA NIM", "nvidia-nim", "*", "build.nvidia.com", &Shape::KEY),
    entry("baseten", "Baseten", "", "*", "app.baseten.co", &Shape::KEY),
    entry("novita", "Novita AI", "novita-ai", "*", "novita.ai", &Shape::KEY),
    entry("coreweave", "CoreWeave", "wandb", "COREWEAVE_API_KEY WANDB_API_KEY", "wandb.ai", &Shape::KEY),
    entry("gmi-cloud", "GMI Cloud", "gmi", "GMI_API_KEY", "console.gmicloud.ai", &Shape::KEY),
    entry("nanogpt", "NanoGPT", "nano-gpt", "NANO_GPT_API_KEY", "nano-gpt.com", &Shape::KEY),
    entry("aimlapi", "AI/ML API", "aiml", "*", "aimlapi.com", &Shape::KEY),
    entry("aiand", "ai&", "", "*", "", &Shape::KEY),
    entry("synthetic", "Synthetic", "", "*", "synthetic.new", &Shape::KEY),
    entry("venice", "Venice AI", "venice-ai", "*", "venice.ai/settings/api", &Shape::KEY),
    entry("wafer-serverless", "Wafer Serverless", "wafer", "*", "", &Shape::KEY),
    entry("zenmux", "ZenMux", "", "*", "zenmux.ai", &Shape::KEY),
    entry("ollama-cloud", "Ollama Cloud", "", "*", "ollama.com/settings/keys", &Shape::KEY),
    entry("ollama", "Ollama", "", "*", "ollama.com", &Shape::LOCAL),
    entry("lm-studio", "LM Studio", "lmstudio", "*", "lmstudio.ai", &Shape::LOCAL),
    entry(
        "llama-cpp",
        "llama.cpp",
        "llamacpp llama.cpp",
        "*",
        "github.com/ggml-org/llama.cpp",
        &Shape::LOCAL,
    ),
    entry("vllm", "vLLM", "", "*", "vllm.ai", &Shape::LOCAL),
    entry("litellm", "LiteLLM", "", "*", "litellm.ai", &Shape::KEY),
];

/// Bedrock's API keys, sent as Bearer. Signed requests (`SigV4`) are not a matter of one secret and stay with Amazon's SDK.
const BEDROCK: Shape = Shape { kinds: &[Kind::ApiKey, Kind::Token], ..Shape::KEY };
