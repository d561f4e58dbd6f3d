//! Other tools' files: text in, credentials out, and back. Nothing is read from disk, nothing is decided about a pool.
//!
//! A document that cannot be read is an error with its place. What stands in a document that can be read, and cannot be
//! taken over, is named in [`Found::skipped`] with the reason. No message holds a value of the document: it may be a secret.

mod claude_code;
mod cliproxyapi;
mod code_buddy;
mod codex;
mod collect;
mod copilot;
mod credential;
mod devclaw;
mod dotenv;
mod expiry;
mod gemini_cli;
mod litellm;
mod oh_my_pi;
mod openclaw;
mod write;
mod yaml;

pub use collect::{Found, FoundCredential, Note, MOST};
pub use credential::Credential;
pub use expiry::{expiry_of, instant};
pub use write::{write, File, Loss, Written};

use crate::json::{self, words, ToJson, Value, Writer};

/// No document is longer, in bytes.
pub const LONGEST: usize = 16 * 1024 * 1024;

/// A program whose files are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// oh-my-pi (and pi): `agent.db` as rows, `auth.json`, what its broker publishes.
    OhMyPi,
    /// `CLIProxyAPI`: a file of its auth folder, its `config.yaml`.
    CliProxyApi,
    /// `DevClaw`'s profile store, or one exported profile.
    DevClaw,
    /// code-buddy's `auth-profiles.json`.
    CodeBuddy,
    /// `OpenClaw`'s `auth-profiles.json`, and the `auth.json` before it.
    OpenClaw,
    /// Codex CLI's `auth.json`.
    Codex,
    /// Claude Code's `.credentials.json`, beside it `.claude.json`.
    ClaudeCode,
    /// Gemini CLI's `oauth_creds.json`, beside it `google_accounts.json`.
    GeminiCli,
    /// GitHub Copilot's `apps.json`, `hosts.json`, and the Copilot CLI's `config.json`.
    Copilot,
    /// A file of environment variables.
    Env,
    /// `LiteLLM`'s `config.yaml`.
    LiteLlm,
}

words! {
    /// The word used on command lines.
    Tool {
        OhMyPi = "oh-my-pi",
        CliProxyApi = "cliproxyapi",
        DevClaw = "devclaw",
        CodeBuddy = "code-buddy",
        OpenClaw = "openclaw",
        Codex = "codex",
        ClaudeCode = "claude-code",
        GeminiCli = "gemini-cli",
        Copilot = "github-copilot",
        Env = "env",
        LiteLlm = "litellm",
    }
}

impl Tool {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::OhMyPi,
        Self::CliProxyApi,
        Self::DevClaw,
        Self::CodeBuddy,
        Self::OpenClaw,
        Self::Codex,
        Self::ClaudeCode,
        Self::GeminiCli,
        Self::Copilot,
        Self::Env,
        Self::LiteLlm,
    ];

    /// By its word.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tool| tool.as_str() == word)
    }
}

/// A document.
#[derive(Clone, Copy, Default)]
pub struct Source<'a> {
    /// The text.
    pub text: &'a str,
    /// The text of the file beside it that says whose the account is, where the tool has one.
    pub beside: Option<&'a str>,
}

/// Why a document cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportError {
    /// The place: `profiles[3].key`, `line 7`, or `.` for the whole text.
    pub place: String,
    /// What is wrong there.
    pub message: String,
}

impl core::fmt::Display for ImportError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&self.place)?;
        f.write_str(": ")?;
        f.write_str(&self.message)
    }
}

impl core::error::Error for ImportError {}

fn wrong(place: &str, message: &str) -> ImportError {
    let place = if place.is_empty() { "." } else { place };
    ImportError { place: collect::shown(place), message: message.to_owned() }
}

/// A document as JSON, or YAML read as such.
enum Document {
    Json(Value),
    Yaml(Value),
    Text,
}

/// Which tool's document it is, told by its content.
pub fn detect(text: &str) -> Option<Tool> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    tool_of(&document(text).ok()?, text)
}

/// Does it look like a tool's document?
type Test = fn(&Value) -> bool;

