// @ts-check
// Are credentials good, and what saved resets have they: asked of servers that answer as the providers do.
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
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "credpool-health-"));
process.on("exit", () => fs.rmSync(folder, { recursive: true, force: true }));
const LATER = Date.now() + 3_600_000;

/** @param {CredentialPool} pool @param {string} baseUrl */
async function addAll(pool, baseUrl) {
  await pool.add("anthropic", { name: "good", access: "canary-a", refresh: "canary-r", expires: LATER, baseUrl, email: "ada@example.com", accountId: "u-1" });
  await pool.add("openai-codex", { name: "chat", access: "canary-c", refresh: "canary-s", expires: LATER, baseUrl, accountId: "ws-1" });
  await pool.add("openai", { name: "plain", key: "canary-k", baseUrl });
  await pool.add("openrouter", { name: "elsewhere", key: "env:ROUTER_KEY", baseUrl });
}

test("one after the other: yes with what is left, no with a reason, and nobody knows", async () => {
  const server = await startUsageServer();
  const pool = await CredentialPool.open({ env: { ROUTER_KEY: "canary-o" } });
  await addAll(pool, server.url);
  server.said.set("/backend-api/wham/usage", { status: 401, body: { detail: "canary-c is not known" } });
  const checked = await pool.checkCredentials();
  assert.deepEqual(checked.map(({ name, ok, reason }) => [name, ok, reason]), [
    ["good", true, undefined],
    ["chat", false, "http-401"],
    ["plain", null, "no_probe"],
    ["elsewhere", true, undefined],
  ]);
  assert.deepEqual([checked[0]?.email, checked[0]?.accountId, checked[0]?.report?.limits[0]?.id], ["ada@example.com", "u-1", "anthropic:5h"]);
  // A key that is kept elsewhere is shown, not its name.
  assert.equal(server.asked.find(({ path }) => path === "/api/v1/key")?.headers.authorization, "Bearer canary-o");
  assert.ok(server.asked.every(({ headers, body }) => !`${JSON.stringify(headers)}${body}`.includes("ROUTER_KEY")));
  assert.deepEqual([pool.get("openai-codex:chat")?.enabled, pool.get("openai-codex:chat")?.status], [true, "cooling"]);
  // In order, never two at once.
  assert.deepEqual([...new Set(server.asked.map(({ path }) => path))], ["/api/oauth/usage", "/backend-api/wham/usage", "/api/v1/key", "/api/v1/credits"]);
  await pool.disable("openai:plain");
  assert.deepEqual((await pool.checkCredentials({ providers: ["openai", "openrouter"] })).map(({ name }) => name), ["elsewhere"], "what is disabled is left out");
  assert.deepEqual((await pool.checkCredentials({ credentials: ["openai:plain"] })).map(({ ok, reason }) => [ok, reason]), [[null, "disabled"]]);
  assert.doesNotMatch(JSON.stringify(checked), /canary/);
  await pool.close();
  await server.close();
});

test("a call of one's own beside it, in its own time, without a secret in what is told", async () => {
  const server = await startUsageServer();
  const pool = await CredentialPool.open({ env: { ROUTER_KEY: "canary-o" } });
  await addAll(pool, server.url);
  server.said.set("/v1/models", { body: { data: [] } });
  /** @type {string[]} */
  const shown = [];
  const checked = await pool.checkCredentials({
    completionTimeoutMs: 200,
    completionProbe: async ({ name, secret, fetch, signal }) => {
      shown.push(secret);
      if (name === "good") return (await fetch("https://api.example/v1/models")).ok;
      if (name === "chat") throw new Error(`no model for ${secret}`);
      if (name === "plain") return { ok: false, reason: `answered ${secret}` };
      return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    },
  });
  assert.deepEqual(shown, ["canary-a", "canary-c", "canary-k", "canary-o"]);
  const completions = checked.map(({ name, completion }) => [name, completion?.ok, completion?.reason]);
  assert.deepEqual(completions.map(([name, ok]) => [name, ok]), [["good", true], ["chat", false], ["plain", false], ["elsewhere", false]]);
  assert.match(String(completions[1]?.[2]), /^no model for /);
  assert.equal(completions[3]?.[2], "timeout");
  assert.doesNotMatch(JSON.stringify(checked), /canary/);
  assert.equal(server.asked.find(({ path }) => path === "/v1/models")?.headers.authorization, "Bearer canary-a");
  // Who gives up is told so, and asks nobody further.
  const before = server.asked.length;
  await assert.rejects(pool.checkCredentials({ signal: AbortSignal.abort(new Error("enough")) }), /enough/);
  assert.equal(server.asked.length, before);
  await pool.close();
  await server.close();
});

