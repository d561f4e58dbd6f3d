// @ts-check
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import OpenAI from "openai";
import { canaryKey } from "./key.mjs";
import { goDuration } from "./openai.mjs";
import { startProviderServer } from "./server.mjs";

const KEY = canaryKey("openai");
const MODEL = "gpt-4o-mini";

/** @type {import("./server.mjs").ProviderServer | undefined} */
let server;
afterEach(() => server?.close());

/** @param {import("./key.mjs").KeySpec} [spec] @param {string} [apiKey] */
async function client(spec = {}, apiKey = KEY) {
  server = await startProviderServer({ keys: { [KEY]: spec } });
  return new OpenAI({ apiKey, baseURL: `${server.url}/v1`, maxRetries: 0 });
}

/** @param {OpenAI} openai @param {string} [content] */
function ask(openai, content = "Hello there, server") {
  return openai.chat.completions.create({ model: MODEL, messages: [{ role: "user", content }] });
}

/** @param {Promise<unknown>} promise @returns {Promise<InstanceType<typeof OpenAI.APIError>>} */
async function refusal(promise) {
  try {
    await promise;
  } catch (error) {
    if (error instanceof OpenAI.APIError) return error;
    throw error;
  }
  throw new assert.AssertionError({ message: "it was answered" });
}

test("a chat completion", async () => {
  const answer = await ask(await client());
  assert.equal(answer.choices[0]?.message.content, "You said: Hello there, server");
  assert.equal(answer.choices[0]?.finish_reason, "stop");
  assert.ok((answer.usage?.total_tokens ?? 0) > 0);
  assert.deepEqual(server?.stats().keys[KEY], {
    total: 1,
    byStatus: { 200: 1 },
    faults: {},
    dropped: 0,
    aborted: 0,
    places: { bearer: 1 },
    inFlight: 0,
    maxInFlight: 1,
  });
});

test("a streamed chat completion, with its usage at the end", async () => {
  const openai = await client();
  const stream = await openai.chat.completions.create({
    model: MODEL,
    stream: true,
    stream_options: { include_usage: true },
    messages: [{ role: "user", content: [{ type: "text", text: "piece by piece" }] }],
  });
  let text = "";
  let usage;
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta.content ?? "";
    usage = chunk.usage ?? usage;
  }
  assert.equal(text, "You said: piece by piece");
  assert.ok((usage?.completion_tokens ?? 0) > 0);
});

