// @ts-check
// Keys that are not stored: set by hand, from the environment, from a fallback.
import assert from "node:assert/strict";
import { test } from "node:test";
import { addKeys, leased, LIMITED, open, refused } from "./support/pool.mjs";

test("a key set at run time comes before all others, and can be taken back", async () => {
  const { pool } = await open();
  await addKeys(pool, "stored");
  pool.override("openai", { config: "sk-config" });
  pool.override("openai", { runtime: "sk-runtime" });
  const now = () => leased(pool.tryAcquire("openai"));
  assert.deepEqual([now().origin, now().secret, pool.origin("openai")], ["runtime", "sk-runtime", { origin: "runtime" }]);
  pool.override("openai", { runtime: null });
  assert.deepEqual([now().origin, now().id], ["config", undefined]);
  pool.override("openai", { config: null });
  assert.equal(now().origin, "stored");
  assert.throws(() => pool.override("openai", { runtime: "two words" }), (/** @type {Error} */ error) => /cannot stand in a header/.test(error.message) && !error.message.includes("two words"));
  await assert.rejects(pool.update("openai:runtime", { name: "x" }), { code: "not_found" });
  await pool.close();
});

test("an override is not stored, and cannot be changed like one that is", async () => {
  const { pool } = await open();
  pool.override("openai", { runtime: "sk-runtime" });
  await assert.rejects(pool.remove("openai:runtime"), { code: "invalid" });
  assert.deepEqual(pool.list("openai").map(({ id, name, origin }) => [id, name, origin]), [[undefined, "runtime", "runtime"]]);
  assert.equal((await pool.report("openai:runtime", LIMITED, { model: "m" })).reason, "rate_limit");
  await pool.close();
});

test("the environment gives keys of providers that are used, and of no other", async () => {
  /** @type {string[]} */
  const read = [];
  /** @type {Record<string, string>} */
  const variables = { GEMINI_API_KEY: "  ", GOOGLE_API_KEY: " k-google ", OPENAI_API_KEY: "sk-env" };
  const env = new Proxy(variables, { get: (target, name) => (read.push(String(name)), target[String(name)]) });
  const { pool } = await open({ env });
  assert.deepEqual(read, []);
  const lease = leased(pool.tryAcquire("gemini"));
  assert.deepEqual([lease.secret, lease.origin, lease.name], ["k-google", "env", "GOOGLE_API_KEY"]);
  assert.deepEqual(pool.origin("google"), { origin: "env", env: "GOOGLE_API_KEY" });
  assert.deepEqual(read, ["GEMINI_API_KEY", "GOOGLE_API_KEY"]);
  assert.equal((await pool.acquire(["anthropic", "openai"])).secret, "sk-env");
  await addKeys(pool, "stored");
  assert.equal(leased(pool.tryAcquire("openai")).origin, "stored", "what is stored comes first");
  await pool.close();
});

test("a variable's name tells a token from a key", async () => {
  const { pool } = await open({ env: { ANTHROPIC_OAUTH_TOKEN: "t", ANTHROPIC_API_KEY: "k" } });
  assert.deepEqual(leased(pool.tryAcquire("anthropic")).headers(), { authorization: "Bearer t", "anthropic-beta": "oauth-2025-04-20" });
  await pool.close();
});

test("a variable that holds no key is not used, and that is said without its value", async () => {
  const { pool, host } = await open({ env: { OPENAI_API_KEY: "not a key" } });
  assert.equal(refused(pool.tryAcquire("openai")).code, "not_found");
  assert.equal(host.logged.length, 1);
  assert.match(String(host.logged[0]), /OPENAI_API_KEY is not used.*cannot stand in a header/);
  assert.doesNotMatch(String(host.logged[0]), /not a key/);
  await pool.close();
});

test("without a word about the environment it is the process's own", async () => {
  process.env.GROQ_API_KEY = "gsk-process";
  try {
    const { pool } = await open({ env: undefined });
    assert.equal(leased(pool.tryAcquire("groq")).secret, "gsk-process");
    await pool.close();
    const { pool: without } = await open();
    assert.equal(refused(without.tryAcquire("groq")).code, "not_found");
    await without.close();
  } finally {
    delete process.env.GROQ_API_KEY;
  }
});

test("the fallback is asked when nobody else is to be had, and only then", async () => {
  const { pool } = await open();
  /** @type {string[]} */
  const asked = [];
  pool.setFallback((provider) => {
    asked.push(provider);
    return provider === "openai" ? "sk-fallback" : undefined;
  });
  await addKeys(pool, "stored");
  leased(pool.tryAcquire("openai", { model: "m" })).release();
  assert.deepEqual(asked, []);
  await leased(pool.tryAcquire("openai", { model: "m" })).report(LIMITED);
  const lease = leased(pool.tryAcquire("openai", { model: "m" }));
  assert.deepEqual([lease.secret, lease.origin, asked], ["sk-fallback", "fallback", ["openai"]]);
  assert.equal(refused(pool.tryAcquire("claude")).code, "not_found");
  assert.deepEqual(asked, ["openai", "anthropic"]);
  await pool.close();
});

test("a fallback may take its time; whoever waits shares one question", async () => {
  const { pool } = await open();
  let asked = 0;
  /** @type {(key: string) => void} */
  let give = () => undefined;
  pool.setFallback(() => ((asked += 1), new Promise((resolve) => (give = resolve))));
  const waiting = Promise.all([pool.acquire("openai"), pool.acquire("openai")]);
  assert.equal(refused(pool.tryAcquire("openai")).code, "not_found");
  await Promise.resolve();
  give("sk-late");
  assert.deepEqual((await waiting).map(({ secret }) => secret), ["sk-late", "sk-late"]);
  assert.equal(asked, 1);
  assert.equal(leased(pool.tryAcquire("openai")).secret, "sk-late");
  await pool.close();
});

test("the same fallback key once more keeps its cooldown, another one does not", async () => {
  const { pool, host } = await open();
  let key = "sk-one";
  pool.setFallback(async () => key);
  await (await pool.acquire("openai", { model: "m" })).report(LIMITED);
  await assert.rejects(pool.acquire("openai", { model: "m" }), { code: "cooling_down", retryAt: host.wall + 60_000 });
  key = "sk-two";
  assert.equal((await pool.acquire("openai", { model: "m" })).secret, "sk-two");
  await pool.close();
});

test("a fallback that fails is the cause of the refusal", async () => {
  const { pool } = await open();
  const cause = new Error("the keychain is locked");
  pool.setFallback(() => Promise.reject(cause));
  await assert.rejects(pool.acquire("openai"), { code: "not_found", cause });
  assert.equal(refused(pool.tryAcquire("openai")).code, "not_found");
  pool.setFallback(() => {
    throw cause;
  });
  await assert.rejects(pool.acquire("openai"), { code: "not_found", cause });
  assert.throws(() => pool.tryAcquire("openai"), { code: "not_found", cause });
  pool.setFallback(undefined);
  assert.equal(refused(pool.tryAcquire("openai")).code, "not_found");
  await pool.close();
});

test("while the fallback is asked a caller may still give up", async () => {
  const { pool } = await open();
  pool.setFallback(() => new Promise(() => undefined));
  const giveUp = new AbortController();
  const waiting = pool.acquire("openai", { signal: giveUp.signal });
  giveUp.abort(new Error("enough"));
  await assert.rejects(waiting, /enough/);
  await pool.close();
});
