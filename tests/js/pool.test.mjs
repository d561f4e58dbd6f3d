// @ts-check
// The pool: credentials come, are handed out, are reported, and go.
import assert from "node:assert/strict";
import { test } from "node:test";
import { CredpoolError } from "credpool";
import { WasmPool } from "../../pkg/dist/js/core.js";
import { settle } from "./support/host.mjs";
import { addKeys, leased, LIMITED, open, refused } from "./support/pool.mjs";

test("a lease has all that a request needs", async () => {
  const { pool } = await open();
  const id = await pool.add("openai", { key: "sk-a", name: "work", baseUrl: "https://proxy.example/v1" });
  const lease = await pool.acquire("openai", { model: "gpt-5" });
  assert.deepEqual([lease.id, lease.name, lease.provider, lease.kind, lease.origin, lease.secret, lease.version, lease.baseUrl, lease.forced], [
    id, "work", "openai", "api_key", "stored", "sk-a", 1, "https://proxy.example/v1", false,
  ]);
  assert.deepEqual(lease.headers(), { authorization: "Bearer sk-a" });
  assert.equal(JSON.stringify(lease).includes("sk-a"), false);
  await pool.close();
});

test("each provider has its place for a secret", async () => {
  const providers = [{ name: "in-query", keyPlacement: { query: "token" } }, { name: "in-header", aliases: ["ih"], keyPlacement: { header: "X-My-Key" }, headers: { "x-version": "2" } }];
  const { pool } = await open({ providers });
  await pool.addMany([
    { provider: "claude", key: "k-a", name: "key" }, { provider: "gemini", key: "k-g" },
    { provider: "in-query", key: "k-q" }, { provider: "ih", key: "k-h" }, { provider: "unheard-of", key: "k-u" },
  ]);
  await pool.addMany([{ provider: "anthropic", token: "t-a", name: "token", priority: 1 }]);
  const parts = async (/** @type {string} */ provider) => {
    const lease = await pool.acquire(provider);
    return [lease.headers(), lease.query()];
  };
  assert.deepEqual(await parts("anthropic"), [{ authorization: "Bearer t-a", "anthropic-beta": "oauth-2025-04-20" }, {}]);
  await pool.disable("claude:token");
  assert.deepEqual(await parts("claude"), [{ "x-api-key": "k-a" }, {}]);
  assert.deepEqual(await parts("google"), [{ "x-goog-api-key": "k-g" }, {}]);
  assert.deepEqual(await parts("in-query"), [{}, { token: "k-q" }]);
  assert.deepEqual(await parts("in-header"), [{ "x-my-key": "k-h", "x-version": "2" }, {}]);
  assert.deepEqual(await parts("unheard-of"), [{ authorization: "Bearer k-u" }, {}]);
  await pool.close();
});

test("add answers ids, and takes over who has the same name or secret", async () => {
  const { pool } = await open();
  const [one, two] = await addKeys(pool, "a", "b");
  assert.equal(await pool.add("openai", { key: "sk-a2", name: "a" }), one);
  assert.equal(await pool.add("openai", { key: "sk-b", name: "bee" }), two);
  assert.deepEqual(pool.list().map(({ id, name }) => [id, name]), [[one, "a"], [two, "bee"]]);
  assert.equal((await pool.acquire("openai")).secret, "sk-a2");
  await pool.close();
});

