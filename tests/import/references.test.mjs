// @ts-check
// Secrets that are kept elsewhere: looked up when they are needed, remembered, looked up again when they are refused, never stored.
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import { CredentialPool, CredpoolError, memoryStore } from "credpool";
import { canary } from "../canaries.mjs";

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "credpool-references-"));
process.on("exit", () => fs.rmSync(folder, { recursive: true, force: true }));
const secret = canary("api_key");

/** @param {import("credpool").PoolOptions} options */
async function open(options = {}) {
  const store = memoryStore();
  /** @type {string[]} */
  const said = [];
  const pool = await CredentialPool.open({ store, env: {}, ...options, host: { log: (message, error) => void said.push(`${message} ${error}`), ...options.host } });
  const stored = async () => JSON.stringify(await store.load());
  return { pool, stored, said };
}

/** Takes only this key. @param {() => string} right */
const upstream = (right) => {
  /** @type {string[]} */
  const seen = [];
  const fetch = /** @type {typeof globalThis.fetch} */ (async (_input, init) => {
    const given = new Headers(init?.headers).get("authorization")?.replace("Bearer ", "") ?? "";
    seen.push(given);
    return given === right() ? new Response("{}") : new Response('{"error":{"code":"invalid_api_key"}}', { status: 401 });
  });
  return { fetch, seen };
};

test("env: and file: are there at once, and never stored", async () => {
  const file = path.join(folder, "key");
  fs.writeFileSync(file, `${secret}-f\n`);
  const { pool, stored } = await open({ env: { MY_KEY: secret } });
  await pool.add("openai", { key: "env:MY_KEY", name: "e" });
  await pool.add("groq", { key: `file:${file}`, name: "f" });
  await pool.add("mistral", { token: "env:MY_KEY" });
  const one = pool.tryAcquire("openai");
  assert.ok(one.ok && one.secret === secret && one.headers().authorization === `Bearer ${secret}`);
  one.release();
  const other = await pool.acquire("groq");
  assert.equal(other.secret, `${secret}-f`);
  other.release();
  assert.equal((await pool.profiles.resolve("mistral")).secret, secret);
  assert.ok(!(await stored()).includes(secret) && (await stored()).includes("env:MY_KEY"));
  assert.deepEqual(pool.profiles.export("openai:e").key, "env:MY_KEY");
  assert.ok(!JSON.stringify([pool.state(), pool.list(), pool.explain("openai")]).includes(secret));
  await pool.close();
});

test("a reference that leads nowhere benches its credential alone, and says so", async () => {
  const { pool, said } = await open({ env: { MY_KEY: secret } });
  await pool.add("openai", { key: "env:MISSING", name: "bad", priority: 9 });
  const refused = pool.tryAcquire("openai");
  assert.ok(!refused.ok);
  await assert.rejects(pool.acquire("openai"), (error) => error instanceof CredpoolError && error.code === "cooling_down" && error.retryAt !== undefined);
  await pool.reset();
  await assert.rejects(pool.acquire("openai"), (/** @type {any} */ error) => /"env:MISSING" cannot be resolved: there is no such environment variable/.test(error.message) && error.cause.code === "unresolved");
  await pool.reset();
  await pool.add("openai", { key: "env:MY_KEY", name: "good" });
  const lease = await pool.acquire("openai");
  assert.deepEqual([lease.name, lease.secret], ["good", secret]);
  lease.release();
  await pool.reset();
  const now = pool.tryAcquire("openai");
  assert.ok(now.ok && now.name === "good");
  now.release();
  const [bad, good] = ["openai:bad", "openai:good"].map((id) => pool.get(id)?.status);
  assert.deepEqual([bad, good], ["cooling", "ready"]);
  assert.ok(said.some((line) => line.includes("openai:bad cannot be used") && line.includes("env:MISSING")));
  await assert.rejects(pool.send("openai:bad", "https://api.openai.com/v1/models"), (/** @type {any} */ error) => error.code === "unresolved");
  await pool.close();
});