fn tool_of(document: &Document, text: &str) -> Option<Tool> {
    match document {
        Document::Json(value) => {
            let tests: [(Tool, Test); 9] = [
                (Tool::Codex, codex::is_it),
                (Tool::ClaudeCode, claude_code::is_it),
                (Tool::CliProxyApi, cliproxyapi::is_it),
                (Tool::GeminiCli, gemini_cli::is_it),
                (Tool::Copilot, copilot::is_it),
                (Tool::OpenClaw, openclaw::is_it),
                (Tool::DevClaw, devclaw::is_it),
                (Tool::CodeBuddy, code_buddy::is_it),
                (Tool::OhMyPi, oh_my_pi::is_it),
            ];
            tests.into_iter().find(|(_, is_it)| is_it(value)).map(|(tool, _)| tool)
        }
        Document::Yaml(value) if litellm::is_it(value) => Some(Tool::LiteLlm),
        Document::Yaml(value) if cliproxyapi::is_config(value) => Some(Tool::CliProxyApi),
        _ => dotenv::is_it(text).then_some(Tool::Env),
    }
}

/// Reads a document of a tool; of the one that it looks like, where none is named.
pub fn read(tool: Option<Tool>, source: &Source<'_>) -> Result<(Tool, Found), ImportError> {
    let text = source.text.strip_prefix('\u{feff}').unwrap_or(source.text);
    if text.len() > LONGEST {
        return Err(wrong("", "it is longer than 16 MiB"));
    }
    let mut found = Found::default();
    if tool == Some(Tool::Env) {
        dotenv::read(text, &mut found);
        return Ok((Tool::Env, found));
    }
    let document = document(text)?;
    let unknown = || wrong("", "no tool's file looks like this: name the tool, or the right file");
    let tool = match tool {
        Some(tool) => tool,
        None => tool_of(&document, text).ok_or_else(unknown)?,
    };
    let beside = source.beside.filter(|beside| beside.len() <= LONGEST);
    let beside = beside.and_then(|beside| json::read::<Value>(beside).ok()).unwrap_or_default();
    match (tool, document) {
        (Tool::Env, _) => dotenv::read(text, &mut found),
        (_, Document::Text) => return Err(wrong("", "it is neither JSON nor YAML")),
        (Tool::LiteLlm, Document::Json(value) | Document::Yaml(value)) => litellm::read(&value, &mut found)?,
        (Tool::CliProxyApi, Document::Yaml(value)) => cliproxyapi::read_config(&value, &mut found),
        (_, Document::Yaml(_)) => return Err(wrong("", "it is not JSON")),
        (tool, Document::Json(value)) => {
            let value = &value;
            if !value.is_object() {
                return Err(wrong("", "expected an object"));
            }
            match tool {
                Tool::OhMyPi => oh_my_pi::read(value, &mut found)?,
                Tool::CliProxyApi => cliproxyapi::read(value, &mut found)?,
                Tool::DevClaw => devclaw::read(value, &mut found)?,
                Tool::CodeBuddy => code_buddy::read(value, &mut found)?,
                Tool::OpenClaw => openclaw::read(value, &mut found)?,
                Tool::Codex => codex::read(value, &mut found),
                Tool::ClaudeCode => claude_code::read(value, &beside, &mut found),
                Tool::GeminiCli => gemini_cli::read(value, &beside, &mut found),
                Tool::Copilot => copilot::read(value, &mut found),
                Tool::Env | Tool::LiteLlm => {}
            }
        }
    }
    Ok((tool, found))
}

/// JSON where the text begins like it, YAML where it can be read as a mapping.
fn document(text: &str) -> Result<Document, ImportError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.len() > LONGEST {
        return Err(wrong("", "it is longer than 16 MiB"));
    }
    if text.trim_ascii_start().starts_with(['{', '[']) {
        let value = json::read(text).map_err(|error| wrong(&error.path, &error.message))?;
        return Ok(Document::Json(value));
    }
    match yaml::read(text) {
        Ok(value) if value.is_object() => Ok(Document::Yaml(value)),
        // `A=b` is a scalar to YAML, and a file of variables to us.
        Ok(_) => Ok(Document::Text),
        Err(_) if dotenv::is_it(text) => Ok(Document::Text),
        Err(error) => Err(error),
    }
}

/// What a document holds, as JSON: `{"tool","credentials","skipped","warnings"}`.
pub struct Report {
    /// Whose it is.
    pub tool: Tool,
    /// What it holds.
    pub found: Found,
}

impl ToJson for Report {
    fn write(&self, to: &mut Writer) {
        to.open('{');
        to.field("tool", &self.tool);
        to.field("credentials", &self.found.credentials);
        to.field("skipped", &self.found.skipped);
        to.field("warnings", &self.found.warnings);
        to.close('}');
    }
}
