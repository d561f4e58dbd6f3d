// @ts-check
// pool.execute and its kin: calls that the caller makes, under the pool's rules.
import assert from "node:assert/strict";
import { test } from "node:test";
import { CredpoolError } from "credpool";
import { addKeys, open } from "./support/pool.mjs";
import { badRequest, broken, ok, rateLimited, Upstream } from "./support/upstream.mjs";

const POLICY = { extends: "default", strategy: "fill-first", jitter: 0 };

/** @param {import("credpool").PoolOptions} [options] */
async function start(options = {}) {
  const { pool, host } = await open({ policy: POLICY, ...options });
  await addKeys(pool, "a", "b", "c");
  return { pool, host };
}

/** @param {number} status @param {unknown} [body] */
const sdkError = (status, body) => Object.assign(new Error(`${status}`), { status, headers: {}, error: body });

/** @template T @param {AsyncIterable<T>} parts */
async function collect(parts) {
  /** @type {T[]} */
  const all = [];
  for await (const part of parts) all.push(part);
  return all;
}

test("a call that fails with one credential is made with the next, and reported", async () => {
  const { pool } = await start();
  /** @type {[string, number][]} */
  const seen = [];
  /** @type {[string, string, boolean][]} */
  const told = [];
  const onAttempt = (/** @type {import("credpool").Attempt} */ { name, reason, retried }) => void told.push([name, reason, retried]);
  const answer = await pool.execute("openai", { model: "m", waitMs: 0, onAttempt }, (lease, { attempt }) => {
    seen.push([lease.secret, attempt]);
    if (attempt === 1) throw sdkError(429);
    if (attempt === 2) throw broken();
    return { said: "hello" };
  });
  assert.deepEqual(answer, { said: "hello" });
  assert.deepEqual(seen, [["sk-a", 1], ["sk-b", 2], ["sk-c", 3]]);
  assert.deepEqual(told, [["a", "rate_limit", true], ["b", "network", true], ["c", "ok", false]]);
  assert.deepEqual(pool.list().map(({ inFlight, counters }) => [inFlight, counters.success, counters.failure]), [[0, 0, 1], [0, 0, 1], [0, 1, 0]]);
  await pool.close();
});

test("a Response that is an error is tried elsewhere; the last one comes back as it is", async () => {
  const { pool } = await start();
  const upstream = new Upstream(rateLimited(), rateLimited(), ok({ said: "hi" }));
  const call = (/** @type {import("credpool").Lease} */ lease) => upstream.fetch("https://api.openai.com/v1/models", { headers: lease.headers() });
  assert.deepEqual(await (await pool.execute("openai", { waitMs: 0 }, call)).json(), { said: "hi" });
  assert.deepEqual(upstream.secrets(), ["sk-a", "sk-b", "sk-c"]);
  const refusing = new Upstream(rateLimited());
  const last = await pool.execute("openai", { waitMs: 0 }, (lease) => refusing.fetch("https://x.test", { headers: lease.headers() }));
  assert.equal(last.status, 429);
  assert.match(await last.text(), /Rate limit/);
  await assert.rejects(pool.execute("openai", { waitMs: 0 }, call), (error) => error instanceof CredpoolError && error.code === "cooling_down" && error.retryAt !== undefined);
  await pool.close();
});

test("a request at fault and a caller's own mistake are not made twice, and nobody rests for them", async () => {
  const { pool } = await start();
  let calls = 0;
  await assert.rejects(pool.execute("openai", {}, () => {
    calls += 1;
    throw sdkError(400, { message: "Invalid value", type: "invalid_request_error" });
  }), /400/);
  await assert.rejects(pool.execute("openai", {}, () => {
    calls += 1;
    throw new TypeError("undefined is not a function");
  }), TypeError);
  assert.equal((await pool.execute("openai", {}, () => badRequest())).status, 400);
  assert.equal(calls, 2);
  assert.deepEqual(pool.list().map(({ status, inFlight, counters }) => [status, inFlight, counters.failure]), [["ready", 0, 0], ["ready", 0, 0], ["ready", 0, 0]]);
  await pool.close();
});

test("a lease that was reported by hand has had its last word", async () => {
  const { pool } = await start();
  const said = await pool.execute("openai", { model: "m" }, async (lease) => {
    await lease.report({ status: 429, headers: { "retry-after": "60" } });
    return "enough";
  });
  assert.equal(said, "enough");
  assert.equal(pool.get("openai:a")?.cooldowns.length, 1);
  await assert.rejects(pool.execute("openai", { model: "m" }, async (lease) => {
    await lease.report({ status: 429, headers: { "retry-after": "60" } });
    throw sdkError(429);
  }), /429/);
  assert.deepEqual(pool.list().map(({ status }) => status), ["cooling", "cooling", "ready"]);
  await pool.close();
});

test("a caller who gives up ends the call, and nothing is held against the credential", async () => {
  const { pool } = await start();
  const giveUp = new AbortController();
  const call = pool.execute("openai", { signal: giveUp.signal }, (_lease, { signal }) => new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason))));
  await new Promise((resolve) => setTimeout(resolve, 0));
  giveUp.abort(new Error("enough"));
  await assert.rejects(call, /enough/);
  assert.deepEqual([pool.get("openai:a")?.inFlight, pool.get("openai:a")?.counters.failure], [0, 0]);
  await assert.rejects(pool.execute("openai", { signal: giveUp.signal }, () => 1), /enough/);
  await pool.close();
});

