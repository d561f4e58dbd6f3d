// @ts-check
// pool.profiles and pool.providers: stored credentials as people handle them, and what is known of providers.
import assert from "node:assert/strict";
import { test } from "node:test";
import { CredentialPool, CredpoolError, memoryStore } from "credpool";
import { LIMITED, open } from "./support/pool.mjs";

/** @param {import("credpool").ErrorCode} code @param {RegExp} [message] */
const withCode = (code, message = /./) => (/** @type {unknown} */ error) => error instanceof CredpoolError && error.code === code && message.test(error.message);

const DAY = 86_400_000;

test("a profile is added, listed, changed, tested and deleted by its name", async () => {
  const { pool, host } = await open();
  const { profiles } = pool;
  assert.match(profiles.format(), /no profiles/);
  assert.deepEqual(profiles.suggestedNames("openai"), ["default", "work", "personal"]);
  const added = await profiles.add("OpenAI", { key: "sk-1" });
  assert.deepEqual(added, { id: "openai:default", provider: "openai", name: "default", kind: "api_key", enabled: true, valid: true, expired: false, priority: 0 });
  await profiles.add("openai", { key: "sk-2", name: "work", priority: 3, email: "me@example.com" });
  await profiles.add("claude", { token: "t-1", name: "later", expires: host.wall + DAY });
  assert.deepEqual(profiles.suggestedNames("openai"), ["personal"]);
  assert.deepEqual(profiles.suggestedNames("nobody-knows"), ["default"]);
  assert.deepEqual(profiles.list().map(({ id }) => id), ["anthropic:later", "openai:default", "openai:work"]);
  assert.deepEqual(profiles.list({ provider: "openai", kind: "token" }), []);
  await profiles.setPriority("openai:default", -1);
  await profiles.enable("openai:default", false);
  assert.deepEqual(profiles.list({ enabled: false }).map(({ id, valid, priority }) => [id, valid, priority]), [["openai:default", false, -1]]);
  assert.equal(profiles.test("anthropic:later").expiresInMs, DAY);
  await host.advance(DAY + 1);
  assert.deepEqual([profiles.test("anthropic:later").expiresInMs, profiles.test("anthropic:later").expired, profiles.test("anthropic:later").valid], [-1, true, false]);
  await (await pool.acquire("openai", { model: "m" })).report(LIMITED);
  assert.equal(profiles.format(), `3 profiles

Anthropic:
  ⚠ later (token)

OpenAI:
  ⊘ default (api_key)
  ✓ work (api_key) - me@example.com [error: rate_limit] [priority:3]`);
  await profiles.delete("openai:work");
  await assert.rejects(profiles.delete("openai:work"), withCode("not_found"));
  await assert.rejects(profiles.enable("openai:work"), withCode("not_found"));
  assert.throws(() => profiles.test("openai:work"), withCode("not_found"));
  await pool.close();
});

test("what makes no sense is refused by name, and nothing is stored", async () => {
  const { pool } = await open();
  const { profiles } = pool;
  await assert.rejects(profiles.add("nobody", { key: "k" }), withCode("unknown_provider", /nobody/));
  await assert.rejects(profiles.add("groq", { access: "a", refresh: "r" }), withCode("invalid", /groq takes no credential of kind oauth: api_key/));
  await profiles.add("groq", { key: "gsk-1" });
  await assert.rejects(profiles.add("groq", { key: "gsk-2" }), withCode("conflict", /groq:default/));
  assert.equal(profiles.export("groq:default").key, "gsk-1");
  await profiles.add("groq", { key: "gsk-2", replace: true });
  assert.equal(profiles.export("groq:default").key, "gsk-2");
  assert.equal(profiles.list().length, 1);
  await pool.close();
});

/** What a credential may say beside its secret and its place. */
const RULES = {
  excludedModels: ["claude-2*"], aliases: [{ name: "claude-opus-5", alias: "best", force: true }], prefix: "team", cooling: false,
  limits: { inFlight: 3, requests: 60, burst: 10, tokens: 1000, budget: { windowMs: 3_600_000, usd: 1.25, tokens: 5000 } },
};

test("a profile goes from one pool to another as it is", async () => {
  const { pool } = await open();
  const other = await open();
  await pool.add("anthropic", { access: "at", refresh: "rt", name: "me", priority: 2, weight: 5, models: ["claude-*"], expires: 1_900_000_000_000, email: "me@example.com", ...RULES });
  const exported = pool.profiles.export("anthropic:me");
  assert.deepEqual(exported, { provider: "anthropic", name: "me", kind: "oauth", access: "at", refresh: "rt", priority: 2, weight: 5, models: ["claude-*"], expires: 1_900_000_000_000, email: "me@example.com", ...RULES });
  await other.pool.profiles.import(exported);
  assert.deepEqual(other.pool.profiles.export("anthropic:me"), exported);
  await assert.rejects(other.pool.profiles.import(exported), withCode("conflict"));
  await pool.close();
  await other.pool.close();
});

