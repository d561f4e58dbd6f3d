// @ts-check
// Stores that fail in every way, headers that no client may stumble over, clocks that jump, an engine that breaks.
import assert from "node:assert/strict";
import { test } from "node:test";
import { CredentialPool, CredpoolError, memoryStore } from "credpool";
import { WasmPool } from "../../pkg/dist/js/core.js";
import { canary } from "../canaries.mjs";
import { HOSTILE } from "../providers/hostile.mjs";
import { settle } from "./support/host.mjs";
import { addKeys, leased, LIMITED, open, refused } from "./support/pool.mjs";

/** A store whose calls a test replaces. */
function faulty() {
  // It tells nobody of its commits: what is read here is read because a test says so.
  const store = Object.assign(memoryStore(), { watch: undefined });
  const good = { load: store.load.bind(store), commit: store.commit.bind(store) };
  return { store, good };
}

/** @type {Record<string, [answer: (...args: any[]) => any, message: RegExp][]>} */
const RUBBISH = {
  load: [
    [() => { throw new Error("thrown at once"); }, /^the store failed, nothing was changed: store\.load\(\) failed: thrown at once$/],
    [() => Promise.reject(new Error("disk\n full")), /store\.load\(\) failed: disk full$/],
    [() => Promise.reject("a text"), /store\.load\(\) failed: a text$/],
    [() => Promise.reject(undefined), /store\.load\(\) failed: something that is no error was thrown/],
    [() => undefined, /store\.load\(\) answered with something that is no answer: store\.load\(\) is of type undefined/],
    [async () => null, /no answer: store\.load\(\) is null/],
    [async () => ({ rows: [] }), /no answer: generation is no whole number/],
    [async () => ({ generation: 1 }), /no answer: rows is no array/],
    [async () => ({ generation: 1, rows: [null] }), /no answer: rows\[0\] is null/],
    [async () => ({ generation: 1, rows: [{ kind: 5 }] }), /no answer: rows\[0\]\.kind is no text/],
    [async () => ({ generation: 1, rows: [{ kind: "credential", id: 1.5, version: 1 }] }), /no answer: rows\[0\]\.id is neither a positive whole number nor a text/],
    [async () => ({ generation: 1, rows: [{ kind: "credential", id: 1, version: -1 }] }), /no answer: rows\[0\]\.version is no whole number/],
    [async () => ({ generation: 1, rows: [{ kind: "credential", id: 1, version: 1, data: {} }] }), /no answer: rows\[0\]\.data is no text/],
    [async () => ({ generation: 1, rows: [{ kind: "credential", id: 1, version: 1, data: "{}", secret: 5 }] }), /no answer: rows\[0\]\.secret is no text/],
  ],
  commit: [
    [() => { throw new TypeError("thrown at once"); }, /store\.commit\(\) failed: thrown at once$/],
    [async () => "yes", /store\.commit\(\) answered with something that is no answer: store\.commit\(\) is of type string/],
    [async () => ({ generation: 1 }), /no answer: ok is neither true nor false/],
    [async () => ({ ok: true, generation: NaN, rows: [{ id: 1, version: 1 }] }), /no answer: generation is no whole number/],
    [async () => ({ ok: true, generation: 1, rows: [] }), /no answer: rows has 0 entries for 1 mutations/],
    [async () => ({ ok: true, generation: 1, rows: [{ version: 1 }] }), /no answer: rows\[0\]\.id is neither/],
    [async () => ({ ok: false, generation: 1 }), /no answer: conflicts is no array/],
  ],
};
for (const [index, [answer, message]] of (RUBBISH.load ?? []).entries()) {
  test(`a store whose load gives rubbish is said to do so (${index + 1})`, async () => {
    const { store } = faulty();
    store.load = answer;
    await assert.rejects(open({ store }), { name: "CredpoolError", code: "store", message });
  });
}
for (const [index, [answer, message]] of (RUBBISH.commit ?? []).entries()) {
  test(`a store whose commit gives rubbish changes nothing (${index + 1})`, async () => {
    const { store, good } = faulty();
    const { pool } = await open({ store });
    store.commit = answer;
    await assert.rejects(pool.add("openai", { key: "sk-a" }), { code: "store", message });
    assert.deepEqual(pool.list(), []);
    store.commit = good.commit;
    await pool.add("openai", { key: "sk-a" });
    assert.equal(leased(pool.tryAcquire("openai")).secret, "sk-a");
    await pool.close();
  });
}