test("saved resets are listed and used once, with one id for every try", async () => {
  const server = await startUsageServer();
  const pool = await CredentialPool.open({ env: false });
  await addAll(pool, server.url);
  const list = "/backend-api/wham/rate-limit-reset-credits";
  server.said.set(list, { body: { available_count: 2, credits: [{ id: "b", status: "available", expires_at: "2099-02-01T00:00:00Z" }, { id: "a", status: "available", expires_at: "2099-01-01T00:00:00Z" }] } });
  const listed = await pool.listResetCredits();
  assert.deepEqual(listed.map(({ name, available, credits, error }) => [name, available, credits.map(({ id }) => id), error]), [["chat", 2, ["b", "a"], undefined]]);
  await pool.markUsageLimitReached("openai-codex", { credential: "openai-codex:chat", retryAfterMs: 7_200_000 });
  assert.equal(pool.get("openai-codex:chat")?.status, "cooling");
  server.said.set(`${list}/consume`, { status: 503 });
  const first = await pool.redeemResetCredit({ target: "openai-codex:chat" });
  assert.deepEqual([first.ok, first.code, first.retryable, first.creditId], [false, "http_503", true, "a"]);
  assert.equal(pool.get("openai-codex:chat")?.status, "cooling");
  server.said.set(`${list}/consume`, { body: { code: "reset" } });
  const second = await pool.redeemResetCredit({ target: "openai-codex:chat", redemptionId: first.redemptionId });
  assert.deepEqual([second.ok, second.code, second.redemptionId], [true, "reset", first.redemptionId]);
  assert.equal(pool.get("openai-codex:chat")?.status, "ready");
  const sent = server.asked.filter(({ path }) => path.endsWith("/consume")).map(({ body }) => JSON.parse(body));
  assert.deepEqual(sent.map(({ credit_id }) => credit_id), ["a", "a"]);
  assert.equal(sent[0].redeem_request_id, sent[1].redeem_request_id);
  assert.match(sent[0].redeem_request_id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.deepEqual((await pool.redeemResetCredit({ target: "anthropic:good" })).code, "no_account");
  await assert.rejects(pool.redeemResetCredit({ target: "openai-codex:chat", redemptionId: "a b" }), { code: "invalid" });
  await pool.close();
  await server.close();
});

test("credpool test asks the providers, and credpool resets lists and uses", async () => {
  const server = await startUsageServer();
  const store = path.join(folder, "cli.db");
  const pool = await CredentialPool.open({ env: false, store: sqliteStore(store) });
  await addAll(pool, server.url);
  await pool.close();
  server.said.set("/backend-api/wham/usage", { status: 401 });
  const credpool = (/** @type {string[]} */ ...args) => runProgram([main, ...args, "--store", store], { env: { ROUTER_KEY: "canary-o" } });
  const tested = await credpool("test");
  assert.equal(tested.code, 1, tested.stderr);
  const lines = tested.stdout.trimEnd().split("\n").sort();
  assert.match(lines.join("\n"), /^\? openai:plain  its provider cannot be asked$/m);
  assert.match(lines.join("\n"), /^✓ anthropic:good  ada@example\.com  answered  expires in \d+ (min|h)$/m);
  assert.match(lines.join("\n"), /^✗ openai-codex:chat .*http-401/m);
  assert.match(lines.join("\n"), /^✓ openrouter:elsewhere  answered$/m);
  const asked = server.asked.length;
  const offline = await credpool("test", "--offline", "--json");
  assert.deepEqual([offline.code, JSON.parse(offline.stdout).length, server.asked.length], [0, 4, asked]);
  const json = await credpool("test", "anthropic:good", "--json");
  assert.deepEqual(JSON.parse(json.stdout).map((/** @type {{ ok: boolean, valid: boolean }} */ { ok, valid }) => [ok, valid]), [[true, true]]);
  const list = "/backend-api/wham/rate-limit-reset-credits";
  server.said.set(list, { body: { available_count: 1, credits: [{ id: "a", status: "available" }] } });
  server.said.set(`${list}/consume`, { body: { code: "reset" } });
  const listed = await credpool("resets");
  assert.deepEqual([listed.code, /^openai-codex:chat +1$/m.test(listed.stdout)], [0, true], listed.stdout + listed.stderr);
  const asking = await credpool("resets", "use", "openai-codex:chat");
  assert.deepEqual([asking.code, /--yes/.test(asking.stderr)], [2, true], asking.stderr);
  const used = await credpool("resets", "use", "openai-codex:chat", "--yes");
  assert.deepEqual([used.code, used.stdout], [0, "begun anew openai-codex:chat\n"], used.stderr);
  assert.doesNotMatch([tested, offline, json, listed, used].map(({ stdout, stderr }) => stdout + stderr).join(""), /canary/);
  await server.close();
});
