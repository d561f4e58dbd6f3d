// Where other tools keep their credentials: by system, and by the variables that move them.
import fs from "node:fs";
import path from "node:path";
import type { Tool } from "credpool/import";

export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: string;
  readonly home: string;
  /** Where the program was started. */
  readonly cwd: string;
}

/** A file, or a folder of files, and the file that says whose the account is. */
export interface Place {
  readonly file: string;
  readonly beside?: string;
}

/** The usual places of a tool, the one that its own variables name first. They need not be there. */
export function placesOf(tool: Tool, surroundings: Surroundings): Place[] {
  const { env, platform, home, cwd } = surroundings;
  const config = env.XDG_CONFIG_HOME && path.isAbsolute(env.XDG_CONFIG_HOME) ? env.XDG_CONFIG_HOME : path.join(home, ".config");
  switch (tool) {
    case "codex":
      return [{ file: path.join(env.CODEX_HOME || path.join(home, ".codex"), "auth.json") }];
    case "claude-code": {
      const own = env.CLAUDE_CONFIG_DIR;
      return [{ file: path.join(own || path.join(home, ".claude"), ".credentials.json"), beside: path.join(own || home, ".claude.json") }];
    }
    case "gemini-cli": {
      const folder = path.join(env.GEMINI_CLI_HOME || home, ".gemini");
      return [{ file: path.join(folder, "oauth_creds.json"), beside: path.join(folder, "google_accounts.json") }];
    }
    case "github-copilot": {
      const local = platform === "win32" ? [env.LOCALAPPDATA ?? path.join(home, "AppData", "Local"), env.APPDATA ?? path.join(home, "AppData", "Roaming")] : [config];
      const editors = local.flatMap((folder) => ["apps.json", "hosts.json"].map((name) => ({ file: path.join(folder, "github-copilot", name) })));
      return [...editors, { file: path.join(env.COPILOT_HOME || path.join(home, ".copilot"), "config.json") }];
    }
    case "openclaw": {
      const states = env.OPENCLAW_STATE_DIR ? [env.OPENCLAW_STATE_DIR] : [".openclaw", ".moltbot", ".clawdbot"].map((name) => path.join(home, name));
      return states.flatMap((state) => namesIn(path.join(state, "agents")).map((agent) => ({ file: path.join(state, "agents", agent, "agent", "auth-profiles.json") })));
    }
    case "oh-my-pi": {
      const own = env.PI_CODING_AGENT_DIR;
      const folders = own ? [own] : [path.join(home, ".omp", "agent"), path.join(home, ".pi", "agent")];
      return folders.flatMap((folder) => ["agent.db", "auth.json"].map((name) => ({ file: path.join(folder, name) })));
    }
    case "cliproxyapi":
      return [{ file: path.join(home, ".cli-proxy-api") }];
    case "code-buddy":
      return [{ file: path.join(home, ".codebuddy", "auth-profiles.json") }];
    case "env":
      return [{ file: path.join(cwd, ".env") }];
    case "litellm":
      return ["config.yaml", "litellm_config.yaml"].map((name) => ({ file: path.join(cwd, name) }));
    case "devclaw":
      return []; // Its store is in a vault that only it opens: what it exports is named by hand.
  }
}

/** What of a tool stands beside a file that was named by hand. */
export function besideOf(tool: Tool | undefined, file: string): string | undefined {
  const name = path.basename(file);
  const folder = path.dirname(file);
  if (name === ".credentials.json" && (tool ?? "claude-code") === "claude-code") {
    return [path.join(folder, ".claude.json"), path.join(path.dirname(folder), ".claude.json")].find((other) => fs.existsSync(other));
  }
  return name === "oauth_creds.json" ? path.join(folder, "google_accounts.json") : undefined;
}

function namesIn(folder: string): string[] {
  try {
    return fs.readdirSync(folder).sort();
  } catch {
    return []; // Not there.
  }
}
