// @ts-check
// The command line on a store: credentials are added, shown, changed and taken elsewhere.
import assert from "node:assert/strict";
import fs from "node:fs";
import http from "node:http";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { runProgram } from "./support/runtime.mjs";

const main = fileURLToPath(new URL("../../pkg/dist/node/cli/main.js", import.meta.url));
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "credpool-cli-store-"));
process.on("exit", () => fs.rmSync(folder, { recursive: true, force: true }));
let stores = 0;

/** A store of a test's own, and the command line on it. */
function fresh() {
  const store = path.join(folder, `${(stores += 1)}`, "pool.db");
  const env = { CREDPOOL_STORE: store, OPENAI_API_KEY: "", ANTHROPIC_API_KEY: "" };
  /** @param {string[]} args @param {string} [input] */
  const run = (args, input) => runProgram([main, ...args], { env, ...(input !== undefined && { input }) });
  return { store, run };
}

test("a key is piped in, listed, explained, and never shown", async () => {
  const { run, store } = fresh();
  const added = await run(["add", "OpenAI", "--name", "work", "--priority", "2", "--model", "gpt-*"], "sk-secret-1\n");
  assert.deepEqual([added.code, added.stdout, added.stderr], [0, "stored openai:work (api_key)\n", ""]);
  await run(["add", "claude", "--token", "--json"], "t-secret-2");
  const list = await run(["list"]);
  assert.equal(list.stdout, "2 profiles\n\nAnthropic:\n  ✓ default (token)\n\nOpenAI:\n  ✓ work (api_key) [priority:2]\n");
  assert.deepEqual(JSON.parse((await run(["list", "openai", "--json"])).stdout).map((/** @type {any} */ { id }) => id), ["openai:work"]);
  const explained = await run(["explain", "openai", "--model", "gpt-5"]);
  assert.equal(explained.stdout, "   NAME  FROM    NOW\n→  work  stored  picked\n");
  const other = await run(["explain", "openai", "--model", "o3"]);
  assert.deepEqual([other.code, /✗ +work +stored +model/.test(other.stdout)], [1, true], other.stdout);
  assert.ok(![added, list, explained, other].some(({ stdout }) => stdout.includes("secret")));
  if (process.platform !== "win32") assert.equal(fs.statSync(store).mode & 0o777, 0o600);
});

test("a stored credential is disabled, enabled, tested, moved and removed", async () => {
  const { run } = fresh();
  await run(["add", "groq"], "gsk-1");
  assert.equal((await run(["disable", "groq:default"])).stdout, "disabled groq:default\n");
  const tested = await run(["test"]);
  assert.deepEqual([tested.code, tested.stdout], [1, "✗ groq:default  disabled: by hand\n"]);
  assert.equal((await run(["enable", "groq:default", "--json"])).stdout.includes('"enabled":true'), true);
  assert.equal((await run(["test", "groq:default"])).code, 0);
  assert.equal((await run(["priority", "groq:default", "7"])).stdout, "priority 7 for groq:default\n");
  const { stdout } = await run(["export", "groq:default"]);
  assert.deepEqual(JSON.parse(stdout), { provider: "groq", name: "default", kind: "api_key", key: "gsk-1", priority: 7 });
  assert.equal((await run(["remove", "groq:default"])).code, 0);
  assert.equal((await run(["list"])).stdout, "no profiles: credpool add PROVIDER stores one\n");
});

test("a server of one's own needs no key", async () => {
  const { run } = fresh();
  const added = await run(["add", "ollama", "--base-url", "http://127.0.0.1:11434/v1"], "");
  assert.deepEqual([added.code, added.stdout], [0, "stored ollama:default (api_key)\n"], added.stderr);
  assert.equal((await run(["explain", "ollama"])).code, 0);
  assert.match((await run(["add", "openai", "--base-url", "http://127.0.0.1:1/v1"], "")).stderr, /no secret was given/);
});

test("what makes no sense is said, with what to do, and nothing is stored", async () => {
  const { run } = fresh();
  /** @type {[string[], string | undefined, RegExp][]} */
  const cases = [
    [["add"], undefined, /name the provider/],
    [["add", "nobody"], "k", /unknown provider "nobody"/],
    [["add", "openai", "sk-on-the-command-line"], "", /no secret: it would be seen/],
    [["add", "openai"], "  \n", /no secret was given/],
    [["add", "openai", "--priority", "high"], "k", /--priority: expected a whole number/],
    [["enable", "openai:none"], undefined, /no profile "openai:none"/],
    [["enable"], undefined, /name the profile/],
    [["list", "--kind", "word"], undefined, /--kind/],
  ];
  for (const [args, input, message] of cases) {
    const { code, stdout, stderr } = await run(args, input);
    assert.match(stderr, message);
    assert.ok(code > 0 && stdout === "" && !stderr.includes("sk-on"), args.join(" "));
  }
  assert.deepEqual(JSON.parse((await run(["list", "--json"])).stdout), []);
});

