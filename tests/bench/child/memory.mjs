// @ts-check
// A fresh process with --expose-gc: what do so many credentials, sessions and five models take, in the wasm's memory and
// in the host's tables? The store gives rows and keeps nothing, so that only the pool is weighed. Prints bytes as JSON.
const size = Number(process.argv[2]);
const sessions = Number(process.argv[3]);
const models = ["gpt-5", "gpt-5-mini", "gpt-5-nano", "o4", "o4-mini"];

// The package keeps its memory to itself: it is caught where it is made.
/** @type {WebAssembly.Memory[]} */
const memories = [];
const { Instance } = WebAssembly;
WebAssembly.Instance = class extends Instance {
  /** @param {WebAssembly.Module} module @param {WebAssembly.Imports} [imports] */
  constructor(module, imports) {
    super(module, imports);
    for (const one of Object.values(this.exports)) if (one instanceof WebAssembly.Memory) memories.push(one);
  }
};
const { CredentialPool } = await import("credpool");
const { givingStore, PROVIDER, secretOf } = await import("../lib/pools.mjs");

const collect = /** @type {() => void} */ (/** @type {{ gc?: () => void }} */ (globalThis).gc);
const linear = () => memories.reduce((sum, memory) => sum + memory.buffer.byteLength, 0);
async function weigh() {
  for (let n = 0; n < 4; n += 1) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    collect();
  }
  return { heap: process.memoryUsage().heapUsed, linear: linear() };
}

const policy = { extends: "default" };
// Whatever is made once for all pools is made before.
await (await CredentialPool.open({ store: givingStore(10), policy, env: false, seed: 1 })).close();
const before = await weigh();
const pool = await CredentialPool.open({ store: givingStore(size), policy, env: false, seed: 1 });
const loaded = await weigh();
for (let id = 1; id <= size; id += 100) {
  await pool.report(id, { status: 429, headers: { "retry-after": "3600" } }, { model: models[id % models.length] });
}
for (let n = 0; n < sessions; n += 1) {
  const lease = pool.tryAcquire(PROVIDER, { model: models[n % models.length], session: `session-${n}` });
  if (lease.ok) lease.release();
  if (n % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
}
await new Promise((resolve) => setTimeout(resolve, 1_500)); // What is written behind has been written.
const used = await weigh();
let secrets = 0;
for (let id = 1; id <= size; id += 1) secrets += secretOf(id).length;
console.log(JSON.stringify({ before, loaded, used, secrets }));
await pool.close();
