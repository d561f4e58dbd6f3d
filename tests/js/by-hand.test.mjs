// @ts-check
// What people do by hand: end rests, pause, drain, change the rules.
import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryStore } from "credpool";
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
