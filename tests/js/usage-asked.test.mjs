// @ts-check
// What is left of accounts: asked of servers that answer as the providers do, shown in JavaScript and on the command line.
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { CredentialPool } from "credpool";
import { sqliteStore } from "credpool/node";
import { startUsageServer } from "../providers/usage.mjs";
import { runProgram } from "./support/runtime.mjs";

const main = fileURLToPath(new URL("../../pkg/dist/node/cli/main.js", import.meta.url));
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "credpool-usage-"));
process.on("exit", () => fs.rmSync(folder, { recursive: true, force: true }));

const ACCOUNTS = [
  { provider: "anthropic", name: "claude", access: "canary-a", refresh: "canary-r" },
  { provider: "openai-codex", name: "chat", access: "canary-c", refresh: "canary-s", accountId: "ws-1" },
  { provider: "zai", name: "glm", key: "canary-z" },
  { provider: "openrouter", name: "router", key: "canary-o" },
];

/** @param {CredentialPool} pool @param {string} baseUrl */
async function addAll(pool, baseUrl) {
  for (const { provider, ...account } of ACCOUNTS) await pool.add(provider, { ...account, baseUrl, ...(account.access !== undefined && { expires: Date.now() + 3_600_000 }) });
}

test("accounts of four providers are asked, each as it wants it, and no secret comes back", async () => {
  const server = await startUsageServer();
  const pool = await CredentialPool.open({ env: false });
  await addAll(pool, server.url);
  const known = await pool.fetchUsageReports();
  assert.deepEqual(known.map(({ name, trouble }) => [name, trouble]), ACCOUNTS.map(({ name }) => [name, undefined]));
  const used = (/** @type {string} */ of) => known.find(({ name }) => name === of)?.report?.limits.map(({ id, status, amount }) => [id, amount.used_ppm ?? Math.round(((amount.used ?? 0) / (amount.limit ?? 1)) * 1e6), status]);
  assert.deepEqual(used("claude"), [["anthropic:5h", 420_000, "ok"], ["anthropic:7d", 210_000, "ok"], ["anthropic:7d:fable", 120_000, "ok"], ["anthropic:extra", 625_000, "ok"]]);
  assert.deepEqual(used("chat"), [["openai-codex:primary", 420_000, "ok"], ["openai-codex:secondary", 200_000, "ok"], ["openai-codex:spark:primary", 30_000, "ok"]]);
  assert.deepEqual(used("glm"), [["zai:tokens:5h", 420_000, "ok"]]);
  assert.deepEqual(used("router")?.map(([id]) => id), ["openrouter:key", "openrouter:credits"]);
  assert.doesNotMatch(JSON.stringify(known), /canary/);
  const sent = (/** @type {string} */ path) => server.asked.filter((asked) => asked.path === path).map(({ headers }) => headers);
  assert.equal(sent("/api/oauth/usage")[0]?.["anthropic-beta"], "oauth-2025-04-20");
  assert.equal(sent("/api/oauth/profile").length, 1, "nobody had said whose it is");
  assert.deepEqual([sent("/backend-api/wham/usage")[0]?.["chatgpt-account-id"], sent("/backend-api/wham/usage")[0]?.authorization], ["ws-1", "Bearer canary-c"]);
  assert.equal(sent("/api/monitor/usage/quota/limit")[0]?.authorization, "canary-z");
  // What is fresh is not asked for again, and what is asked for twice at once is asked once.
  const before = server.asked.length;
  await pool.fetchUsageReports();
  assert.equal(server.asked.length, before);
  await Promise.all([pool.fetchUsageReports({ providers: ["zai"], force: true }), pool.fetchUsageReports({ providers: ["zai"], force: true })]);
  assert.equal(server.asked.length, before + 1);
  await pool.close();
  await server.close();
});

test("what cannot be asked is told in a word, what was known stays, and nobody is benched for it", async () => {
  const server = await startUsageServer();
  const pool = await CredentialPool.open({ env: false });
  await addAll(pool, server.url);
  await pool.fetchUsageReports();
  for (const [path, said] of /** @type {[string, import("../providers/usage.mjs").Said][]} */ ([
    ["/api/oauth/usage", { status: 503, body: {} }],
    ["/backend-api/wham/usage", { body: "<html>login</html>" }],
    ["/api/monitor/usage/quota/limit", { body: { code: 500, success: false } }],
  ])) server.said.set(path, said);
  const known = await pool.fetchUsageReports({ force: true });
  const trouble = Object.fromEntries(known.map(({ name, trouble }) => [name, trouble]));
  assert.deepEqual([trouble.claude, trouble.glm, trouble.router], ["http-503", "failed_in_body", undefined]);
  assert.match(trouble.chat ?? "", /expected a value/);
  assert.ok(known.every(({ report }) => (report?.limits.length ?? 0) > 0));
  assert.ok(pool.list().every(({ status }) => status === "ready"));
  await pool.close();
  await server.close();
});

