// @ts-check
// Whatever a caller has of a call's end can be reported.
import assert from "node:assert/strict";
import { test } from "node:test";
import { readOutcome, transportOf } from "../../target/package/js/outcome.js";
import { addKeys, leased, open } from "./support/pool.mjs";

const BODY = { error: { message: "slow down", code: "rate_limit_exceeded" } };
const TEXT = JSON.stringify(BODY);
/** @param {string} name @param {object} [fields] @param {unknown} [cause] */
const error = (name, fields = {}, cause) => Object.assign(new Error("it failed", { cause }), { name, ...fields });

/** @type {[string, any, import("../../target/package/js/protocol.js").Outcome][]} */
const SHAPES = [
  ["true", true, { ok: true }],
  ["parts that succeeded", { ok: true, status: 500 }, { ok: true }],
  ["a text", "model is overloaded", { body: "model is overloaded" }],
  ["parts", { status: 429, headers: { "Retry-After": "3", "x-none": undefined, "x-two": ["a", "b"] }, body: BODY }, { status: 429, headers: [["Retry-After", "3"], ["x-two", "a"], ["x-two", "b"]], body: TEXT }],
  ["parts with Headers", { status: 429, headers: new Headers({ "retry-after": "3" }), body: "text" }, { status: 429, headers: [["retry-after", "3"]], body: "text" }],
  ["parts with pairs", { status: 503, headers: [["a", "b"]] }, { status: 503, headers: [["a", "b"]] }],
  ["a transport's end, by hand", { transport: "timeout" }, { transport: "timeout" }],
  ["OpenAI's SDK", error("RateLimitError", { status: 429, headers: new Headers({ "retry-after": "3" }), error: BODY.error, code: "rate_limit_exceeded" }), { status: 429, headers: [["retry-after", "3"]], body: TEXT }],
  ["Anthropic's SDK", error("RateLimitError", { status: 429, headers: new Headers(), error: BODY }), { status: 429, headers: [], body: TEXT }],
  ["the AI SDK", error("AI_APICallError", { statusCode: 429, responseHeaders: { "retry-after": "3" }, responseBody: TEXT }), { status: 429, headers: [["retry-after", "3"]], body: TEXT }],
  ["Google's SDK", Object.assign(new Error(TEXT), { name: "ApiError", status: 429 }), { status: 429, body: TEXT }],
  ["axios", error("AxiosError", { response: { status: 429, headers: { "retry-after": "3" }, data: BODY } }), { status: 429, headers: [["retry-after", "3"]], body: TEXT }],
  ["Google's older SDK", error("GoogleGenerativeAIFetchError", { status: 429, errorDetails: [{ reason: "RATE_LIMIT_EXCEEDED" }] }), { status: 429, body: JSON.stringify({ error: { message: "it failed", details: [{ reason: "RATE_LIMIT_EXCEEDED" }] } }) }],
  ["Mistral's SDK", error("SDKError", { statusCode: 429, body: TEXT, headers: new Headers({ "retry-after": "3" }), rawResponse: new Response(null) }), { status: 429, headers: [["retry-after", "3"]], body: TEXT }],
  ["Groq's SDK", error("RateLimitError", { status: 429, headers: { "retry-after": "3" }, error: BODY }), { status: 429, headers: [["retry-after", "3"]], body: TEXT }],
  ["Cohere's SDK", error("TooManyRequestsError", { statusCode: 429, body: { message: "slow" } }), { status: 429, body: '{"message":"slow"}' }],
  ["Amazon's SDK", error("ThrottlingException", { $fault: "client", $metadata: { httpStatusCode: 429 } }), { status: 429, body: '{"__type":"ThrottlingException","message":"it failed"}' }],
  ["OpenAI's SDK, in a stream", error("APIError", { status: undefined, headers: undefined, error: BODY.error }), { body: TEXT }],
  ["Anthropic's SDK, in a stream", error("APIError", { status: undefined, error: { type: "error", error: { type: "overloaded_error" } } }), { body: '{"type":"error","error":{"type":"overloaded_error"}}' }],
  ["the AI SDK, after its retries", error("AI_RetryError", { reason: "maxRetriesExceeded", lastError: error("AI_APICallError", { statusCode: 429, responseHeaders: { "retry-after": "3" }, responseBody: TEXT }) }), { status: 429, headers: [["retry-after", "3"]], body: TEXT }],
  ["the AI SDK, its gateway", error("GatewayRateLimitError", { statusCode: 429 }, error("AI_APICallError", { statusCode: 429, responseBody: TEXT })), { status: 429, body: TEXT }],
  ["a framework around an SDK", error("Error", {}, error("RateLimitError", { status: 429, error: BODY })), { status: 429, body: TEXT }],
  ["a status in a message", new Error(`429 ${TEXT}`), { status: 429, body: `429 ${TEXT}` }],
  ["a status in brackets", new Error("Error fetching from https://x: [503 Service Unavailable] overloaded"), { status: 503, body: "Error fetching from https://x: [503 Service Unavailable] overloaded" }],
  ["a stream's two ends", { stream: { head: "a", tail: "b" }, headers: { date: "x" } }, { headers: [["date", "x"]], stream: { head: "a", tail: "b" } }],
  ["OpenAI's SDK, out of time, minified", error("Error", { message: "Request timed out." }), { transport: "timeout" }],
  ["OpenAI's SDK, given up, minified", error("Error", { message: "Request was aborted." }), { transport: "aborted" }],
  ["OpenAI's SDK, no connection, minified", error("Error", { message: "Connection error." }), { transport: "connection" }],
  ["Mistral's SDK, given up", error("RequestAbortedError"), { transport: "aborted" }],
  ["Mistral's SDK, out of time", error("RequestTimeoutError"), { transport: "timeout" }],
  ["Mistral's SDK, no connection", error("ConnectionError"), { transport: "connection" }],
  ["axios, out of time", error("AxiosError", { code: "ECONNABORTED" }), { transport: "timeout" }],
  ["Deno's fetch", new TypeError("error sending request for url (https://x/): client error (Connect): tcp connect error: Connection refused (os error 111)"), { transport: "connection" }],
  ["Deno's errors", error("TimedOut"), { transport: "timeout" }],
  ["a certificate", Object.assign(new TypeError("fetch failed"), { cause: error("Error", { code: "UNABLE_TO_VERIFY_LEAF_SIGNATURE" }) }), { transport: "connection" }],
  ["Chromium's body", new TypeError("network error"), { transport: "connection" }],
  ["an error that says nothing", new Error("what?"), { body: "what?" }],
  ["a caller that gave up", new DOMException("This operation was aborted", "AbortError"), { transport: "aborted" }],
  ["a signal's time", new DOMException("timed out", "TimeoutError"), { transport: "timeout" }],
  ["Node's fetch", Object.assign(new TypeError("fetch failed"), { cause: Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" }) }), { transport: "connection" }],
  ["Node's fetch, no headers in time", Object.assign(new TypeError("fetch failed"), { cause: Object.assign(new Error("x"), { code: "UND_ERR_HEADERS_TIMEOUT" }) }), { transport: "timeout" }],
  ["Chromium's fetch", new TypeError("Failed to fetch"), { transport: "connection" }],
  ["Firefox's fetch", new TypeError("NetworkError when attempting to fetch resource."), { transport: "connection" }],
  ["Safari's fetch", new TypeError("Load failed"), { transport: "connection" }],
  ["Bun's fetch", error("Error", { code: "ConnectionRefused" }), { transport: "connection" }],
  ["a worker's fetch", new Error("Network connection lost."), { transport: "connection" }],
  ["a cause of a cause", error("APIConnectionError", {}, error("Error", {}, { name: "X", code: "ETIMEDOUT" })), { transport: "timeout" }],
  ["a cause without a name", error("Error", {}, Object.assign(Object.create(null), { code: "EPIPE" })), { transport: "connection" }],
];
for (const [who, source, expected] of SHAPES) test(`read: ${who}`, async () => assert.deepEqual(await readOutcome(source), expected));

test("an error that is nobody's connection is not taken for one", () => {
  for (const thrown of [new TypeError("x is not a function"), new RangeError("fetch"), new Error(""), "text", undefined, null, 5]) assert.equal(transportOf(thrown), undefined, String(thrown));
});

test("a Response is read from a copy, as far as it must", async () => {
  const response = new Response(TEXT, { status: 429, headers: { "retry-after": "3" } });
  const outcome = await readOutcome(response);
  assert.deepEqual([outcome.status, outcome.body, outcome.headers?.find(([name]) => name === "retry-after")], [429, TEXT, ["retry-after", "3"]]);
  assert.equal(await response.text(), TEXT, "the caller's body is untouched");
  assert.deepEqual(await readOutcome(response), { status: 429, headers: outcome.headers }, "read already: what is left is told");
  assert.deepEqual(await readOutcome(new Response("fine")), { ok: true });
  assert.deepEqual(await readOutcome(new Response(null, { status: 304 })), { ok: true });
  const long = await readOutcome(new Response("ü".repeat(100_000), { status: 500 }));
  assert.equal(new TextEncoder().encode(long.body?.replace(/\ufffd$/, "")).length <= 65_536, true);
  assert.ok((long.body?.length ?? 0) >= 32_000);
});

test("a small JSON answer is looked into for an error in its place, others are not read", async () => {
  const json = (/** @type {unknown} */ value) => {
    const text = JSON.stringify(value);
    return new Response(text, { headers: { "content-type": "application/json", "content-length": String(text.length) } });
  };
  assert.equal((await readOutcome(json({ error: { code: 402, message: "Insufficient credits" } }))).body, '{"error":{"code":402,"message":"Insufficient credits"}}');
  assert.deepEqual(await readOutcome(json({ choices: [] })), { ok: true });
  const unread = json({ error: "x".repeat(20_000) });
  assert.deepEqual([await readOutcome(unread), unread.bodyUsed], [{ ok: true }, false]);
  assert.deepEqual(await readOutcome(Response.json({ error: {} }, { headers: { "content-type": "text/plain" } })), { ok: true });
});

test("a body that breaks off, or is being read, is told as far as it came", async () => {
  let parts = 0;
  const breaking = new Response(new ReadableStream({ pull: (controller) => (parts++ === 0 ? controller.enqueue(new TextEncoder().encode("half")) : controller.error(new Error("cut"))) }), { status: 500 });
  assert.equal((await readOutcome(breaking)).body, "half");
  const locked = new Response("text", { status: 500 });
  locked.body?.getReader();
  assert.deepEqual((await readOutcome(locked)).body, undefined);
});

test("a report counts, by lease and by credential", async () => {
  const { pool, host } = await open();
  const [id] = await addKeys(pool, "a");
  const until = host.wall + 3000;
  const limited = () => Response.json(BODY, { status: 429, headers: { "retry-after": "3" } });
  assert.deepEqual(await leased(pool.tryAcquire("openai", { model: "m" })).report(limited()), { reason: "rate_limit", scope: "model", until, level: 0, action: "rotate" });
  assert.deepEqual(await pool.report(id ?? 0, limited(), { model: "n" }), { reason: "rate_limit", scope: "model", until, level: 0, action: "rotate" });
  assert.deepEqual(await pool.report("openai:a", true, { model: "p" }), { reason: "ok", scope: "model", level: 0, action: "none" });
  assert.deepEqual(await pool.report("openai:a", { status: 400, body: { error: { message: "bad" } } }), { reason: "request_fault", scope: "request", level: 0, action: "stop" });
  assert.deepEqual((await pool.report("openai:a", new DOMException("", "AbortError"))).scope, "request");
  await assert.rejects(pool.report(99, true), { code: "not_found" });
  await assert.rejects(pool.report("openai:b", true), { code: "not_found" });
  assert.deepEqual(pool.get("openai:a")?.counters, { success: 1, failure: 2 });
  await pool.close();
});
