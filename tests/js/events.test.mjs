// @ts-check
// What a pool tells, and that nobody is harmed by who listens.
import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryStore } from "credpool";
import { settle } from "./support/host.mjs";
import { addKeys, leased, LIMITED, open } from "./support/pool.mjs";

test("events are told by kind, or all of them, until one ceases to listen", async () => {
  const { pool, host } = await open();
  /** @type {import("credpool").PoolEvent[]} */
  const cooled = [];
  /** @type {string[]} */
  const all = [];
  pool.on("cooled", (event) => cooled.push(event));
  const stop = pool.on("*", ({ kind }) => all.push(kind));
  const [id] = await addKeys(pool, "a");
  await leased(pool.tryAcquire("openai", { model: "m" })).report(LIMITED);
  assert.deepEqual(cooled, [{ kind: "cooled", at: host.wall, id, name: "a", provider: "openai", model: "m", scope: "model", reason: "rate_limit", until: host.wall + 60_000, cause: "hint" }]);
  assert.deepEqual(all, ["added", "selected", "cooled", "result", "failover"]);
  stop();
  stop();
  await host.advance(60_000);
  assert.equal(all.includes("recovered"), false);
  await pool.close();
});

test("selections are told while somebody listens, and cost nothing otherwise", async () => {
  const { pool, host } = await open();
  await addKeys(pool, "a");
  /** @type {string[]} */
  const selected = [];
  leased(pool.tryAcquire("openai")).release();
  const stop = pool.on("selected", ({ name }) => selected.push(String(name)));
  leased(pool.tryAcquire("openai")).release();
  leased(pool.tryAcquire("openai")).release();
  await host.advance(1000);
  assert.deepEqual(selected, ["a", "a"]);
  stop();
  leased(pool.tryAcquire("openai")).release();
  await host.advance(1000);
  assert.equal(selected.length, 2);
  await pool.close();
});

test("a disabled credential is told to the first who listens, however late", async () => {
  const policy = { extends: "default", cooldown: { auth_permanent: { action: "disable" } }, classify: { custom: [{ status: [401], reason: "auth_permanent", scope: "credential" }] } };
  const { pool } = await open({ policy });
  await addKeys(pool, "a", "b");
  await (await pool.acquire("openai", { exclude: ["openai:b"] })).report({ status: 401 });
  await pool.disable("openai:b", "by hand");
  /** @type {(string | undefined)[][]} */
  const told = [];
  pool.on("disabled", ({ name, reason }) => told.push([name, reason]));
  assert.deepEqual(told, [["a", "auth_permanent"], ["b", undefined]]);
  pool.on("disabled", () => assert.fail("they were heard already"))();
  await pool.close();
});

test("a listener that throws or is rejected harms nobody, and is logged", async () => {
  const { pool, host } = await open();
  let heard = 0;
  pool.on("added", () => {
    throw new Error("one");
  });
  pool.on("added", async () => {
    throw new Error("two");
  });
  pool.on("added", () => (heard += 1));
  await addKeys(pool, "a");
  await settle();
  assert.equal(heard, 1);
  assert.deepEqual(host.logged.map(([message, error]) => [message, /** @type {Error} */ (error).message]), [
    ['credpool: a listener of "added" threw', "one"],
    ['credpool: a listener of "added" threw', "two"],
  ]);
  assert.equal(pool.list().length, 1);
  await pool.close();
});

test("a listener may use the pool, and even close it", async () => {
  const { pool, host } = await open();
  /** @type {unknown[]} */
  const seen = [];
  pool.on("added", ({ provider }) => {
    const lease = leased(pool.tryAcquire(String(provider)));
    seen.push(lease.name, pool.list().length);
    lease.release();
  });
  await addKeys(pool, "a");
  assert.deepEqual(seen, ["a", 1]);
  let closed = Promise.resolve();
  pool.on("cooled", () => (closed = pool.close()));
  await leased(pool.tryAcquire("openai")).report(LIMITED);
  await closed;
  assert.throws(() => pool.tryAcquire("openai"), { code: "closed" });
  assert.deepEqual(host.logged, []);
  assert.equal(host.timers.size, 0);
});

test("events of a store that fails name the trouble", async () => {
  const store = memoryStore();
  const { pool, host } = await open({ store });
  await addKeys(pool, "a");
  const commit = store.commit.bind(store);
  store.commit = () => Promise.reject(new Error("disk full"));
  /** @type {(string | undefined)[]} */
  const causes = [];
  pool.on("persist-failed", ({ cause }) => causes.push(cause));
  await leased(pool.tryAcquire("openai", { model: "m" })).report(LIMITED);
  await host.advance(0);
  assert.deepEqual(causes.slice(0, 1), ["store.commit() failed: disk full"]);
  store.commit = commit;
  await host.advance(2000);
  const { rows } = await store.load();
  assert.match(String(rows.find(({ kind }) => kind === "health")?.data), /rate_limit/, "nothing is lost: it is written when the store is back");
  await pool.close();
});
