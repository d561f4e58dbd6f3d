// @ts-check
// Logins as single providers speak them, by the registry's own data: what they are asked, byte for byte, and what they answer.
import assert from "node:assert/strict";
import { test } from "node:test";
import { CredentialPool } from "credpool";

/** @typedef {{ url: string, method: string, headers: Headers, body: string }} Asked */

/** A pool whose network is a function. @param {(asked: Asked, n: number) => { status?: number, body: unknown, type?: string }} answer @param {import("credpool").PoolOptions} [options] */
async function open(answer, options = {}) {
  /** @type {Asked[]} */
  const asked = [];
  /** @type {typeof globalThis.fetch} */
  const fetch = async (input, init = {}) => {
    assert.equal(init.redirect, "manual", "no token follows a redirect");
    const one = { url: String(input), method: init.method ?? "GET", headers: new Headers(init.headers), body: String(init.body ?? "") };
    asked.push(one);
    const { status = 200, body } = answer(one, asked.length);
    return new Response(typeof body === "string" ? body : JSON.stringify(body), { status });
  };
  const pool = await CredentialPool.open({ env: false, ...options, host: { fetch, ...options.host } });
  return { pool, asked };
}

/** A person who pastes what the browser shows. @param {(state: string) => string} shown @returns {import("credpool").LoginOptions} */
const pasting = (shown) => ({
  clientId: "of-the-user",
  prompt: ({ url }) => Promise.resolve(shown(new URL(url).searchParams.get("state") ?? "")),
});

/** A host on which time passes as soon as somebody waits, and how long was waited. */
function hurried() {
  /** @type {number[]} */
  const waits = [];
  let clock = 0;
  /** @type {Set<() => void>} */
  const due = new Set();
  const host = {
    mono: () => clock,
    now: () => 1_800_000_000_000 + clock,
    /** @param {() => void} work @param {number} ms */
    setTimer: (work, ms) => {
      if (ms >= 100_000) return 0; // A request's own limit.
      const run = () => {
        waits.push(ms);
        clock += ms;
        work();
      };
      due.add(run);
      setTimeout(() => due.delete(run) && run(), 0);
      return run;
    },
    /** @param {unknown} timer */
    clearTimer: (timer) => void due.delete(/** @type {() => void} */ (timer)),
  };
  return { host, waits };
}

test("GitHub's device flow: failures with status 200, a slower interval, no expiry", async () => {
  const { host, waits } = hurried();
  const { pool, asked } = await open(({ url }, n) => {
    if (url.endsWith("/login/device/code")) return { body: { device_code: "dc", user_code: "AAAA-BBBB", verification_uri: "https://github.com/login/device", expires_in: 900, interval: 5 } };
    if (url.endsWith("/user")) return { body: { id: 42, login: "ada", email: null } };
    return { body: n === 2 ? { error: "authorization_pending" } : n === 3 ? { error: "slow_down", interval: 10 } : { access_token: "gho_x", token_type: "bearer", scope: "read:user" } };
  }, { host });
  /** @type {import("credpool").LoginPrompt[]} */
  const shown = [];
  const id = await pool.login("copilot", { clientId: "of-the-user", openUrl: (_, prompt) => void shown.push(prompt) });
  assert.deepEqual([shown[0]?.url, shown[0]?.code, shown[0]?.flow], ["https://github.com/login/device", "AAAA-BBBB", "device"]);
  assert.deepEqual(asked.map(({ url }) => new URL(url).pathname), ["/login/device/code", "/login/oauth/access_token", "/login/oauth/access_token", "/login/oauth/access_token", "/user"]);
  assert.equal(asked[0]?.body, "scope=read%3Auser&client_id=of-the-user");
  assert.ok(asked.every(({ headers }) => headers.get("accept") === "application/json"));
  assert.equal(asked[4]?.headers.get("authorization"), "Bearer gho_x");
  const account = pool.get(id);
  assert.deepEqual([account?.identity.accountId, account?.expires, account?.provider], ["42", undefined, "github-copilot"]);
  assert.deepEqual(waits.filter((ms) => ms === 5000 || ms === 10_000), [5000, 5000, 10_000]);
  await pool.close();
});

