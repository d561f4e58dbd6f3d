// @ts-check
// A fresh process: how long does a pool take to open on a store in memory that has so many credentials? Prints
// milliseconds as JSON: the first time, and the best of the next ones.
import { CredentialPool, memoryStore } from "credpool";
import { credentialRow } from "../lib/pools.mjs";

const size = Number(process.argv[2]);
const store = memoryStore();
const rows = Array.from({ length: size }, (_, at) => credentialRow(at + 1));
await store.commit(rows.map(({ kind, id, data, secret }) => ({ kind, id, data, secret })));

const times = [];
for (let n = 0; n < 9; n += 1) {
  const started = performance.now();
  const pool = await CredentialPool.open({ store, env: false });
  times.push(performance.now() - started);
  const lease = pool.tryAcquire("openai");
  if (!lease.ok) throw new Error("nobody is to be had");
  lease.release();
  await pool.close();
}
console.log(JSON.stringify({ first: times[0], later: Math.min(...times.slice(1)) }));
