// @ts-check
// Amazon's binary event streams (Bedrock): handed on as they come, and read by the engine when they have ended.
import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "./support/eventually.mjs";
import { addKeys, open } from "./support/pool.mjs";

const ADDRESS = "https://bedrock-runtime.eu-central-1.amazonaws.com/model/m/converse-stream";

/** CRC-32, bit by bit. @param {Uint8Array} bytes */
function crc32(bytes) {
  let sum = -1;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit += 1) sum = sum & 1 ? (sum >>> 1) ^ 0xedb88320 : sum >>> 1;
  }
  return ~sum >>> 0;
}

/** @param {number} value */
const word = (value) => [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];

/** One message. @param {Record<string, string>} headers @param {unknown} payload */
function message(headers, payload) {
  const encoder = new TextEncoder();
  const lines = Object.entries({ ":content-type": "application/json", ...headers }).flatMap(([name, value]) => [name.length, ...encoder.encode(name), 7, value.length >> 8, value.length & 255, ...encoder.encode(value)]);
  const body = encoder.encode(JSON.stringify(payload));
  const prelude = [...word(16 + lines.length + body.length), ...word(lines.length)];
  const all = [...prelude, ...word(crc32(Uint8Array.from(prelude))), ...lines, ...body];
  return Uint8Array.from([...all, ...word(crc32(Uint8Array.from(all)))]);
}

const event = (/** @type {string} */ name, /** @type {unknown} */ payload) => message({ ":message-type": "event", ":event-type": name }, payload);
const START = event("messageStart", { role: "assistant" });
const DELTA = event("contentBlockDelta", { delta: { text: "é".repeat(400) } });
const STOP = event("messageStop", { stopReason: "end_turn" });
const USAGE = event("metadata", { usage: { inputTokens: 400, outputTokens: 200, totalTokens: 600 } });
const THROTTLED = message({ ":message-type": "exception", ":exception-type": "throttlingException" }, { message: "Too many requests" });

/** @param {Uint8Array[]} messages */
const answer = (messages) => {
  const parts = messages.flatMap((bytes) => [bytes.slice(0, 7), bytes.slice(7)]);
  const body = new ReadableStream({ pull: (controller) => (parts.length > 0 ? controller.enqueue(parts.shift()) : controller.close()) });
  return new Response(body, { headers: { "content-type": "application/vnd.amazon.eventstream" } });
};

for (const [how, messages, reason] of /** @type {[string, Uint8Array[], string | undefined][]} */ ([
  ["whole", [START, DELTA, STOP, USAGE], undefined],
  ["whole and long", [START, ...Array.from({ length: 60 }, () => DELTA), STOP, USAGE], undefined],
  ["with an exception at its end", [START, DELTA, THROTTLED], "rate_limit"],
  ["long, with an exception at its end", [START, ...Array.from({ length: 60 }, () => DELTA), THROTTLED], "rate_limit"],
  ["without its end", [START, DELTA], "network"],
])) {
  test(`a stream that is ${how}`, async () => {
    for (const read of [async (/** @type {Response} */ response) => new Uint8Array(await response.arrayBuffer()), drain]) {
      const { pool, host } = await open();
      await pool.add("amazon-bedrock", { key: "k-a", name: "a", limits: { budget: { windowMs: 3_600_000, tokens: 600 } } });
      host.respond = async () => answer(messages);
      const bytes = await read(await pool.fetch("amazon-bedrock", { model: "m" })(ADDRESS, { method: "POST", body: "{}" }));
      assert.equal(bytes.length, messages.reduce((sum, { length }) => sum + length, 0), "the caller sees all of it");
      await eventually(() => pool.get("amazon-bedrock:a")?.inFlight === 0);
      const { counters, lastError } = /** @type {import("credpool").CredentialInfo} */ (pool.get("amazon-bedrock:a"));
      assert.deepEqual([counters.success, lastError], [reason === undefined ? 1 : 0, reason]);
      // What it took is counted: nothing is left of the budget.
      if (reason === undefined) assert.equal(pool.explain("amazon-bedrock", { model: "m" }).candidates[0]?.verdict, "limit");
      await pool.close();
    }
  });
}

/** @param {Response} response */
async function drain({ body }) {
  const reader = /** @type {ReadableStream<Uint8Array>} */ (body).getReader();
  const bytes = [];
  for (let part = await reader.read(); !part.done; part = await reader.read()) bytes.push(...part.value);
  return Uint8Array.from(bytes);
}

test("what Amazon's SDK throws inside a stream counts against the credential", async () => {
  const { pool } = await open();
  await addKeys(pool, "a");
  const thrown = Object.assign(new Error("Too many requests"), { name: "ThrottlingException", $fault: "client", $metadata: {} });
  const parts = await pool.executeStream("openai", { model: "m" }, async function* () {
    yield { messageStart: {} };
    throw thrown;
  });
  await assert.rejects(async () => {
    for await (const _ of parts);
  }, thrown);
  await eventually(() => pool.get("openai:a")?.lastError === "rate_limit");
  await pool.close();
});
