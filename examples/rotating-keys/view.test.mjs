// @ts-check
/** The table fits into any terminal; colours take no room. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { explainTable, failureLines, naiveFrame, resultTable, retries, whereNext } from "./report.mjs";
import { clip } from "./screen.mjs";
import { bar, keysFrame, keysLine, length, progress, seconds } from "./table.mjs";

const now = Date.UTC(2026, 10, 21, 12, 0, 0);
/** @type {import("./screen.mjs").Paint} */
const plain = (_, text) => text;

/** @param {Partial<import("./table.mjs").Entry>} rest @returns {import("./table.mjs").Entry} */
const entry = (rest) => ({ name: "work", provider: "openai", enabled: true, status: "ready", inFlight: 0, cooldowns: [], counters: { success: 0, failure: 0 }, ...rest });

const entries = [
  entry({ inFlight: 12, counters: { success: 40, failure: 3 } }),
  entry({ name: "home", cooldowns: [{ reason: "rate_limit", until: now + 1400 }], inFlight: 2 }),
  entry({ name: "trial", cooldowns: [{ reason: "billing", until: now + 600_000 }] }),
  entry({ name: "intern", provider: "anthropic", enabled: false, status: "disabled" }),
  entry({ name: "past", cooldowns: [{ reason: "rate_limit", until: now - 1 }] }),
];
const view = { entries, answered: 40, total: 300, ms: 4200, now };

test("what each key is doing, until when and why", () => {
  const [head, work, home, trial, intern, past] = keysFrame({ ...view, width: 120, paint: plain });
  assert.match(head ?? "", /^ {2}key +now +until +why +answered refused share$/);
  assert.match(work ?? "", /openai:work +● 12 in flight +40 +3 █{18}$/);
  assert.match(home ?? "", /openai:home +◌ cooling \+2 +\d\d:\d\d:01 +1\.4 s rate limit +0 +0$/);
  assert.match(trial ?? "", /× out +\d\d:\d\d:00 10 min no credit left/);
  assert.match(intern ?? "", /anthropic:inter × off +disabled/);
  assert.match(past ?? "", /○ ready/);
});

test("every frame fits, down to a very narrow terminal", () => {
  for (let width = 52; width <= 140; width++) {
    for (const line of keysFrame({ ...view, width, paint: plain })) assert.ok([...line].length <= width, `${width}: ${line}`);
  }
  assert.equal([...clip("\x1b[31m██████\x1b[0m rest", 4)].length, "\x1b[31m████\x1b[0m".length);
  assert.equal(clip("short", 10), "short");
});

test("in a pipe, one line", () => {
  const line = keysLine(view);
  assert.match(line, /^ +4\.2 s {2}40 of 300 answered, 3 refused and sent again\n +cooling: openai:home 1\.4 s rate limit, openai:trial 10 min no credit left$/);
});

test("the clients without a pool, in any width", () => {
  const clients = [{ name: "one key, no retries", answered: 48, failed: 252 }, { name: "all keys in turn, the SDK's 2 retries", answered: 176, failed: 0 }];
  for (let width = 70; width <= 120; width++) {
    const [one, all] = naiveFrame(clients, { total: 300, width, paint: plain });
    assert.match(one ?? "", /48 of 300, 252 failed/);
    assert.ok([...(one ?? "")].length <= width && [...(all ?? "")].length <= width, `${width}: ${one}`);
  }
  assert.match(naiveFrame(clients, { total: 300, width: 50, paint: plain })[0] ?? "", /^ {3}48 of 300, 252 failed +one key/);
});

test("the results", () => {
  const result = { answered: 300, failures: [], p50: 3700, p95: 7100, ms: 7700 };
  const lines = resultTable({ naive: [{ name: "one key", ...result, answered: 0, p50: NaN, p95: NaN }], pooled: result, total: 300, width: 100, paint: plain });
  assert.match(lines[1] ?? "", /one key +0 of 300 +– +– +7\.7 s/);
  assert.match(lines[2] ?? "", /the pool +300 of 300 +3\.7 s +7\.1 s +7\.7 s/);
  assert.deepEqual(retries({ rate_limited: 5, revoked: 1 }), { count: 6, reasons: "5 × rate limit, 1 × key revoked" });
  const [picked, out] = explainTable([{ name: "work", verdict: "picked" }, { name: "home", verdict: "cooling", until: now + 1400 }], { now, width: 100, paint: plain });
  assert.match(picked ?? "", /work +picked$/);
  assert.match(out ?? "", /home +cooling +until \d\d:\d\d:01, in 1\.4 s$/);
  assert.deepEqual(failureLines([new Error("a", { cause: new Error("b") }), new Error("a", { cause: new Error("b") }), "c"]), ["  2 × Error: a (Error: b)", "  1 × c"]);
  assert.ok(whereNext().length > 0);
});

test("numbers and bars", () => {
  assert.deepEqual([-5, 0, 1440, 9949, 9951, 58_000, 100_000, 600_000, 7_200_000].map(length), ["0.0 s", "0.0 s", "1.4 s", "9.9 s", "10 s", "58 s", "2 min", "10 min", "2 h"]);
  assert.equal(seconds(NaN), "–");
  assert.deepEqual([bar(0, 4), bar(0.5, 4), bar(1, 4), bar(2, 4), bar(0.05, 4)], ["", "██", "████", "████", "▎"]);
  assert.match(progress({ answered: 150, failed: 150, total: 300 }, "half", 40, plain), /^ {2}█{15}▒{15} {2}half$/);
});