test("the stream as it is on the wire ends with [DONE]", async () => {
  await client();
  const response = await fetch(`${server?.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json" },
    body: JSON.stringify({ model: MODEL, stream: true, messages: [{ role: "user", content: "x" }] }),
  });
  assert.equal(response.headers.get("content-type"), "text/event-stream; charset=utf-8");
  const text = await response.text();
  assert.match(text, /^data: \{"id":"chatcmpl-/);
  assert.ok(text.endsWith("\n\ndata: [DONE]\n\n"));
});

test("a response, whole and streamed", async () => {
  const openai = await client();
  const whole = await openai.responses.create({ model: MODEL, input: "one two" });
  assert.equal(whole.output_text, "You said: one two");
  const stream = await openai.responses.create({ model: MODEL, input: [{ role: "user", content: "one two" }], stream: true });
  let text = "";
  let last = "";
  for await (const event of stream) {
    if (event.type === "response.output_text.delta") text += event.delta;
    last = event.type;
  }
  assert.equal(text, "You said: one two");
  assert.equal(last, "response.completed");
});

test("the list of models", async () => {
  const openai = await client();
  const ids = [];
  for await (const model of openai.models.list()) ids.push(model.id);
  assert.ok(ids.includes(MODEL));
});

test("a rate limit: its headers, its refusal, its end", async () => {
  const openai = await client({ requestsPerWindow: 2, windowMs: 3000 });
  const { response } = await ask(openai).withResponse();
  assert.equal(response.headers.get("x-ratelimit-limit-requests"), "2");
  assert.equal(response.headers.get("x-ratelimit-remaining-requests"), "1");
  assert.match(response.headers.get("x-ratelimit-reset-requests") ?? "", /^[\d.]+m?s$/);
  await ask(openai);
  const error = await refusal(ask(openai));
  assert.equal(error.status, 429);
  assert.equal(error.code, "rate_limit_exceeded");
  assert.match(error.message, /Limit 2, Used 2, Requested 1\. Please try again in [\d.]+m?s\./);
  assert.match(error.headers?.get("retry-after") ?? "", /^[123]$/);
  assert.ok(Number(error.headers?.get("retry-after-ms")) <= 3000);
  await new Promise((resolve) => setTimeout(resolve, Number(error.headers?.get("retry-after-ms")) + 5));
  await ask(openai);
  assert.deepEqual(server?.stats().keys[KEY]?.byStatus, { 200: 3, 429: 1 });
});

test("limits by model, and models that a key may not use", async () => {
  const openai = await client({ requestsPerWindow: 1, perModel: true, models: [MODEL, "gpt-5"] });
  /** @param {string} model */
  const call = (model) => openai.chat.completions.create({ model, messages: [{ role: "user", content: "x" }] });
  await call(MODEL);
  await call("gpt-5");
  assert.equal((await refusal(call(MODEL))).status, 429);
  const error = await refusal(call("gpt-9"));
  assert.equal(error.status, 404);
  assert.equal(error.code, "model_not_found");
});

for (const [kind, status, code] of /** @type {const} */ ([
  ["revoked", 401, "invalid_api_key"],
  ["out_of_credit", 429, "insufficient_quota"],
  ["quota_day", 429, "rate_limit_exceeded"],
  ["overloaded", 503, "server_is_overloaded"],
  ["region", 403, "unsupported_country_region_territory"],
  ["request_too_long", 400, "context_length_exceeded"],
  ["server_error", 500, null],
])) {
  test(`refused: ${kind}`, async () => {
    const error = await refusal(ask(await client({ fault: kind })));
    assert.equal(error.status, status);
    assert.equal(error.code, code);
    assert.ok(!error.message.includes(KEY), "the key is masked");
  });
}

test("a key that no one gave out, one of another provider, one in the wrong place, two keys", async () => {
  assert.equal((await refusal(ask(await client({}, "sk-unknown-0123456789")))).code, "invalid_api_key");
  assert.equal(server?.stats().unknown, 1);

  const url = `${server?.url}/v1/chat/completions`;
  const body = JSON.stringify({ model: MODEL, messages: [] });
  /** @param {Record<string, string>} headers @param {string} [query] */
  const status = async (headers, query = "") => (await fetch(url + query, { method: "POST", body, headers })).status;
  assert.equal(await status({ "x-api-key": KEY }), 401);
  assert.equal(await status({}, `?key=${KEY}`), 401);
  assert.equal(await status({ authorization: `Bearer ${KEY}`, "x-api-key": KEY }), 401);
  assert.equal(await status({}), 401);
  assert.equal(server?.stats().misplaced, 4);
  server?.setKey("sk-ant-other", {});
  assert.equal(await status({ authorization: "Bearer sk-ant-other" }), 401);
  assert.equal(server?.stats().unknown, 2);
});

test("faulty requests, unknown paths", async () => {
  await client();
  /** @param {string} path @param {string} body */
  const post = (path, body) => fetch(server?.url + path, { method: "POST", body, headers: { authorization: `Bearer ${KEY}` } });
  assert.equal((await post("/v1/chat/completions", "{ no json")).status, 400);
  assert.equal((await post("/v1/chat/completions", "{}")).status, 400);
  const missing = await post("/v1/chat/completions", '{"model":"m"}');
  assert.equal((await missing.json()).error.code, "missing_required_parameter");
  assert.equal((await post("/v1/nothing", "{}")).status, 404);
});

test("durations as Go writes them", () => {
  assert.deepEqual([0, 12, 1000, 7660, 60_000, 360_000, 179_560, 3_600_000].map(goDuration), ["0s", "12ms", "1s", "7.66s", "1m0s", "6m0s", "2m59.56s", "1h0m0s"]);
});