test("the host looks up what it knows, once for many, and may replace ours", async () => {
  let asked = 0;
  const resolveSecret = async (/** @type {string} */ reference, /** @type {{ name: string }} */ { name }) => {
    asked += 1;
    await new Promise((done) => setTimeout(done, 5));
    if (reference === "vault://team/broken") throw new Error(`it was ${secret}`);
    return reference.startsWith("vault://") || reference === "env:REPLACED" ? `${secret}-${name}` : undefined;
  };
  const { pool, said } = await open({ env: { REPLACED: "not-this-one", PLAIN: `${secret}-plain` }, host: { resolveSecret } });
  await pool.add("openai", { key: "vault://team/openai", name: "v" });
  const early = pool.tryAcquire("openai");
  assert.ok(!early.ok, "it is being looked up");
  const leases = await Promise.all([1, 2, 3].map(() => pool.acquire("openai")));
  assert.ok(leases.every((lease) => lease.secret === `${secret}-v`) && asked === 1);
  const later = pool.tryAcquire("openai");
  assert.ok(later.ok && later.secret === `${secret}-v`);
  for (const lease of [...leases, later]) lease.release();
  await pool.add("groq", { key: "env:REPLACED" });
  await pool.add("mistral", { key: "env:PLAIN" });
  await pool.add("xai", { key: "vault://team/broken" });
  assert.deepEqual([(await pool.acquire("groq")).secret, (await pool.acquire("mistral")).secret], [`${secret}-default`, `${secret}-plain`]);
  await assert.rejects(pool.acquire("xai"), (/** @type {any} */ error) => /vault:\/\/team\/broken.*resolveSecret was rejected/.test(error.message) && !`${error.stack}${error.cause?.stack}`.includes(secret));
  assert.ok(!said.join("").includes(secret));
  await pool.close();
});

test("a secret that is refused is looked up once more, and the call goes on with the new one", async () => {
  const env = { MY_KEY: `${secret}-old` };
  const { fetch, seen } = upstream(() => env.MY_KEY);
  const { pool } = await open({ env, host: { fetch } });
  await pool.add("openai", { key: "env:MY_KEY", name: "e" });
  const call = pool.fetch("openai");
  assert.equal((await call("https://api.openai.com/v1/models")).status, 200);
  env.MY_KEY = `${secret}-new`;
  assert.equal((await call("https://api.openai.com/v1/models")).status, 200);
  assert.deepEqual(seen, [`${secret}-old`, `${secret}-old`, `${secret}-new`]);
  assert.equal(pool.get("openai:e")?.status, "ready");
  const lease = await pool.acquire("openai");
  env.MY_KEY = `${secret}-newer`;
  assert.deepEqual([(await lease.report({ status: 401 })).action, (await pool.acquire("openai")).secret], ["refresh", `${secret}-newer`]);
  await pool.close();
});

test("a secret that is refused and is no other one rests", async () => {
  const { fetch, seen } = upstream(() => "another");
  const { pool } = await open({ env: { MY_KEY: secret }, host: { fetch } });
  await pool.add("openai", { key: "env:MY_KEY" });
  assert.equal((await pool.fetch("openai", { waitMs: 0 })("https://api.openai.com/v1/models")).status, 401);
  assert.deepEqual([seen.length, pool.get("openai:default")?.status], [1, "cooling"]);
  await pool.close();
});

test("commands are run where they are allowed, and nowhere else", async () => {
  const program = path.join(folder, "say.mjs");
  fs.writeFileSync(program, `console.log(${JSON.stringify(`${secret}-x`)});`);
  const run = "Deno" in globalThis ? `"${process.execPath}" run --no-lock` : `"${process.execPath}"`;
  const reference = `exec:${run} "${program}"`;
  const closed = await open();
  await closed.pool.add("openai", { key: reference });
  await assert.rejects(closed.pool.acquire("openai"), /commands are run only where open\(\{ execSecrets: true \}\) allows it/);
  await closed.pool.close();
  const { pool } = await open({ execSecrets: true });
  await pool.add("openai", { key: reference });
  assert.equal((await pool.acquire("openai")).secret, `${secret}-x`);
  await pool.add("groq", { key: "exec:exit 3" });
  await assert.rejects(pool.acquire("groq"), /"exec:exit 3" cannot be resolved: the command failed/);
  await pool.close();
});

test("what is no secret, and what may be no reference, is refused", async () => {
  const { pool } = await open({ env: { EMPTY: " ", LINES: `${secret}\nx-evil: 1` } });
  await pool.add("openai", { key: "env:EMPTY" });
  await pool.add("groq", { key: "env:LINES" });
  await pool.add("mistral", { key: `file:${path.join(folder, "none")}` });
  await pool.add("xai", { key: "op://vault/item" });
  for (const [provider, why] of [["openai", "is empty"], ["groq", "cannot stand in a header"], ["mistral", "the file cannot be read"], ["xai", "nobody here knows this scheme"]]) {
    await assert.rejects(pool.acquire(provider ?? ""), (/** @type {any} */ error) => error.message.includes(why) && !error.message.includes(secret), provider);
  }
  await assert.rejects(pool.add("anthropic", { access: "env:TOKEN", refresh: "r" }), /access: is a reference: only keys and tokens may be/);
  await assert.rejects(pool.add("openai", { key: "exec:a\u0007b", name: "bell" }), /control character/);
  // What a variable of the environment holds is taken as it is: no second look-up.
  const { pool: other } = await open({ env: { OPENAI_API_KEY: "env:PATH" } });
  assert.equal((await other.acquire("openai")).secret, "env:PATH");
  await Promise.all([pool.close(), other.close()]);
});
