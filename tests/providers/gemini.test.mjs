// @ts-check
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { canaryKey } from "./key.mjs";
import { startProviderServer } from "./server.mjs";

const KEY = canaryKey("gemini");

/** @type {import("./server.mjs").ProviderServer | undefined} */
let server;
afterEach(() => server?.close());

/** @param {import("./key.mjs").KeySpec} spec */
async function start(spec) {
  server = await startProviderServer({ keys: { [KEY]: spec } });
}

/** @param {string} verb @param {Record<string, string>} [headers] */
function call(verb, headers = { "x-goog-api-key": KEY }) {
  const body = JSON.stringify({ contents: [{ role: "user", parts: [{ text: "one two" }] }] });
  return fetch(`${server?.url}/v1beta/models/gemini-2.5-flash:${verb}`, { method: "POST", body, headers });
}

test("content, with the key in its header or in the query", async () => {
  await start({});
  for (const response of [await call("generateContent"), await call(`generateContent?key=${KEY}`, {})]) {
    assert.equal((await response.json()).candidates[0].content.parts[0].text, "You said: one two");
  }
  assert.deepEqual(server?.stats().keys[KEY]?.places, { "x-goog-api-key": 1, query: 1 });
  assert.equal((await call("generateContent", { authorization: `Bearer ${KEY}` })).status, 403);
});

test("streamed content", async () => {
  await start({});
  const events = (await (await call("streamGenerateContent?alt=sse")).text()).trim().split("\n\n").map((event) => JSON.parse(event.replace("data: ", "")));
  assert.equal(events.map((event) => event.candidates[0].content.parts[0].text).join(""), "You said: one two");
  assert.equal(events.at(-1).candidates[0].finishReason, "STOP");
});

test("content streamed as one array", async () => {
  await start({});
  const response = await call("streamGenerateContent");
  assert.match(String(response.headers.get("content-type")), /^application\/json/);
  const parts = await response.json();
  assert.equal(parts.map((/** @type {any} */ part) => part.candidates[0].content.parts[0].text).join(""), "You said: one two");
  server?.setKey(KEY, { fault: "error_midway" });
  const broken = await (await call("streamGenerateContent")).json();
  assert.equal(broken.at(-1).error.status, "UNAVAILABLE");
});

for (const [kind, code, status] of /** @type {const} */ ([
  ["rate_limited", 429, "RESOURCE_EXHAUSTED"],
  ["quota_day", 429, "RESOURCE_EXHAUSTED"],
  ["revoked", 400, "INVALID_ARGUMENT"],
  ["region", 400, "FAILED_PRECONDITION"],
  ["overloaded", 503, "UNAVAILABLE"],
])) {
  test(`refused: ${kind}`, async () => {
    await start({ fault: kind });
    const response = await call("generateContent");
    assert.equal(response.status, code);
    assert.equal((await response.json()).error.status, status);
  });
}

test("a rate limit is told in the body only", async () => {
  await start({ requestsPerWindow: 1, windowMs: 2000 });
  await call("generateContent");
  const response = await call("generateContent");
  assert.equal(response.headers.get("retry-after"), null);
  const { error } = await response.json();
  assert.match(error.details.at(-1).retryDelay, /^[\d.]+s$/);
  assert.match(error.details[0].violations[0].quotaId, /PerMinute/);
});
