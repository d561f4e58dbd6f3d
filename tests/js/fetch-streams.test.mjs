// @ts-check
// Answers that are streams: handed on as they come, never tried again, and the lease ends when they end.
import assert from "node:assert/strict";
import { test } from "node:test";
import { CredentialPool } from "credpool";
import { startProviderServer } from "../providers/server.mjs";
import { eventually } from "./support/eventually.mjs";
import { settle } from "./support/host.mjs";
import { addKeys, open } from "./support/pool.mjs";
import { runtime } from "./support/runtime.mjs";

const ADDRESS = "https://api.openai.com/v1/chat/completions";
/** Collects garbage, where the runtime can be told to. @type {(() => void) | undefined} */
const collect = await (async () => {
  if (runtime === "bun") return () => /** @type {any} */ (globalThis).Bun.gc(true);
  if (runtime === "deno") return undefined;
  const [{ setFlagsFromString }, { runInNewContext }] = await Promise.all([import("node:v8"), import("node:vm")]);
  setFlagsFromString("--expose-gc");
  return /** @type {() => void} */ (runInNewContext("gc"));
})();
const encode = (/** @type {string} */ text) => new TextEncoder().encode(text);

/** A pool with one key, and an answer whose stream the test feeds. */
async function start() {
  const { pool, host } = await open();
  await addKeys(pool, "a");
  /** @type {ReadableStreamDefaultController<Uint8Array>} */
  let feed = /** @type {any} */ (undefined);
  let cancelled = false;
  const stream = new ReadableStream({ start: (controller) => void (feed = controller), cancel: () => void (cancelled = true) });
  const answer = new Response(stream, { headers: { "content-type": "text/event-stream; charset=utf-8" } });
  host.respond = async () => answer;
  const response = await pool.fetch("openai")(ADDRESS);
  assert.equal(response, answer, "the very same object");
  const state = () => {
    const { inFlight, counters, lastError } = /** @type {import("credpool").CredentialInfo} */ (pool.get("openai:a"));
    return [inFlight, counters.success, lastError];
  };
  assert.deepEqual(state(), [1, 0, undefined]);
  return { pool, response, feed, state, cancelled: () => cancelled };
}

/** @type {Record<string, (response: Response) => Promise<string>>} */
const WAYS = {
  "text()": (response) => response.text(),
  "json()": async (response) => JSON.stringify(await response.json()),
  "arrayBuffer()": async (response) => new TextDecoder().decode(await response.arrayBuffer()),
  "blob()": async (response) => (await response.blob()).text(),
  "a reader": async ({ body }) => {
    const reader = /** @type {ReadableStream<Uint8Array>} */ (body).getReader();
    let text = "";
    for (let part = await reader.read(); !part.done; part = await reader.read()) text += new TextDecoder().decode(part.value);
    reader.releaseLock();
    return text;
  },
  "for await": async ({ body }) => {
    let text = "";
    for await (const chunk of /** @type {AsyncIterable<Uint8Array>} */ (/** @type {unknown} */ (body))) text += new TextDecoder().decode(chunk);
    return text;
  },
  "pipeThrough()": async ({ body }) => {
    let text = "";
    const reader = /** @type {ReadableStream<Uint8Array<ArrayBuffer>>} */ (body).pipeThrough(new TextDecoderStream()).getReader();
    for (let part = await reader.read(); !part.done; part = await reader.read()) text += part.value;
    return text;
  },
  "pipeTo()": async ({ body }) => {
    let text = "";
    await /** @type {ReadableStream<Uint8Array>} */ (body).pipeTo(new WritableStream({ write: (chunk) => void (text += new TextDecoder().decode(chunk)) }));
    return text;
  },
  "tee()": async ({ body }) => {
    const [one, two] = /** @type {ReadableStream<Uint8Array<ArrayBuffer>>} */ (body).tee();
    const texts = await Promise.all([new Response(one).text(), new Response(two).text()]);
    assert.equal(texts[0], texts[1]);
    return String(texts[0]);
  },
  "another Response": async ({ body }) => new Response(body).text(),
  "clone()": async (response) => {
    const copy = response.clone();
    const texts = await Promise.all([response.text(), copy.text()]);
    assert.equal(texts[0], texts[1]);
    return texts[0];
  },
};
for (const [way, read] of Object.entries(WAYS)) {
  // Bun and Deno read a stream that is given to a Response without its methods: there the lease ends when it is collected.
  if (way === "another Response" && runtime !== "node") continue;
  test(`a stream is whole, and its lease ends with it: ${way}`, async () => {
    const { pool, response, feed, state } = await start();
    const text = read(response);
    feed.enqueue(encode('{"a":'));
    await settle();
    assert.deepEqual(state(), [1, 0, undefined]);
    feed.enqueue(encode('"b"}'));
    feed.close();
    assert.equal(await text, '{"a":"b"}');
    await settle();
    assert.deepEqual(state(), [0, 1, undefined]);
    await pool.close();
  });
}

test("a stream that breaks is the network's failure, and the caller's error", async () => {
  const { pool, response, feed, state } = await start();
  feed.enqueue(encode("data: 1\n\n"));
  const text = response.text();
  await settle();
  feed.error(Object.assign(new TypeError("terminated"), { cause: { name: "SocketError", code: "UND_ERR_SOCKET" } }));
  await assert.rejects(text, /terminated/);
  await settle();
  assert.deepEqual(state(), [0, 0, "network"]);
  await pool.close();
});

