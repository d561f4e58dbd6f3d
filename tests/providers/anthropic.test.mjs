// @ts-check
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import Anthropic from "@anthropic-ai/sdk";
import { canaryKey } from "./key.mjs";
import { startProviderServer } from "./server.mjs";

const KEY = canaryKey("anthropic");
const MODEL = "claude-sonnet-5";

/** @type {import("./server.mjs").ProviderServer | undefined} */
let server;
afterEach(() => server?.close());

/** @param {import("./key.mjs").KeySpec} [spec] */
async function client(spec = {}) {
  server = await startProviderServer({ keys: { [KEY]: spec } });
  return new Anthropic({ apiKey: KEY, baseURL: server.url, maxRetries: 0 });
}

/** @param {string} [content] */
function question(content = "Hello there, server") {
  return { model: MODEL, max_tokens: 64, messages: [{ role: /** @type {const} */ ("user"), content }] };
}

/** @param {Promise<unknown>} promise @returns {Promise<InstanceType<typeof Anthropic.APIError>>} */
async function refusal(promise) {
  try {
    await promise;
  } catch (error) {
    if (error instanceof Anthropic.APIError) return error;
    throw error;
  }
  throw new assert.AssertionError({ message: "it was answered" });
}

test("a message", async () => {
  const answer = await (await client()).messages.create(question());
  assert.deepEqual(answer.content, [{ type: "text", text: "You said: Hello there, server" }]);
  assert.equal(answer.stop_reason, "end_turn");
  assert.ok(answer.usage.output_tokens > 0);
});

test("a streamed message", async () => {
  const anthropic = await client();
  const stream = anthropic.messages.stream(question("piece by piece"));
  /** @type {string[]} */
  const types = [];
  stream.on("streamEvent", (event) => void types.push(event.type));
  assert.equal(await stream.finalText(), "You said: piece by piece");
  assert.equal(types[0], "message_start");
  assert.equal(types.at(-1), "message_stop");
  assert.ok(types.includes("content_block_delta"));
});

test("the stream as it is on the wire names its events", async () => {
  await client();
  const response = await fetch(`${server?.url}/v1/messages`, {
    method: "POST",
    headers: { "x-api-key": KEY, "anthropic-version": "2023-06-01", "content-type": "application/json" },
    body: JSON.stringify({ ...question("x"), stream: true }),
  });
  const text = await response.text();
  assert.match(text, /^event: message_start\ndata: \{"type":"message_start",/);
  assert.ok(text.endsWith('event: message_stop\ndata: {"type":"message_stop"}\n\n'));
  assert.deepEqual(server?.stats().keys[KEY]?.places, { "x-api-key": 1 });
});

test("a rate limit: its headers and its refusal", async () => {
  const anthropic = await client({ requestsPerWindow: 1, windowMs: 1500 });
  const { response } = await anthropic.messages.create(question()).withResponse();
  assert.equal(response.headers.get("anthropic-ratelimit-requests-limit"), "1");
  assert.equal(response.headers.get("anthropic-ratelimit-requests-remaining"), "0");
  assert.match(response.headers.get("anthropic-ratelimit-requests-reset") ?? "", /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  assert.match(response.headers.get("request-id") ?? "", /^req_011C/);
  const error = await refusal(anthropic.messages.create(question()));
  assert.equal(error.status, 429);
  assert.equal(error.type, "rate_limit_error");
  assert.equal(error.headers?.get("retry-after"), "2");
});

for (const [kind, status, type] of /** @type {const} */ ([
  ["revoked", 401, "authentication_error"],
  ["out_of_credit", 400, "invalid_request_error"],
  ["overloaded", 529, "overloaded_error"],
  ["forbidden", 403, "permission_error"],
  ["model_not_found", 404, "not_found_error"],
  ["server_error", 500, "api_error"],
])) {
  test(`refused: ${kind}`, async () => {
    const error = await refusal((await client({ fault: kind })).messages.create(question()));
    assert.equal(error.status, status);
    assert.equal(error.type, type);
  });
}

test("an error inside a stream that began well", async () => {
  const anthropic = await client({ fault: "error_midway" });
  const stream = await anthropic.messages.create({ ...question(), stream: true });
  let events = 0;
  const error = await refusal(
    (async () => {
      for await (const _ of stream) events += 1;
    })(),
  );
  assert.ok(events > 0);
  assert.equal(error.type, "overloaded_error");
  assert.deepEqual(server?.stats().keys[KEY]?.byStatus, { 200: 1 });
});

test("a field that is missing", async () => {
  const anthropic = await client();
  // @ts-expect-error max_tokens is missing
  const error = await refusal(anthropic.messages.create({ model: MODEL, messages: [] }));
  assert.equal(error.status, 400);
  assert.match(error.message, /max_tokens: Field required/);
});

test("the list of models", async () => {
  const page = await (await client()).models.list();
  assert.ok(page.data.some((model) => model.id === MODEL));
});