test("what cannot be added is said, without its secret, and nothing is stored", async () => {
  const { pool } = await open();
  /** @type {[import("credpool").NewProviderCredential[], RegExp][]} */
  const bad = [
    [[{ provider: "openai", key: "" }], /^key: is empty/],
    [[{ provider: "openai", key: "sk-good" }, { provider: "openai", key: "sk secret\nx" }], /^credentials\[1\]\.key: .*cannot stand in a header/],
    [[{ provider: "open ai", key: "sk-good" }], /^provider: expected a name such as `openai`/],
    [[{ provider: "openai" }], /^key: is missing/],
    [[{ provider: "openai", key: "sk-1", token: "t" }], /one of key, token and access/],
    [[/** @type {any} */ ({ provider: "openai", apiKey: "sk-secret" })], /a credential has no field "apiKey"; there are: provider, kind, key/],
    [[{ provider: "openai", key: "sk-1", expires: NaN }], /^expires: expected a date/],
  ];
  for (const [credentials, message] of bad) {
    await assert.rejects(pool.addMany(credentials), (/** @type {CredpoolError} */ error) => {
      assert.ok(error instanceof CredpoolError);
      assert.equal(error.code, "invalid");
      assert.match(error.message, message);
      assert.doesNotMatch(error.message, /secret/);
      return true;
    });
  }
  assert.deepEqual(pool.list(), []);
  await pool.close();
});

test("tryAcquire answers a lease or a refusal, at once", async () => {
  const { pool, host } = await open();
  assert.equal(refused(pool.tryAcquire("openai")).code, "not_found");
  assert.equal(refused(pool.tryAcquire("no-such-provider")).code, "unknown_provider");
  assert.throws(() => pool.tryAcquire("no such name"), { code: "unknown_provider" });
  const [id] = await addKeys(pool, "a");
  await leased(pool.tryAcquire("openai", { model: "m" })).report(LIMITED);
  const refusal = refused(pool.tryAcquire("openai", { model: "m" }));
  assert.deepEqual([refusal.code, refusal.retryAt], ["cooling_down", host.wall + 60_000]);
  assert.deepEqual(refusal.candidates, [{ id, provider: "openai", name: "a", reason: "rate_limit", until: host.wall + 60_000 }]);
  const error = refusal.toError();
  assert.deepEqual([error.code, error.retryAt, error.retryable, error.status], ["cooling_down", host.wall + 60_000, true, 429]);
  assert.match(error.message, /every credential of "openai" for the model "m" rests; the first is back at 2027-/);
  assert.equal(leased(pool.tryAcquire("openai", { model: "other" })).name, "a");
  await pool.close();
});

test("the hot path gives the engine numbers only", async () => {
  const { pool } = await open();
  await addKeys(pool, "a", "b");
  leased(pool.tryAcquire("openai", { model: "m", session: "s" })).release(); // Learns the names, ties the session.
  leased(pool.tryAcquire("openai", { model: "m" })).release();
  const { handle } = WasmPool.prototype;
  let calls = 0;
  WasmPool.prototype.handle = function (...args) {
    calls += 1;
    return handle.apply(this, args);
  };
  try {
    for (let turn = 0; turn < 100; turn += 1) {
      leased(pool.tryAcquire("openai", { model: "m" })).release();
      leased(pool.tryAcquire("openai", { model: "m", session: "s" })).abandon();
    }
    assert.equal(calls, 0);
  } finally {
    WasmPool.prototype.handle = handle;
  }
  await pool.close();
});

test("a session stays with its credential", async () => {
  const { pool } = await open({ policy: { extends: "default", strategy: "round-robin" } });
  await addKeys(pool, "a", "b", "c");
  const of = (/** @type {string} */ session) => leased(pool.tryAcquire("openai", { session })).name;
  const [one, two] = [of("one"), of("two")];
  assert.notEqual(one, two);
  for (let turn = 0; turn < 5; turn += 1) assert.deepEqual([of("one"), of("two")], [one, two]);
  assert.equal((await pool.acquire("openai", { session: "one" })).name, one);
  await pool.close();
});

test("acquire waits as long as it is told to", async () => {
  const { pool, host } = await open();
  await addKeys(pool, "a");
  const lease = await pool.acquire("openai");
  await lease.report(LIMITED);
  await assert.rejects(pool.acquire("openai"), { code: "cooling_down", retryAt: host.wall + 60_000 });
  await assert.rejects(pool.acquire("openai", { waitMs: 59_000 }), { code: "cooling_down" });
  let got = "";
  const waiting = pool.acquire("openai", { waitMs: 61_000 }).then(({ name }) => (got = name));
  await host.advance(59_999);
  assert.equal(got, "");
  assert.ok([...host.timers].every(({ keepAlive }) => keepAlive), "while somebody waits the process must not end");
  await host.advance(1);
  assert.equal(await waiting, "a");
  assert.ok([...host.timers].every(({ keepAlive }) => !keepAlive));
  await pool.close();
});

