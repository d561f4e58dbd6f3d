// @ts-check
// credpool import, as a process, over files as the tools write them.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { access, chatgpt, home, key, later, otherKey, refresh } from "./support/home.mjs";

/** Every tool's file in its usual place. @param {ReturnType<typeof home>} of */
function everyTool({ write }) {
  write(".codex/auth.json", { OPENAI_API_KEY: null, tokens: { id_token: chatgpt(later), access_token: chatgpt(later), refresh_token: refresh, account_id: "acct-1" } });
  write(".claude/.credentials.json", { claudeAiOauth: { accessToken: `sk-ant-oat01-${access}`, refreshToken: `sk-ant-ort01-${refresh}`, expiresAt: later * 1000 }, mcpOAuth: { "x|1": { accessToken: otherKey } } });
  write(".claude.json", { oauthAccount: { emailAddress: "c@example.com", accountUuid: "u-1", organizationUuid: "o-1" } });
  write(".gemini/oauth_creds.json", { access_token: `ya29.${access}`, refresh_token: `1//${refresh}`, expiry_date: later * 1000, scope: "https://www.googleapis.com/auth/cloud-platform" });
  write(".gemini/google_accounts.json", { active: "g@example.com", old: [] });
  const copilot = process.platform === "win32" ? "local/github-copilot/apps.json" : ".config/github-copilot/apps.json";
  write(copilot, { "github.com:Iv1.1": { user: "octocat", oauth_token: `ghu_${access}` } });
  write(".openclaw/agents/main/agent/auth-profiles.json", { version: 1, profiles: { "openai:work": { type: "api_key", provider: "openai", key }, "groq:bad": { type: "api_key", provider: "groq", key: "a\nb" } } });
  write(".codebuddy/auth-profiles.json", { cooldowns: {}, profiles: [{ id: "grok", provider: "grok", type: "api-key", credentials: { apiKey: otherKey }, priority: 3 }] });
  write(".cli-proxy-api/claude-p@example.com.json", { type: "claude", access_token: `cp-${access}`, refresh_token: `cp-${refresh}`, email: "p@example.com", expired: new Date(later * 1000).toISOString() });
  write(".cli-proxy-api/broken.json", "{");
  write(".omp/agent/auth.json", { mistral: { type: "api_key", key: `mistral-${key}` } });
}

test("every tool's files are found, shown, and taken over once", async () => {
  const of = home();
  everyTool(of);
  const dry = await of.run(["import", "--dry-run"]);
  assert.equal(dry.code, 0, dry.stderr);
  assert.match(dry.stdout, /FROM +PROVIDER +NAME +KIND +WHOSE +EXPIRES/);
  for (const line of [/codex +openai-codex +oauth +a@example\.com +in 7 d/, /claude-code +anthropic +oauth +c@example\.com/, /gemini-cli +google-gemini-cli +oauth +g@example\.com/, /github-copilot +github-copilot +octocat/, /openclaw +openai +work +api_key/, /code-buddy +xai +grok/, /cliproxyapi +anthropic +oauth +p@example\.com/, /oh-my-pi +mistral/]) assert.match(dry.stdout, line);
  assert.match(dry.stdout, /nothing was taken over: --dry-run/);
  assert.match(dry.stderr, /skipped .*mcpOAuth\.x\|1: it is a login to an MCP server/);
  assert.match(dry.stderr, /skipped .*profiles\.groq:bad: its secret has a character/);
  assert.match(dry.stderr, /not read .*broken\.json: /);
  for (const tool of ["codex", "claude-code", "cliproxyapi"]) assert.match(dry.stderr, new RegExp(`warning ${tool} renews this account too`));
  assert.doesNotMatch(dry.stderr, /warning gemini-cli/);
  assert.deepEqual(await of.list(), []);

  const asked = await of.run(["import"]);
  assert.deepEqual([asked.code, /say --yes/.test(asked.stderr)], [2, true]);
  const done = await of.run(["import", "--yes", "--json"]);
  const report = JSON.parse(done.stdout);
  assert.deepEqual([done.code, report.taken, report.credentials.length, report.errors.length], [0, true, 8, 1], done.stderr);
  assert.ok(report.credentials.every((/** @type {any} */ { id, action }) => id > 0 && action === "add"));
  const all = await of.list();
  assert.deepEqual(all.sort(), ["anthropic:c@example.com", "anthropic:p@example.com", "github-copilot:octocat", "google-gemini-cli:g@example.com", "mistral:default", "openai-codex:a@example.com", "openai:work", "xai:grok"]);

  const again = await of.run(["import", "--yes"]);
  assert.match(again.stdout, /already there as openai:work/);
  assert.match(again.stdout, /nothing to take over/);
  assert.deepEqual((await of.list()).length, 8);
});