test("rows that no version could have written are left out, and told; the others are used", async () => {
  const { store, good } = faulty();
  const first = await open({ store });
  await addKeys(first.pool, "a");
  await first.pool.close();
  const rubbish = [
    { kind: "credential", id: 7, version: 1, generation: 1, data: "not JSON", secret: "{}" },
    { kind: "credential", id: 8, version: 1, generation: 1, data: '{"provider":"openai"}' },
    { kind: "credential", id: 9, version: 1, generation: 1, data: '{"uid":"u","provider":"openai","name":"n","kind":"api_key","created":0}', secret: "not JSON" },
    { kind: "health", id: 1, version: 1, generation: 1, data: "[]" },
    { kind: "usage", id: 99, version: 1, generation: 1, data: "{}" },
    { kind: "tie", id: "nonsense", version: 1, generation: 1, data: "{}" },
    { kind: "of-a-newer-version", id: "x", version: 1, generation: 1, data: "{}" },
  ];
  store.load = async () => {
    const state = await good.load();
    return { ...state, rows: [...state.rows, ...rubbish] };
  };
  const { pool } = await open({ store });
  assert.deepEqual(pool.list().map(({ name }) => name), ["a"]);
  assert.equal(leased(pool.tryAcquire("openai")).secret, "sk-a");
  await pool.close();
});

test("a store that never answers is given up after its time, and a late answer changes nothing", async () => {
  const { store, good } = faulty();
  const { pool, host } = await open({ store, storeTimeoutMs: 5000 });
  /** @type {() => void} */
  let answer = () => undefined;
  store.commit = (mutations) => new Promise((resolve) => (answer = () => resolve(good.commit(mutations))));
  const adding = assert.rejects(pool.add("openai", { key: "sk-a" }), { code: "store", message: /store\.commit\(\) took longer than 5 s/ });
  await host.advance(4999);
  assert.ok([...host.timers].some(({ keepAlive }) => keepAlive));
  await host.advance(1);
  await adding;
  answer();
  await settle();
  assert.deepEqual(pool.list(), []);
  store.commit = good.commit;
  await pool.reload();
  assert.equal(pool.list().length, 1, "a reload shows what became of it");
  await pool.close();
  assert.equal(host.timers.size, 0);
});

test("a store that conflicts for ever ends as a conflict", async () => {
  const { store } = faulty();
  const { pool } = await open({ store });
  const [id] = await addKeys(pool, "a");
  let tries = 0;
  store.commit = async () => {
    tries += 1;
    const { rows, generation } = await store.load();
    return { ok: false, generation, conflicts: rows.map((row) => ({ ...row, version: row.version + tries })) };
  };
  await assert.rejects(pool.update(id ?? 0, { priority: 1 }), { code: "conflict", retryable: true });
  assert.ok(tries < 20);
  await pool.close();
});

test("what a store says is told without the secrets in it", async () => {
  const [key, other] = [canary("api_key"), canary("other_key")];
  const { store } = faulty();
  const { pool, host } = await open({ store });
  await pool.add("openai", { key, name: "a" });
  store.commit = (mutations) => Promise.reject(new Error(`INSERT failed for ${JSON.stringify(mutations)} near ${key}`));
  const error = await pool.add("anthropic", { key: other }).catch((error) => error);
  assert.match(error.message, /INSERT failed/);
  /** @type {unknown[]} */
  const events = [];
  pool.on("*", (event) => events.push(event));
  await leased(pool.tryAcquire("openai")).report(LIMITED);
  await host.advance(100);
  const told = JSON.stringify([error.message, events, pool.state(), pool.list()]) + String(error.stack);
  assert.match(told, /persist-failed/);
  for (const secret of [key, other]) assert.equal(told.includes(secret), false);
  const closing = assert.rejects(pool.close(), { code: "store" });
  await host.advance(5000);
  await closing;
  assert.equal(host.timers.size, 0);
});

test("hints that lie end in bounded waits", async () => {
  const hostile = { ...HOSTILE, megabyte: { "retry-after": "x".repeat(1 << 20), "x-big": "y".repeat(1 << 20) }, many: Object.fromEntries(Array.from({ length: 5000 }, (_, n) => [`x-${n}`, `${n}`])) };
  for (const [name, headers] of Object.entries(hostile)) {
    const { pool, host } = await open();
    await addKeys(pool, "a");
    const given = /** @type {Record<string, string | string[]>} */ (headers);
    const report = await leased(pool.tryAcquire("openai", { model: "m" })).report({ status: 429, headers: given, body: "{".repeat(100_000) });
    assert.equal(report.reason, "rate_limit", name);
    const wait = (report.until ?? host.wall) - host.wall;
    assert.ok(wait >= 0 && wait <= 7 * 86_400_000, `${name}: ${wait}`);
    await host.advance(wait + 1);
    assert.ok(pool.tryAcquire("openai", { model: "m" }).ok, name);
    await pool.close();
  }
});

