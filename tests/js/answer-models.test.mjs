// @ts-check
// Answers that name the alias that was asked for: JSON and streams, rewritten while they are read.
import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "./support/eventually.mjs";
import { open } from "./support/pool.mjs";

const ADDRESS = "https://api.openai.com/v1/chat/completions";
const ASK = { method: "POST", body: '{"model":"public","messages":[]}' };
const encode = (/** @type {string} */ text) => new TextEncoder().encode(text);
const json = (/** @type {string} */ body, /** @type {Record<string, string>} */ headers = {}) => new Response(body, { headers: { "content-type": "application/json", ...headers } });

/** A pool whose one key has an alias that forces its name upon answers. @param {{ force?: boolean }} [alias] */
async function start({ force = true } = {}) {
  const { pool, host } = await open();
  await pool.add("openai", { key: "sk-a", name: "a", aliases: [{ name: "upstream-1", alias: "Public", force }] });
  return { pool, host };
}

test("JSON: the model is the alias, what a model wrote stays, and its length is not said", async () => {
  const { pool, host } = await start();
  const body = '{"id":"1","model":"upstream-1-2026","choices":[{"message":{"content":"\\"model\\":\\"upstream-1\\""}}],"usage":{"total_tokens":7}}';
  host.respond = async () => json(body, { "content-length": String(body.length), "x-request-id": "r" });
  const answer = await pool.fetch("openai")(ADDRESS, ASK);
  assert.deepEqual([answer.status, answer.headers.get("x-request-id"), answer.headers.get("content-length")], [200, "r", null]);
  assert.equal(await answer.text(), body.replace("upstream-1-2026", "Public"));
  const lease = pool.tryAcquire("openai", { model: "public" });
  assert.ok(lease.ok);
  assert.deepEqual([lease.model, lease.answerModel], ["upstream-1", "Public"]);
  lease.abandon();
  await pool.close();
});

test("left as it is: without force, for other models, where the caller maps models itself, in errors and in other types", async () => {
  const body = '{"model":"upstream-1"}';
  const plain = await start({ force: false });
  plain.host.respond = async () => json(body);
  assert.equal(await (await plain.pool.fetch("openai")(ADDRESS, ASK)).text(), body);
  await plain.pool.close();

  const { pool, host } = await start();
  const answer = json(body);
  host.respond = async () => answer;
  assert.equal(await pool.fetch("openai", { model: "other" })(ADDRESS, ASK), answer, "the very same object");
  host.respond = async () => json(body);
  assert.equal(await (await pool.fetch("openai", { rewriteModel: false })(ADDRESS, ASK)).text(), body);
  host.respond = async () => new Response(body, { headers: { "content-type": "text/plain" } });
  assert.equal(await (await pool.fetch("openai")(ADDRESS, ASK)).text(), body);
  host.respond = async () => new Response('{"model":"upstream-1","error":{"message":"no"}}', { status: 400, headers: { "content-type": "application/json" } });
  assert.match(await (await pool.fetch("openai")(ADDRESS, ASK)).text(), /upstream-1/);
  await pool.close();
});

test("a stream is handed on part by part, cut anywhere; the lease ends with it, and so does what it took", async () => {
  const { pool, host } = await open();
  await pool.add("openai", { key: "sk-a", name: "a", limits: { budget: { windowMs: 3_600_000, tokens: 600 } }, aliases: [{ name: "upstream-1", alias: "public", force: true }] });
  /** @type {ReadableStreamDefaultController<Uint8Array>} */
  let feed = /** @type {any} */ (undefined);
  host.respond = async () => new Response(new ReadableStream({ start: (controller) => void (feed = controller) }), { headers: { "content-type": "text/event-stream" } });
  const answer = await pool.fetch("openai")(ADDRESS, ASK);
  const reader = /** @type {ReadableStream<Uint8Array>} */ (answer.body).getReader();
  const decoder = new TextDecoder();
  const next = async () => decoder.decode((await reader.read()).value, { stream: true });
  feed.enqueue(encode('data: {"object":"chat.completion.chunk","mod'));
  assert.equal(await next(), 'data: {"object":"chat.completion.chunk","mod');
  feed.enqueue(encode('el":"upstr'));
  assert.equal(await next(), 'el":"public');
  feed.enqueue(encode("eam"));
  feed.enqueue(encode('-1","choices":[{"delta":{"content":"upstream-1"},"finish_reason":null}]}\n\n'));
  assert.equal(await next(), '","choices":[{"delta":{"content":"upstream-1"},"finish_reason":null}]}\n\n');
  assert.equal(pool.get("openai:a")?.inFlight, 1);
  feed.enqueue(encode('data: {"object":"chat.completion.chunk","model":"upstream-1","choices":[{"delta":{},"finish_reason":"stop"}],"usage":{"total_tokens":600}}\n\ndata: [DONE]\n\n'));
  assert.match(await next(), /"model":"public","choices"/);
  feed.close();
  assert.equal((await reader.read()).done, true);
  await eventually(() => pool.get("openai:a")?.inFlight === 0);
  assert.equal(pool.get("openai:a")?.counters.success, 1);
  assert.equal(pool.explain("openai").candidates[0]?.verdict, "limit", "what it took is counted");
  await pool.close();
});

test("whoever stops reading stops the upstream; a body that breaks off breaks off", async () => {
  const { pool, host } = await start();
  let cancelled = false;
  const body = new ReadableStream({ pull: (controller) => controller.enqueue(encode('data: {"model":"upstream-1"}\n\n')), cancel: () => void (cancelled = true) });
  host.respond = async () => new Response(body, { headers: { "content-type": "text/event-stream" } });
  const stopped = await pool.fetch("openai")(ADDRESS, ASK);
  await stopped.body?.cancel();
  assert.equal(cancelled, true);
  await eventually(() => pool.get("openai:a")?.inFlight === 0);

  const broken = new ReadableStream({ start: (controller) => controller.enqueue(encode('data: {"model":"up')), pull: (controller) => controller.error(new TypeError("terminated")) });
  host.respond = async () => new Response(broken, { headers: { "content-type": "text/event-stream" } });
  const answer = await pool.fetch("openai")(ADDRESS, ASK);
  await assert.rejects(answer.text(), /terminated/);
  await eventually(() => pool.get("openai:a")?.inFlight === 0);
  assert.equal(pool.get("openai:a")?.lastError, "network");
  await pool.close();
});

test("execute: a Response is rewritten too, anything else is the caller's, who is told the name", async () => {
  const { pool } = await start();
  const answer = await pool.execute("openai", { model: "public" }, () => json('{"model":"upstream-1"}'));
  assert.deepEqual(await answer.json(), { model: "Public" });
  const told = await pool.execute("openai", { model: "public" }, (lease) => ({ model: lease.answerModel }));
  assert.deepEqual(told, { model: "Public" });
  await pool.close();
});