test("Cursor: a link, polls by its own code, and a renewal with the refresh token as a bearer's", async () => {
  const { host, waits } = hurried();
  const { pool, asked } = await open(({ url }, n) => {
    if (url.endsWith("/exchange_user_api_key")) return { body: { accessToken: "canary-access-2", refreshToken: "canary-refresh-2" } };
    return n < 3 ? { status: 404, body: "not yet" } : { body: { accessToken: "canary-access", refreshToken: "canary-refresh", authId: "auth0|user_1" } };
  }, { host });
  /** @type {import("credpool").LoginPrompt[]} */
  const shown = [];
  const id = await pool.login("cursor", { openUrl: (_, prompt) => void shown.push(prompt) });
  const link = new URL(shown[0]?.url ?? "");
  assert.deepEqual([link.origin + link.pathname, shown[0]?.code, link.searchParams.get("mode")], ["https://cursor.com/loginDeepControl", undefined, "login"]);
  const poll = new URL(asked[0]?.url ?? "");
  assert.deepEqual([asked[0]?.method, poll.pathname, poll.searchParams.get("uuid")], ["GET", "/auth/poll", link.searchParams.get("uuid")]);
  const challenge = Buffer.from(await crypto.subtle.digest("SHA-256", Buffer.from(poll.searchParams.get("verifier") ?? ""))).toString("base64url");
  assert.equal(link.searchParams.get("challenge"), challenge);
  assert.deepEqual(waits.filter((ms) => ms === 2000), [2000, 2000, 2000]);
  assert.equal((await pool.acquire("cursor")).secret, "canary-access");
  assert.equal((await pool.refresh(id, { force: true })).ok, true);
  const renewal = asked.at(-1);
  assert.deepEqual([renewal?.url, renewal?.headers.get("authorization"), renewal?.body], ["https://api2.cursor.sh/auth/exchange_user_api_key", "Bearer canary-refresh", "{}"]);
  assert.equal((await pool.acquire("cursor")).secret, "canary-access-2");
  await pool.close();
});

test("Kilo: codes, and what became of them as a status", async () => {
  for (const [status, reason] of /** @type {[number, string | undefined][]} */ ([[200, undefined], [403, "access_denied"], [410, "expired_token"]])) {
    const { host } = hurried();
    const { pool, asked } = await open(({ method }, n) => {
      if (method === "POST") return { body: { code: "ABCD-1234", verificationUrl: "https://kilo.ai/device?code=ABCD-1234", expiresIn: 600 } };
      return n === 2 ? { status: 202, body: { status: "pending" } } : { status, body: { status: "approved", token: "canary-token", userEmail: "ada@example.com" } };
    }, { host });
    /** @type {import("credpool").LoginPrompt[]} */
    const shown = [];
    const login = pool.login("kilo", { openUrl: (_, prompt) => void shown.push(prompt) });
    if (reason !== undefined) await assert.rejects(login, { code: "login", reason });
    else assert.deepEqual([pool.get(await login)?.name, (await pool.acquire("kilo")).secret], ["ada@example.com", "canary-token"]);
    assert.deepEqual([shown[0]?.url, shown[0]?.code], ["https://kilo.ai/device?code=ABCD-1234", "ABCD-1234"]);
    assert.deepEqual(asked.map(({ url }) => url), ["https://api.kilo.ai/api/device-auth/codes", "https://api.kilo.ai/api/device-auth/codes/ABCD-1234", "https://api.kilo.ai/api/device-auth/codes/ABCD-1234"]);
    await pool.close();
  }
});

test("ChatGPT on another device: a code that is exchanged for tokens, with the provider's own verifier", async () => {
  const { host } = hurried();
  const { pool, asked } = await open(({ url }, n) => {
    if (url.endsWith("/usercode")) return { body: { device_auth_id: "d-1", user_code: "AB12-CD34", interval: "5" } };
    if (url.endsWith("/deviceauth/token")) return n === 2 ? { status: 403, body: {} } : { body: { authorization_code: "canary-code", code_challenge: "x", code_verifier: "theirs" } };
    return { body: { access_token: "canary-access", refresh_token: "canary-refresh", expires_in: 3600 } };
  }, { host });
  await assert.rejects(pool.login("openai-codex-device", { flow: "device", openUrl: () => undefined }), /clientId: is missing/);
  /** @type {import("credpool").LoginPrompt[]} */
  const shown = [];
  await pool.login("codex", { flow: "device", clientId: "of-the-user", openUrl: (_, prompt) => void shown.push(prompt) });
  assert.deepEqual([shown[0]?.url, shown[0]?.code], ["https://auth.openai.com/codex/device", "AB12-CD34"]);
  assert.deepEqual(asked.slice(0, 2).map(({ body }) => JSON.parse(body)), [{ client_id: "of-the-user" }, { device_auth_id: "d-1", user_code: "AB12-CD34" }]);
  const exchange = Object.fromEntries(new URLSearchParams(asked.at(-1)?.body));
  assert.deepEqual(exchange, { grant_type: "authorization_code", code: "canary-code", redirect_uri: "https://auth.openai.com/deviceauth/callback", code_verifier: "theirs", client_id: "of-the-user" });
  assert.equal((await pool.acquire("codex")).secret, "canary-access");
  await pool.close();
});

