// @ts-check
// Request bodies of every kind are sent again whole; the model is found in them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { modelOf, topLevelText } from "../../target/package/js/fetch/model.js";
import { addKeys, open } from "./support/pool.mjs";
import { ok, rateLimited, Upstream } from "./support/upstream.mjs";

const ADDRESS = "https://api.openai.com/v1/chat/completions";
const TEXT = JSON.stringify({ messages: [{ role: "user", content: "grüß dich \u{1f511}" }], model: "gpt-5" });
const bytes = () => new TextEncoder().encode(TEXT);

/** @param {Uint8Array<ArrayBuffer>[]} chunks */
const streamOf = (...chunks) => new ReadableStream({ start: (controller) => (chunks.forEach((chunk) => controller.enqueue(chunk)), controller.close()) });

/** @param {import("./support/upstream.mjs").Reply[]} replies */
async function start(...replies) {
  const upstream = new Upstream(...replies);
  const { pool, host } = await open({ policy: { extends: "default", strategy: "fill-first" } });
  host.respond = upstream.fetch;
  await addKeys(pool, "a", "b");
  return { pool, upstream };
}

/** @type {Record<string, () => { input?: Request, body?: unknown }>} */
const KINDS = {
  text: () => ({ body: TEXT }),
  "a Uint8Array": () => ({ body: bytes() }),
  "an ArrayBuffer": () => ({ body: bytes().buffer }),
  "a view into a larger buffer": () => ({ body: new DataView(new Uint8Array([1, ...bytes(), 2]).buffer, 1, bytes().length) }),
  "a Blob": () => ({ body: new Blob([bytes()]) }),
  "a stream": () => ({ body: streamOf(bytes().slice(0, 10), bytes().slice(10)) }),
  "a generator": () => ({
    body: (async function* () {
      yield bytes().slice(0, 10);
      yield bytes().slice(10);
    })(),
  }),
  "a Request with text": () => ({ input: new Request(ADDRESS, { method: "POST", body: TEXT }) }),
  "a Request with bytes": () => ({ input: new Request(ADDRESS, { method: "POST", body: bytes() }) }),
};
for (const [kind, make] of Object.entries(KINDS)) {
  test(`a body is sent again whole: ${kind}`, async () => {
    const { pool, upstream } = await start(rateLimited(), ok());
    const { input = ADDRESS, body } = make();
    const response = await pool.fetch("openai")(input, body === undefined ? undefined : /** @type {RequestInit} */ ({ method: "POST", body }));
    assert.equal(response.status, 200);
    assert.deepEqual(upstream.sent.map(({ method, body }) => [method, body]), [["POST", TEXT], ["POST", TEXT]]);
    await pool.close();
  });
}

test("forms are sent again whole, with their type", async () => {
  const { pool, upstream } = await start(rateLimited(), ok());
  await pool.fetch("openai")(ADDRESS, { method: "POST", body: new URLSearchParams({ a: "1 2", model: "x" }) });
  assert.deepEqual(upstream.sent.map(({ body }) => body), ["a=1+2&model=x", "a=1+2&model=x"]);

  const { pool: other, upstream: second } = await start(rateLimited(), ok());
  const form = new FormData();
  form.append("model", "whisper-1");
  form.append("file", new Blob(["sound"]), "a.wav");
  /** @type {(string | undefined)[]} */
  const models = [];
  await other.fetch("openai", { onAttempt: ({ model }) => models.push(model) })(ADDRESS, { method: "POST", body: form });
  assert.deepEqual(models, ["whisper-1", "whisper-1"]);
  for (const { body } of second.sent) assert.match(body, /filename="a\.wav"[^]*sound/);

  const { pool: third, upstream: sent } = await start(rateLimited(), ok());
  const request = new Request(ADDRESS, { method: "POST", body: form, headers: { "x-mine": "1" } });
  const type = request.headers.get("content-type") ?? "";
  await third.fetch("openai")(request);
  assert.deepEqual(sent.sent.map(({ headers }) => [headers.get("content-type"), headers.get("x-mine")]), [[type, "1"], [type, "1"]]);
  const boundary = type.replace(/.*boundary=/, "");
  for (const { body } of sent.sent) assert.ok(body.includes(boundary) && body.includes("sound"));
  await Promise.all([pool.close(), other.close(), third.close()]);
});

test("a stream that is too long is sent once, and whole", async () => {
  const { pool, upstream } = await start(rateLimited(), ok());
  const chunk = new Uint8Array(1000).fill(0x61);
  /** @type {import("credpool").Attempt[]} */
  const attempts = [];
  const send = pool.fetch("openai", { maxBodyBytes: 2500, onAttempt: (attempt) => attempts.push(attempt) });
  const response = await send(ADDRESS, /** @type {RequestInit} */ ({ method: "POST", body: streamOf(chunk, chunk, chunk, chunk), duplex: "half" }));
  assert.equal(response.status, 429);
  assert.deepEqual(upstream.sent.map(({ body }) => body.length), [4000]);
  assert.deepEqual(attempts.map(({ replayable, retried }) => [replayable, retried]), [[false, false]]);
  await pool.close();
});

