// @ts-check
// What was left of accounts and what calls cost, remembered, read and drawn; the host's own usage providers and ranks.
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { CredentialPool, memoryStore } from "credpool";
import { sqliteStore } from "credpool/node";
import { startUsageServer } from "../providers/usage.mjs";
import { eventually } from "./support/eventually.mjs";
import { runProgram } from "./support/runtime.mjs";

const main = fileURLToPath(new URL("../../pkg/dist/node/cli/main.js", import.meta.url));
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "credpool-history-"));
process.on("exit", () => fs.rmSync(folder, { recursive: true, force: true }));
const HOUR = 3_600_000;

/** @param {number} used @param {number} [resets] */
const report = (used, resets = Date.now() + HOUR) => ({ limits: [{ id: "mine:5h", window: { id: "5h", label: "5 hours", duration: 5 * HOUR, resets_at: resets }, amount: { used_ppm: used, unit: /** @type {const} */ ("percent") } }] });

test("a history by the hour, its last entry each, over restarts; what cannot be read is passed over", async () => {
  const store = memoryStore();
  let now = Math.floor(Date.now() / HOUR) * HOUR;
  const start = now;
  const open = () => CredentialPool.open({ env: false, store, host: { now: () => now } });
  let pool = await open();
  await pool.add("mine", { name: "a", key: "canary-a" });
  for (const [minutes, used] of /** @type {[number, number][]} */ ([[0, 10_000], [10, 15_000], [20, 60_000], [50, 200_000], [70, 210_000]])) {
    now = start + minutes * 60_000;
    await pool.setUsageReport("mine:a", report(used));
  }
  await pool.close();
  await store.append("usage", [{ at: start + 1, data: "{no json" }, { at: start + 2, data: '{"provider":"mine","name":"a","limits":[{"id":7},null,{"id":"x","status":"?"}]}' }]);
  pool = await open();
  const hours = await pool.listUsageHistory({ provider: "mine" });
  const mine = hours.filter(({ limit }) => limit === "mine:5h");
  assert.deepEqual(mine.map(({ at, used_ppm, name }) => [(at - start) / 60_000, used_ppm, name]), [[50, 200_000, "a"], [70, 210_000, "a"]]);
  const all = (await pool.listUsageHistory({ credential: "mine:a", bucketMs: 0 })).filter(({ limit }) => limit === "mine:5h");
  assert.deepEqual(all.map(({ used_ppm }) => used_ppm), [10_000, 60_000, 200_000, 210_000], "what hardly moved is not remembered within the hour");
  assert.deepEqual(await pool.listUsageHistory({ from: start + 60 * 60_000 }), mine.slice(1));
  assert.deepEqual(await pool.listUsageHistory({ provider: "openai" }), []);
  assert.doesNotMatch(JSON.stringify(await store.query("usage")), /canary/);
  await pool.close();
});

test("costs are summed by the hour and feed budgets; whose they are is never guessed", async () => {
  const store = memoryStore();
  const pool = await CredentialPool.open({ env: false, store });
  await pool.add("groq", { name: "a", key: "a", limits: { budget: { windowMs: HOUR, usd: 1 } } });
  assert.equal(await pool.recordUsageCost("groq", 0.25, { tokens: 100 }), true, "the only one");
  await pool.add("groq", { name: "b", key: "b" });
  assert.equal(await pool.recordUsageCost("groq", 0.1), false, "one of two, and nobody says which");
  for (const usd of [0, -1, Number.NaN, Infinity]) assert.equal(await pool.recordUsageCost("groq", usd, { credential: "groq:a" }), false);
  const lease = await pool.acquire("groq", { session: "s", exclude: ["groq:b"] });
  await lease.report({ ok: true, status: 200 });
  assert.equal(await pool.recordUsageCost("groq", 0.75, { session: "s" }), true);
  assert.equal(pool.get("groq:a")?.status, "limited");
  const [budget] = pool.getUsageReport("groq:a")?.report?.limits ?? [];
  assert.deepEqual([budget?.id, budget?.amount.used_ppm, pool.getUsageReport("groq:a")?.report?.origin], ["budget:usd", 1_000_000, "local"]);
  await assert.rejects(pool.recordUsageCost("groq", 1, { credential: "groq:nobody" }), { code: "not_found" });
  await eventually(async () => (await pool.listUsageCosts({ bucketMs: 0 })).length === 2);
  const costs = await pool.listUsageCosts({ bucketMs: 24 * HOUR * 365 });
  assert.deepEqual(costs.map(({ name, usd, tokens, count }) => [name, usd, tokens, count]), [["a", 1, 100, 2]]);
  await pool.close();
});

