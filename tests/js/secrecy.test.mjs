// @ts-check
// No secret is seen in anything that may be printed, logged or kept.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { inspect } from "node:util";
import { CredentialPool, memoryStore } from "credpool";
import { canary, searched } from "../canaries.mjs";
import { ManualHost } from "./support/host.mjs";
import { leased, refused } from "./support/pool.mjs";
import { runtime } from "./support/runtime.mjs";
import { broken, rateLimited, revoked, Upstream } from "./support/upstream.mjs";

/** Everything that a runtime can print of a value. @param {unknown} value */
function printed(value) {
  const texts = [String(value), inspect(value, { depth: 10, showHidden: true, getters: false }), inspect(value)];
  try {
    texts.push(JSON.stringify(value) ?? "");
  } catch {
    // A circle.
  }
  if (runtime === "bun") texts.push(/** @type {any} */ (globalThis).Bun.inspect(value, { depth: 10 }));
  if (runtime === "deno") texts.push(/** @type {any} */ (globalThis).Deno.inspect(value, { depth: 10, showHidden: true }));
  if (value instanceof Error) texts.push(String(value.stack), printed(value.cause));
  return texts.join("\n");
}

test("pools, leases, errors, events, lists, explanations and states can be shown to anybody", async () => {
  const secrets = [canary("api_key"), canary("other_key"), canary("access_token"), canary("refresh_token")];
  const [key = "", other = "", access = "", refresh = ""] = secrets;
  const host = new ManualHost();
  const upstream = new Upstream(rateLimited(), revoked(), broken());
  host.respond = upstream.fetch;
  /** @type {unknown[]} */
  const shown = [];
  const said = ["log", "info", "warn", "error", "debug"];
  const spoken = said.map((method) => [method, /** @type {any} */ (console)[method]]);
  for (const method of said) /** @type {any} */ (console)[method] = (/** @type {unknown[]} */ ...args) => shown.push(...args);
  try {
    const store = memoryStore();
    const pool = await CredentialPool.open({ store, host, env: { GROQ_API_KEY: key, XAI_API_KEY: `${key} ${other}` }, providers: [{ name: "q", keyPlacement: { query: "key" } }] });
    pool.on("*", (event) => shown.push(event));
    await pool.addMany([
      { provider: "openai", key, name: "one" },
      { provider: "anthropic", kind: "oauth", access, refresh, name: "account", email: "a@example.com" },
      { provider: "openai", token: access, name: "two" },
      { provider: "q", key: other },
    ]);
    pool.override("mistral", { runtime: other });
    const lease = leased(pool.tryAcquire("openai", { model: "m", session: "s" }));
    shown.push(pool, lease, refused(pool.tryAcquire("xai")), leased(pool.tryAcquire("groq")));
    shown.push(await lease.report(Response.json({ error: { message: `Incorrect API key provided: ${key}`, code: "invalid_api_key" } }, { status: 401 })));
    const fails = async (/** @type {Promise<unknown>} */ promise) => shown.push(await promise.then(() => assert.fail("it did not fail"), (error) => error));
    await fails(pool.add("openai", /** @type {any} */ ({ key, token: access })));
    await fails(pool.add("openai", /** @type {any} */ ({ password: key })));
    await fails(pool.add("openai", { key: `${key}\n${other}` }));
    await fails(pool.add("openai", /** @type {any} */ ({ key: [key] })));
    await fails(pool.add("openai", /** @type {any} */ ({ key, priority: other })));
    await fails(pool.update("openai:one", { token: `${access} ${refresh}` }));
    await fails(pool.acquire("anthropic", { exclude: ["anthropic:account"] }));
    const send = pool.fetch("openai", { waitMs: 0, onAttempt: (attempt) => shown.push(attempt) });
    for (let call = 0; call < 4; call += 1) await send("https://api.openai.com/v1/models").then(({ status }) => shown.push(status), (error) => shown.push(error));
    await pool.fetch("q", { waitMs: 0, onAttempt: (attempt) => shown.push(attempt) })("https://q.example/").catch((error) => shown.push(error));
    shown.push(pool.list(), pool.state(), pool.explain("openai", { model: "m" }), pool.peek("openai"), pool.origin("groq"), pool.providers.get("q"), pool.fetch("openai"), host.logged);
    await pool.close();
  } finally {
    for (const [method, original] of spoken) /** @type {any} */ (console)[method] = original;
  }
  const text = shown.map(printed).join("\n");
  assert.ok(upstream.secrets().includes(access), "a secret was used");
  for (const secret of secrets) {
    assert.equal(text.includes(secret), false, "a secret was shown");
    for (const part of [secret.slice(-16), btoa(secret).slice(4, 24)]) assert.equal(text.includes(part), false, "a part of a secret was shown");
  }
  fs.mkdirSync(searched, { recursive: true });
  fs.writeFileSync(path.join(searched, `shown-${runtime}.txt`), text);
});
