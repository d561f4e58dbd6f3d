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
