// @ts-check
// Renewal as programs meet it: by itself, on demand, by the program's own code, beside others, stopped and started.
import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryStore } from "credpool";
import { canary as planted } from "../canaries.mjs";
import { eventually } from "./support/eventually.mjs";
import { ManualHost } from "./support/host.mjs";
import { open } from "./support/pool.mjs";

/** A secret that must not be seen. @param {string} what */
const canary = (what) => `${planted("access_token")}-${what}`;

const HOUR = 3_600_000;
const MINUTE = 60_000;

/** A token endpoint whose answers come when the test lets them. */
class Endpoint {
  /** @type {{ url: string, form: Record<string, string> }[]} */
  asked = [];
  /** @type {((response: Response) => void)[]} */
  held = [];
  hold = false;
  /** @type {(count: number) => Response} */
  answer = (count) => Response.json({ access_token: canary(`at-${count}`), refresh_token: canary(`rt-${count}`), expires_in: 3600 });
  /** @type {typeof globalThis.fetch} */
  fetch = async (input, init) => {
    this.asked.push({ url: String(input), form: Object.fromEntries(new URLSearchParams(String(init?.body))) });
    if (this.hold) return new Promise((resolve) => this.held.push(resolve));
    return this.answer(this.asked.length);
  };
  release() {
    for (const resolve of this.held.splice(0)) resolve(this.answer(this.asked.length));
  }
}

const FIRST = { access: canary("at-0"), refresh: canary("rt-0"), clientId: "me", name: "a" };
const POLICY = { extends: "default", refresh: { jitter: 0 } };

/** @param {import("credpool").PoolOptions} [options] @param {Partial<import("credpool").NewCredential>} [account] */
async function account(options = {}, account = {}) {
  const endpoint = new Endpoint();
  const { pool, host } = await open({ policy: POLICY, ...options });
  host.respond = endpoint.fetch;
  /** @type {import("credpool").PoolEvent[]} */
  const events = [];
  pool.on("*", (event) => events.push(event));
  const id = await pool.add("gitlab-duo", { ...FIRST, expires: host.wall + HOUR, ...account });
  const shown = () => JSON.stringify([events, host.logged, pool.list(), pool.state()]);
  return { pool, host, endpoint, events, id, shown };
}

test("by itself before the token expires; nothing secret is told", async () => {
  const { pool, host, endpoint, events, shown } = await account();
  await host.advance(55 * MINUTE - 1);
  assert.equal(endpoint.asked.length, 0);
  await host.advance(1000);
  assert.deepEqual(endpoint.asked, [{ url: "https://gitlab.com/oauth/token", form: { grant_type: "refresh_token", refresh_token: FIRST.refresh, client_id: "me" } }]);
  const lease = await pool.acquire("gitlab-duo");
  assert.equal(lease.secret, canary("at-1"));
  assert.deepEqual(events.filter(({ kind }) => kind === "refreshed").map(({ name }) => name), ["a"]);
  assert.ok(!shown().includes(planted("access_token")));
  await pool.close();
});

test("many callers, one request; who gives up frees only himself", async () => {
  const { pool, endpoint, id } = await account();
  endpoint.hold = true;
  const abort = new AbortController();
  const callers = [pool.refresh(id, { force: true }), pool.refresh("gitlab-duo:a", { force: true }), pool.refresh(id, { force: true })];
  const given = pool.refresh(id, { force: true, signal: abort.signal });
  await eventually(() => endpoint.held.length === 1);
  abort.abort(new Error("enough"));
  await assert.rejects(given, { message: "enough" });
  endpoint.release();
  const versions = (await Promise.all(callers)).map((done) => (done.ok ? done.version : done.cause));
  assert.deepEqual([versions, endpoint.asked.length], [[2, 2, 2], 1]);
  // What was refused is older than what there is: nobody asks again.
  assert.deepEqual([(await pool.refresh(id, { force: true, failedVersion: 1 })).ok, endpoint.asked.length], [true, 1]);
  // Fresh tokens are left alone.
  assert.deepEqual([(await pool.refresh(id)).ok, endpoint.asked.length], [true, 1]);
  await pool.close();
});