test("credpool usage: lines in a pipe, JSON, and an exit code", async () => {
  const server = await startUsageServer({ used: 95 });
  const store = path.join(folder, "cli.db");
  const pool = await CredentialPool.open({ env: false, store: sqliteStore(store) });
  await addAll(pool, server.url);
  await pool.close();
  const credpool = (/** @type {string[]} */ ...args) => runProgram([main, "usage", ...args, "--store", store]);
  const piped = await credpool("anthropic", "zai");
  assert.equal(piped.code, 0, piped.stderr);
  const rows = piped.stdout.trimEnd().split("\n").map((line) => line.split("\t"));
  assert.deepEqual(rows.map(([who, limit, percent, status]) => [who, limit, percent, status]), [
    ["anthropic:claude", "anthropic:5h", "95", "warning"],
    ["anthropic:claude", "anthropic:7d", "47.5", "ok"],
    ["anthropic:claude", "anthropic:7d:fable", "12", "ok"],
    ["anthropic:claude", "anthropic:extra", "62.5", "ok"],
    ["zai:glm", "zai:tokens:5h", "95", "warning"],
  ]);
  assert.ok(rows.every((row) => row.length === 11));
  assert.doesNotMatch(piped.stdout, /\u001b|█/, "no colours and no bars in a pipe");
  const { code, stdout } = await credpool("--json");
  assert.deepEqual([code, JSON.parse(stdout).length], [0, 4]);
  assert.doesNotMatch(stdout, /canary/);
  const empty = await runProgram([main, "usage", "--store", path.join(folder, "empty.db")]);
  assert.deepEqual([empty.code, empty.stdout], [1, ""]);
  const wrong = await credpool("--every", "soon");
  assert.deepEqual([wrong.code, /--every wants a number of seconds/.test(wrong.stderr)], [2, true]);
  await server.close();
});

test("drawn: a bar for each window, its reset, what is spent; never full before all is used, never empty once something is", async () => {
  const server = await startUsageServer({ used: 99.9, resetIn: 7_230_000 });
  const store = path.join(folder, "drawn.db");
  const pool = await CredentialPool.open({ env: false, store: sqliteStore(store) });
  await addAll(pool, server.url);
  await pool.close();
  server.said.set("/backend-api/wham/usage", { status: 503 });
  const draw = async (/** @type {string[]} */ ...args) => {
    const { stdout, stderr } = await runProgram([main, "usage", "--draw", "--store", store, ...args]);
    assert.equal(stderr, "");
    return stdout.trimEnd().split("\n");
  };
  const near = await draw();
  const line = (/** @type {string[]} */ lines, /** @type {RegExp} */ of) => lines.find((text) => of.test(text)) ?? assert.fail(`${of} in\n${lines.join("\n")}`);
  assert.match(line(near, /^anthropic:claude/), /^anthropic:claude  claude_max  in 0 s|\d+ s ago$/);
  assert.match(line(near, /^  5 hours/), /^  5 hours +█{23}▉ +99 % +in 2 h/);
  assert.match(line(near, /^  7 days +█/), /^  7 days +█{11}▉░{12}|█{12}░{12} +49 % +in 3 d/);
  assert.match(line(near, /^  Extra usage/), /█{15}░{9} +62 % +\$12\.50 of \$20\.00$/);
  assert.match(line(near, /^openai-codex:chat/), /^openai-codex:chat  no answer: http-503$/);
  assert.match(line(near, /^  Tokens/), /█{23}▉ +99 % +799\.?\d* ?M of 800 M tokens/);
  Object.assign(server.numbers, { used: 100 });
  server.said.set("/backend-api/wham/usage", {});
  const spent = await draw("--fresh");
  assert.match(line(spent, /^  5 hours/), /█{24} +100 % +in 2 h  spent$/);
  assert.match(line(spent, /^openai-codex:chat/), /^openai-codex:chat  plus /);
  assert.match(line(spent, /credits/), /^  credits: 12\.5 left$/);
  assert.match(line(spent, /resets/), /^  saved resets: 1$/);
  Object.assign(server.numbers, { used: 0.1 });
  assert.match(line(await draw("--fresh", "anthropic"), /^  5 hours/), /▏░{23} +<1 % +in 2 h/);
  await server.close();
});
