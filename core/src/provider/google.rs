//! Google: the Gemini API, Vertex AI, and the accounts of its command line and editor.

use super::entry::{entry, Entry, Place, Shape};
use crate::facts::Kind;

pub(super) const ENTRIES: &[Entry] = &[
    entry(
        "google",
        "Google Gemini",
        "gemini google-ai google-ai-studio aistudio google-generative-ai",
        "GEMINI_API_KEY GOOGLE_API_KEY",
        "aistudio.google.com/apikey",
        &KEY,
    ),
    entry(
        "google-vertex",
        "Google Vertex AI",
        "vertex vertex-ai",
        "GOOGLE_CLOUD_API_KEY",
        "console.cloud.google.com/vertex-ai",
        &VERTEX,
    ),
    entry("google-gemini-cli", "Gemini CLI account", "gemini-cli", "", "geminicli.com", &ACCOUNT),
    entry("google-antigravity", "Antigravity account", "antigravity", "", "antigravity.google", &ACCOUNT),
];

const KEY: Shape = Shape { key: Place::Header("x-goog-api-key"), ..Shape::KEY_OR_ACCOUNT };
const VERTEX: Shape = Shape { key: Place::Header("x-goog-api-key"), ..Shape::ACCOUNT_OR_KEY };
const ACCOUNT: Shape = Shape {
    kinds: &[Kind::Oauth, Kind::Token],
    notice: "Google meant this login for its own tools; its terms may not allow its use in other programs and accounts have \
             been suspended for it.",
    ..Shape::KEY
};
