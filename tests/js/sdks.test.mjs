// @ts-check
// The providers' own SDKs, over real connections, against the providers as tests/providers plays them.
import assert from "node:assert/strict";
import net from "node:net";
import { test } from "node:test";
import Anthropic from "@anthropic-ai/sdk";
import { CredentialPool, CredpoolError } from "credpool";
import OpenAI from "openai";
import { eventually } from "./support/eventually.mjs";
import { startProviderServer } from "../providers/server.mjs";

const MESSAGES = [{ role: /** @type {const} */ ("user"), content: "one two three" }];
const POLICY = { extends: "default", strategy: "fill-first", jitter: 0 };

/** @param {Record<string, import("../providers/key.mjs").KeySpec>} keys @param {Partial<import("../providers/server.mjs").ServerOptions>} [options] */
async function start(keys, options) {
  const server = await startProviderServer({ keys, ...options });
  const pool = await CredentialPool.open({ env: false, policy: POLICY });
  const provider = (/** @type {string} */ key) => (key.startsWith("sk-ant-") ? "anthropic" : key.startsWith("AIza") ? "google" : "openai");
  await pool.addMany(Object.keys(keys).map((key) => ({ provider: provider(key), key, name: key })));
  const openai = new OpenAI({ apiKey: "placeholder", baseURL: `${server.url}/v1`, maxRetries: 0, fetch: pool.fetch("openai", { waitMs: 0 }) });
  const anthropic = new Anthropic({ apiKey: "placeholder", baseURL: server.url, maxRetries: 0, fetch: pool.fetch("anthropic", { waitMs: 0 }) });
  const close = async () => {
    await pool.close();
    await server.close();
  };
  return { server, pool, openai, anthropic, close };
}

test("OpenAI: the program does not notice that keys fail", async () => {
  const { server, pool, openai, close } = await start({ "sk-limited": { requestsPerWindow: 0 }, "sk-revoked": { fault: "revoked" }, "sk-broke": { fault: "out_of_credit" }, "sk-good": {} });
  const answer = await openai.chat.completions.create({ model: "gpt-5", messages: MESSAGES });
  assert.equal(answer.choices[0]?.message.content, "You said: one two three");
  let text = "";
  for await (const chunk of await openai.chat.completions.create({ model: "gpt-5", messages: MESSAGES, stream: true })) text += chunk.choices[0]?.delta.content ?? "";
  assert.equal(text, "You said: one two three");
  assert.deepEqual(pool.list().map(({ name, lastError, inFlight }) => [name, lastError, inFlight]), [
    ["sk-limited", "rate_limit", 0], ["sk-revoked", "auth_permanent", 0], ["sk-broke", "billing", 0], ["sk-good", undefined, 0],
  ]);
  const stats = server.stats();
  assert.deepEqual([stats.total, stats.misplaced, stats.unknown], [5, 0, 0]);
  await close();
});

test("Anthropic: the same, with an overloaded upstream in between", async () => {
  const { server, pool, anthropic, close } = await start({ "sk-ant-busy": { fault: "overloaded" }, "sk-ant-limited": { requestsPerWindow: 0 }, "sk-ant-good": {} });
  const answer = await anthropic.messages.create({ model: "claude-sonnet-5", max_tokens: 10, messages: MESSAGES });
  assert.deepEqual(answer.content[0], { type: "text", text: "You said: one two three" });
  const stream = anthropic.messages.stream({ model: "claude-sonnet-5", max_tokens: 10, messages: MESSAGES });
  assert.equal(await stream.finalText(), "You said: one two three");
  assert.deepEqual(pool.list().map(({ name, lastError, inFlight }) => [name, lastError, inFlight]), [["sk-ant-busy", "overloaded", 0], ["sk-ant-limited", "rate_limit", 0], ["sk-ant-good", undefined, 0]]);
  const stats = server.stats();
  assert.deepEqual([stats.misplaced, stats.unknown, stats.keys["sk-ant-good"]?.places], [0, 0, { "x-api-key": 2 }]);
  await close();
});

test("Gemini: key in its own header, the model from the address", async () => {
  const { server, pool, close } = await start({ AIzaSyLimited: { requestsPerWindow: 0 }, AIzaSyGood: {} });
  const send = pool.fetch("gemini", { waitMs: 0 });
  const body = JSON.stringify({ contents: [{ role: "user", parts: [{ text: "one two three" }] }] });
  const response = await send(`${server.url}/v1beta/models/gemini-2.5-pro:generateContent?key=placeholder`, { method: "POST", headers: { "content-type": "application/json" }, body });
  assert.equal(response.status, 200);
  assert.equal((await response.json()).candidates[0].content.parts[0].text, "You said: one two three");
  assert.deepEqual(pool.get("gemini:AIzaSyLimited")?.cooldowns.map(({ model }) => model), ["gemini-2.5-pro"]);
  assert.deepEqual(server.stats().keys.AIzaSyGood?.places, { "x-goog-api-key": 1 });
  await close();
});

