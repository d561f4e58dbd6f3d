// @ts-check
// A credential's own proxy and headers, through what each runtime has for proxies.
import assert from "node:assert/strict";
import fs from "node:fs";
import http from "node:http";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { CredentialPool, CredpoolError, memoryStore } from "credpool";
import { proxyTransport } from "credpool/node";
import { open } from "./support/pool.mjs";
import { startProxy } from "./support/proxy.mjs";
import { runProgram, runtime } from "./support/runtime.mjs";
import { ok, Upstream } from "./support/upstream.mjs";

/** @param {import("credpool").ErrorCode} code @param {RegExp} message */
const withCode = (code, message) => (/** @type {unknown} */ error) => error instanceof CredpoolError && error.code === code && message.test(error.message);

test("requests of a credential with a proxy go through it, and no others do", async () => {
  const proxy = await startProxy("user:canary-pass");
  /** @type {import("node:http").IncomingHttpHeaders[]} */
  const got = [];
  const server = http.createServer((request, response) => {
    got.push(request.headers);
    request.resume();
    request.on("end", () => response.writeHead(200, { "content-type": "application/json" }).end('{"ok":true}'));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
  const address = `http://127.0.0.1:${/** @type {import("node:net").AddressInfo} */ (server.address()).port}/v1/chat/completions`;
  const pool = await CredentialPool.open({ env: false, policy: { extends: "default", strategy: "fill-first" }, host: { transport: proxyTransport() } });
  await pool.addMany([
    { provider: "openai", key: "sk-far", name: "far", priority: 1, proxyUrl: proxy.url, headers: { "X-Team": "one" } },
    { provider: "openai", key: "sk-near", name: "near" },
  ]);
  const send = async () => (await pool.fetch("openai")(address, { method: "POST", headers: { "content-type": "application/json" }, body: '{"model":"m"}' })).json();
  assert.deepEqual(await send(), { ok: true });
  assert.equal(proxy.seen.length, 1, "through the proxy");
  assert.deepEqual([got[0]?.["authorization"], got[0]?.["x-team"], got[0]?.["proxy-authorization"]], ["Bearer sk-far", "one", undefined]);
  await pool.disable("openai:far");
  assert.deepEqual(await send(), { ok: true });
  assert.equal(proxy.seen.length, 1, "not through the proxy");
  assert.deepEqual([got[1]?.["authorization"], got[1]?.["x-team"]], ["Bearer sk-near", undefined]);
  const info = pool.get("openai:far");
  assert.deepEqual([info?.proxyUrl, info?.headers], [proxy.shown, ["x-team"]]);
  assert.ok(!JSON.stringify(pool.list()).includes("canary-pass"));
  await pool.close();
  await proxy.close();
  server.closeAllConnections?.();
  await new Promise((resolve) => server.close(resolve));
});

/** A token endpoint and a place to give tokens back, on this machine. */
async function startTokens() {
  /** @type {string[]} */
  const got = [];
  const server = http.createServer(async (request, response) => {
    let body = "";
    for await (const part of request) body += part;
    got.push(`${request.url} ${new URLSearchParams(body).get("grant_type") ?? new URLSearchParams(body).get("token")}`);
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ access_token: `at-${got.length}`, refresh_token: `rt-${got.length}`, token_type: "Bearer", expires_in: 3600 }));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
  const base = `http://127.0.0.1:${/** @type {import("node:net").AddressInfo} */ (server.address()).port}`;
  const provider = { name: "far-host", oauth: { flows: /** @type {const} */ (["client_credentials"]), token: `${base}/token`, revoke: `${base}/revoke` } };
  const close = () => {
    server.closeAllConnections?.();
    return new Promise((resolve) => server.close(resolve));
  };
  return { got, provider, close };
}

const CLIENT = { clientId: "app", clientSecret: "canary-client-secret" };

test("an account's logins, renewals and logouts take its proxy", async (t) => {
  const proxy = await startProxy("user:canary-pass");
  const { got, provider, close } = await startTokens();
  const pool = await CredentialPool.open({ env: false, providers: [provider], host: { transport: proxyTransport() } });
  t.after(async () => {
    await pool.close();
    await proxy.close();
    await close();
  });
  const near = await pool.login("far-host", { ...CLIENT, name: "near", openUrl: () => undefined });
  await pool.refresh(near, { force: true });
  assert.deepEqual([got.length, proxy.seen.length], [2, 0], "without a proxy of its own");
  const id = await pool.login("far-host", { ...CLIENT, name: "far", proxyUrl: proxy.url, openUrl: () => undefined });
  assert.deepEqual([got.length, proxy.seen.length], [3, 1]);
  assert.equal(pool.get(id)?.proxyUrl, proxy.shown, "and keeps it");
  assert.equal((await pool.refresh(id, { force: true })).ok, true);
  assert.equal(got.length, 4);
  await pool.logout(id);
  assert.match(String(got[4]), /^\/revoke /);
  // One that was not logged in to from here: by its refresh token, on connections of its own.
  const seen = proxy.seen.length;
  const added = await pool.add("far-host", { access: "at", refresh: "rt", name: "added", clientId: "app", expires: Date.now() + 3_600_000, proxyUrl: proxy.url });
  assert.equal((await pool.refresh(added, { force: true })).ok, true);
  assert.deepEqual([got[5], proxy.seen.length > seen], ["/token refresh_token", true]);
  await assert.rejects(pool.login("far-host", { ...CLIENT, proxyUrl: "nonsense", openUrl: () => undefined }), withCode("invalid", /proxy/));
});

test("without a way through no token endpoint is asked around a proxy", async (t) => {
  const { got, provider, close } = await startTokens();
  t.after(close);
  /** @type {unknown[]} */
  const logged = [];
  const pool = await CredentialPool.open({ env: false, providers: [provider], host: { log: (...of) => void logged.push(of.join(" ")) } });
  await assert.rejects(pool.login("far-host", { ...CLIENT, proxyUrl: "http://u:canary-pass@proxy.test:1", openUrl: () => undefined }), withCode("invalid", /far-host has a proxy/));
  const id = await pool.add("far-host", { access: "at", refresh: "rt", name: "far", ...CLIENT, expires: Date.now() + 3_600_000, proxyUrl: "http://u:canary-pass@proxy.test:1" });
  const refreshed = await pool.refresh(id, { force: true });
  assert.deepEqual([refreshed.ok, got.length], [false, 0]);
  assert.ok(logged.length > 0 && !logged.join().includes("canary"), "the host is told why");
  await pool.close();
});

test("without a way through nothing is sent around a proxy", async () => {
  const upstream = new Upstream(ok());
  const { pool, host } = await open();
  host.respond = upstream.fetch;
  await pool.add("openai", { key: "sk-a", name: "a", proxyUrl: "http://user:secret-pass@proxy.test:3128" });
  await assert.rejects(pool.fetch("openai")("https://api.openai.com/v1/models"), (error) => withCode("invalid", /openai:a has a proxy/)(error) && !String(error).includes("secret-pass"));
  assert.equal(upstream.sent.length, 0);
  await pool.update("openai:a", { proxyUrl: "" });
  assert.equal((await pool.fetch("openai")("https://api.openai.com/v1/models")).status, 200);
  await pool.close();
});

test("proxy and headers stay with the secret: in the store, when it changes, when it is exported", async () => {
  const store = memoryStore();
  const { pool } = await open({ store });
  await pool.add("openai", { key: "sk-1", name: "a", proxyUrl: "http://u:p@h.test:1", headers: { "X-A": "1" } });
  await pool.update("openai:a", { key: "sk-2" });
  await pool.add("openai", { key: "sk-2", name: "a", priority: 4 });
  assert.deepEqual([pool.get("openai:a")?.proxyUrl, pool.get("openai:a")?.headers, pool.get("openai:a")?.priority], ["http://h.test:1", ["x-a"], 4]);
  const moved = pool.profiles.export("openai:a");
  assert.deepEqual([moved.key, moved.proxyUrl, moved.headers], ["sk-2", "http://u:p@h.test:1", { "x-a": "1" }]);
  const rows = (await store.load()).rows.filter(({ kind }) => kind === "credential");
  assert.ok(rows.every(({ data }) => !String(data).includes("h.test")), "apart from the record");
  await pool.close();
  const other = (await open()).pool;
  await other.profiles.import(moved);
  assert.deepEqual(other.profiles.export("openai:a"), moved);
  await other.update("openai:a", { headers: {} });
  assert.equal(other.get("openai:a")?.headers, undefined);
  await other.close();
});

test("a header of one's own never takes the credential's place", async () => {
  const upstream = new Upstream(ok());
  const { pool, host } = await open();
  host.respond = upstream.fetch;
  await assert.rejects(pool.add("openai", { key: "sk-a", headers: { Authorization: "Bearer mine" } }), withCode("invalid", /headers: .*credential itself/));
  await assert.rejects(pool.add("openai", { key: "sk-a", headers: { "x-a": "1\r\nx-b: 2" } }), withCode("invalid", /headers: /));
  await assert.rejects(pool.add("openai", { key: "sk-a", proxyUrl: "proxy.test:80" }), withCode("invalid", /proxyUrl: /));
  await pool.add("claude", { token: "t-a", headers: { "anthropic-beta": "mine-1", "x-a": "own" } });
  await pool.fetch("claude")("https://api.anthropic.com/v1/messages", { headers: { "x-a": "caller", "anthropic-beta": "caller-1" } });
  const [sent] = upstream.sent;
  assert.deepEqual(["authorization", "x-a"].map((name) => sent?.headers.get(name)), ["Bearer t-a", "own"]);
  assert.match(String(sent?.headers.get("anthropic-beta")), /caller-1.*oauth-2025-04-20, mine-1/);
  await pool.close();
});

if (runtime === "node") {
  test("Node without undici is told what to install", async () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "credpool-no-undici-"));
    try {
      // A copy elsewhere: nothing that is installed here is in reach.
      fs.cpSync(fileURLToPath(new URL("../../pkg/", import.meta.url)), path.join(folder, "node_modules/credpool"), { recursive: true, filter: (file) => !file.includes("node_modules/libsql") });
      fs.writeFileSync(path.join(folder, "program.mjs"), `
        import { CredentialPool } from "credpool";
        import { proxyTransport } from "credpool/node";
        const pool = await CredentialPool.open({ env: false, host: { transport: proxyTransport() } });
        await pool.add("openai", { key: "sk-a", proxyUrl: "http://u:canary-pass@127.0.0.1:1" });
        const error = await pool.fetch("openai")("https://api.openai.com/v1/models").catch((error) => error);
        console.log(error.code, error.message);
        await pool.close();`);
      const { code, stdout, stderr } = await runProgram([path.join(folder, "program.mjs")], { cwd: folder });
      assert.deepEqual([code, /^invalid .*undici: install it \(npm install undici\)/.test(stdout), stdout.includes("canary")], [0, true, false], stdout + stderr);
    } finally {
      fs.rmSync(folder, { recursive: true, force: true });
    }
  });
}