test("a history that the store refuses is kept, and written when it is there again", async () => {
  const inner = memoryStore();
  let refuse = true;
  const store = Object.assign(Object.create(inner), {
    load: inner.load.bind(inner), commit: inner.commit.bind(inner), lease: inner.lease.bind(inner), renew: inner.renew.bind(inner),
    release: inner.release.bind(inner), query: inner.query.bind(inner), cacheGet: inner.cacheGet.bind(inner), cacheSet: inner.cacheSet.bind(inner), close: inner.close.bind(inner), watch: inner.watch?.bind(inner),
    append: (/** @type {string} */ log, /** @type {import("credpool").LogEntry[]} */ entries) => (refuse ? Promise.reject(new Error("the disk is full")) : inner.append(log, entries)),
  });
  const pool = await CredentialPool.open({ env: false, store });
  /** @type {(string | undefined)[]} */
  const told = [];
  pool.on("persist-failed", ({ cause }) => void told.push(cause));
  await pool.add("mine", { name: "a", key: "a" });
  await pool.setUsageReport("mine:a", report(500_000));
  await eventually(() => told.length > 0);
  assert.match(String(told[0]), /store\.append\(\) failed: the disk is full/);
  refuse = false;
  await eventually(async () => (await pool.listUsageHistory()).length === 1);
  await pool.close();
});

test("a usage provider of one's own is asked; what it throws is told in a word", async () => {
  /** @type {unknown[]} */
  const logged = [];
  /** @type {string[]} */
  const asked = [];
  let answer = async () => /** @type {import("credpool").UsageReportInput | null} */ (report(300_000));
  const pool = await CredentialPool.open({
    env: false,
    host: { log: (message) => void logged.push(message) },
    usageProviders: { mine: async ({ name, secret }) => { asked.push(`${name} ${secret}`); return answer(); } },
  });
  await pool.add("mine", { name: "a", key: "canary-a" });
  const [known] = await pool.fetchUsageReports();
  assert.deepEqual([known?.report?.origin, known?.report?.limits[0]?.amount.used_ppm, asked], ["host", 300_000, ["a canary-a"]]);
  assert.deepEqual((await pool.checkCredentials()).map(({ ok }) => ok), [true]);
  answer = async () => { throw Object.assign(new Error("canary-a is bad"), { refused: true }); };
  assert.deepEqual((await pool.checkCredentials()).map(({ ok, reason }) => [ok, reason]), [[false, "host"]]);
  assert.equal(pool.get("mine:a")?.enabled, true);
  assert.equal(pool.getUsageReport("mine:a")?.report?.limits.length, 1, "the last good one stays");
  answer = async () => null;
  assert.deepEqual((await pool.checkCredentials()).map(({ ok, reason }) => [ok, reason]), [[null, "no_report"]]);
  await pool.setUsageProvider("mine", { fetch: async () => report(1), validatesCredentials: false });
  assert.deepEqual((await pool.checkCredentials()).map(({ ok, reason }) => [ok, reason]), [[null, "not_validated"]]);
  await pool.setUsageProvider("mine", undefined);
  assert.deepEqual((await pool.checkCredentials()).map(({ ok, reason }) => [ok, reason]), [[null, "no_probe"]]);
  assert.doesNotMatch(JSON.stringify(logged), /canary/);
  await pool.close();
  await assert.rejects(CredentialPool.open({ env: false, usageProviders: { mine: /** @type {any} */ ({ ask: 1 }) } }), /usageProviders\.mine has no field ask/);
});

