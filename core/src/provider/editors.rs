//! Accounts of editors and coding services.

use super::entry::{entry, Entry, Shape};
use crate::facts::Kind;

pub(super) const ENTRIES: &[Entry] = &[
    entry(
        "github-copilot",
        "GitHub Copilot",
        "copilot",
        "COPILOT_GITHUB_TOKEN",
        "github.com/settings/copilot",
        &ACCOUNT,
    ),
    entry(
        "gitlab-duo",
        "GitLab Duo",
        "gitlab",
        "GITLAB_TOKEN",
        "gitlab.com/-/user_settings/personal_access_tokens",
        &GITLAB,
    ),
    entry("gitlab-duo-agent", "GitLab Duo Agent", "", "GITLAB_TOKEN", "gitlab.com", &GITLAB),
    entry("gitlab-duo-workflow", "GitLab Duo Workflow", "", "GITLAB_TOKEN", "gitlab.com", &GITLAB),
    entry("cursor", "Cursor", "", "CURSOR_ACCESS_TOKEN", "cursor.com", &ACCOUNT),
    entry("devin", "Devin", "", "*", "app.devin.ai", &Shape::KEY),
    entry("opencode-zen", "OpenCode Zen", "opencode zen", "OPENCODE_API_KEY", "opencode.ai", &Shape::KEY),
    entry("opencode-go", "OpenCode Go", "", "OPENCODE_API_KEY", "opencode.ai", &Shape::KEY),
    entry("kilo", "Kilo Code", "kilocode", "*", "kilocode.ai", &Shape::KEY_OR_ACCOUNT),
    entry("umans", "Umans", "", "UMANS_AI_CODING_PLAN_API_KEY", "umans.ai", &Shape::KEY),
    entry("firepass", "Firepass", "", "*", "", &Shape::KEY),
];

const ACCOUNT: Shape = Shape {
    kinds: &[Kind::Oauth, Kind::Token],
    notice: "This plan is meant for its vendor's own editors and apps; its terms may not allow its use in other programs: read \
             them first.",
    ..Shape::KEY
};

const GITLAB: Shape = Shape { kinds: &[Kind::Oauth, Kind::Token, Kind::ApiKey], ..Shape::KEY };
