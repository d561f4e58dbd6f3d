// @ts-check
// Limits, names of models, and several providers at once, as users write them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { CredpoolError } from "credpool";
import { leased, open, refused } from "./support/pool.mjs";
import { ok, Upstream } from "./support/upstream.mjs";

test("a credential with as many leases as it may have is given again when one ends", async () => {
  const { pool } = await open();
  await pool.add("openai", { key: "sk-a", name: "a", limits: { inFlight: 1 } });
  const first = await pool.acquire("openai", { model: "m" });
  assert.equal(refused(pool.tryAcquire("openai", { model: "m" })).code, "unavailable");
  assert.equal(pool.explain("openai", { model: "m" }).candidates[0]?.verdict, "limit");
  /** @type {string[]} */
  const order = [];
  const second = pool.acquire("openai", { model: "m", waitMs: 60_000 }).then((lease) => (order.push("second"), lease));
  const third = pool.acquire("openai", { model: "m", waitMs: 60_000 }).then((lease) => (order.push("third"), lease));
  first.release();
  (await second).abandon();
  (await third).release();
  assert.deepEqual(order, ["second", "third"]);
  leased(pool.tryAcquire("openai", { model: "m" })).release();
  await pool.close();
});

test("a budget in dollars is counted from reports", async () => {
  const { pool } = await open();
  await pool.add("openai", { key: "sk-a", limits: { budget: { windowMs: 3_600_000, usd: 0.5 } } });
  for (const usd of [0.3, 0.2]) await leased(pool.tryAcquire("openai")).report({ ok: true, usage: { usd, tokens: 10 } });
  const refusal = refused(pool.tryAcquire("openai"));
  assert.equal(refusal.code, "cooling_down");
  await assert.rejects(pool.add("openai", { key: "sk-b", limits: /** @type {any} */ ({ perMinute: 3 }) }), /limits has no field/);
  await pool.close();
});

test("the model goes to the upstream under its own name, in a body and in a path", async () => {
  const { pool, host } = await open();
  const upstream = new Upstream(ok());
  host.respond = upstream.fetch;
  const aliases = [{ name: "gpt-5", alias: "best" }];
  await pool.add("openai", { key: "sk-a", aliases });
  await pool.add("google", { key: "k-g", aliases: [{ name: "gemini-2.5-pro", alias: "best" }], prefix: "team" });
  const lease = leased(pool.tryAcquire("openai", { model: "best(high)" }));
  assert.equal(lease.model, "gpt-5(high)");
  lease.abandon();

  const send = pool.fetch("openai");
  await send("https://api.openai.com/v1/chat/completions", { method: "POST", body: '{"messages":[{"model":"x"}], "model" : "best", "n":1}' });
  await send("https://api.openai.com/v1/chat/completions", { method: "POST", body: '{"model":"other"}' });
  await pool.fetch("openai", { rewriteModel: false })("https://api.openai.com/v1/chat/completions", { method: "POST", body: '{"model":"best"}' });
  await pool.fetch("google")("https://generativelanguage.googleapis.com/v1beta/models/team%2Fbest:streamGenerateContent?alt=sse", { method: "POST", body: "{}" });
  assert.deepEqual(upstream.sent.slice(0, 3).map(({ body }) => body), ['{"messages":[{"model":"x"}], "model" : "gpt-5", "n":1}', '{"model":"other"}', '{"model":"best"}']);
  assert.equal(upstream.sent[3]?.url, "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse");
  await pool.close();
});

test("one credential of each of several providers, asked at once", async () => {
  const { pool } = await open();
  await pool.add("openai", { key: "sk-a" });
  await pool.add("anthropic", { key: "sk-b" });
  const found = await pool.resolveMany(["openai", "anthropic", "mistral", "openai"]);
  assert.deepEqual([...found.keys()], ["openai", "anthropic", "mistral"]);
  assert.deepEqual([...found.values()].map((each) => (each instanceof CredpoolError ? each.code : each.provider)), ["openai", "anthropic", "not_found"]);
  for (const each of found.values()) if (!(each instanceof CredpoolError)) each.release();
  await pool.close();
});
