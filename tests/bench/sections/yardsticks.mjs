// @ts-check
// What things cost here that nobody can do anything about.
import { filterAndSort } from "../lib/ring.mjs";
import { measure, seen } from "../lib/measure.mjs";
import { COUNT, ringSubject } from "../lib/subjects.mjs";
import { WasmPool } from "../lib/wasm.mjs";
import { secretOf } from "../lib/pools.mjs";

/** @param {import("../run.mjs").Context} context @returns {Promise<import("../lib/rows.mjs").Row[]>} */
export async function yardsticks({ rounds, progress }) {
  const empty = new WasmPool("{}", Date.now(), 0);
  const objects = Array.from({ length: 100 }, (_, at) => ({ until: 0, used: at, key: secretOf(at) }));
  const resolved = async (/** @type {number} */ n) => n;
  const rows = {
    "a JavaScript ring, 1,000 keys": ringSubject(),
    "an integer call into the wasm": {
      key: "call",
      count: COUNT * 5,
      // A lease that there is not: looked up, and nothing done.
      run: (/** @type {number} */ count) => {
        for (let n = 0; n < count; n += 1) seen[n & 1023] = empty.release(0, n);
      },
    },
    "Date.now()": {
      key: "date",
      count: COUNT * 5,
      run: (/** @type {number} */ count) => {
        for (let n = 0; n < count; n += 1) seen[n & 1023] = Date.now();
      },
    },
    "performance.now()": {
      key: "performance",
      count: COUNT * 5,
      run: (/** @type {number} */ count) => {
        for (let n = 0; n < count; n += 1) seen[n & 1023] = performance.now();
      },
    },
    "await of an async function": {
      key: "await",
      count: COUNT,
      run: async (/** @type {number} */ count) => {
        for (let n = 0; n < count; n += 1) seen[n & 1023] = await resolved(n);
      },
    },
    "JavaScript filter and sort, 100 objects": {
      key: "sort",
      count: 500,
      run: (/** @type {number} */ count) => {
        for (let n = 0; n < count; n += 1) seen[n & 1023] = filterAndSort(objects);
      },
    },
  };
  const figures = await measure(Object.values(rows), { rounds, progress });
  empty.free();
  const ring = figures.get("ring");
  return Object.entries(rows).map(([name, { key }]) => {
    const figure = figures.get(key);
    return { name, ...(figure && { figure }), ...(figure && ring && { ratio: figure.min / ring.min }) };
  });
}