test("Anthropic's token endpoint: JSON, state sent along, whose it is in the answer", async () => {
  const { pool, asked } = await open(() => ({
    body: { access_token: "sk-ant-oat01-x", refresh_token: "sk-ant-ort01-x", expires_in: 28_800, account: { uuid: "acc", email_address: "ada@example.com" }, organization: { uuid: "org" } },
  }));
  let notice = "";
  const id = await pool.login("claude", { ...pasting((state) => `the-code#${state}`), notice: (text) => void (notice = text) });
  assert.match(notice, /Anthropic/);
  assert.equal(asked.length, 1, "whose it is need not be asked");
  const [{ url, headers, body } = /** @type {Asked} */ ({})] = asked;
  assert.deepEqual([url, headers.get("content-type"), headers.get("anthropic-beta")], ["https://api.anthropic.com/v1/oauth/token", "application/json", "oauth-2025-04-20"]);
  const sent = JSON.parse(body);
  assert.deepEqual([sent.grant_type, sent.code, sent.client_id, sent.redirect_uri], ["authorization_code", "the-code", "of-the-user", "http://localhost:54545/callback"]);
  assert.ok(sent.state.length >= 22 && sent.code_verifier.length >= 43);
  assert.deepEqual(pool.get(id)?.identity, { email: "ada@example.com", accountId: "acc", orgId: "org" });
  await assert.rejects(pool.login("claude", { ...pasting(() => "x"), notice: () => false }), { code: "aborted" });
  await pool.close();
});

test("Google's form: a confidential client, offline access, PKCE although nobody asks for it", async () => {
  const { pool, asked } = await open(({ url }) => ({ body: url.includes("userinfo") ? { sub: "1", email: "ada@example.com" } : { access_token: "ya29.x", expires_in: 3599, refresh_token: "1//x", scope: "openid" } }));
  /** @type {URL | undefined} */
  let opened;
  const options = pasting((state) => `http://127.0.0.1:8085/oauth2callback?state=${state}&code=4%2F0x&iss=https%3A%2F%2Faccounts.google.com&scope=openid`);
  const id = await pool.login("gemini-cli", { ...options, clientSecret: "canary-client-secret", openUrl: (url) => void (opened = new URL(url)) });
  const asks = Object.fromEntries(opened?.searchParams ?? []);
  assert.deepEqual([asks.access_type, asks.prompt, asks.code_challenge_method, asks.redirect_uri], ["offline", "consent", "S256", "http://127.0.0.1:8085/oauth2callback"]);
  const sent = Object.fromEntries(new URLSearchParams(asked[0]?.body));
  assert.deepEqual([asked[0]?.url, sent.code, sent.client_secret, sent.grant_type], ["https://oauth2.googleapis.com/token", "4/0x", "canary-client-secret", "authorization_code"]);
  assert.equal(pool.get(id)?.name, "ada@example.com");
  await pool.logout(id);
  assert.deepEqual([asked[2]?.url, new URLSearchParams(asked[2]?.body).get("token")], ["https://oauth2.googleapis.com/revoke", "1//x"]);
  await pool.close();
});

test("a second person's mix-up, a web page, nothing, ten megabytes and a redirect as token answers", async () => {
  const evil = await open(() => ({ body: {} }));
  const mixed = pasting((state) => `http://127.0.0.1:8085/oauth2callback?state=${state}&code=c&iss=https%3A%2F%2Fevil.example`);
  await assert.rejects(evil.pool.login("gemini-cli", mixed), { reason: "wrong_issuer" });
  assert.equal(evil.asked.length, 0);
  /** @type {[{ status?: number, body: unknown }, string][]} */
  const answers = [
    [{ body: "<html>canary-page</html>" }, "malformed"],
    [{ body: "" }, "malformed"],
    [{ body: { access_token: "x".repeat(10 << 20) } }, "malformed"],
    [{ status: 302, body: "" }, "http-302"],
    [{ status: 404, body: "canary-page" }, "http-404"],
    [{ body: { access_token: 7 } }, "malformed"],
  ];
  for (const [answer, reason] of answers) {
    const { pool } = await open(() => answer);
    const login = pool.login("codex", pasting((state) => `http://localhost:1455/auth/callback?code=c&state=${state}`));
    await assert.rejects(login, (/** @type {any} */ error) => error.reason === reason && !error.message.includes("canary"));
    assert.equal(pool.list("codex").length, 0);
    await pool.close();
  }
  await evil.pool.close();
});

test("what is known of logins", async () => {
  const { pool } = await open(() => ({ body: {} }));
  assert.deepEqual(pool.providers.get("copilot")?.logins, ["device"]);
  assert.equal(pool.providers.get("openai")?.logins, undefined);
  assert.ok(pool.getOAuthScopes("gemini", "gmail").some((scope) => scope.endsWith("/cloud-platform")));
  assert.throws(() => pool.getOAuthScopes("openai"), { code: "not_found" });
  await assert.rejects(pool.login("openai", { clientId: "x", prompt: () => Promise.resolve("") }), { code: "invalid", message: /no login/ });
  await assert.rejects(pool.login("claude", { prompt: () => Promise.resolve("") }), { code: "invalid", message: /^clientId/ });
  await assert.rejects(open(() => ({ body: {} }), { providers: [{ name: "evil", oauth: { token: "http://evil.example/t" } }] }), { code: "invalid", message: /oauth\.token/ });
  await pool.close();
});
