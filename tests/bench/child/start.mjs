// @ts-check
// A fresh process: how long until the package can be used? Prints milliseconds as JSON.
const started = performance.now();
const { CredentialPool, ready: instantiate } = await import("credpool");
const imported = performance.now();
await instantiate();
const ready = performance.now();
const pool = await CredentialPool.open({ env: false });
await pool.add("openai", { key: "sk-bench-0123456789" });
const lease = pool.tryAcquire("openai", { model: "gpt-5" });
const first = performance.now();
if (!lease.ok) throw new Error("nobody is to be had");
lease.release();
await pool.close();
console.log(JSON.stringify({ imported: imported - started, ready: ready - started, first: first - ready }));