test("two pools on one store renew once, and the other takes what came of it", async () => {
  const store = memoryStore();
  const one = await account({ store });
  const host = new ManualHost();
  const { pool: other } = await open({ policy: POLICY, store, host });
  const asked = new Endpoint();
  host.respond = asked.fetch;
  one.endpoint.hold = true;
  const first = one.pool.refresh(one.id, { force: true });
  await eventually(() => one.endpoint.held.length === 1);
  const second = other.refresh(one.id, { force: true, failedVersion: 1 });
  one.endpoint.release();
  await first;
  await host.advance(5_000);
  assert.equal((await second).ok, true);
  assert.equal(asked.asked.length, 0, "the other asked nobody");
  assert.equal((await other.acquire("gitlab-duo")).secret, canary("at-1"));
  await one.pool.close();
  await other.close();
});

test("what the endpoint says when it refuses", async () => {
  const { pool, host, endpoint, id, shown } = await account();
  endpoint.answer = () => Response.json({ error: "invalid_client", error_description: canary("description") }, { status: 401 });
  assert.deepEqual(await pool.refresh(id, { force: true }), { ok: false, definitive: false, cause: "invalid_client" });
  assert.equal(pool.get(id)?.status, "ready", "the configuration is at fault, not the account");
  endpoint.answer = () => new Response(`<html>${canary("page")}</html>`, { status: 502 });
  assert.deepEqual(await pool.refresh(id, { force: true }), { ok: false, definitive: false, cause: "http-502" });
  endpoint.answer = () => Response.json({ error: "invalid_grant" }, { status: 400 });
  assert.deepEqual(await pool.refresh(id, { force: true }), { ok: false, definitive: true, cause: "invalid_grant" });
  const { status, disabledCause, fault } = pool.get(id) ?? {};
  assert.deepEqual([status, disabledCause, fault], ["disabled", "oauth refresh failed: invalid_grant", { cause: "oauth refresh failed: invalid_grant", at: host.wall }]);
  // New tokens by hand, and why it was out is still known.
  await pool.add("gitlab-duo", { ...FIRST, access: canary("at-9"), refresh: canary("rt-9"), expires: host.wall + HOUR });
  assert.deepEqual([pool.get(id)?.status, pool.get(id)?.fault?.cause], ["ready", "oauth refresh failed: invalid_grant"]);
  assert.ok(!shown().includes(planted("access_token")));
  await pool.close();
});

test("renewal by itself is stopped, started, and given an interval", async () => {
  const { pool, host, endpoint } = await account();
  await pool.autoRefresh(false);
  await host.advance(58 * MINUTE);
  assert.equal(endpoint.asked.length, 0);
  await pool.autoRefresh(true);
  await host.advance(1000);
  assert.equal(endpoint.asked.length, 1);
  await pool.autoRefresh(true, { intervalMs: 40 * MINUTE });
  await host.advance(40 * MINUTE - 1);
  assert.equal(endpoint.asked.length, 1, "due in 55 minutes, and the last multiple before that is 40");
  await host.advance(1000);
  assert.equal(endpoint.asked.length, 2);
  await pool.close();
});

test("the program's own code renews: one at a time, and what it throws says nothing", async () => {
  /** @type {import("credpool").RefreshedAccount[]} */
  const asked = [];
  /** @type {() => Promise<import("credpool").RefreshedTokens>} */
  let answer = () => Promise.resolve({ access: canary("own-1"), expires: new Date(1_800_000_000_000 + 2 * HOUR) });
  const { pool, endpoint, id, shown } = await account({ refreshers: { "gitlab-duo": (account) => (asked.push(account), answer()) } });
  assert.deepEqual(await Promise.all([pool.refresh(id, { force: true }), pool.refresh(id, { force: true })]), Array(2).fill({ ok: true, version: 2, expires: 1_800_000_000_000 + 2 * HOUR }));
  assert.deepEqual([asked, endpoint.asked.length], [[{ id, provider: "gitlab-duo", name: "a", access: FIRST.access, refresh: FIRST.refresh }], 0]);
  for (const [thrown, definitive] of /** @type {[unknown, boolean][]} */ ([
    [new Error(canary("thrown")), false],
    [undefined, false],
    [Object.assign(new Error(canary("thrown")), { definitive: "yes" }), false],
    [Object.assign(new Error(canary("thrown")), { definitive: true }), true],
  ])) {
    answer = () => Promise.reject(thrown);
    assert.deepEqual(await pool.refresh(id, { force: true }), { ok: false, definitive, cause: "host" });
  }
  assert.equal(pool.get(id)?.enabled, false);
  assert.ok(!shown().includes(planted("access_token")));
  await pool.close();
});

