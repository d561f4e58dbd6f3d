// @ts-check
// credpool login, accounts, logout, as a person at a terminal or over SSH meets them.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { runProgram, runtime } from "../js/support/runtime.mjs";
import { tokenServer } from "./support/server.mjs";

const main = fileURLToPath(new URL("../../pkg/dist/node/cli/main.js", import.meta.url));
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "credpool-login-"));
process.on("exit", () => fs.rmSync(folder, { recursive: true, force: true }));

/** A provider that describes itself and gives tokens at once. */
async function provider() {
  const server = await tokenServer();
  const tokens = server.answer;
  server.answer = (asked) => {
    const { address } = server;
    if (asked.path === "/.well-known/oauth-authorization-server") {
      return { body: { issuer: address, authorization_endpoint: `${address}/authorize`, token_endpoint: `${address}/token`, device_authorization_endpoint: `${address}/device`, revocation_endpoint: `${address}/revoke` } };
    }
    if (asked.path === "/device") return { body: { device_code: "canary-device", user_code: "WDJB-MJHT", verification_uri: `${address}/go`, expires_in: 60, interval: 1 } };
    return asked.path === "/revoke" ? { body: "" } : tokens(asked);
  };
  return server;
}

test("a code on another device; who is logged in; logout", async () => {
  const server = await provider();
  const store = path.join(folder, "device.db");
  const credpool = (/** @type {string[]} */ ...args) => runProgram([main, ...args, "--store", store]);
  const login = await credpool("login", "mine", "--issuer", server.address, "--flow", "device", "--client-id", "me");
  assert.deepEqual([login.code, login.stdout], [0, "logged in: mine:ada@example.com\n"]);
  assert.match(login.stderr, /\/go\n/);
  assert.match(login.stderr, /WDJB-MJHT/);
  assert.doesNotMatch(login.stdout + login.stderr, /canary-device|at-\d|rt-\d/, "no secret is printed");

  const accounts = await credpool("accounts");
  assert.match(accounts.stdout, /^ready\tmine:ada@example\.com\tada@example\.com\t\d{4}-\d\d-\d\dT\S+Z\t\n$/);
  const [account] = JSON.parse((await credpool("accounts", "--json")).stdout);
  assert.deepEqual([account.provider, account.identity.accountId, account.status], ["mine", "ada", "ready"]);

  const unknown = await credpool("logout", "mine:nobody");
  assert.deepEqual([unknown.code, /there is no account mine:nobody/.test(unknown.stderr)], [1, true]);
  const logout = await credpool("logout", "mine:ada@example.com");
  assert.deepEqual([logout.code, logout.stdout], [0, "logged out: mine:ada@example.com\n"]);
  assert.equal((await credpool("accounts", "--json")).stdout, "[]\n");
  const given = server.requests.find(({ path }) => path === "/revoke");
  assert.match(given?.body ?? "", /^token=rt-\d+&token_type_hint=refresh_token&client_id=me$/, "by another process, that has not registered the provider");
  await server.close();
});

test("a browser: the address is printed, the callback ends it", async () => {
  const server = await provider();
  const args = [main, "login", "mine", "--issuer", server.address, "--client-id", "me", "--no-browser", "--json", "--store", path.join(folder, "code.db")];
  const child = spawn(process.execPath, runtime === "deno" ? ["run", "--allow-all", "--no-lock", "--node-modules-dir=manual", ...args] : args, { stdio: ["ignore", "pipe", "pipe"] });
  let out = "";
  let err = "";
  child.stdout.setEncoding("utf8").on("data", (part) => (out += part));
  const url = await new Promise((/** @type {(url: URL) => void} */ resolve) => {
    child.stderr.setEncoding("utf8").on("data", (part) => {
      err += part;
      const found = /^(http\S+authorize\S+)$/m.exec(err)?.[1];
      if (found) resolve(new URL(found));
    });
  });
  const { redirect_uri: redirect = "", state = "" } = Object.fromEntries(url.searchParams);
  const page = await fetch(`${redirect}?code=c&state=${state}`);
  assert.deepEqual([page.status, /You are logged in/.test(await page.text())], [200, true]);
  const code = await new Promise((resolve) => child.once("close", resolve));
  assert.deepEqual([code, JSON.parse(out).name], [0, "ada@example.com"]);
  await server.close();
});

test("what is wrong is said, with what to do", async () => {
  const store = path.join(folder, "wrong.db");
  const credpool = (/** @type {string[]} */ ...args) => runProgram([main, ...args, "--store", store]);
  for (const [args, code, said] of /** @type {[string[], number, RegExp][]} */ ([
    [["login"], 2, /name one provider/],
    [["login", "openai"], 1, /openai has no login/],
    [["login", "copilot"], 1, /clientId: is missing/],
    [["login", "copilot", "--client-id", "x", "--flow", "magic"], 2, /--flow is one of/],
    [["logout"], 2, /name one account/],
    [["logout", "copilot"], 1, /no account of copilot/],
    [["login", "mine", "--issuer", "http://evil.example", "--client-id", "x"], 1, /oauth\.issuer/],
  ])) {
    const result = await credpool(...args);
    assert.equal(result.code, code, `${args.join(" ")}: ${result.stderr}`);
    assert.match(result.stderr, said);
    assert.equal(result.stdout, "");
  }
  assert.match((await credpool("accounts")).stderr, /nobody is logged in/);
});