test("a caller that gives up gets its own reason, and waits no longer", async () => {
  const { pool } = await open();
  await addKeys(pool, "a");
  await (await pool.acquire("openai")).report(LIMITED);
  const reason = new Error("enough");
  await assert.rejects(pool.acquire("openai", { waitMs: 61_000, signal: AbortSignal.abort(reason) }), reason);
  const giveUp = new AbortController();
  const waiting = pool.acquire("openai", { waitMs: 61_000, signal: giveUp.signal });
  await settle();
  assert.equal(/** @type {{ waiters: number }} */ (pool.state()).waiters, 1);
  giveUp.abort(reason);
  await assert.rejects(waiting, reason);
  assert.equal(/** @type {{ waiters: number }} */ (pool.state()).waiters, 0);
  await pool.close();
});

test("several providers are tried in order, and some may be excluded", async () => {
  const { pool } = await open();
  const [a] = await addKeys(pool, "a");
  await pool.add("anthropic", { key: "k", name: "c" });
  assert.equal((await pool.acquire(["openai", "anthropic"])).name, "a");
  assert.equal((await pool.acquire(["openai", "anthropic"], { exclude: [a ?? 0] })).name, "c");
  const error = await pool.acquire(["openai", "claude"], { exclude: ["openai:a", "claude:c"] }).catch((error) => error);
  assert.equal(error.code, "not_found");
  assert.deepEqual(error.candidates.map((/** @type {import("credpool").OutCandidate} */ { provider, name }) => `${provider}:${name}`), ["openai:a", "anthropic:c"]);
  await assert.rejects(pool.acquire([]), { code: "invalid" });
  await pool.close();
});

test("a lease ends once: reported, released, abandoned or disposed of", async () => {
  const { pool, host } = await open();
  await addKeys(pool, "a");
  const inFlight = () => pool.get("openai:a")?.inFlight;
  const [one, two, three] = [leased(pool.tryAcquire("openai")), leased(pool.tryAcquire("openai")), leased(pool.tryAcquire("openai"))];
  assert.equal(inFlight(), 3);
  one.release();
  one.release();
  two.abandon();
  three[Symbol.dispose]();
  assert.equal(inFlight(), 0);
  await assert.rejects(one.report(true), { code: "not_found" });
  assert.deepEqual(pool.get("openai:a")?.counters, { success: 1, failure: 0 });
  leased(pool.tryAcquire("openai"));
  await host.advance(600_001);
  assert.equal(inFlight(), 0, "a lease that nobody ends ends by itself");
  await pool.close();
});

test("a release after a failure goes the long way and clears the ladder", async () => {
  const { pool, host } = await open();
  await addKeys(pool, "a");
  await leased(pool.tryAcquire("openai", { model: "m" })).report({ status: 429 });
  await host.advance(2_000);
  leased(pool.tryAcquire("openai", { model: "m" })).release();
  const report = await leased(pool.tryAcquire("openai", { model: "m" })).report({ status: 429 });
  assert.equal(report.level, 1);
  await pool.close();
});

