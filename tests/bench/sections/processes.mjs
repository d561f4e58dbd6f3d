// @ts-check
// What is measured in processes of their own: start, load, memory.
import { figure } from "../lib/measure.mjs";
import { runJson } from "../lib/child.mjs";
import { atMost } from "../lib/rows.mjs";

/** @typedef {import("../lib/rows.mjs").Row} Row */
/** @typedef {import("../run.mjs").Context} Context */

/** @param {Context} context @returns {Promise<Row[]>} */
export async function start({ progress, quick }) {
  const runs = [];
  for (let n = 0; n < (quick ? 5 : 15); n += 1) {
    progress(`process ${n + 1}`);
    runs.push(await runJson(process.execPath, ["tests/bench/child/start.mjs"]));
  }
  const ready = figure(runs.map((run) => run.ready));
  return [
    { name: "import", unit: "ms", figure: figure(runs.map((run) => run.imported)) },
    { name: "import and instantiate", unit: "ms", figure: ready, bars: [atMost("<= 10 ms", ready.min, 10)] },
    { name: "open, add a key, first tryAcquire", unit: "ms", figure: figure(runs.map((run) => run.first)) },
  ];
}

/** @param {Context} context @returns {Promise<Row[]>} */
export async function load({ progress, quick }) {
  /** @type {Row[]} */
  const rows = [];
  for (const size of [1_000, 10_000, 100_000]) {
    const runs = [];
    for (let n = 0; n < (quick ? 2 : 5); n += 1) {
      progress(`${size.toLocaleString("en")} credentials, process ${n + 1}`);
      runs.push(await runJson(process.execPath, ["tests/bench/child/load.mjs", String(size)]));
    }
    const first = figure(runs.map((run) => run.first));
    rows.push({ name: "open on a filled store, fresh process", size, unit: "ms", figure: first, bars: size === 10_000 ? [atMost("<= 30 ms", first.min, 30)] : [] });
    rows.push({ name: "open on a filled store, once more", size, unit: "ms", figure: figure(runs.map((run) => run.later)) });
  }
  return rows;
}

/** @param {Context} context @returns {Promise<Row[]>} */
export async function memory({ progress }) {
  const [size, sessions] = [10_000, 10_000];
  progress(`${size.toLocaleString("en")} credentials, ${sessions.toLocaleString("en")} sessions`);
  const { before, loaded, used, secrets } = await runJson(process.execPath, ["--expose-gc", "tests/bench/child/memory.mjs", String(size), String(sessions)]);
  const each = (/** @type {number} */ bytes) => ({ min: bytes / size, median: bytes / size });
  // A secret is there twice: in the engine's vault and in the host's table.
  const total = used.linear - before.linear + used.heap - before.heap - 2 * secrets;
  /** @type {(name: string, bytes: number) => Row} */
  const row = (name, bytes) => ({ name, size, unit: "bytes", figure: each(bytes) });
  return [
    row("wasm memory a credential, loaded", loaded.linear - before.linear),
    row("JavaScript heap a credential, loaded", loaded.heap - before.heap),
    row("wasm memory, with 5 models and 10,000 sessions", used.linear - before.linear),
    row("JavaScript heap, with them", used.heap - before.heap),
    row("of both: secrets", 2 * secrets),
    { ...row("beyond its secrets", total), bars: [atMost("<= 1,024 B", total / size, 1_024)] },
  ];
}