test("when nobody is left an SDK throws its own error", async () => {
  const { openai, anthropic, pool, close } = await start({ "sk-one": { requestsPerWindow: 0 }, "sk-two": { requestsPerWindow: 0 }, "sk-ant-revoked": { fault: "revoked" } });
  await assert.rejects(openai.chat.completions.create({ model: "gpt-5", messages: MESSAGES }), (error) => {
    assert.ok(error instanceof OpenAI.RateLimitError);
    assert.equal(error.code, "rate_limit_exceeded");
    return true;
  });
  // Nobody is asked: the pool's own error is the cause.
  await assert.rejects(openai.chat.completions.create({ model: "gpt-5", messages: MESSAGES }), (error) => {
    assert.ok(error instanceof OpenAI.APIConnectionError && error.cause instanceof CredpoolError);
    assert.equal(error.cause.code, "cooling_down");
    return true;
  });
  await assert.rejects(anthropic.messages.create({ model: "m", max_tokens: 1, messages: MESSAGES }), Anthropic.AuthenticationError);
  assert.deepEqual(pool.list().map(({ inFlight }) => inFlight), [0, 0, 0]);
  await close();
});

test("a request that is itself at fault is not sent twice", async () => {
  const { server, openai, close } = await start({ "sk-one": { fault: "request_too_long" }, "sk-two": {} });
  await assert.rejects(openai.chat.completions.create({ model: "gpt-5", messages: MESSAGES }), OpenAI.BadRequestError);
  assert.equal(server.stats().total, 1);
  await close();
});

test("connections that are cut, and gateways that answer with a page, are tried elsewhere", async () => {
  const { server, openai, pool, close } = await start({ "sk-cut": { fault: "drop" }, "sk-gateway": { fault: "html_502" }, "sk-good": {} });
  assert.equal((await openai.chat.completions.create({ model: "gpt-5", messages: MESSAGES })).choices.length, 1);
  assert.deepEqual(Object.values(server.stats().keys).map(({ total }) => total > 0), [true, true, true]);
  assert.equal(pool.get("openai:sk-cut")?.lastError, "network");
  await close();
});

test("what an SDK threw can be reported by hand", async () => {
  const silent = net.createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => silent.once("listening", resolve));
  const { port } = /** @type {net.AddressInfo} */ (silent.address());
  const { server, pool, close } = await start({ "sk-limited": { requestsPerWindow: 0 }, "sk-ant-busy": { fault: "overloaded" } });
  /** @type {[string, (secret: string) => Promise<unknown>, string][]} */
  const calls = [
    ["openai", (apiKey) => new OpenAI({ apiKey, baseURL: `${server.url}/v1`, maxRetries: 0 }).chat.completions.create({ model: "m", messages: MESSAGES }), "rate_limit"],
    ["anthropic", (apiKey) => new Anthropic({ apiKey: null, defaultHeaders: { "x-api-key": apiKey }, baseURL: server.url, maxRetries: 0 }).messages.create({ model: "m", max_tokens: 1, messages: MESSAGES }), "overloaded"],
    ["openai", (apiKey) => new OpenAI({ apiKey, baseURL: "http://127.0.0.1:1", maxRetries: 0 }).models.list(), "network"],
    ["openai", (apiKey) => new OpenAI({ apiKey, baseURL: `http://127.0.0.1:${port}/v1`, timeout: 50, maxRetries: 0 }).models.list(), "timeout"],
  ];
  for (const [provider, call, reason] of calls) {
    const lease = await pool.acquire(provider, { model: `for ${reason}` });
    const error = await call(lease.secret).then(() => assert.fail("it was answered"), (error) => error);
    assert.equal((await lease.report(error)).reason, reason, String(error));
  }
  silent.close();
  await close();
});

test("a caller's signal reaches the connection", async () => {
  const { server, openai, pool, close } = await start({ "sk-slow": { fault: "hang" }, "sk-good": {} });
  const giveUp = new AbortController();
  const call = openai.chat.completions.create({ model: "gpt-5", messages: MESSAGES }, { signal: giveUp.signal });
  await eventually(() => server.stats().total > 0);
  giveUp.abort();
  await assert.rejects(call, OpenAI.APIUserAbortError);
  assert.deepEqual([server.stats().total, pool.get("openai:sk-slow")?.lastError, pool.get("openai:sk-slow")?.inFlight], [1, undefined, 0]);
  await close();
});
