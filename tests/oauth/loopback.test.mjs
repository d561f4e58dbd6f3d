// @ts-check
// The callback server, and everybody who should not get anything from it.
import assert from "node:assert/strict";
import http from "node:http";
import net from "node:net";
import { test } from "node:test";
import { CredentialPool } from "credpool";
import { loopback } from "credpool/node";
import { tokenServer } from "./support/server.mjs";

/** One request, told exactly. @param {string} redirect @param {{ path?: string, method?: string, host?: string }} [ask] */
function request(redirect, { path, method = "GET", host } = {}) {
  const { port, host: own } = new URL(redirect);
  return new Promise((/** @type {(answer: { status: number, body: string, headers: http.IncomingHttpHeaders }) => void} */ resolve, reject) => {
    const sent = http.request({ host: "127.0.0.1", port, path: path ?? "/cb", method, headers: { host: host ?? own }, agent: false }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (part) => (body += part));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body, headers: response.headers }));
    });
    sent.on("error", reject).end();
  });
}

/** A login that waits for its callback. @param {import("credpool").LoginOptions} [options] */
async function waiting(options = {}) {
  const server = await tokenServer();
  const pool = await CredentialPool.open({ env: false, providers: [{ name: "mine", kinds: ["oauth"], oauth: { flows: ["code"], authorize: `${server.address}/authorize`, token: `${server.address}/token`, redirect: "http://127.0.0.1:0/cb" } }] });
  /** @type {(prompt: import("credpool").LoginPrompt) => void} */
  let shown = () => undefined;
  const prompt = new Promise((/** @type {(prompt: import("credpool").LoginPrompt) => void} */ resolve) => (shown = resolve));
  const login = pool.login("mine", { clientId: "me", callback: loopback(), openUrl: (_, prompt) => shown(prompt), ...options });
  login.catch(() => undefined);
  const { url, redirectUri = "" } = await prompt;
  const state = new URL(url).searchParams.get("state") ?? "";
  const close = async () => {
    await pool.close();
    await server.close();
  };
  return { server, pool, login, url, redirectUri, state, close };
}

test("hostile requests get nothing, change nothing and are told nothing", async () => {
  const { server, pool, login, redirectUri, state, close } = await waiting();
  const port = new URL(redirectUri).port;
  /** @type {[Parameters<typeof request>[1], number][]} */
  const hostile = [
    [{ path: "/" }, 404],
    [{ path: "/cb/../cb2" }, 404],
    [{ path: "/favicon.ico" }, 404],
    [{ path: `/cb?code=x&state=${state}`, host: `evil.example:${port}` }, 421],
    [{ path: `/cb?code=x&state=${state}`, host: "127.0.0.1" }, 421],
    [{ path: `/cb?code=x&state=${state}`, method: "POST" }, 405],
    [{ path: "/cb" }, 400],
    [{ path: "/cb?code=stolen" }, 400],
    [{ path: "/cb?code=stolen&state=guessed" }, 400],
    [{ path: `/cb?code=stolen&state=${state.slice(0, -1)}` }, 400],
    [{ path: "/cb?error=access_denied" }, 400],
    [{ path: `/cb?code=a&code=b&state=${state}` }, 400],
    [{ path: `/cb?code=%zz&state=${state}` }, 400],
    [{ path: `/cb?state=${state}&code=${"x".repeat(9000)}` }, 414],
    [{ path: "/cb?error=%3Cscript%3Ealert(1)%3C/script%3E&error_description=canary-echo" }, 400],
  ];
  for (const [ask, status] of hostile) {
    const { status: got, body, headers } = await request(redirectUri, ask);
    assert.equal(got, status, ask?.path);
    assert.doesNotMatch(body, /stolen|canary-echo|alert|evil|guessed/, "nothing of it is shown");
    assert.ok(!body.includes(state));
    assert.match(String(headers["content-security-policy"]), /default-src 'none'/);
    assert.deepEqual([headers["cache-control"], headers["referrer-policy"]], ["no-store", "no-referrer"]);
  }
  // A header that never ends, and bytes that are no HTTP.
  for (const bytes of [`GET /cb HTTP/1.1\r\nx: ${"y".repeat(40_000)}`, "\x16\x03\x01\x00\xff rubbish\r\n\r\n"]) {
    await new Promise((resolve) => {
      const socket = net.connect(Number(port), "127.0.0.1", () => socket.write(bytes));
      socket.on("data", () => undefined).on("error", () => resolve(undefined)).on("close", () => resolve(undefined));
    });
  }
  assert.equal(server.requests.length, 0, "the token endpoint was asked nothing");

  const good = await request(redirectUri, { path: `/cb?code=good&state=${state}` });
  assert.deepEqual([good.status, /You are logged in/.test(good.body)], [200, true]);
  const id = await login;
  assert.equal(pool.get(id)?.kind, "oauth");
  assert.match(server.requests[0]?.body ?? "", /code=good/);
  await assert.rejects(request(redirectUri, { path: `/cb?code=again&state=${state}` }), { code: "ECONNREFUSED" });
  await close();
});

