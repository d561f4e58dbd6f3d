// @ts-check
// The hot path without the package around the wasm, and what other ways over the boundary would cost.
import { measure, seen } from "../lib/measure.mjs";
import { makeRawPool, step } from "../lib/raw.mjs";
import { SIZES, sizeRows } from "../lib/rows.mjs";
import { COUNT, ringSubject } from "../lib/subjects.mjs";
import { MODEL, PROVIDER } from "../lib/pools.mjs";

/** @typedef {import("../lib/measure.mjs").Subject} Subject */

const POLICY = { strategy: "round-robin", affinity: { kind: "none" } };
/** A lease's number has the credential's handle above its lower 31 bits. */
const HANDLE = 2 ** 31;

/** @param {import("../run.mjs").Context} context @returns {Promise<import("../lib/rows.mjs").Row[]>} */
export async function raw({ rounds, progress }) {
  const name = "numbers, a table, an object";
  const ring = ringSubject();
  const pools = SIZES.map((size) => ({ size, ...makeRawPool(size, POLICY) }));
  /** @type {Subject[]} */
  const subjects = pools.map(({ size, wasm, route, keys }) => ({ key: `${name}/${size}`, count: COUNT, run: (count) => rawLoop(wasm, route, keys, count) }));
  const figures = await measure([ring, ...subjects], { rounds, progress });
  for (const { wasm } of pools) wasm.free();
  const yardstick = figures.get(ring.key) ?? { min: NaN, median: NaN };
  return [{ name: "yardstick: a JavaScript ring", size: 1_000, figure: yardstick, ratio: 1 }, ...sizeRows(name, figures, (size) => `${name}/${size}`, { yardstick })];
}

/** @param {import("../lib/wasm.mjs").WasmPool} wasm @param {number} route @param {readonly string[]} keys @param {number} count */
function rawLoop(wasm, route, keys, count) {
  for (let n = 0; n < count; n += 1) {
    const picked = wasm.tryAcquire(performance.now(), route, 0);
    const lease = picked === -1 ? ask(wasm, n) : picked;
    seen[n & 1023] = { lease, key: keys[Math.floor(lease / HANDLE)] };
    wasm.release(performance.now(), lease);
  }
}

/** The long way, in JSON. @param {import("../lib/wasm.mjs").WasmPool} wasm @param {number} request */
function ask(wasm, request) {
  const { effects = [] } = step(wasm, { acquire: { request, providers: [PROVIDER], model: MODEL } });
  const reply = effects.find((effect) => "reply" in effect);
  return reply && "reply" in reply ? (reply.reply.answer.leased?.lease ?? -1) : -1;
}

/** @param {import("../run.mjs").Context} context @returns {Promise<import("../lib/rows.mjs").Row[]>} */
export async function boundary({ rounds, progress }) {
  const { wasm, route, keys } = makeRawPool(1_000, POLICY);
  const ring = ringSubject();
  const acquire = { acquire: { request: 7, providers: [PROVIDER], model: MODEL } };
  const text = JSON.stringify(acquire);
  const answer = wasm.handle(Date.now(), performance.now(), text);
  const rows = {
    "yardstick: a JavaScript ring": ring,
    "numbers: tryAcquire, table, release": { key: "numbers", count: COUNT, run: (/** @type {number} */ count) => rawLoop(wasm, route, keys, count) },
    "JSON: handle(acquire), then release": {
      key: "json",
      count: 2_000,
      run: (/** @type {number} */ count) => {
        for (let n = 0; n < count; n += 1) {
          const lease = ask(wasm, n);
          seen[n & 1023] = keys[Math.floor(lease / HANDLE)];
          wasm.release(performance.now(), lease);
        }
      },
    },
    "of that: JSON.stringify of the input": {
      key: "stringify",
      count: COUNT,
      run: (/** @type {number} */ count) => {
        for (let n = 0; n < count; n += 1) {
          acquire.acquire.request = n;
          seen[n & 1023] = JSON.stringify(acquire);
        }
      },
    },
    "of that: JSON.parse of the answer": {
      key: "parse",
      count: COUNT,
      run: (/** @type {number} */ count) => {
        for (let n = 0; n < count; n += 1) seen[n & 1023] = JSON.parse(answer);
      },
    },
    "a text of 20 bytes in, an integer out": {
      key: "text",
      count: COUNT,
      run: (/** @type {number} */ count) => {
        for (let n = 0; n < count; n += 1) seen[n & 1023] = wasm.route(PROVIDER, MODEL);
      },
    },
  };
  const figures = await measure(Object.values(rows), { rounds, progress });
  wasm.free();
  const yardstick = figures.get(ring.key);
  return Object.entries(rows).map(([name, { key }]) => {
    const figure = figures.get(key);
    return { name, ...(figure && { figure }), ...(figure && yardstick && { ratio: figure.min / yardstick.min }) };
  });
}