test("a clock that jumps lengthens no rest, and is told", async () => {
  for (const jump of [86_400_000, -86_400_000, 400 * 86_400_000, -1_700_000_000_000]) {
    const { pool, host } = await open();
    await addKeys(pool, "a");
    /** @type {(number | undefined)[]} */
    const jumps = [];
    pool.on("clock", ({ count }) => jumps.push(count));
    await leased(pool.tryAcquire("openai", { model: "m" })).report(LIMITED);
    host.wall += jump;
    assert.equal(refused(pool.tryAcquire("openai", { model: "m" })).code, "cooling_down");
    await host.advance(59_000);
    assert.equal(refused(pool.tryAcquire("openai", { model: "m" })).code, "cooling_down");
    await host.advance(1_000);
    leased(pool.tryAcquire("openai", { model: "m" })).release();
    assert.equal(pool.list().length, 1);
    assert.deepEqual(jumps, [jump]);
    await pool.close();
  }
});

test("a steady clock that goes back, or is no number, harms nobody", async () => {
  for (const mono of [-1e9, NaN, Infinity, 2 ** 60]) {
    const { pool, host } = await open();
    await addKeys(pool, "a");
    host.steady = mono;
    const got = pool.tryAcquire("openai");
    if (got.ok) got.release();
    assert.equal(pool.list().length, 1);
    await pool.close();
  }
});

test("rounding makes no instant differ from itself", async () => {
  const { pool, host } = await open();
  await addKeys(pool, "a");
  const { until } = await leased(pool.tryAcquire("openai", { model: "m" })).report(LIMITED);
  for (let turn = 0; turn < 50; turn += 1) {
    // The two clocks tick at different moments of a millisecond.
    host.steady += 0.7;
    host.wall = Math.floor(host.wall + 0.7 + (turn % 3) / 3);
    assert.equal(pool.get("openai:a")?.cooldowns[0]?.until, until);
  }
  await pool.close();
});

test("an engine that breaks ends its pool with a message, and nothing else", async () => {
  const store = memoryStore();
  const [{ pool: broken }, { pool: other }] = await Promise.all([open({ store }), open({ store })]);
  await addKeys(broken, "a");
  await leased(broken.tryAcquire("openai", { model: "m" })).report(LIMITED);
  const waiting = assert.rejects(broken.acquire("openai", { model: "m", waitMs: 61_000 }), { code: "internal" });
  const lease = leased(broken.tryAcquire("openai", { model: "other" }));
  await settle();
  const { list } = WasmPool.prototype;
  WasmPool.prototype.list = () => {
    throw new WebAssembly.RuntimeError("unreachable");
  };
  try {
    assert.throws(() => broken.list(), (error) => {
      assert.ok(error instanceof CredpoolError);
      assert.equal(error.code, "internal");
      assert.match(error.message, /the engine broke: .*Open the pool again: everything durable is in the store/);
      return true;
    });
  } finally {
    WasmPool.prototype.list = list;
  }
  await waiting;
  for (const use of [() => broken.list(), () => broken.tryAcquire("openai"), () => broken.state()]) assert.throws(use, { code: "internal" });
  lease.release();
  await assert.rejects(lease.report(true), { code: "not_found" });
  await broken.close();
  await other.reload();
  assert.equal(other.list().length, 1, "other pools go on");
  const { pool: again } = await open({ store });
  assert.deepEqual(again.list().map(({ name, status }) => [name, status]), [["a", "cooling"]]);
  await Promise.all([other.close(), again.close()]);
});

test("many callers at once are all served, or told why not", async () => {
  const { pool, host } = await open();
  await addKeys(pool, "a", "b");
  for (const name of ["a", "b"]) await pool.report(`openai:${name}`, LIMITED, { model: "m" });
  const calls = Array.from({ length: 2000 }, () => pool.acquire("openai", { model: "m", waitMs: 120_000 }).then((lease) => (lease.release(), "served"), ({ code }) => code));
  for (let turn = 0; turn < 100; turn += 1) await host.advance(1200);
  assert.deepEqual(new Set(await Promise.all(calls)), new Set(["served"]));
  assert.deepEqual(pool.list().map(({ inFlight }) => inFlight), [0, 0]);
  await pool.close();
});

test("no open lease outlives the pool's patience, and too many are refused", async () => {
  const { pool } = await open();
  await assert.rejects(CredentialPool.open(/** @type {any} */ ({ env: false, store: {} })), { code: "store" });
  await addKeys(pool, "a");
  let held = 0;
  while (held < 2 ** 20 && pool.tryAcquire("openai").ok) held += 1;
  assert.equal(held, 2 ** 20);
  const refusal = refused(pool.tryAcquire("openai"));
  assert.deepEqual([refusal.code, refusal.toError().retryable], ["too_many", true]);
  await pool.close();
});
