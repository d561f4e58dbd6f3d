// @ts-check
// What people do by hand: end rests, pause, drain, change the rules.
import assert from "node:assert/strict";
import { test } from "node:test";
import { formatExplanation, memoryStore } from "credpool";
import { addKeys, leased, LIMITED, open } from "./support/pool.mjs";

test("a rest is ended by hand, for a model, a credential, or all", async () => {
  const { pool } = await open({ policy: { jitter: 0 } });
  await addKeys(pool, "a", "b");
  for (const model of ["m", "n"]) {
    await (await pool.acquire("openai", { model, exclude: ["openai:b"] })).report(LIMITED);
    await (await pool.acquire("openai", { model, exclude: ["openai:a"] })).report(LIMITED);
  }
  await pool.reset("openai:a", { model: "m" });
  assert.deepEqual(pool.get("openai:a")?.cooldowns.map(({ model }) => model), ["n"]);
  await pool.reset("openai:a");
  assert.equal(pool.get("openai:a")?.status, "ready");
  await pool.reset();
  assert.equal(pool.get("openai:b")?.status, "ready");
  await assert.rejects(pool.reset("openai:nobody"), { code: "not_found" });
  await pool.close();
});

test("a pause holds over a restart, until it is resumed", async () => {
  const store = memoryStore();
  const { pool: first, host } = await open({ store });
  await addKeys(first, "a", "b");
  await first.pause("openai:a");
  assert.equal(first.get("openai:a")?.status, "paused");
  await first.close();
  const { pool } = await open({ store, host });
  assert.equal(pool.get("openai:a")?.status, "paused");
  assert.equal(leased(pool.tryAcquire("openai")).name, "b");
  await pool.resume("openai:a");
  assert.equal(pool.get("openai:a")?.status, "ready");
  await assert.rejects(pool.pause("openai:a", { until: Number.NaN }), /until: expected a date/);
  await pool.close();
});

test("a drain is over when the last call is", async () => {
  const { pool } = await open();
  await addKeys(pool, "a", "b");
  const lease = await pool.acquire("openai", { exclude: ["openai:b"] });
  let drained = false;
  const drain = pool.drain("openai:a").then(() => (drained = true));
  assert.equal(leased(pool.tryAcquire("openai")).name, "b");
  assert.equal(pool.get("openai:a")?.status, "draining");
  assert.equal(drained, false);
  await lease.report({ ok: true, status: 200 });
  await drain;
  await pool.resume("openai:a");
  assert.equal(pool.get("openai:a")?.status, "ready");
  await pool.close();
});

test("other rules keep all state, and what is wrong with them changes nothing", async () => {
  const { pool } = await open({ policy: { affinity: { kind: "none" } } });
  await addKeys(pool, "a", "b");
  await (await pool.acquire("openai", { model: "m", exclude: ["openai:b"] })).report(LIMITED);
  const before = pool.get("openai:a")?.cooldowns;
  await pool.setPolicy({ extends: "default", strategy: "fill-first" });
  assert.deepEqual(pool.get("openai:a")?.cooldowns, before);
  const { name } = await pool.acquire("openai", { session: "s" });
  for (let n = 0; n < 4; n += 1) assert.equal(leased(pool.tryAcquire("openai", { session: "s" })).name, name, "sessions are tied now");
  await assert.rejects(pool.setPolicy({ strategy: "by-mood" }), { code: "invalid", message: /strategy/ });
  await pool.setPolicy("devclaw");
  await pool.close();
});

test("a credential that a failure disabled is probed by itself, and comes back by an answer", async () => {
  const { pool, host } = await open({ policy: { extends: "default", cooldown: { auth_permanent: { action: "disable" } } } });
  await addKeys(pool, "a", "b");
  /** @type {{ secret: string | null, url: string }[]} */
  const sent = [];
  let answer = () => Response.json({ error: { code: "invalid_api_key", message: "Incorrect API key provided" } }, { status: 401 });
  host.respond = async (input, init) => {
    sent.push({ secret: new Headers(init?.headers).get("authorization"), url: String(input) });
    return answer();
  };
  const url = "https://api.openai.com/v1/models";
  const refused = await pool.probe("openai:a", url);
  assert.deepEqual([refused.response.status, refused.report.reason, pool.get("openai:a")?.status], [401, "auth_permanent", "disabled"]);
  assert.equal(leased(pool.tryAcquire("openai")).name, "b");
  assert.equal((await pool.probe("openai:a", url)).report.reason, "auth_permanent");
  host.respond = async () => {
    throw Object.assign(new TypeError("fetch failed"), { cause: Object.assign(new Error("x"), { code: "ECONNRESET" }) });
  };
  await assert.rejects(pool.probe("openai:a", url), /fetch failed/);
  assert.equal(pool.get("openai:a")?.lastError, "network");
  answer = () => Response.json({ data: [] });
  host.respond = async (input, init) => {
    sent.push({ secret: new Headers(init?.headers).get("authorization"), url: String(input) });
    return answer();
  };
  const { response, report } = await pool.probe("openai:a", url);
  assert.deepEqual([await response.json(), report.reason, report.action], [{ data: [] }, "ok", "none"]);
  const { enabled, disabledCause, status } = /** @type {import("credpool").CredentialInfo} */ (pool.get("openai:a"));
  assert.deepEqual([enabled, disabledCause, status], [true, undefined, "ready"]);
  assert.ok(sent.every(({ secret }) => secret === "Bearer sk-a"), "no other was asked");
  // What people disabled stays so.
  await pool.disable("openai:b", "left the company");
  assert.equal((await pool.probe("openai:b", url)).report.reason, "ok");
  assert.equal(pool.get("openai:b")?.enabled, false);
  await pool.close();
});

test("a decision as a table", async () => {
  const { pool, host } = await open({ policy: { jitter: 0 } });
  assert.match(formatExplanation(pool.explain("openai")), /^nobody/);
  await addKeys(pool, "a", "b");
  await pool.add("openai", { key: "sk-c", name: "c", aliases: [{ name: "gpt-5", alias: "m" }] });
  await pool.disable("openai:b");
  await (await pool.acquire("openai", { model: "m", exclude: ["openai:c"] })).report(LIMITED);
  const until = new Date(host.wall + 60_000).toISOString();
  assert.equal(formatExplanation(pool.explain("openai", { model: "m" })), [
    "   RANK  NAME  FROM    NOW         UNTIL                     MODEL",
    `✗        a     stored  rate limit  ${until}`,
    "✗        b     stored  disabled",
    "→  1     c     stored  picked                                gpt-5",
  ].join("\n"));
  await pool.close();
});

test("when an account is renewed next is shown", async () => {
  const { pool, host } = await open({ policy: { refresh: { jitter: 0 } } });
  await pool.add("openai", { key: "sk-a", name: "key" });
  await pool.add("gitlab-duo", { access: "at", refresh: "rt", name: "account", expires: host.wall + 36_000_000 });
  assert.equal(pool.get("openai:key")?.nextRefresh, undefined);
  assert.equal(pool.list("gitlab-duo")[0]?.nextRefresh, host.wall + 36_000_000 - 300_000);
  await pool.close();
});
