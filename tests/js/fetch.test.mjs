// @ts-check
// pool.fetch: what is sent, what is tried again, what comes back.
import assert from "node:assert/strict";
import { test } from "node:test";
import { CredpoolError } from "credpool";
import { settle } from "./support/host.mjs";
import { addKeys, leased, LIMITED, open } from "./support/pool.mjs";
import { badRequest, broken, ok, rateLimited, revoked, Upstream } from "./support/upstream.mjs";

const URL_OF_OPENAI = "https://api.openai.com/v1/chat/completions";
/** @type {RequestInit} */
const CHAT = { method: "POST", headers: { authorization: "Bearer placeholder", "content-type": "application/json" }, body: '{"model":"gpt-5","messages":[]}' };

/**
 * A pool with keys a, b and c at openai, and an upstream that answers.
 * @param {import("./support/upstream.mjs").Reply[]} replies @param {import("credpool").PoolOptions} [options]
 */
async function start(replies, options = {}) {
  const upstream = new Upstream(...replies);
  const { pool, host } = await open({ policy: { extends: "default", strategy: "fill-first", jitter: 0 }, ...options });
  host.respond = upstream.fetch;
  await addKeys(pool, "a", "b", "c");
  return { pool, host, upstream };
}

test("the credential takes the place of every other, in headers and in the address", async () => {
  const { pool, upstream } = await start([ok()]);
  await pool.add("anthropic", { token: "t-a" });
  await pool.add("gemini", { key: "k-g" });
  const headers = { Authorization: "Bearer placeholder", "X-Api-Key": "placeholder", "api-key": "placeholder", "x-goog-api-key": "placeholder", "anthropic-beta": "tools-1", "x-mine": "1" };
  await pool.fetch("openai")("https://api.openai.com/v1/models?key=placeholder&limit=2", { headers });
  await pool.fetch("claude")("https://api.anthropic.com/v1/messages", { headers });
  await pool.fetch("google")("https://generativelanguage.googleapis.com/v1beta/models?key=placeholder", { headers: Object.entries(headers) });
  const seen = upstream.sent.map(({ url, headers }) => [url, Object.fromEntries(headers)]);
  assert.deepEqual(seen, [
    ["https://api.openai.com/v1/models?limit=2", { authorization: "Bearer sk-a", "anthropic-beta": "tools-1", "x-mine": "1" }],
    ["https://api.anthropic.com/v1/messages", { authorization: "Bearer t-a", "anthropic-beta": "tools-1, oauth-2025-04-20", "x-mine": "1" }],
    ["https://generativelanguage.googleapis.com/v1beta/models", { "x-goog-api-key": "k-g", "anthropic-beta": "tools-1", "x-mine": "1" }],
  ]);
  await pool.close();
});

test("a failure of one key is answered by the next, and reported", async () => {
  const { pool, upstream } = await start([rateLimited(), broken(), ok({ said: "hello" })]);
  /** @type {import("credpool").Attempt[]} */
  const attempts = [];
  const response = await pool.fetch("openai", { onAttempt: (attempt) => attempts.push(attempt) })(URL_OF_OPENAI, CHAT);
  assert.deepEqual([response.status, await response.json()], [200, { said: "hello" }]);
  assert.deepEqual(upstream.secrets(), ["sk-a", "sk-b", "sk-c"]);
  assert.deepEqual(new Set(upstream.sent.map(({ body, method, url }) => `${method} ${url} ${body}`)), new Set([`POST ${URL_OF_OPENAI} ${CHAT.body}`]));
  assert.deepEqual(attempts.map(({ number, name, model, status, reason, retried, replayable }) => [number, name, model, status, reason, retried, replayable]), [
    [1, "a", "gpt-5", 429, "rate_limit", true, true],
    [2, "b", "gpt-5", undefined, "network", true, true],
    [3, "c", "gpt-5", 200, "ok", false, true],
  ]);
  assert.deepEqual(pool.list().map(({ counters, inFlight, lastError }) => [counters, inFlight, lastError]), [
    [{ success: 0, failure: 1 }, 0, "rate_limit"],
    [{ success: 0, failure: 1 }, 0, "network"],
    [{ success: 1, failure: 0 }, 0, undefined],
  ]);
  assert.deepEqual(pool.get("openai:a")?.cooldowns.map(({ model, scope }) => [model, scope]), [["gpt-5", "model"]]);
  await pool.close();
});

test("what is the request's own fault is answered at once", async () => {
  const { pool, upstream } = await start([badRequest(), ok()]);
  const response = await pool.fetch("openai")(URL_OF_OPENAI, CHAT);
  assert.equal(response.status, 400);
  assert.match(await response.text(), /temperature/);
  assert.equal(upstream.sent.length, 1);
  assert.equal(pool.get("openai:a")?.status, "ready");
  await pool.close();
});