test("answers of the program's own code that are none", async () => {
  for (const wrong of /** @type {any[]} */ ([undefined, {}, { access: 7 }, { access: "" }, { access: "a\r\nb" }, { access: "x", expires: NaN }, { access: "x", expires: "soon" }])) {
    const { pool, id } = await account({ refreshers: { "gitlab-duo": () => Promise.resolve(wrong) } });
    const done = await pool.refresh(id, { force: true });
    assert.ok(!done.ok && !done.definitive, JSON.stringify(wrong));
    assert.equal(pool.get(id)?.status, "ready", JSON.stringify(wrong));
    await pool.close();
  }
});

test("the program says how long before, and whether now", async () => {
  /** @type {import("credpool").RenewedAccount[]} */
  const asked = [];
  const { pool, host, endpoint, id } = await account({ refreshers: { "gitlab-duo": { leadMs: (account) => (asked.push(account), 40 * MINUTE) } } });
  await host.advance(20 * MINUTE - 1);
  assert.deepEqual([asked.length, endpoint.asked.length], [1, 0]);
  assert.deepEqual(asked[0], { id, provider: "gitlab-duo", name: "a", access: FIRST.access, expires: 1_800_000_000_000 + HOUR });
  await host.advance(1000);
  assert.equal(endpoint.asked.length, 1);
  assert.deepEqual([asked.length, asked[1]?.access, asked[1]?.renewed !== undefined], [2, canary("at-1"), true]);

  // From now on it decides: no, no, a promise that never settles, yes.
  /** @type {(boolean | undefined | Promise<undefined>)[]} */
  const says = [false, false, new Promise(() => undefined), true];
  let decisions = 0;
  pool.setRefresher("gitlab-duo", { shouldRefresh: () => says[decisions++], checkMs: 10 * MINUTE });
  await host.advance(20 * MINUTE + 1000);
  assert.deepEqual([decisions, endpoint.asked.length], [2, 1]);
  await host.advance(10 * MINUTE);
  assert.deepEqual([decisions, endpoint.asked.length], [3, 1]);
  await host.advance(10 * MINUTE + 31_000);
  assert.deepEqual([decisions, endpoint.asked.length], [4, 2]);
  // Taken back: the policy alone.
  pool.setRefresher("gitlab-duo", undefined);
  await host.advance(54 * MINUTE);
  assert.deepEqual([decisions, endpoint.asked.length], [4, 2]);
  await host.advance(MINUTE);
  assert.equal(endpoint.asked.length, 3);
  await pool.close();
});

test("what a refresher may be", async () => {
  const { pool } = await open();
  for (const [wrong, said] of /** @type {[any, RegExp][]} */ ([
    [{ lead: 5 }, /refreshers\.openai has no field lead/],
    [{ leadMs: 5 }, /refreshers\.openai\.leadMs: expected a function/],
    [{ shouldRefresh: () => true, checkMs: 10 }, /refreshers\.openai\.checkMs/],
    [{ shouldRefresh: () => true, checkMs: "1m" }, /refreshers\.openai\.checkMs/],
  ])) {
    assert.throws(() => pool.setRefresher("openai", wrong), { code: "invalid", message: said });
    await assert.rejects(open({ refreshers: { openai: wrong } }), { code: "invalid", message: said });
  }
  await pool.close();
});

test("a token endpoint of one account", async () => {
  const { pool, endpoint, id } = await account({}, { tokenUrl: "https://auth.example/token" });
  await pool.refresh(id, { force: true });
  await pool.update(id, { tokenUrl: "https://other.example/token" });
  await pool.refresh(id, { force: true });
  await pool.update(id, { tokenUrl: "" });
  await pool.refresh(id, { force: true });
  assert.deepEqual(endpoint.asked.map(({ url }) => url), ["https://auth.example/token", "https://other.example/token", "https://gitlab.com/oauth/token"]);
  for (const tokenUrl of ["http://auth.example/token", "ftp://x", "https://user@auth.example/", "/token"]) {
    await assert.rejects(pool.add("gitlab-duo", { ...FIRST, name: "b", tokenUrl }), { code: "invalid", message: /^tokenUrl: / });
    await assert.rejects(pool.update(id, { tokenUrl }), { code: "invalid", message: /^tokenUrl: / });
  }
  // An account of a provider that nobody registered, by hand.
  const corp = await pool.add("corp", { access: canary("at-c"), refresh: canary("rt-c"), clientId: "me", clientSecret: canary("client"), tokenUrl: "https://sso.example/token" });
  assert.equal((await pool.refresh(corp, { force: true })).ok, true);
  assert.deepEqual(endpoint.asked[3], { url: "https://sso.example/token", form: { grant_type: "refresh_token", refresh_token: canary("rt-c"), client_id: "me", client_secret: canary("client") } });
  await pool.close();
});