test("a stream that fails or is given up before it was read ends the call", async () => {
  const { pool, upstream } = await start(ok());
  const failing = new ReadableStream({ start: (controller) => controller.error(new Error("disk")) });
  await assert.rejects(pool.fetch("openai")(ADDRESS, /** @type {RequestInit} */ ({ method: "POST", body: failing })), /disk/);
  let cancelled;
  const endless = new ReadableStream({ cancel: (reason) => void (cancelled = reason) });
  const giveUp = new AbortController();
  const call = pool.fetch("openai")(ADDRESS, /** @type {RequestInit} */ ({ method: "POST", body: endless, signal: giveUp.signal }));
  const reason = new Error("enough");
  giveUp.abort(reason);
  await assert.rejects(call, reason);
  assert.deepEqual([cancelled, upstream.sent.length], [reason, 0]);
  await assert.rejects(pool.fetch("openai")(ADDRESS, /** @type {RequestInit} */ ({ method: "POST", body: streamOf(/** @type {any} */ (5)) })), TypeError);
  await pool.close();
});

test("what the caller set beside is passed on: what runtimes know beyond the standard too", async () => {
  const { pool, upstream } = await start(ok());
  const dispatcher = {};
  await pool.fetch("openai")(ADDRESS, /** @type {RequestInit} */ ({ method: "PUT", redirect: "manual", dispatcher }));
  await pool.fetch("openai")(new Request(ADDRESS, { method: "DELETE", redirect: "error" }));
  const [first, second] = upstream.sent;
  assert.deepEqual([first?.method, first?.init.redirect, /** @type {{ dispatcher?: unknown }} */ (first?.init).dispatcher], ["PUT", "manual", dispatcher]);
  assert.deepEqual([second?.method, second?.init.redirect], ["DELETE", "error"]);
  await pool.close();
});

test("the model is found in the address or the body", () => {
  /** @type {[string, string | Uint8Array | undefined, string | undefined][]} */
  const cases = [
    ["https://x/v1beta/models/gemini-2.5-pro:generateContent", "{}", "gemini-2.5-pro"],
    ["https://x/v1beta/models/a%20b:streamGenerateContent?alt=sse", undefined, "a b"],
    ["https://x/v1beta/models/%E0%A4%A", undefined, undefined],
    ["https://x/openai/deployments/my-gpt/chat/completions", '{"model":"other"}', "my-gpt"],
    ["https://x/v1/models", undefined, undefined],
    [ADDRESS, TEXT, "gpt-5"],
    [ADDRESS, bytes(), "gpt-5"],
    [ADDRESS, new Uint8Array([0xff, 0x00]), undefined],
    [ADDRESS, ' \n{ "model" : "a\\u0062\\"c" }', 'ab"c'],
    [ADDRESS, '{"messages":[{"model":"inner"}],"tools":{"model":"inner"}}', undefined],
    [ADDRESS, '{"a":"\\"model\\":\\"no\\"","model":"yes"}', "yes"],
    [ADDRESS, '{"model":{"id":"x"}}', undefined],
    [ADDRESS, '{"model":"', undefined],
    [ADDRESS, '{"model', undefined],
    [ADDRESS, '["model","x"]', undefined],
    [ADDRESS, '{"model":""}', undefined],
    [ADDRESS, "", undefined],
  ];
  for (const [url, body, model] of cases) assert.equal(modelOf(new URL(url), body), model, `${url} ${body}`);
});

test("the search in JSON finds what a parser finds, in any text", () => {
  let seed = 1;
  const random = (/** @type {number} */ below) => ((seed = (seed * 48_271) % 2_147_483_647), seed % below);
  /** @returns {unknown} */
  const value = (depth = 0) => {
    switch (random(depth > 3 ? 4 : 6)) {
      case 0: return random(1000) - 500;
      case 1: return random(2) === 0 ? null : true;
      case 2: case 3: return ["model", "a\"b\\", "{[\\\"", "}],:", "ü\u{1f511}", "\\", "\\\\"][random(7)];
      case 4: return Array.from({ length: random(4) }, () => value(depth + 1));
      default: return Object.fromEntries(Array.from({ length: random(5) }, () => [["model", "modell", "a\\", "m\"odel", "x"][random(5)], value(depth + 1)]));
    }
  };
  let found = 0;
  for (let turn = 0; turn < 20_000; turn += 1) {
    const made = value();
    const text = JSON.stringify(made, null, random(2));
    const model = typeof made === "object" && made !== null && !Array.isArray(made) ? /** @type {Record<string, unknown>} */ (made).model : undefined;
    const expected = typeof model === "string" && model !== "" ? model : undefined;
    assert.equal(topLevelText(text, "model"), expected, text);
    if (expected !== undefined) found += 1;
    // Cut or mangled it is no JSON: anything may be found, but it must end, and throw nothing.
    topLevelText(text.slice(0, random(text.length + 1)), "model");
    topLevelText(text.replaceAll('"', "\\"), "model");
  }
  assert.ok(found > 200, `only ${found} had a model`);
});

test("a long body costs a search, no parsing", () => {
  const long = `{"messages":[${'{"role":"user","content":"abc def \\"x\\" ghi"},'.repeat(40_000)}{}],"model":"last"}`;
  const started = performance.now();
  assert.equal(topLevelText(long, "model"), "last");
  assert.ok(performance.now() - started < 5000);
  assert.equal(topLevelText(`{"a":"${"\\".repeat(2_000_000)}`, "model"), undefined, "backslashes without end");
});