test("when nobody is left the last answer comes back as it is", async () => {
  const long = "x".repeat(200_000);
  const refusal = () => new Response(JSON.stringify({ error: { message: long, code: "rate_limit_exceeded" } }), { status: 429, headers: { "retry-after": "7200", "x-request-id": "r-3" } });
  const { pool, upstream } = await start([rateLimited(), revoked(), refusal]);
  const response = await pool.fetch("openai", { waitMs: 100 })(URL_OF_OPENAI, CHAT);
  assert.deepEqual([response.status, response.headers.get("x-request-id"), upstream.sent.length], [429, "r-3", 3]);
  assert.equal((await response.json()).error.message, long, "a report leaves the body alone");
  await assert.rejects(pool.fetch("openai", { waitMs: 0 })(URL_OF_OPENAI, CHAT), (error) => error instanceof CredpoolError && error.code === "cooling_down" && error.candidates.length === 3);
  assert.equal(upstream.sent.length, 3);
  await pool.close();
});

test("when the connection fails for all, the caller gets the network's own error", async () => {
  const error = broken("ENOTFOUND");
  const { pool, upstream } = await start([error], { policy: { extends: "default", retry: { rounds: 0 } } });
  await assert.rejects(pool.fetch("openai", { waitMs: 0 })(URL_OF_OPENAI, CHAT), (thrown) => thrown === error);
  assert.equal(upstream.sent.length, 3);
  await pool.close();
});

test("a call waits for the first that comes back, as long as it may", async () => {
  const { pool, host, upstream } = await start([ok()]);
  for (const name of ["a", "b", "c"]) await pool.report(`openai:${name}`, LIMITED, { model: "gpt-5" });
  let status = 0;
  const call = pool.fetch("openai", { waitMs: 61_000 })(URL_OF_OPENAI, CHAT).then((response) => (status = response.status));
  await host.advance(59_000);
  assert.deepEqual([status, upstream.sent.length], [0, 0]);
  await host.advance(1_500);
  assert.equal(await call, 200);
  await pool.close();
});

test("how long a call waits by itself is the policy's word", async () => {
  for (const [fetch_wait, code] of /** @type {const} */ ([[61_000, undefined], [59_000, "cooling_down"]])) {
    const { pool, host } = await start([ok()], { policy: { extends: "default", retry: { fetch_wait } } });
    for (const name of ["a", "b", "c"]) await pool.report(`openai:${name}`, LIMITED, { model: "gpt-5" });
    const call = pool.fetch("openai")(URL_OF_OPENAI, CHAT).then(() => undefined, (error) => error.code);
    await host.advance(60_500);
    assert.equal(await call, code);
    await pool.close();
  }
});

test("the time of an answer is no time of waiting", async () => {
  const { pool, host } = await start([]);
  let asked = 0;
  host.respond = async () => {
    asked += 1;
    if (asked > 3) return ok();
    await host.advance(20_000);
    return rateLimited(1);
  };
  const call = pool.fetch("openai", { waitMs: 5_000 })(URL_OF_OPENAI, CHAT);
  for (let turn = 0; turn < 20; turn += 1) await host.advance(500);
  assert.deepEqual([(await call).status, asked], [200, 4]);
  await pool.close();
});

test("a caller may allow fewer attempts than the policy", async () => {
  const { pool, upstream } = await start([rateLimited()]);
  assert.equal((await pool.fetch("openai", { attempts: 2 })(URL_OF_OPENAI, CHAT)).status, 429);
  assert.equal(upstream.sent.length, 2);
  await pool.close();
});

test("a signal ends a call wherever it is", async () => {
  const reason = new Error("enough");
  const { pool, host, upstream } = await start([ok()]);
  await assert.rejects(pool.fetch("openai", { signal: AbortSignal.abort(reason) })(URL_OF_OPENAI, CHAT), reason);
  await assert.rejects(pool.fetch("openai")(URL_OF_OPENAI, { ...CHAT, signal: AbortSignal.abort(reason) }), reason);
  await assert.rejects(pool.fetch("openai")(new Request(URL_OF_OPENAI, { ...CHAT, signal: AbortSignal.abort(reason) })), reason);
  assert.equal(upstream.sent.length, 0);

  // While it is answered: nobody is blamed.
  const during = new AbortController();
  host.respond = (_, init) => new Promise((_, reject) => init?.signal?.addEventListener("abort", () => reject(init.signal?.reason)));
  const call = pool.fetch("openai")(URL_OF_OPENAI, { ...CHAT, signal: during.signal });
  await settle();
  during.abort(reason);
  await assert.rejects(call, reason);
  assert.deepEqual(pool.list().map(({ counters, inFlight }) => [counters.failure, inFlight]), [[0, 0], [0, 0], [0, 0]]);

  // While it waits for a credential.
  for (const name of ["a", "b", "c"]) await pool.report(`openai:${name}`, LIMITED, { model: "gpt-5" });
  const waiting = new AbortController();
  const call2 = pool.fetch("openai", { waitMs: 100_000, signal: waiting.signal })(URL_OF_OPENAI, { ...CHAT, signal: new AbortController().signal });
  await settle();
  waiting.abort(reason);
  await assert.rejects(call2, reason);
  await pool.close();
});