test("whether tokens are good: asked, told, and nothing decided", async () => {
  const { pool, endpoint, id } = await account();
  endpoint.answer = () => Response.json({ active: true, exp: 1_900_000_000, scope: "x" });
  assert.deepEqual(await pool.introspect(id), { active: true, expires: 1_900_000_000_000 });
  assert.deepEqual(endpoint.asked[0], { url: "https://gitlab.com/oauth/introspect", form: { token: FIRST.refresh, token_type_hint: "refresh_token", client_id: "me" } });
  endpoint.answer = () => new Response("", { status: 500 });
  assert.deepEqual([await pool.introspect(id), pool.get(id)?.status], [{ cause: "http-500" }, "ready"]);
  endpoint.answer = () => Response.json({ active: false });
  assert.deepEqual([await pool.introspect(id), pool.get(id)?.status, pool.get(id)?.enabled], [{ active: false }, "cooling", true]);
  await pool.add("openai", { key: canary("key"), name: "k" });
  await assert.rejects(pool.introspect("openai:k"), { code: "invalid", message: /no introspection endpoint/ });
  await pool.close();
});

test("ends of a token that cannot be believed, tokens that are none, and an answer without a refresh token", async () => {
  /** @param {object} claims */
  const jwt = (claims) => `e30.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.c2ln`;
  const now = 1_800_000_000_000;
  for (const [said, expires] of /** @type {[object, number | undefined][]} */ ([
    [{ expires_in: 0 }, undefined],
    [{ expires_in: -5 }, undefined],
    [{ expires_in: "soon" }, undefined],
    [{ expires_in: 1e300 }, undefined],
    [{ expires_in: "7200" }, now + 2 * HOUR],
    [{ expires_in: 7200.9 }, now + 2 * HOUR],
    [{ access_token: jwt({ exp: now / 1000 - 1 }) }, undefined],
    [{ access_token: jwt({ exp: now / 1000 + 7200 }) }, now + 2 * HOUR],
    [{ access_token: jwt({ exp: "tomorrow" }) }, undefined],
    [{ access_token: "e30.%%%.x" }, undefined],
    [{ access_token: "a.b.c.d.e" }, undefined],
  ])) {
    const { pool, endpoint, id } = await account();
    endpoint.answer = () => Response.json({ access_token: canary("new"), ...said });
    assert.deepEqual(await pool.refresh(id, { force: true }), { ok: true, version: 2, ...(expires !== undefined && { expires }) }, JSON.stringify(said));
    // The old refresh token stays where none came (RFC 6749 §6).
    await pool.refresh(id, { force: true });
    assert.equal(endpoint.asked[1]?.form.refresh_token, FIRST.refresh);
    await pool.close();
  }
  for (const [answer, cause] of /** @type {[() => Response, string][]} */ ([
    [() => new Response("<html>invalid_grant</html>", { status: 200 }), "malformed"],
    [() => new Response("", { status: 200 }), "malformed"],
    [() => new Response(`{"access_token":"${"x".repeat(10 << 20)}"}`), "malformed"],
    [() => Response.json({ access_token: 7 }), "malformed"],
    [() => new Response(null, { status: 302, headers: { location: "https://evil.example/" } }), "http-302"],
  ])) {
    const { pool, endpoint, id } = await account();
    endpoint.answer = answer;
    assert.deepEqual(await pool.refresh(id, { force: true }), { ok: false, definitive: false, cause });
    assert.equal((await pool.acquire("gitlab-duo")).secret, FIRST.access, "the token that there is still serves");
    await pool.close();
  }
});