test("two callbacks at once: one code is exchanged", async () => {
  const { server, login, redirectUri, state, close } = await waiting();
  const path = `/cb?code=once&state=${state}`;
  const pages = await Promise.all([request(redirectUri, { path }), request(redirectUri, { path })]);
  await login;
  assert.equal(server.requests.length, 1);
  assert.deepEqual(pages.map(({ status }) => status).sort(), [200, 400]);
  await close();
});

test("a provider that refuses the code: the page and the error say so, and nothing leaks", async () => {
  const { server, pool, login, redirectUri, state, close } = await waiting();
  server.answer = () => ({ status: 400, body: { error: "invalid_grant", error_description: "canary-description" } });
  const { status, body } = await request(redirectUri, { path: `/cb?code=used&state=${state}` });
  assert.deepEqual([status, /The login failed/.test(body), body.includes("canary")], [400, true, false]);
  await assert.rejects(login, (/** @type {any} */ error) => error.code === "login" && error.reason === "invalid_grant" && !error.message.includes("canary"));
  assert.equal(pool.list("mine").length, 0);
  await close();
});

test("nobody comes; somebody gives up", async () => {
  const late = await waiting({ timeoutMs: 50 });
  await assert.rejects(late.login, { code: "login", reason: "timeout" });
  await assert.rejects(request(late.redirectUri), { code: "ECONNREFUSED" }, "the server is gone");
  await late.close();
  const abort = new AbortController();
  const given = await waiting({ signal: abort.signal });
  abort.abort(new Error("enough"));
  await assert.rejects(given.login, { message: "enough" });
  await assert.rejects(request(given.redirectUri), { code: "ECONNREFUSED" });
  await given.close();
});

test("a fixed port that somebody else has is said before a browser opens", async () => {
  const other = http.createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => other.once("listening", () => resolve(undefined)));
  const { port } = /** @type {net.AddressInfo} */ (other.address());
  const pool = await CredentialPool.open({ env: false });
  let opened = false;
  const login = pool.login("anthropic", { clientId: "me", redirectUri: `http://127.0.0.1:${port}/cb`, callback: loopback(), openUrl: () => (opened = true) });
  await assert.rejects(login, { code: "unavailable" });
  assert.equal(opened, false);
  await assert.rejects(pool.login("anthropic", { clientId: "me", redirectUri: "https://app.example/cb", callback: loopback(), openUrl: () => undefined }), { code: "invalid" });
  await new Promise((resolve) => other.close(() => resolve(undefined)));
  await pool.close();
});

test("what a person pastes: asked again until it is the answer", async () => {
  const server = await tokenServer();
  const pool = await CredentialPool.open({ env: false, providers: [{ name: "mine", kinds: ["oauth"], oauth: { flows: ["code"], authorize: `${server.address}/a`, token: `${server.address}/token`, redirect: "https://auth.example/show" } }] });
  /** @type {(string | undefined)[]} */
  const problems = [];
  let state = "";
  const id = await pool.login("mine", {
    clientId: "me",
    openUrl: (url) => void (state = new URL(url).searchParams.get("state") ?? ""),
    prompt: (_, problem) => {
      problems.push(problem);
      return Promise.resolve(["https://auth.example/show?code=x&state=other", "code#other", `https://auth.example/show?code=c%2B1&state=${state}`][problems.length - 1]);
    },
  });
  assert.deepEqual([typeof id, problems], ["number", [undefined, "state_mismatch", "state_mismatch"]]);
  assert.match(server.requests[0]?.body ?? "", /code=c%2B1/);
  await assert.rejects(pool.login("mine", { clientId: "me", prompt: () => Promise.resolve(undefined) }), { code: "aborted" });
  await assert.rejects(pool.login("mine", { clientId: "me" }), { code: "invalid" });
  await pool.close();
  await server.close();
});