test("a body that never ends does not hold up the report, nor a signal", async () => {
  const endless = () => new Response(new ReadableStream({ start: (controller) => controller.enqueue(new TextEncoder().encode('{"error":{"message":"Rate limit')) }), { status: 429 });
  const { pool, upstream } = await start([endless, ok()]);
  const started = performance.now();
  assert.equal((await pool.fetch("openai")(URL_OF_OPENAI, CHAT)).status, 200);
  assert.ok(performance.now() - started < 60_000);
  assert.equal(pool.get("openai:a")?.lastError, "rate_limit");

  const giveUp = new AbortController();
  const { pool: other } = await start([endless, ok()]);
  const call = other.fetch("openai")(URL_OF_OPENAI, { ...CHAT, signal: giveUp.signal });
  await settle();
  giveUp.abort(new Error("enough"));
  await assert.rejects(call, /enough/);
  assert.equal(other.get("openai:a")?.inFlight, 0);
  assert.equal(upstream.sent.length, 2);
  await Promise.all([pool.close(), other.close()]);
});

test("a request that cannot be made is the caller's error, and harms no credential", async () => {
  const { pool, host } = await start([ok()]);
  await assert.rejects(pool.fetch("openai")("not an address"), TypeError);
  host.respond = async () => {
    throw new TypeError("RequestInit: duplex option is required when sending a body.");
  };
  await assert.rejects(pool.fetch("openai")(URL_OF_OPENAI, CHAT), /duplex/);
  assert.deepEqual(pool.list().map(({ counters, inFlight }) => [counters.failure, inFlight]), [[0, 0], [0, 0], [0, 0]]);
  assert.throws(() => pool.fetch([]), { code: "invalid" });
  await pool.close();
});

test("a credential's own address takes the place of the provider's", async () => {
  /** @type {[string, string, string][]} */
  const cases = [
    ["https://proxy.example", "https://api.openai.com/v1/chat/completions?x=1", "https://proxy.example/v1/chat/completions?x=1"],
    ["https://proxy.example/", "https://api.openai.com/v1/models", "https://proxy.example/v1/models"],
    ["https://proxy.example/openai/v1", "https://api.openai.com/v1/models", "https://proxy.example/openai/v1/models"],
    ["https://proxy.example/openai/v1/", "https://api.openai.com/v1", "https://proxy.example/openai/v1"],
    ["http://localhost:8080/api?team=a", "https://api.openai.com/v1/models?x=1", "http://localhost:8080/api/v1/models?team=a&x=1"],
    ["https://r.example/openai/deployments/d", "https://api.openai.com/chat/completions", "https://r.example/openai/deployments/d/chat/completions"],
  ];
  const { pool, upstream } = await start([ok()]);
  for (const [baseUrl, url, expected] of cases) {
    await pool.add("groq", { key: `k-${upstream.sent.length}`, name: "one", baseUrl });
    await pool.fetch("groq")(url);
    assert.equal(upstream.sent.at(-1)?.url, expected);
  }
  await pool.close();
});

test("several providers are tried in order", async () => {
  const { pool, upstream } = await start([rateLimited(), rateLimited(), rateLimited(), ok()]);
  await pool.add("groq", { key: "gsk" });
  assert.equal((await pool.fetch(["openai", "groq"])(URL_OF_OPENAI, CHAT)).status, 200);
  assert.deepEqual(upstream.secrets(), ["sk-a", "sk-b", "sk-c", "gsk"]);
  await pool.close();
});

test("an answer that is no error is handed on as it is: redirects too", async () => {
  const { pool, upstream } = await start([new Response(null, { status: 304 })]);
  assert.equal((await pool.fetch("openai")(URL_OF_OPENAI)).status, 304);
  assert.equal(upstream.sent.length, 1);
  const answer = ok();
  const { pool: other, host } = await start([]);
  host.respond = async () => answer;
  assert.equal(await other.fetch("openai")(URL_OF_OPENAI), answer, "the very same object");
  await Promise.all([pool.close(), other.close()]);
});

test("a listener of attempts that throws harms nobody, and a pool that closes meanwhile neither", async () => {
  const { pool, host } = await start([rateLimited(), ok()]);
  const call = pool.fetch("openai", { onAttempt: () => assert.fail("no") });
  assert.equal((await call(URL_OF_OPENAI, CHAT)).status, 200);
  assert.equal(host.logged.length, 2);
  host.respond = async () => (await pool.close(), rateLimited());
  assert.equal((await pool.fetch("openai")(URL_OF_OPENAI, CHAT)).status, 429);
  await assert.rejects(pool.fetch("openai")(URL_OF_OPENAI, CHAT), { code: "closed" });
});

test("a credential that is gone when the answer comes is no reason to lose the answer", async () => {
  const { pool, host } = await start([]);
  host.respond = async () => (await pool.remove("openai:a"), rateLimited());
  assert.equal((await pool.fetch("openai")(URL_OF_OPENAI, CHAT)).status, 429);
  assert.equal(leased(pool.tryAcquire("openai")).name, "b");
  await pool.close();
});
