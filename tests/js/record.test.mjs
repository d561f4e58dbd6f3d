// @ts-check
// What is shown of a credential, and credentials without a key.
import assert from "node:assert/strict";
import { test } from "node:test";
import { CredpoolError } from "credpool";
import { leased, LIMITED, open } from "./support/pool.mjs";
import { ok, rateLimited, Upstream } from "./support/upstream.mjs";

/** @param {import("credpool").ErrorCode} code @param {RegExp} message */
const withCode = (code, message) => (/** @type {unknown} */ error) => error instanceof CredpoolError && error.code === code && message.test(error.message);
const MINUTE = 60_000;

test("a local server needs no key, only its address", async () => {
  const upstream = new Upstream(rateLimited(30), ok());
  const { pool, host } = await open({ policy: { extends: "default", strategy: "fill-first", affinity: { kind: "none" } } });
  host.respond = upstream.fetch;
  await assert.rejects(pool.add("ollama", {}), withCode("invalid", /baseUrl: is missing: ollama takes no key/));
  await assert.rejects(pool.add("ollama", { baseUrl: "localhost:11434" }), withCode("invalid", /baseUrl: expected/));
  await assert.rejects(pool.add("openai", { baseUrl: "http://localhost:1/v1" }), withCode("invalid", /key: is missing/));
  const one = await pool.add("ollama", { baseUrl: "http://one.test:11434/v1", name: "one" });
  await pool.add("ollama", { baseUrl: "http://two.test:11434/v1", name: "two" });
  assert.equal(await pool.add("ollama", { baseUrl: "http://one.test:11434/v1" }), one, "the same server is the same credential");
  await pool.fetch("ollama")("https://api.openai.com/v1/chat/completions", { method: "POST", headers: { authorization: "Bearer placeholder" }, body: '{"model":"llama3"}' });
  assert.deepEqual(upstream.sent.map(({ url, headers }) => [new URL(url).host, headers.get("authorization")]), [["one.test:11434", null], ["two.test:11434", null]]);
  assert.deepEqual(pool.list("ollama").map(({ status }) => status), ["cooling", "ready"], "it rests as others do");
  await pool.add("ollama", { key: "sk-o", baseUrl: "https://ollama.test/v1", name: "guarded", priority: 9 });
  const lease = leased(await pool.tryAcquire("ollama"));
  assert.deepEqual([lease.name, lease.headers()], ["guarded", { authorization: "Bearer sk-o" }], "with a key it is sent");
  lease.release();
  await pool.profiles.add("llama.cpp", { baseUrl: "http://localhost:8080/v1" });
  const moved = pool.profiles.export("llama-cpp:default");
  assert.equal(moved.key, undefined);
  await pool.profiles.import({ ...moved, replace: true });
  await pool.close();
});

test("five profiles to begin with, of the keys that are there", async () => {
  const { pool } = await open();
  const env = { GROK_API_KEY: "k-x", GROK_BASE_URL: "https://grok.test/v1", OPENAI_API_KEY: "k-o", GOOGLE_API_KEY: " " };
  const defaults = await pool.profiles.defaults(env);
  assert.deepEqual(defaults.map(({ credential: { name, priority, enabled = true }, model }) => [name, priority, enabled, model]), [
    ["grok-default", 100, true, "grok-code-fast-1"],
    ["openai-default", 80, true, "gpt-4o"],
    ["ollama-local", 50, false, undefined],
  ]);
  await pool.addMany(defaults.map(({ credential }) => credential));
  assert.deepEqual(pool.profiles.list().map(({ id, enabled }) => [id, enabled]), [["ollama:ollama-local", false], ["openai:openai-default", true], ["xai:grok-default", true]]);
  assert.equal(pool.get("xai:grok-default")?.baseUrl, "https://grok.test/v1");
  assert.equal((await pool.profiles.defaults(Object.fromEntries(["GROK", "ANTHROPIC", "OPENAI", "GOOGLE"].map((name) => [`${name}_API_KEY`, "k"])))).length, 5);
  await pool.close();
});

test("what is shown of a credential: CLIProxyAPI's word, why, since when, until when", async () => {
  const { pool, host } = await open({ policy: { extends: "default", strategy: "fill-first", affinity: { kind: "none" }, jitter: 0 } });
  await pool.add("openai", { key: "sk-a", name: "a", retry: 2 });
  const shown = () => {
    const info = pool.get("openai:a");
    return [info?.state, info?.message, info?.lastError, info?.lastErrorAt && info.lastErrorAt - start, info?.nextRetry && info.nextRetry - start];
  };
  const start = host.wall;
  assert.deepEqual(shown(), ["active", undefined, undefined, undefined, undefined]);
  assert.equal(pool.get("openai:a")?.retry, 2);
  await leased(await pool.tryAcquire("openai", { model: "m" })).report(LIMITED);
  assert.deepEqual(shown(), ["error", "rate_limit", "rate_limit", 0, MINUTE]);
  await host.advance(MINUTE);
  assert.deepEqual(shown(), ["pending", "half_open", "rate_limit", 0, undefined], "the end of the rest ends the error");
  await pool.disable("openai:a", "by me");
  assert.deepEqual(shown().slice(0, 2), ["disabled", "by me"]);
  await pool.close();
});

test("calls are counted by ten minutes, and forgotten after 200", async () => {
  const { pool, host } = await open({ policy: { extends: "default", strategy: "fill-first", affinity: { kind: "none" }, cooldown: { rate_limit: { action: "none" } } } });
  host.wall -= host.wall % (10 * MINUTE);
  const start = host.wall;
  await pool.add("openai", { key: "sk-a", name: "a" });
  const recent = () => pool.get("openai:a")?.recent.map(({ from, success, failure }) => [(from - start) / MINUTE, success, failure]);
  assert.deepEqual(recent(), []);
  leased(pool.tryAcquire("openai")).release();
  leased(pool.tryAcquire("openai")).release();
  await leased(pool.tryAcquire("openai")).report(LIMITED);
  assert.deepEqual(recent(), [[0, 2, 1]]);
  await host.advance(12 * MINUTE);
  leased(pool.tryAcquire("openai")).release();
  assert.deepEqual(recent(), [[0, 2, 1], [10, 1, 0]]);
  await host.advance(188 * MINUTE);
  assert.deepEqual(recent(), [[10, 1, 0]]);
  await host.advance(20 * MINUTE);
  assert.deepEqual(recent(), []);
  assert.deepEqual(pool.get("openai:a")?.counters, { success: 3, failure: 1 });
  await pool.close();
});
