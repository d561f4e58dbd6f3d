// @ts-check
// Breaks the engine in every way there is, and looks at what is left. Runs with a copy of the package: see check.mjs.
import { CredentialPool, CredpoolError, memoryStore } from "credpool";

/** @param {unknown} holds @param {string} what */
function check(holds, what) {
  if (!holds) throw new Error(what);
}

const SECRET = "sk-that-nobody-may-see-0123456789";
const LIMITED = { status: 429, headers: { "retry-after": "3600" } };

/** What was thrown: it must be ours, say that the engine broke, and hold no secret. @param {() => unknown} work @param {string} what */
async function breaks(work, what) {
  try {
    await work();
  } catch (error) {
    check(error instanceof CredpoolError && error.code === "internal", `${what}: ${/** @type {Error} */ (error).stack}`);
    const said = /** @type {CredpoolError} */ (error).message;
    check(/the engine broke: .+\. Open the pool again: everything durable is in the store/.test(said), `${what}: ${said}`);
    check(!said.includes(SECRET), `${what}: a secret was said`);
    return said;
  }
  throw new Error(`${what}: nothing broke`);
}

const bystanderStore = memoryStore();
const bystander = await CredentialPool.open({ store: bystanderStore, env: false });
await bystander.add("openai", { key: "sk-bystander", name: "b" });
const bystanders = await bystander.acquire("openai");

/** @type {[name: string, ways: (pool: CredentialPool) => unknown, said: RegExp][]} */
const ways = [
  ["a panic with a fixed text", (pool) => pool.add("openai", { key: SECRET, name: "break:static" }), /broken on purpose at .*broken\.rs:\d+/],
  ["a panic whose text holds a secret", (pool) => pool.add("openai", { key: SECRET, name: "break:computed" }), /a panic with computed text at .*broken\.rs:\d+/],
  ["an index out of bounds", (pool) => pool.add("openai", { key: SECRET, name: "break:index" }), /computed text at .*broken\.rs:\d+/],
  ["no memory left", (pool) => pool.add("openai", { key: SECRET, name: "break:memory" }), /./],
  ["a recursion without an end", (pool) => pool.add("openai", { key: SECRET, name: "break:depth" }), /./],
  ["a panic in acquire", (pool) => pool.acquire("openai", { session: "break:static", exclude: ["openai:none"] }), /broken on purpose/],
  ["a panic in the hot path", (pool) => pool.tryAcquire("openai", { session: "break:hot" }), /broken on purpose/],
];
for (const [what, way, said] of ways) {
  const store = memoryStore();
  const pool = await CredentialPool.open({ store, env: false });
  await pool.addMany([{ provider: "openai", key: SECRET, name: "a" }, { provider: "openai", key: `${SECRET}2`, name: "c" }]);
  const lease = await pool.acquire("openai", { model: "m" });
  const waiting = breaks(() => pool.acquire("anthropic", { waitMs: 60_000 }).then(() => pool.acquire("openai", { model: "m", exclude: ["openai:a", "openai:c"], waitMs: 60_000 })), `${what}, who waited`).catch((error) => /** @type {Error} */ (error));
  await pool.report("openai:c", LIMITED, { model: "m" });
  const text = await breaks(() => way(pool), what);
  check(said.test(text), `${what}: ${text}`);

  // The pool says so to everybody from now on, and closes.
  for (const use of [() => pool.tryAcquire("openai"), () => pool.list(), () => pool.add("openai", { key: "sk-x" }), () => pool.fetch("openai")("https://api.openai.com/v1/models")]) await breaks(use, `${what}, afterwards`);
  await waiting;
  lease.release();
  await pool.close();

  // Nothing is lost: what was answered is in the store, the cooldown too.
  const again = await CredentialPool.open({ store, env: false });
  const found = again.list("openai").filter(({ name }) => name === "a" || name === "c").map(({ name, status }) => `${name} ${status}`).join();
  check(found === "a ready,c cooling", `${what}: the store has ${found}`);
  check((await again.acquire("openai", { model: "m" })).secret === SECRET, `${what}: another secret`);
  await again.close();

  // Others in the same instance go on.
  const theirs = bystander.tryAcquire("openai");
  check(theirs.ok && theirs.secret === "sk-bystander", `${what}: another pool is gone`);
  if (theirs.ok) theirs.release();
}

// However often it happens: a trap gives back the stack it stood on.
for (let turn = 0; turn < 400; turn += 1) {
  const pool = await CredentialPool.open({ env: false });
  await breaks(() => pool.add("openai", { key: SECRET, name: turn % 2 ? "break:static" : "break:depth" }), `turn ${turn}`);
}
await bystanders.report(LIMITED);
check(bystander.list()[0]?.status === "cooling", "the other pool no longer knows what happens");
await bystander.add("openai", { key: "sk-another", name: "n" });
await bystander.close();
check((await bystanderStore.load()).rows.filter(({ kind }) => kind === "credential").length === 2, "the other pool no longer stores");
console.log("all is well");