test("one tool, in a place that its variable names, and a file by hand", async () => {
  const of = home();
  const file = of.write("elsewhere/auth.json", { OPENAI_API_KEY: key });
  assert.match((await of.run(["import", "--from", "codex", "--yes"])).stderr, /there is no .*\.codex/);
  const moved = await of.run(["import", "--from", "codex", "--yes"], { env: { CODEX_HOME: path.join(of.at, "elsewhere") } });
  assert.deepEqual([moved.code, /stored openai:default \(api_key\)/.test(moved.stdout)], [0, true], moved.stderr);
  const dotenv = of.write("project/.env", `GROQ_API_KEY=${otherKey}\nXAI_API_KEY=\${X}\n`);
  const env = await of.run(["import", dotenv, "--yes"]);
  assert.deepEqual([env.code, /stored groq:default/.test(env.stdout), /line 2: XAI_API_KEY: its value is made of others/.test(env.stderr)], [0, true, true], env.stderr);
  const piped = await of.run(["import", "-", "--yes"], { input: `MISTRAL_API_KEY=${key}-m` });
  assert.deepEqual([piped.code, /stored mistral:default/.test(piped.stdout)], [0, true], piped.stderr);
  assert.deepEqual((await of.run(["import", file, "--from", "gemini-cli", "--yes"])).code, 0);
  for (const [args, message] of /** @type {[string[], RegExp][]} */ ([[["import", "--from", "emacs"], /there is no tool "emacs"; there are: bundle, oh-my-pi/], [["import", "a", "b"], /one path at most/], [["import", "--from", "devclaw"], /name a file that it exported/]])) {
    const { code, stderr } = await of.run(args);
    assert.ok(code > 0 && message.test(stderr), stderr);
  }
});

test("what the pool has is never lost: other keys keep their names, newer tokens stay", async () => {
  const of = home();
  await of.run(["add", "openai", "--name", "work"], { input: otherKey });
  const profiles = of.write("auth-profiles.json", { profiles: { "openai:work": { type: "api_key", provider: "openai", key } } });
  const done = await of.run(["import", profiles, "--yes"]);
  assert.match(done.stdout, /stored openai:work-openclaw/);
  assert.equal(JSON.parse((await of.run(["export", "openai:work"])).stdout).key, otherKey);

  const auth = (/** @type {number} */ at, /** @type {string} */ token) => of.write("auth.json", { tokens: { access_token: chatgpt(at), refresh_token: token } });
  await of.run(["import", auth(later, `${refresh}-1`), "--yes"]);
  const older = await of.run(["import", auth(later - 9000, `${refresh}-0`), "--yes"]);
  assert.match(older.stdout, /the pool's tokens are newer: openai-codex:a@example\.com/);
  assert.equal(JSON.parse((await of.run(["export", "openai-codex:a@example.com"])).stdout).refresh, `${refresh}-1`);
  const newer = await of.run(["import", auth(later + 9000, `${refresh}-2`), "--yes"]);
  assert.match(newer.stdout, /newer tokens for openai-codex:a@example\.com/);
  const now = JSON.parse((await of.run(["export", "openai-codex:a@example.com"])).stdout);
  assert.deepEqual([now.refresh, now.clientId, now.expires], [`${refresh}-2`, "app_x", (later + 9000) * 1000]);
  assert.deepEqual((await of.list()).length, 3);

  // An account of which nothing is known is the one that its tool had before.
  const claude = (/** @type {string} */ n, /** @type {number} */ at) => of.write(".credentials.json", { claudeAiOauth: { accessToken: `${access}-${n}`, refreshToken: `${refresh}-c${n}`, expiresAt: at * 1000 } });
  await of.run(["import", claude("1", later), "--yes"]);
  await of.run(["import", claude("2", later + 60), "--yes"]);
  assert.deepEqual((await of.list()).filter((/** @type {string} */ id) => id.startsWith("anthropic")), ["anthropic:default"]);
});

test("--access-only leaves the refresh token where it is", async () => {
  const of = home();
  everyTool(of);
  const { code, stdout, stderr } = await of.run(["import", "--from", "codex", "--access-only", "--yes"]);
  assert.deepEqual([code, /stored openai-codex:\S+ \(token\)/.test(stdout), stderr], [0, true, ""]);
  const [id] = await of.list();
  const { refresh: none, kind, token } = JSON.parse((await of.run(["export", id])).stdout);
  assert.deepEqual([none, kind, token], [undefined, "token", chatgpt(later)]);
});

test("a database of oh-my-pi is read by its rows, and stays as it is", { timeout: 60_000 }, async () => {
  const of = home();
  const file = path.join(of.at, ".omp", "agent", "agent.db");
  fs.mkdirSync(path.dirname(file), { recursive: true });
  const name = "Bun" in globalThis ? "bun:sqlite" : "node:sqlite";
  const sqlite = await import(name).catch(() => undefined);
  const database = sqlite ? new (sqlite.DatabaseSync ?? sqlite.Database)(file) : new (await import("libsql")).default(file);
  database.exec("CREATE TABLE auth_credentials (id INTEGER PRIMARY KEY AUTOINCREMENT, provider TEXT, credential_type TEXT, data TEXT, disabled_cause TEXT, identity_key TEXT, created_at INTEGER, updated_at INTEGER)");
  const insert = database.prepare("INSERT INTO auth_credentials (provider, credential_type, data, disabled_cause) VALUES (?, ?, ?, ?)");
  insert.run("openai", "api_key", JSON.stringify({ key }), null);
  insert.run("anthropic", "oauth", JSON.stringify({ access: `o-${access}`, refresh: `o-${refresh}`, expires: later * 1000, email: "o@example.com" }), null);
  insert.run("groq", "api_key", JSON.stringify({ key: otherKey }), "deleted by user");
  database.close();
  const before = fs.readFileSync(file);
  const { code, stdout, stderr } = await of.run(["import", "--yes"]);
  assert.deepEqual([code, /stored openai:default/.test(stdout), /stored anthropic:o@example\.com/.test(stdout), /auth_credentials 3: it is disabled there/.test(stderr)], [0, true, true, true], stdout + stderr);
  assert.ok(fs.readFileSync(file).equals(before));
  assert.deepEqual(fs.readdirSync(path.dirname(file)), ["agent.db"]);
});
