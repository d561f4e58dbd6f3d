// @ts-check
// The engine's second WebAssembly (more.wasm): a program with keys never loads it, whatever needs it loads it first, and without
// it everything else goes on.
import assert from "node:assert/strict";
import { cpSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { runProgram } from "./support/runtime.mjs";

const folder = mkdtempSync(join(tmpdir(), "credpool-more-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const dist = fileURLToPath(new URL("../../pkg/dist/js/", import.meta.url));
// A package of which the second part was lost.
cpSync(dist, join(folder, "lost"), { recursive: true });
for (const name of ["more.wasm", "more-bytes.js"]) rmSync(join(folder, "lost/wasm", name));

/** What every program does that has keys; `more()` says whether the second part is loaded. */
const keysOnly = `
  import { CredentialPool, memoryStore } from "./node.js";
  import { hasMore } from "./core.js";
  const answers = [
    () => new Response("{}"),
    () => new Response('{"error":{"code":"rate_limit_exceeded"}}', { status: 429, headers: { "retry-after": "1" } }),
    () => new Response("no", { status: 500 }),
    () => new Response('{"error":{"message":"invalid api key"}}', { status: 401 }),
    () => { throw new TypeError("fetch failed"); },
    () => new Response('data: {"choices":[{"finish_reason":"stop"}]}\\n\\n', { headers: { "content-type": "text/event-stream" } }),
  ];
  let calls = 0;
  let later = 0;
  const host = { fetch: async () => answers[calls++ % answers.length](), now: () => Date.now() + later, mono: () => performance.now() + later };
  const store = memoryStore();
  const pool = await CredentialPool.open({ store, host, env: { OPENAI_API_KEY: "sk-env", ANTHROPIC_API_KEY: "sk-ant" } });
  await pool.addMany(Array.from({ length: 8 }, (_, n) => ({ provider: "openai", key: "sk-" + n, name: "k" + n, ...(n === 3 && { limits: { requests: 3, inFlight: 2 }, models: ["gpt-*"], priority: 2 }) })));
  await pool.add("anthropic", { token: "a-token", expires: Date.now() + 1e6 });
  pool.override("groq", { runtime: "sk-groq" });
  pool.setFallback(() => "sk-fallback");
  const events = [];
  pool.on("*", ({ kind }) => events.push(kind));
  const send = pool.fetch(["openai", "mistral"], { waitMs: 5 });
  for (let n = 0; n < 30; n += 1) {
    const answer = await send("https://api.openai.com/v1/chat", { method: "POST", body: '{"model":"gpt-5"}' }).catch(() => undefined);
    await answer?.text();
    later += n * 1000;
  }
  later += 1e8;
  for (const options of [{}, { model: "gpt-5" }, { model: "gpt-5", session: "s" }, { session: "s", waitMs: 5 }]) {
    const lease = await pool.acquire("openai", options);
    await lease.report(options.model ? { status: 429, headers: { "x-ratelimit-remaining-requests": "0" } } : { ok: true });
  }
  pool.tryAcquire("openai").abandon?.();
  pool.tryAcquire("anthropic").success?.();
  await pool.execute("openai", {}, async () => 1);
  await pool.resolveMany(["openai", "groq", "nobody"]);
  later += 2e6;
  for (const see of [() => pool.list(), () => pool.explain("openai"), () => pool.peek("openai"), () => pool.origin("openai"), () => pool.state(), () => pool.get("openai:k1"), () => pool.providers.list(), () => pool.providers.get("anthropic"), () => pool.getOAuthScopes("anthropic"), () => pool.profiles]) see();
  pool.providers.register({ name: "mine", keyPlacement: { header: "x-key" } });
  await pool.add("mine", { key: "sk-mine" });
  await pool.reload();
  await pool.close();
  const again = await CredentialPool.open({ store, host, env: false });
  later += 1e8;
  if (again.list().length !== 10) throw new Error("not all are there again");
  const giveUp = new AbortController();
  const waits = again.acquire("anthropic", { model: "m", exclude: ["anthropic:1"], waitMs: 50, signal: giveUp.signal }).catch(() => 0);
  giveUp.abort();
  await waits;
  if (!events.includes("cooled")) throw new Error("nothing of note happened: " + [...new Set(events)]);
`;

/** @param {string} name @param {string} program @param {string} [where] */
async function run(name, program, where = join(folder, "lost")) {
  const file = join(where, `${name}.mjs`);
  writeFileSync(file, program);
  const { stdout, stderr } = await runProgram([file]);
  return stdout.trim() || stderr;
}

test("a program with keys and the default rules never loads it", async () => {
  // All of it is there; nothing asks for it.
  cpSync(dist, join(folder, "whole"), { recursive: true });
  assert.equal(await run("keys", `${keysOnly} console.log(hasMore()); await again.disable("openai:k1"); console.log(hasMore());`, join(folder, "whole")), "false\ntrue");
});

test("without it whatever needs it is refused in words, and the pool goes on", async () => {
  assert.ok(!existsSync(join(folder, "lost/wasm/more.wasm")));
  const needs = {
    update: 'again.disable("openai:k1")',
    remove: 'again.remove("openai:k1")',
    account: 'again.add("anthropic", { access: "at", refresh: "rt" })',
    policy: 'again.setPolicy("openclaw")',
    login: 'again.login("anthropic", { clientId: "c", prompt: async () => "" })',
    open: 'CredentialPool.open({ policy: { strategy: "fill-first" }, env: false })',
    row: `(async () => {
      const filled = memoryStore();
      const data = JSON.stringify({ uid: "u", provider: "anthropic", name: "a", kind: "oauth", created: 0, secret_version: 1 });
      await filled.commit([{ kind: "credential", data, secret: '{"access":"at","refresh":"rt"}' }]);
      await CredentialPool.open({ store: filled, env: false });
    })()`,
  };
  const tries = Object.entries(needs).map(([name, code]) => `await ${code}.then(() => console.log("${name} was done"), (error) => console.log("${name}", error.code, error.message.includes("more.wasm")));`);
  const told = await run("refused", `${keysOnly} ${tries.join("\n")} console.log((await again.acquire("openai")).provider, hasMore());`);
  assert.equal(told, `${Object.keys(needs).map((name) => (name === "row" ? "row store true" : `${name} unavailable true`)).join("\n")}\nopenai false`);
});

test("what is done before it is there is an error in words", async () => {
  const told = await run("early", `
    import { WasmPool, ready } from "./core.js";
    import { CredentialPool } from "./node.js";
    const handle = WasmPool.prototype.handle;
    const pool = await CredentialPool.open({ env: false });
    // As a driver would that forgot it.
    WasmPool.prototype.handle = function (wall, mono) { return handle.call(this, wall, mono, '{"refresh":{"request":1,"id":1}}'); };
    await pool.reload().catch((error) => console.log(error.code, error.message));`);
  assert.match(told, /^internal the engine broke: it had to do what is in more\.wasm, and that was not loaded/);
});

test("credpool/web takes it as it takes the first", async () => {
  const told = await run("web", `
    import { readFileSync } from "node:fs";
    import { CredentialPool, initSync } from "./web.js";
    // Some runtimes fetch files too.
    globalThis.fetch = async () => { throw new TypeError("fetch failed"); };
    const file = (name) => readFileSync(new URL("wasm/" + name, import.meta.url));
    initSync(file("credpool.wasm"));
    const pool = await CredentialPool.open({ env: false });
    await pool.add("openai", { key: "sk-a", name: "a" });
    await pool.disable("openai:a").catch((error) => console.log(error.code));
    initSync(file("credpool.wasm"), file("more.wasm"));
    await pool.disable("openai:a");
    console.log(pool.list()[0].enabled);`, join(folder, "whole"));
  assert.equal(told, "unavailable\nfalse");
});