test("a provider's profile is resolved by wish, by what worked, and by preference", async () => {
  const { pool } = await open();
  const { profiles } = pool;
  await pool.addMany([
    { provider: "openai", key: "sk-a", name: "a", priority: 5 },
    { provider: "openai", key: "sk-b", name: "b", priority: 1 },
    { provider: "openai", token: "t-c", name: "c" },
  ]);
  const found = await profiles.resolve("openai");
  assert.deepEqual([found.profile.id, found.secret, found.attempted, found.cached], ["openai:a", "sk-a", ["openai:a"], false]);
  assert.equal((await profiles.resolve("openai")).cached, true);
  assert.equal(JSON.stringify(found).includes("sk-a"), false);
  assert.equal((await profiles.resolve("openai", { preferred: "b" })).secret, "sk-b");
  // What worked last comes before a better one, until it rests.
  assert.deepEqual([await profiles.lastGood("openai"), (await profiles.resolve("openai", { preference: "default" })).secret], ["openai:b", "sk-b"]);
  assert.deepEqual((await profiles.resolve("openai", { kind: "token" })).attempted, ["openai:b", "openai:a", "openai:c"]);
  await profiles.markGood("openai:b");
  await pool.report("openai:b", { status: 402, body: '{"error":{"message":"Insufficient credits"}}' });
  assert.equal((await profiles.resolve("openai")).secret, "sk-a");
  // Nobody is left out for resting: the caller gets the one that is asked for.
  assert.equal((await profiles.resolve("openai", { preferred: "b" })).secret, "sk-b");
  await assert.rejects(profiles.resolve("openai", { kind: "oauth" }), withCode("not_found", /openai:a/));
  await assert.rejects(profiles.resolve("mistral"), withCode("not_found", /credpool add mistral/));
  await pool.close();
});

test("an answer is forgotten as soon as it could be wrong", async () => {
  const { pool, host } = await open();
  const { profiles } = pool;
  await pool.add("openai", { key: "sk-a", name: "a" });
  await pool.add("groq", { key: "gsk-a", name: "a" });
  await profiles.resolve("groq");
  const resolve = async () => {
    const { secret, cached } = await profiles.resolve("openai");
    return [secret, cached];
  };
  assert.deepEqual(await resolve(), ["sk-a", false]);
  await pool.update("openai:a", { key: "sk-a2" });
  assert.deepEqual(await resolve(), ["sk-a2", false]);
  assert.deepEqual(await resolve(), ["sk-a2", true]);
  await pool.disable("openai:a");
  await assert.rejects(profiles.resolve("openai"), withCode("not_found"));
  assert.equal((await profiles.resolve("openai", { requireValid: false })).secret, "sk-a2");
  await pool.enable("openai:a");
  assert.deepEqual(await resolve(), ["sk-a2", false]);
  assert.deepEqual(profiles.cacheStats(), { total: 2, valid: 2, expired: 0 });
  await host.advance(3_600_001);
  assert.deepEqual(profiles.cacheStats(), { total: 2, valid: 0, expired: 2 });
  profiles.invalidate("groq");
  assert.equal(profiles.cacheStats().total, 1);
  profiles.invalidate();
  assert.equal(profiles.cacheStats().total, 0);
  await pool.close();
});

test("what worked last is known to the next pool on the store", async () => {
  const store = memoryStore();
  const pool = await CredentialPool.open({ store, env: false });
  await pool.addMany([{ provider: "openai", key: "sk-a", name: "a", priority: 1 }, { provider: "openai", key: "sk-b", name: "b" }]);
  await pool.profiles.resolve("openai", { preferred: "b" });
  const next = await CredentialPool.open({ store, env: false });
  assert.equal(await next.profiles.lastGood("openai"), "openai:b");
  assert.equal((await next.profiles.resolve("openai")).secret, "sk-b");
  await next.remove("openai:b");
  assert.equal(await next.profiles.lastGood("openai"), undefined);
  await next.close();
  await pool.close();
});

test("providers: by kind, by alias, and registered while the pool is open", async () => {
  const { pool } = await open();
  const { providers } = pool;
  assert.ok(providers.isValid("Gemini") && !providers.isValid("my-host"));
  assert.deepEqual([providers.supports("claude", "oauth"), providers.supports("groq", "oauth"), providers.supports("nobody", "api_key")], [true, false, false]);
  assert.ok(providers.list("oauth").includes("anthropic") && !providers.list("oauth").includes("groq"));
  await pool.add("my-host", { key: "k-1" });
  assert.deepEqual((await pool.acquire("my-host")).headers(), { authorization: "Bearer k-1" });
  providers.register({ name: "My-Host", aliases: ["mh"], kinds: ["api_key"], keyPlacement: { header: "X-My-Key" }, headers: { "x-version": "2" } });
  assert.deepEqual([providers.get("mh")?.name, providers.list().includes("my-host")], ["my-host", true]);
  // A name that was a stranger's is the provider's now.
  assert.deepEqual((await pool.acquire("mh")).headers(), { "x-my-key": "k-1", "x-version": "2" });
  assert.throws(() => providers.register({ name: "mh" }), withCode("invalid", /known already/));
  assert.throws(() => providers.register({ name: "-" }), withCode("invalid", /not a provider's name/));
  await pool.close();
});

test("the first colon of a profile's name splits it; what has no provider or no name is no profile", async () => {
  const { pool } = await open();
  await pool.profiles.add("openai", { key: "sk-a", name: "b:c" });
  assert.deepEqual([pool.get("openai:b:c")?.name, pool.profiles.test("openai:b:c").provider], ["b:c", "openai"]);
  for (const id of ["", ":x", "openai:", "openai"]) assert.throws(() => pool.get(id), withCode("invalid"), id);
  assert.equal(pool.get("a:b:c"), undefined);
  await pool.close();
});
