// @ts-check
// Opening, what the store keeps, other processes, closing.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { CredentialPool, CredpoolError, memoryStore } from "credpool";
import { settle } from "./support/host.mjs";
import { addKeys, leased, LIMITED, open } from "./support/pool.mjs";
import { runProgram } from "./support/runtime.mjs";

test("what is wrong with a policy or a provider is said with its place", async () => {
  /** @type {[import("credpool").PoolOptions, RegExp][]} */
  const bad = [
    [{ policy: "no-such-preset" }, /there is no preset `no-such-preset`; there are: default, cliproxyapi/],
    [{ policy: { strategy: "by-mood" } }, /policy: strategy: expected one of: round-robin, fill-first/],
    [{ policy: { cooldown: { rate_limit: { base: -1 } } } }, /policy: cooldown\.rate_limit\.base/],
    [{ policy: { no_such_rule: 1 } }, /no_such_rule/],
    [{ providers: [{ name: "no name" }] }, /not a provider's name: `no name`/],
    [{ providers: [{ name: "claude" }] }, /known already: `claude`/],
    [{ providers: [/** @type {any} */ ({ name: "x", key_placement: "bearer" })] }, /a provider has no field "key_placement"/],
    [{ seed: -1 }, /seed/],
  ];
  for (const [options, message] of bad) await assert.rejects(open(options), { name: "CredpoolError", code: "invalid", message });
});

test("a custom provider is known by all its names", async () => {
  const { pool } = await open({ providers: [{ name: "My-Host", aliases: ["mh"], environment: ["MY_HOST_KEY"], consumerNotice: "ask first", refreshLeadMs: 5 }], env: { MY_HOST_KEY: "k" } });
  assert.equal(leased(pool.tryAcquire("MH")).secret, "k");
  assert.ok(pool.providers.list().includes("my-host") && pool.providers.list().includes("openai"));
  const { name, consumerNotice, refreshLeadMs, keyPlacement } = pool.providers.get("mh") ?? {};
  assert.deepEqual([name, consumerNotice, refreshLeadMs, keyPlacement], ["my-host", "ask first", 5, "bearer"]);
  assert.equal(pool.providers.get("nobody"), undefined);
  assert.equal(pool.providers.get("gemini")?.name, "google");
  await pool.close();
});

test("what a pool knew it knows again: credentials, cooldowns, counters, ties", async () => {
  const store = memoryStore();
  const { pool: first, host } = await open({ store });
  await addKeys(first, "a", "b");
  await (await first.acquire("openai", { model: "m", exclude: ["openai:b"] })).report(LIMITED);
  leased(first.tryAcquire("openai", { model: "m" })).release();
  const tied = leased(first.tryAcquire("openai", { model: "m", session: "s" })).name;
  const before = first.list().map(({ inFlight, ...info }) => info);
  await first.close();

  const { pool: second } = await open({ store, host });
  // What was remembered of the last error, and of the last hours, is not stored.
  const after = second.list().map(({ inFlight, ...info }) => info);
  const stored = (/** @type {typeof before} */ infos) => infos.map(({ lastError, lastErrorAt, recent, ...info }) => info);
  assert.deepEqual(stored(after), stored(before));
  assert.equal(leased(second.tryAcquire("openai", { model: "m", session: "s" })).name, tied);
  await second.close();
});

test("last uses and counters are written behind within a second, without another call", async () => {
  const store = memoryStore();
  const { pool, host } = await open({ store });
  const [id] = await addKeys(pool, "a");
  await host.advance(5000);
  leased(pool.tryAcquire("openai")).release();
  await host.advance(2000);
  const usage = (await store.load()).rows.find(({ kind }) => kind === "usage");
  assert.deepEqual([usage?.id, JSON.parse(String(usage?.data)).success], [id, 1]);
  assert.equal(host.timers.size, 0, "nothing is due: no timer");
  await pool.close();
});

test("a change of another process is seen after a reload, or when the store tells of it", async () => {
  // A store that does not tell, and below one that does.
  const store = Object.assign(memoryStore(), { watch: undefined });
  /** @type {Set<() => void>} */
  const watchers = new Set();
  let loads = 0;
  /** @type {import("credpool").CredentialStore} */
  const watched = Object.assign(Object.create(store), {
    load: (/** @type {number | undefined} */ since) => ((loads += 1), store.load(since)),
    commit: store.commit.bind(store),
    close: async () => undefined,
    watch: (/** @type {() => void} */ changed) => (watchers.add(changed), () => watchers.delete(changed)),
  });
  const [{ pool: one }, { pool: two }, { pool: three }] = await Promise.all([open({ store }), open({ store }), open({ store: watched })]);
  await addKeys(one, "a");
  assert.deepEqual(two.list(), []);
  await two.reload();
  assert.deepEqual(two.list().map(({ name }) => name), ["a"]);

  loads = 0;
  for (let burst = 0; burst < 20; burst += 1) for (const changed of watchers) changed();
  await settle();
  assert.deepEqual(three.list().map(({ name }) => name), ["a"]);
  assert.ok(loads <= 2, `a burst is one reload, or one more: ${loads}`);
  await one.remove("openai:a");
  await two.reload();
  assert.deepEqual(two.list(), []);
  await Promise.all([one.close(), two.close(), three.close()]);
  assert.equal(watchers.size, 0);
});

test("two pools that change one credential at once both succeed, one after the other", async () => {
  const store = memoryStore();
  const [{ pool: one }, { pool: two }] = await Promise.all([open({ store }), open({ store })]);
  await addKeys(one, "a");
  await two.reload();
  await Promise.all([one.update("openai:a", { priority: 5 }), two.update("openai:a", { weight: 7 })]);
  await Promise.all([one.reload(), two.reload()]);
  for (const pool of [one, two]) assert.deepEqual([pool.get("openai:a")?.priority, pool.get("openai:a")?.weight], [5, 7]);
  await Promise.all([one.close(), two.close()]);
});

test("closing tells who waits, stops the timer, and closes the store when its last pool goes", async () => {
  const store = memoryStore();
  let closed = 0;
  store.close = async () => void (closed += 1);
  const [{ pool: one, host }, { pool: two }] = await Promise.all([open({ store }), open({ store })]);
  await addKeys(one, "a");
  const lease = await one.acquire("openai");
  await (await one.acquire("openai")).report(LIMITED);
  const waiting = assert.rejects(one.acquire("openai", { waitMs: 61_000 }), { code: "closed" });
  await settle();
  await Promise.all([one.close(), one.close()]);
  await waiting;
  assert.deepEqual([host.timers.size, closed], [0, 0]);
  await two[Symbol.asyncDispose]();
  assert.equal(closed, 1);
  lease.release();
  lease.abandon();
  for (const use of [() => one.tryAcquire("openai"), () => one.list(), () => one.explain("openai"), () => one.state()]) {
    assert.throws(use, (error) => error instanceof CredpoolError && error.code === "closed");
  }
  await assert.rejects(one.acquire("openai"), { code: "closed" });
  await assert.rejects(one.add("openai", { key: "k" }), { code: "closed" });
});

test("a pool that could not be opened leaves nothing behind", async () => {
  const store = memoryStore();
  let closed = 0;
  store.close = async () => void (closed += 1);
  store.load = () => Promise.reject(new Error("no such table"));
  const host = (await open()).host;
  await assert.rejects(CredentialPool.open({ store, host }), { code: "store", message: /store\.load\(\) failed: no such table/ });
  assert.equal(closed, 1);
});

test("an open pool does not keep a process alive, a caller that waits does", async () => {
  const program = fileURLToPath(new URL("support/idle.mjs", import.meta.url));
  const { code, stdout, stderr } = await runProgram([program]);
  assert.deepEqual([code, stdout.trim(), stderr], [0, "waited", ""]);
});
