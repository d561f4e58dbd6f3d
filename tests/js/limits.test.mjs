// @ts-check
// Limits, names of models, and several providers at once, as users write them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { CredentialPool, CredpoolError } from "credpool";
import { startProviderServer } from "../providers/server.mjs";
import { eventually } from "./support/eventually.mjs";
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

const CHAT = "https://api.openai.com/v1/chat/completions";

/** A pool with one key, whose limits are these, and an upstream that answers so. @param {import("credpool").NewCredential["limits"]} limits @param {() => Response} answer */
async function limited(limits, answer) {
  const { pool, host } = await open();
  await pool.add("openai", { key: "sk-a", name: "a", ...(limits && { limits }) });
  host.respond = async () => answer();
  const verdict = () => pool.explain("openai").candidates[0]?.verdict;
  const inFlight = () => pool.get("openai:a")?.inFlight;
  return { pool, host, send: pool.fetch("openai"), verdict, inFlight };
}

const USED = { choices: [{ message: { content: "hi" } }], usage: { prompt_tokens: 90, completion_tokens: 10, total_tokens: 100 } };
const EMPTY = { "x-ratelimit-limit-requests": "60", "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "2s" };
const BUDGET = { budget: { windowMs: 3_600_000, tokens: 100 } };

test("an answer that says that nothing is left takes its credential out until then", async () => {
  /** @type {(headers: HeadersInit) => Response} */
  const json = (headers) => Response.json(USED, { headers });
  const { pool, host, send, verdict } = await limited(undefined, () => json(EMPTY));
  await (await send(CHAT)).json();
  assert.equal(verdict(), "limit");
  assert.equal(refused(pool.tryAcquire("openai")).retryAt, host.wall + 2000);
  await host.advance(2000);
  assert.equal(verdict(), "picked");
  // A call of any kind, and a Response that is reported by hand.
  await pool.execute("openai", {}, () => json(EMPTY));
  assert.equal(verdict(), "limit");
  await host.advance(2000);
  await leased(pool.tryAcquire("openai")).report(json(EMPTY));
  assert.equal(verdict(), "limit");
  await pool.close();
  // Nobody listens.
  const deaf = await open({ policy: { extends: "default", heed_headers: false } });
  await deaf.pool.add("openai", { key: "sk-a" });
  deaf.host.respond = async () => json(EMPTY);
  await (await deaf.pool.fetch("openai")(CHAT)).json();
  assert.equal(deaf.pool.explain("openai").candidates[0]?.verdict, "picked");
  await deaf.pool.close();
});

test("an answer that says nothing of limits is released by number", async () => {
  const { pool, send } = await limited(undefined, () => Response.json(USED, { headers: { "x-request-id": "7", "set-cookie": "canary" } }));
  /** @type {unknown[]} */
  const told = [];
  pool.on("result", (event) => told.push(event));
  await (await send(CHAT)).json();
  assert.deepEqual(told, [], "released by number: no report was made");
  await pool.close();
});

/** What an answer is read by. @type {Record<string, (response: Response) => Promise<unknown>>} */
const READ = {
  "json()": (response) => response.json(),
  "text()": (response) => response.text(),
  "arrayBuffer()": (response) => response.arrayBuffer(),
  "a clone": (response) => response.clone().json(),
  "a reader": async ({ body }) => {
    const reader = /** @type {ReadableStream<Uint8Array>} */ (body).getReader();
    while (!(await reader.read()).done);
  },
};

for (const [name, read] of Object.entries(READ)) {
  test(`tokens are counted from an answer of unknown length that is read by ${name}`, async () => {
    const { pool, send, verdict, inFlight } = await limited(BUDGET, () => Response.json(USED));
    const answer = await send(CHAT);
    assert.equal(inFlight(), 1, "the lease ends with the body");
    await read(answer);
    if (name !== "a clone") assert.deepEqual([verdict(), inFlight()], ["limit", 0]);
    else await answer.text();
    assert.deepEqual([verdict(), inFlight()], ["limit", 0]);
    await pool.close();
  });
}

test("tokens of a short answer are counted before it is handed over, those of a caller go first", async () => {
  const body = JSON.stringify(USED);
  const { pool, host, send, verdict } = await limited(BUDGET, () => new Response(body, { headers: { "content-type": "application/json", "content-length": String(body.length) } }));
  await send(CHAT);
  assert.equal(verdict(), "limit");
  await host.advance(3_600_000);
  await leased(pool.tryAcquire("openai")).report({ ok: true, body: USED, usage: { tokens: 1 } });
  assert.equal(verdict(), "picked");
  await leased(pool.tryAcquire("openai")).report(Response.json(USED));
  assert.equal(verdict(), "limit");
  await pool.close();
});

test("who reads no body, or gives it up, holds no lease", async () => {
  const { pool, send, verdict, inFlight } = await limited(BUDGET, () => Response.json(USED));
  await (await send(CHAT)).body?.cancel();
  assert.deepEqual([verdict(), inFlight()], ["picked", 0]);
  await pool.execute("openai", {}, async () => {
    const answer = Response.json(USED);
    await answer.json();
    return answer;
  });
  assert.deepEqual([verdict(), inFlight()], ["picked", 0], "its body was read before");
  await pool.close();
});

test("OpenAI's, Anthropic's and Gemini's own answers and streams are counted", async () => {
  const keys = { "sk-a": {}, "sk-ant-a": {}, "AIza-a": {} };
  const server = await startProviderServer({ keys });
  const pool = await CredentialPool.open({ env: false });
  const limits = { budget: { windowMs: 3_600_000, tokens: 10 } };
  const said = "a b c d e f";
  const chat = { model: "gpt-5", messages: [{ role: "user", content: said }] };
  const messages = { model: "claude-haiku-4-5", max_tokens: 9, messages: [{ role: "user", content: said }] };
  const contents = { contents: [{ role: "user", parts: [{ text: said }] }] };
  /** @type {[provider: string, key: string, path: string, body: object][]} */
  const calls = [
    ["openai", "sk-a", "/v1/chat/completions", chat],
    ["openai", "sk-a", "/v1/chat/completions", { ...chat, stream: true, stream_options: { include_usage: true } }],
    ["openai", "sk-a", "/v1/responses", { model: "gpt-5", input: said }],
    ["openai", "sk-a", "/v1/responses", { model: "gpt-5", input: said, stream: true }],
    ["anthropic", "sk-ant-a", "/v1/messages", messages],
    ["anthropic", "sk-ant-a", "/v1/messages", { ...messages, stream: true }],
    ["google", "AIza-a", "/v1beta/models/gemini-2.5-flash:generateContent", contents],
    ["google", "AIza-a", "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse", contents],
    ["google", "AIza-a", "/v1beta/models/gemini-2.5-flash:streamGenerateContent", contents],
  ];
  for (const [provider, key, path, body] of calls) {
    const id = await pool.add(provider, { key, name: "a", limits });
    const headers = { "content-type": "application/json", ...(provider === "anthropic" && { "anthropic-version": "2023-06-01" }) };
    const answer = await pool.fetch(provider)(`${server.url}${path}`, { method: "POST", headers, body: JSON.stringify(body) });
    assert.equal(answer.status, 200, `${path}: ${answer.status}`);
    await answer.text();
    await eventually(() => pool.explain(provider).candidates[0]?.verdict === "limit", path);
    await pool.remove(id);
  }
  await pool.close();
  await server.close();
});
