//! `OpenAI`: the platform, the `ChatGPT` plans, Azure.

use super::entry::{entry, Entry, Place, Shape};
use crate::facts::Kind;

pub(super) const ENTRIES: &[Entry] = &[
    entry("openai", "OpenAI", "", "OPENAI_API_KEY", "platform.openai.com/api-keys", &Shape::KEY),
    entry(
        "openai-codex",
        "ChatGPT (Codex)",
        "codex chatgpt openai-codex-device",
        "OPENAI_CODEX_OAUTH_TOKEN",
        "chatgpt.com",
        &CODEX,
    ),
    entry("azure", "Azure OpenAI", "azure-openai", "AZURE_OPENAI_API_KEY", "ai.azure.com", &AZURE),
    entry(
        "azure-openai-responses",
        "Azure OpenAI (Responses)",
        "",
        "AZURE_OPENAI_API_KEY",
        "ai.azure.com",
        &AZURE,
    ),
];

const CODEX: Shape = Shape {
    kinds: &[Kind::Oauth, Kind::Token],
    notice: "A ChatGPT plan is meant for OpenAI's own apps and Codex; its terms may not allow its use in other programs or \
             the sharing of an account: read them first.",
    ..Shape::KEY
};

/// Keys in `api-key`; Entra ID tokens as Bearer.
const AZURE: Shape =
    Shape { kinds: &[Kind::ApiKey, Kind::Token, Kind::Oauth], key: Place::Header("api-key"), ..Shape::KEY };
