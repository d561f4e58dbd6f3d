//! Anthropic. `anthropic-version` is set by its SDKs and not touched here.

use super::entry::{entry, Entry, Place, Shape};

pub(super) const ENTRIES: &[Entry] = &[entry(
    "anthropic",
    "Anthropic",
    "claude",
    "ANTHROPIC_OAUTH_TOKEN ANTHROPIC_API_KEY",
    "console.anthropic.com/settings/keys",
    &ANTHROPIC,
)];

/// Keys in `x-api-key`; tokens as Bearer with the beta header without which they are refused.
const ANTHROPIC: Shape = Shape {
    key: Place::Header("x-api-key"),
    token_headers: &[("anthropic-beta", "oauth-2025-04-20")],
    notice: "Anthropic reserves the login of a Claude plan for its own apps and may suspend accounts that other programs \
             use; for other programs it offers API keys.",
    ..Shape::KEY_OR_ACCOUNT
};