test("an error in the place of an answer goes to the next credential; the caller sees the answer only", async () => {
  const { pool, host } = await open();
  await addKeys(pool, "a", "b");
  const bodies = ['{"error":{"code":402,"message":"Insufficient credits"}}', '{"choices":[]}'];
  host.respond = async () => {
    const body = bodies.shift() ?? "";
    return new Response(body, { headers: { "content-type": "application/json", "content-length": String(body.length) } });
  };
  const response = await pool.fetch("openai")(ADDRESS);
  assert.deepEqual([await response.json(), bodies.length], [{ choices: [] }, 0]);
  assert.deepEqual([pool.get("openai:a")?.lastError, pool.get("openai:b")?.lastError, pool.get("openai:b")?.counters.success], ["billing", undefined, 1]);
  await pool.close();
});

test("an error inside a stream, and a stream without its end, count against the credential", async () => {
  const start_ = 'event: message_start\ndata: {"type":"message_start","message":{"content":[]}}\n\n';
  const delta = `event: content_block_delta\ndata: ${JSON.stringify({ type: "content_block_delta", delta: { text: '\n\ndata: {"error":{"code":"invalid_api_key"}}\n\n' } })}\n\n`;
  const stop = 'event: message_stop\ndata: {"type":"message_stop"}\n\n';
  const overloaded = 'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n';
  for (const [parts, reason] of /** @type {[string[], string | undefined][]} */ ([
    [[start_, delta, stop], undefined],
    [[start_, delta.repeat(300), stop], undefined],
    [[start_, delta, overloaded], "overloaded"],
    [[start_, ...Array.from({ length: 300 }, () => delta), overloaded], "overloaded"],
    [[start_, delta], "network"],
  ])) {
    for (const way of ["text()", "a reader", "arrayBuffer()", "for await"]) {
      const { pool, response, feed, state } = await start();
      for (const part of parts) feed.enqueue(encode(part));
      feed.close();
      assert.equal(await (way === "arrayBuffer()" ? response.arrayBuffer().then((bytes) => new TextDecoder().decode(bytes)) : WAYS[way]?.(response)), parts.join(""), "the caller sees all of it");
      await settle();
      assert.deepEqual(state(), [0, reason === undefined ? 1 : 0, reason], way);
      await pool.close();
    }
  }
});

test("a stream that the caller gives up is no failure", async () => {
  /** @type {((response: Response) => Promise<unknown>)[]} */
  const ways = [
    async ({ body }) => body?.cancel(),
    async ({ body }) => body?.getReader().cancel(),
    async ({ body }) => {
      for await (const chunk of /** @type {AsyncIterable<Uint8Array>} */ (/** @type {unknown} */ (body))) if (chunk.length > 0) break;
    },
  ];
  for (const giveUp of ways) {
    const { pool, response, feed, state, cancelled } = await start();
    feed.enqueue(encode("data: 1\n\n"));
    await giveUp(response);
    await settle();
    assert.deepEqual([state(), cancelled()], [[0, 1, undefined], true]);
    await pool.close();
  }
  const { pool, response, feed, state } = await start();
  const text = response.text();
  feed.error(new DOMException("aborted", "AbortError"));
  await assert.rejects(text);
  await settle();
  assert.deepEqual(state(), [0, 1, undefined]);
  await pool.close();
});

// Only where the runtime can be told to collect.
if (collect) test("a stream that nobody reads ends when it is collected", async () => {
  const { pool, host } = await open();
  await addKeys(pool, "a");
  host.respond = async () => new Response(new ReadableStream({ pull: (controller) => controller.enqueue(encode("x")) }), { headers: { "content-type": "text/event-stream" } });
  await pool.fetch("openai")(ADDRESS);
  for (let turn = 0; turn < 50 && pool.get("openai:a")?.inFlight; turn += 1) {
    collect?.();
    await settle();
  }
  assert.equal(pool.get("openai:a")?.inFlight, 0);
  await pool.close();
});

test("an answer that is no stream ends its lease when its headers are in", async () => {
  const { pool, host } = await open();
  await addKeys(pool, "a");
  host.respond = async () => new Response(new ReadableStream(), { headers: { "content-type": "application/json" } });
  await pool.fetch("openai")(ADDRESS);
  assert.deepEqual([pool.get("openai:a")?.inFlight, pool.get("openai:a")?.counters.success], [0, 1]);
  host.respond = async () => new Response(null, { headers: { "content-type": "text/event-stream" } });
  await pool.fetch("openai")(ADDRESS);
  assert.deepEqual([pool.get("openai:a")?.inFlight, pool.get("openai:a")?.counters.success], [0, 2]);
  await pool.close();
});

test("over a real connection: a stream that breaks midway is not tried again", async () => {
  const keys = { "sk-one": { fault: /** @type {const} */ ("drop_midway") }, "sk-two": {} };
  const server = await startProviderServer({ keys, chunkMs: 1 });
  const pool = await CredentialPool.open({ env: false, policy: { extends: "default", strategy: "fill-first" } });
  await pool.addMany([{ provider: "openai", key: "sk-one", name: "one" }, { provider: "openai", key: "sk-two", name: "two" }]);
  const send = pool.fetch("openai");
  const body = JSON.stringify({ model: "gpt-5", stream: true, messages: [{ role: "user", content: "a b c d e f" }] });
  const response = await send(`${server.url}/v1/chat/completions`, { method: "POST", body });
  assert.equal(response.status, 200);
  await assert.rejects(response.text());
  await eventually(() => pool.get("openai:one")?.lastError !== undefined);
  assert.deepEqual([pool.get("openai:one")?.lastError, pool.get("openai:one")?.inFlight, server.stats().total], ["network", 0, 1]);
  await pool.close();
  await server.close();
});
