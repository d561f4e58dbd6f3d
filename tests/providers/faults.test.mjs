// @ts-check
/** What is wrong with keys, connections and headers; seen with plain fetch. */
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { eventually } from "../js/support/eventually.mjs";
import { HOSTILE, bigHeader } from "./hostile.mjs";
import { startProviderServer } from "./server.mjs";

const KEY = "sk-proj-canary-faults";

/** @type {import("./server.mjs").ProviderServer | undefined} */
let server;
afterEach(() => server?.close());

/** @param {import("./key.mjs").KeySpec} spec @param {Partial<import("./server.mjs").ServerOptions>} [options] */
async function start(spec, options) {
  server = await startProviderServer({ keys: { [KEY]: spec }, ...options });
  return server;
}

/** @param {{ stream?: boolean, model?: string, signal?: AbortSignal }} [request] */
function ask({ stream = false, model = "gpt-4o-mini", signal } = {}) {
  return fetch(`${server?.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${KEY}` },
    body: JSON.stringify({ model, stream, messages: [{ role: "user", content: "a b c d e f g h" }] }),
    ...(signal && { signal }),
  });
}

/** @param {number} count @param {Parameters<typeof ask>[0]} [request] */
async function statuses(count, request) {
  const list = [];
  for (let n = 0; n < count; n++) list.push((await ask(request)).status);
  return list;
}

test("fails n times, then well", async () => {
  await start({ fault: { kind: "server_error", times: 2 } });
  assert.deepEqual(await statuses(4), [500, 500, 200, 200]);
  assert.deepEqual(server?.stats().faults, { server_error: 2 });
});

test("well at first, then revoked", async () => {
  await start({ fault: { kind: "revoked", skip: 2 } });
  assert.deepEqual(await statuses(4), [200, 200, 401, 401]);
});

test("overloaded for a while, counted from the first request", async () => {
  // Long enough for two requests on a busy machine.
  await start({ fault: { kind: "overloaded", forMs: 2000 } });
  const before = performance.now();
  assert.deepEqual(await statuses(2), [503, 503]);
  await eventually(async () => (await statuses(1))[0] === 200);
  assert.ok(performance.now() - before >= 1990);
});

test("a fault of one model, and several faults in a row", async () => {
  await start({ fault: [{ kind: "overloaded", model: "gpt-5" }, { kind: "html_502", times: 1 }, { kind: "rate_limited", times: 1 }] });
  assert.deepEqual(await statuses(3), [502, 429, 200]);
  assert.deepEqual(await statuses(1, { model: "gpt-5" }), [503]);
});

test("a fault that does not exist is said at once", async () => {
  // @ts-expect-error no such fault
  await assert.rejects(() => start({ fault: "tired" }), /unknown fault "tired"; there are: rate_limited/);
});

test("the whole upstream, and keys that change", async () => {
  const { setFault, setKey, stats } = await start({}, { fault: "overloaded" });
  assert.deepEqual(await statuses(1), [503]);
  setFault(undefined);
  assert.deepEqual(await statuses(1), [200]);
  setKey(KEY, { fault: "revoked" });
  assert.deepEqual(await statuses(1), [401]);
  assert.deepEqual(stats().keys[KEY]?.byStatus, { 200: 1, 401: 1, 503: 1 });
});

test("a gateway's page, an answer that is no JSON, one that is given word by word", async () => {
  await start({ fault: [{ kind: "html_502", times: 1 }, { kind: "not_json", times: 1 }, { kind: "raw", reply: { status: 418, headers: { "x-tea": "1" }, body: "short and stout" } }] });
  const page = await ask();
  assert.equal(page.status, 502);
  assert.equal(page.headers.get("content-type"), "text/html");
  assert.match(await page.text(), /Bad Gateway/);
  await assert.rejects(async () => (await ask()).json(), SyntaxError);
  const tea = await ask();
  assert.deepEqual([tea.status, tea.headers.get("x-tea"), await tea.text()], [418, "1", "short and stout"]);
});

test("connections that end: before the answer, in a stream, in a body", async () => {
  await start({ fault: [{ kind: "drop", times: 1 }, { kind: "drop_midway" }] });
  await assert.rejects(ask());
  for (const stream of [true, false]) {
    const response = await ask({ stream });
    assert.equal(response.status, 200);
    // On a busy machine the end comes together with the beginning: Bun's body then throws as soon as it is touched.
    await assert.rejects(async () => {
      const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader();
      while (!(await reader.read()).done);
    });
  }
  assert.equal(server?.stats().keys[KEY]?.dropped, 3);
  assert.equal(server?.stats().keys[KEY]?.aborted, 0);
});

test("an error inside a stream", async () => {
  await start({ fault: "error_midway" });
  const text = await (await ask({ stream: true })).text();
  assert.match(text, /"delta"/);
  assert.match(text.trim().split("\n\n").at(-1) ?? "", /^data: \{"error":/);
});

test("silence, until the client gives up", async () => {
  await start({ fault: "hang" });
  const giveUp = new AbortController();
  const asked = assert.rejects(ask({ signal: giveUp.signal }));
  await eventually(() => server?.stats().keys[KEY]?.inFlight === 1);
  giveUp.abort();
  await asked;
  await eventually(() => server?.stats().keys[KEY]?.inFlight === 0);
  const { aborted, inFlight } = server?.stats().keys[KEY] ?? {};
  assert.deepEqual({ aborted, inFlight }, { aborted: 1, inFlight: 0 });
});

test("slow, and many at once", async () => {
  // All ten are under way before the first is answered, on a busy machine too.
  await start({ latencyMs: 1500 }, { latencyMs: 1 });
  const before = performance.now();
  await Promise.all(Array.from({ length: 10 }, async () => (await ask()).text()));
  assert.ok(performance.now() - before >= 1490);
  assert.equal(server?.stats().keys[KEY]?.maxInFlight, 10);
});

test("hostile headers arrive as they are", async () => {
  for (const [name, headers] of Object.entries(HOSTILE)) {
    await start({ fault: "rate_limited", headers });
    const response = await ask();
    assert.equal(response.status, 429, name);
    for (const [header, value] of Object.entries(headers)) {
      assert.equal(response.headers.get(header), Array.isArray(value) ? value.join(", ") : value, name);
    }
    await server?.close();
  }
});

test("a header of any size", async () => {
  await start({ headers: bigHeader(8000) });
  assert.equal((await ask()).headers.get("x-big")?.length, 8000);
  server?.setKey(KEY, { headers: bigHeader(1 << 20) });
  // Node's client refuses it; others hand it on. Neither may take long or end the process.
  const outcome = await ask().then((response) => response.headers.get("x-big")?.length, () => "refused");
  assert.ok(outcome === "refused" || outcome === 1 << 20);
});

test("a body that is too large", async () => {
  await start({}, { maxBodyBytes: 20 });
  assert.equal((await ask()).status, 413);
});

test("requests can be looked at", async () => {
  await start({});
  await ask({ stream: true });
  const [seen] = server?.requests() ?? [];
  assert.deepEqual([seen?.key, seen?.model, seen?.stream, seen?.status], [KEY, "gpt-4o-mini", true, 200]);
  assert.equal(seen?.headers["authorization"], `Bearer ${KEY}`);
});
