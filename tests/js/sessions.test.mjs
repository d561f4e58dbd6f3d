// @ts-check
// Sessions: set free by hand, and read off requests.
import assert from "node:assert/strict";
import { test } from "node:test";
import { addKeys, leased, open } from "./support/pool.mjs";
import { ok, Upstream } from "./support/upstream.mjs";

const URL_OF_OPENAI = "https://api.openai.com/v1/chat/completions";

test("a session that is forgotten may go to anybody", async () => {
  const { pool } = await open();
  const ids = await addKeys(pool, "a", "b");
  const pick = () => leased(pool.tryAcquire("openai", { session: "s" })).name;
  assert.deepEqual([pick(), pick()], ["a", "a"]);
  assert.deepEqual(await pool.forgetSession("s"), [ids[0]]);
  assert.deepEqual([pick(), pick()], ["b", "b"]);
  assert.deepEqual(await pool.forgetSession("nobody"), []);
  await pool.close();
});

test("a session is read off the request where the policy says so, and followed over its first answer", async () => {
  const upstream = new Upstream(ok());
  const policy = { extends: "default", strategy: "round-robin", affinity: { derive: true } };
  const { pool, host } = await open({ policy });
  host.respond = upstream.fetch;
  await addKeys(pool, "a", "b", "c", "d");
  const fetch = pool.fetch("openai");
  /** @param {unknown} body @param {Record<string, string>} [headers] */
  const send = (body, headers = {}) => fetch(URL_OF_OPENAI, { method: "POST", headers, body: JSON.stringify(body) });
  const asked = { role: "user", content: "Hello" };
  const answered = { role: "assistant", content: "Hi there!" };
  await send({ messages: [asked] });
  await send({ messages: [{ role: "user", content: "Another" }] });
  // The conversation after its first answer, and after more.
  await send({ messages: [asked, answered, { role: "user", content: "And now?" }] });
  await send({ messages: [asked, answered, { role: "user", content: "And then?" }] });
  await send({ messages: [asked] }, { "X-Session-ID": "own" });
  await send({ messages: [] }, { "x-session-id": "own" });
  // The caller's word comes first.
  await pool.fetch("openai", { session: "mine" })(URL_OF_OPENAI, { method: "POST", headers: { "x-session-id": "own" }, body: "{}" });
  assert.deepEqual(upstream.secrets(), ["sk-a", "sk-b", "sk-a", "sk-a", "sk-c", "sk-c", "sk-d"]);
  await pool.close();
});

test("no session is read off a request unless the policy says so", async () => {
  const upstream = new Upstream(ok());
  const { pool, host } = await open({ policy: { extends: "default", strategy: "round-robin" } });
  host.respond = upstream.fetch;
  await addKeys(pool, "a", "b");
  const fetch = pool.fetch("openai");
  for (let round = 0; round < 2; round += 1) await fetch(URL_OF_OPENAI, { method: "POST", headers: { "x-session-id": "s" }, body: "{}" });
  assert.deepEqual(upstream.secrets(), ["sk-a", "sk-b"]);
  await pool.close();
});