test("explain, peek and origin change nothing and agree", async () => {
  const { pool, host } = await open();
  const [a, b] = await addKeys(pool, "a", "b");
  await (await pool.acquire("openai", { model: "m" })).report(LIMITED);
  assert.deepEqual(pool.explain("OpenAI", { model: "m" }), {
    picked: "b",
    candidates: [
      { id: a, name: "a", origin: "stored", verdict: "rate_limit", until: host.wall + 60_000 },
      { id: b, name: "b", origin: "stored", verdict: "picked", rank: 1 },
    ],
  });
  assert.deepEqual(pool.peek("openai", { model: "m" }), { id: b, provider: "openai", name: "b", kind: "api_key", origin: "stored" });
  assert.deepEqual([pool.origin("openai"), pool.origin("anthropic"), pool.peek("anthropic")], [{ origin: "stored" }, undefined, undefined]);
  await host.advance(60_000);
  assert.deepEqual(pool.explain("openai", { model: "m" }).candidates.map(({ verdict }) => verdict).sort(), ["picked", "ready"]);
  await pool.close();
});

test("list and get show what a credential is doing", async () => {
  const { pool, host } = await open();
  const id = await pool.add("openai", { key: "sk-a", name: "a", email: "a@example.com", orgId: "org", expires: new Date(host.wall + 1000), models: ["gpt-*"], priority: 2, weight: 3 });
  await (await pool.acquire("openai", { model: "gpt-5" })).report(LIMITED);
  const { index, ...info } = pool.list("openai")[0] ?? {};
  assert.match(String(index), /^[0-9a-f]{16}$/);
  assert.deepEqual(info, {
    id, provider: "openai", name: "a", kind: "api_key", origin: "stored", priority: 2, weight: 3, models: ["gpt-*"], enabled: true,
    expires: host.wall + 1000, identity: { email: "a@example.com", orgId: "org" }, status: "cooling", inFlight: 0, lastUsed: host.wall,
    counters: { success: 0, failure: 1 }, lastError: "rate_limit", lastErrorAt: host.wall, message: "rate_limit", nextRetry: host.wall + 60_000, recent: [{ from: host.wall, success: 0, failure: 1 }], state: "error",
    cooldowns: [{ scope: "model", model: "gpt-5", reason: "rate_limit", until: host.wall + 60_000, level: 0, source: "hint", circuit: "closed" }],
  });
  assert.deepEqual(pool.get(id), pool.get("openai:a"));
  assert.deepEqual([pool.get(99), pool.get("openai:nobody")], [undefined, undefined]);
  assert.throws(() => pool.get("a"), { code: "invalid" });
  await host.advance(60_000);
  assert.deepEqual([pool.get(id)?.status, pool.get(id)?.cooldowns], ["expired", []]);
  await pool.close();
});

test("update, disable, enable and remove", async () => {
  const { pool } = await open();
  const [a] = await addKeys(pool, "a", "b");
  await pool.update("openai:a", { name: "aa", key: "sk-new", baseUrl: "https://x.example", priority: 1 });
  const lease = await pool.acquire("openai");
  assert.deepEqual([lease.name, lease.secret, lease.version, lease.baseUrl], ["aa", "sk-new", 2, "https://x.example"]);
  await pool.disable(a ?? 0, "on holiday");
  assert.deepEqual([pool.get("openai:aa")?.status, pool.get("openai:aa")?.disabledCause], ["disabled", "on holiday"]);
  assert.equal((await pool.acquire("openai")).name, "b");
  await pool.enable("openai:aa");
  assert.deepEqual([pool.get("openai:aa")?.enabled, pool.get("openai:aa")?.disabledCause], [true, undefined]);
  await pool.remove("openai:aa");
  assert.deepEqual(pool.list().map(({ name }) => name), ["b"]);
  await assert.rejects(pool.remove("openai:aa"), { code: "not_found" });
  await assert.rejects(pool.update("openai:b", /** @type {any} */ ({ secret: "x" })), { code: "invalid" });
  await pool.close();
});

test("a new name or address counts at once, without a new secret", async () => {
  const { pool } = await open();
  await addKeys(pool, "a");
  await pool.update("openai:a", { name: "b", baseUrl: "https://x.example" });
  const lease = await pool.acquire("openai");
  assert.deepEqual([lease.name, lease.baseUrl, lease.version], ["b", "https://x.example", 1]);
  assert.equal(pool.get("openai:a"), undefined);
  await pool.close();
});