test("ranks of one's own decide, equals take turns, the exhausted rests all the same", async () => {
  const pool = await CredentialPool.open({
    env: false,
    host: { log: () => undefined },
    policy: { extends: "default", usage: { auto: false } },
    usageProviders: { mine: { rank: (report, { name }) => (name === "odd" ? 0.5 : (report.limits[0]?.amount.used_ppm ?? 0)) } },
  });
  for (const name of ["low", "high", "spent", "odd"]) await pool.add("mine", { name, key: name });
  await pool.setUsageReport("mine:low", report(100_000));
  await pool.setUsageReport("mine:high", report(900_000));
  await pool.setUsageReport("mine:spent", { limits: [{ ...report(1_000_000).limits[0], id: "mine:5h", amount: { used_ppm: 1_000_000, unit: "percent" }, status: "exhausted" }] });
  await pool.setUsageReport("mine:odd", report(950_000));
  // The fuller one is wanted here: the other way round than ours.
  const first = () => {
    const lease = pool.tryAcquire("mine");
    assert.ok(lease.ok);
    lease.abandon();
    return lease.name;
  };
  await eventually(() => first() === "high");
  await pool.setUsageReport("mine:low", report(900_000));
  await eventually(() => {
    const served = new Set();
    for (let n = 0; n < 4; n += 1) {
      served.add(first());
    }
    return [...served].sort().join(" ") === "high low";
  });
  assert.equal(pool.get("mine:spent")?.status, "cooling");
  await pool.close();
});

test("credpool usage --history draws the trend, plain in a pipe, and JSON", async () => {
  const server = await startUsageServer({ used: 90 });
  const store = path.join(folder, "history.db");
  const pool = await CredentialPool.open({ env: false, store: sqliteStore(store) });
  await pool.add("anthropic", { name: "claude", access: "canary-a", refresh: "canary-r", expires: Date.now() + HOUR, baseUrl: server.url, accountId: "u-1", email: "ada@example.com" });
  await pool.recordUsageCost("anthropic", 1.5);
  await pool.close();
  const credpool = (/** @type {string[]} */ ...args) => runProgram([main, "usage", ...args, "--store", store]);
  const empty = await runProgram([main, "usage", "--history", "--store", path.join(folder, "none.db")]);
  assert.deepEqual([empty.code, empty.stdout], [1, ""]);
  assert.equal((await credpool()).code, 0);
  const piped = await credpool("--history");
  assert.equal(piped.code, 0, piped.stderr);
  const rows = piped.stdout.trimEnd().split("\n").map((line) => line.split("\t"));
  assert.ok(rows.some(([, who, limit, percent, status]) => who === "anthropic:claude" && limit === "anthropic:5h" && percent === "90" && status === "warning"), piped.stdout);
  assert.ok(rows.some(([, who, what, usd]) => who === "anthropic:claude" && what === "cost" && usd === "1.5"), piped.stdout);
  assert.doesNotMatch(piped.stdout, /\u001b|█/);
  const drawn = await runProgram([main, "usage", "--history", "--draw", "--days", "2", "--store", store], { env: { FORCE_COLOR: "1" } });
  assert.match(drawn.stdout, /anthropic:5h +(?:\u001b\[2m·\u001b\[0m){47}\u001b\[33m▇\u001b\[0m +90 % +peak 90 %/);
  assert.match(drawn.stdout, /cost +(?:\u001b\[2m·\u001b\[0m){47}█ +\$1\.50/);
  const json = JSON.parse((await credpool("--history", "--json")).stdout);
  assert.deepEqual([json.usage.length > 3, json.costs.length], [true, 1]);
  const wrong = await credpool("--history", "--days", "ten");
  assert.deepEqual([wrong.code, /--days wants a number/.test(wrong.stderr)], [2, true]);
  await server.close();
});