test("a stream is tried elsewhere until its first part, and never after it", async () => {
  const { pool } = await start();
  const parts = await pool.executeStream("openai", { model: "m", waitMs: 0 }, async function* (lease, { attempt }) {
    if (attempt === 1) throw sdkError(429);
    if (attempt === 2) return; // Ends before it began.
    yield "";
    yield `from ${lease.name}`;
    yield "more";
  });
  assert.equal(pool.get("openai:c")?.inFlight, 1);
  assert.deepEqual(await collect(parts), ["", "from c", "more"]);
  assert.deepEqual(pool.list().map(({ inFlight, lastError, counters }) => [inFlight, lastError, counters.success]), [[0, "rate_limit", 0], [0, "network", 0], [0, undefined, 1]]);
  let calls = 0;
  const broken = await pool.executeStream("openai", { model: "other" }, async function* () {
    calls += 1;
    yield 1;
    throw sdkError(529, { type: "overloaded_error" });
  });
  await assert.rejects(collect(broken), /529/);
  assert.equal(calls, 1);
  assert.equal(pool.get("openai:a")?.lastError, "overloaded");
  await pool.close();
});

test("a stream that is read in part was answered; one that never begins says so", async () => {
  const { pool } = await start();
  let closed = false;
  const parts = await pool.executeStream("openai", {}, async function* () {
    try {
      for (let number = 0; ; number += 1) yield number;
    } finally {
      closed = true;
    }
  });
  for await (const part of parts) if (part === 3) break;
  assert.deepEqual([closed, pool.get("openai:a")?.inFlight, pool.get("openai:a")?.counters.success], [true, 0, 1]);
  await assert.rejects(pool.executeStream("openai", { waitMs: 0, attempts: 2 }, async function* () {}), (error) => error instanceof CredpoolError && error.code === "empty_stream" && error.retryable);
  await pool.close();
});

test("an endpoint for counting that is missing says nothing of a credential", async () => {
  const { pool } = await start();
  let calls = 0;
  const missing = () => {
    calls += 1;
    throw sdkError(404, { message: "Not found", type: "not_found" });
  };
  await assert.rejects(pool.executeCount("openai", { model: "m", waitMs: 0, attempts: 3 }, missing), /404/);
  assert.equal(calls, 3);
  assert.deepEqual(pool.list().map(({ status }) => status), ["ready", "ready", "ready"]);
  // The model that is missing is another thing.
  await assert.rejects(pool.executeCount("openai", { model: "m", attempts: 1 }, () => {
    throw sdkError(404, { message: "The model `m` does not exist", type: "invalid_request_error", code: "model_not_found" });
  }), /404/);
  assert.deepEqual(pool.get("openai:a")?.cooldowns.map(({ model, reason }) => [model, reason]), [["m", "model_not_found"]]);
  await pool.close();
});

test("a request is prepared, or sent once, with the credential that the caller names", async () => {
  const upstream = new Upstream(rateLimited());
  const { pool, host } = await start();
  host.respond = upstream.fetch;
  const request = await pool.prepareRequest("openai:b", new Request("https://api.openai.com/v1/x", { method: "POST", headers: { authorization: "Bearer mine", "x-mine": "1" }, body: "{}" }));
  assert.deepEqual([request.method, request.headers.get("authorization"), request.headers.get("x-mine"), await request.text()], ["POST", "Bearer sk-b", "1", "{}"]);
  assert.equal((await pool.send("openai:b", "https://api.openai.com/v1/models")).status, 429);
  assert.deepEqual(upstream.secrets(), ["sk-b"]);
  assert.deepEqual(pool.list().map(({ status, counters }) => [status, counters.failure]), [["ready", 0], ["ready", 0], ["ready", 0]]);
  await assert.rejects(async () => pool.send("openai:zzz", "https://x.test"), (error) => error instanceof CredpoolError && error.code === "not_found");
  await pool.close();
});

test("each credential may have a transport of its own", async () => {
  const own = new Upstream(ok({ by: "own" }));
  const { pool, host } = await open({ policy: POLICY });
  host.respond = new Upstream(ok({ by: "host" })).fetch;
  /** @type {import("credpool").TransportTarget[]} */
  const asked = [];
  const other = await open({ policy: POLICY, host: Object.assign(host, { transport: (/** @type {import("credpool").TransportTarget} */ target) => (asked.push(target), target.name === "a" ? own.fetch : undefined) }) });
  await addKeys(other.pool, "a", "b");
  const call = other.pool.fetch("openai");
  assert.deepEqual(await (await call("https://api.openai.com/v1/models")).json(), { by: "own" });
  await other.pool.disable("openai:a");
  assert.deepEqual(await (await call("https://api.openai.com/v1/models")).json(), { by: "host" });
  await call("https://api.openai.com/v1/models");
  assert.deepEqual(asked.map(({ provider, name }) => [provider, name]), [["openai", "a"], ["openai", "b"]]);
  await other.pool.close();
  await pool.close();
});