test("the providers are listed, for people and for programs", async () => {
  const { run } = fresh();
  const { stdout } = await run(["providers"]);
  assert.match(stdout, /^NAME +PROVIDER +TAKES +VARIABLE/);
  assert.match(stdout, /\nopenai +OpenAI +api_key.* OPENAI_API_KEY/);
  const providers = JSON.parse((await run(["providers", "--json"])).stdout);
  assert.ok(providers.some((/** @type {any} */ { name, website }) => name === "anthropic" && website.startsWith("https://")));
});

test("what export printed is imported elsewhere, once, and with its line where it is nonsense", async () => {
  const one = fresh();
  await one.run(["add", "openai", "--name", "work", "--priority", "2"], "sk-secret-1\n");
  await one.run(["add", "groq"], "gsk-secret-2\n");
  const lines = (await one.run(["export", "openai:work"])).stdout + (await one.run(["export", "groq:default"])).stdout;
  const two = fresh();
  const imported = await two.run(["import", "-"], lines);
  assert.deepEqual([imported.code, imported.stdout], [0, "stored openai:work (api_key)\nstored groq:default (api_key)\n"], imported.stderr);
  assert.equal((await two.run(["export", "openai:work"])).stdout, (await one.run(["export", "openai:work"])).stdout);
  const again = await two.run(["import", "-"], lines);
  assert.deepEqual([again.code, /there is a profile/.test(again.stderr)], [1, true], again.stderr);
  assert.equal((await two.run(["import", "-", "--replace", "--json"], lines)).code, 0);
  const wrong = await two.run(["import", "-"], `${lines}\n{"key":"sk-secret-3"}`);
  assert.deepEqual([wrong.code, /line 4: expected/.test(wrong.stderr), wrong.stderr.includes("secret")], [1, true, false], wrong.stderr);
});

test("how credentials stand: a long list, a pause, an end of rests, names for another", async () => {
  const { run } = fresh();
  await run(["add", "openai", "--name", "work"], "sk-1");
  assert.equal((await run(["names", "openai"])).stdout, "default\npersonal\n");
  assert.equal((await run(["pause", "openai:work", "30"])).stdout, "paused openai:work\n");
  const long = await run(["list", "--long"]);
  assert.match(long.stdout, /^PROFILE +KIND +STATE +WHY +CALLS +FAILED +BACK\nopenai:work +api_key +pending +paused +0 +0 +in 30 min\n$/);
  assert.equal(JSON.parse((await run(["list", "--long", "--json"])).stdout)[0].status, "paused");
  assert.equal((await run(["resume", "openai:work"])).stdout, "resumed openai:work\n");
  assert.equal((await run(["reset", "openai:work"])).stdout, "reset openai:work\n");
  assert.match((await run(["list", "--long"])).stdout, /active/);
});

test("a credential is probed with one request, whatever state it is in", async () => {
  const { run } = fresh();
  /** @type {string[]} */
  const keys = [];
  let status = 401;
  const server = http.createServer((request, response) => {
    keys.push(String(request.headers.authorization));
    response.writeHead(status, { "content-type": "application/json" }).end("{}");
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
  const url = `http://127.0.0.1:${/** @type {import("node:net").AddressInfo} */ (server.address()).port}/v1/models`;
  await run(["add", "openai", "--name", "work"], "sk-probe");
  const refused = await run(["probe", "openai:work", url]);
  assert.deepEqual([refused.code, /^auth openai:work: HTTP 401, credential rests, back in /.test(refused.stdout)], [1, true], refused.stdout);
  assert.match((await run(["list", "--long"])).stdout, /error +auth/);
  status = 200;
  const answered = await run(["probe", "openai:work", url, "--json"]);
  assert.deepEqual([answered.code, JSON.parse(answered.stdout).status, JSON.parse(answered.stdout).reason], [0, 200, "ok"], answered.stderr);
  assert.match((await run(["list", "--long"])).stdout, /active/);
  assert.deepEqual(keys, ["Bearer sk-probe", "Bearer sk-probe"]);
  assert.equal((await run(["probe", "openai:work", "not-an-address"])).code, 2);
  server.closeAllConnections?.();
  await new Promise((resolve) => server.close(resolve));
});
