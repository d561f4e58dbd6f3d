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

const everydayAt = new URL("../../scripts/build/split/everyday.mjs", import.meta.url).href;

/** What every program does that has keys (the build is cut by the same program); `hasMore()` says whether the second part is loaded. */
const keysOnly = `
  import { CredentialPool, memoryStore } from "./node.js";
  import { hasMore } from "./core.js";
  import { everyday } from "${everydayAt}";
  const again = await everyday({ CredentialPool, memoryStore });
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
    view: '(async () => again.explain("openai"))()',
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

test("a step that meets what nobody foresaw loads it in its midst", async () => {
  const told = await run("midst", `${keysOnly}
    const lease = await again.acquire("openai", { model: "gpt-5" });
    const before = hasMore();
    // A date, which few put there.
    await lease.report({ status: 429, headers: { "retry-after": new Date(Date.now() + 3e9).toUTCString() } });
    console.log(before, hasMore(), again.explain("openai", { model: "gpt-5" }).candidates.length > 7);`, join(folder, "whole"));
  assert.equal(told, "false true true");
});

test("a step that meets what is not to be had is an error in words", async () => {
  const told = await run("early", `
    import { WasmPool, ready } from "./core.js";
    import { CredentialPool } from "./node.js";
    const handle = WasmPool.prototype.handle;
    const pool = await CredentialPool.open({ env: false });
    // As a driver would that forgot it.
    WasmPool.prototype.handle = function (wall, mono) { return handle.call(this, wall, mono, '{"refresh":{"request":1,"id":1}}'); };
    await pool.reload().catch((error) => console.log(error.code, error.message));`);
  assert.match(told, /^internal the engine broke: a step needed more\.wasm, which is not to be had: /);
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
