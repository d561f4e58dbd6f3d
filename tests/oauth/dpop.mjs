// @ts-check
// Tokens that are bound to a key (DPoP, RFC 9449) against a certified OpenID provider. Run by scripts/test/steps.mjs.
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { CredentialPool, CredpoolError } from "credpool";
import { sqliteStore } from "credpool/node";
import { startOidc } from "./support/oidc.mjs";
import { agree } from "./support/person.mjs";

/** @typedef {import("./support/oidc.mjs").Oidc} Oidc */
/** @type {Oidc} */
let oidc;
before(async () => void (oidc = await startOidc({ dpop: "nonce" })));
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "credpool-dpop-"));
after(async () => {
  await oidc.close();
  fs.rmSync(folder, { recursive: true, force: true });
});

/** What goes over the network: path, status, proof. @typedef {{ path: string, status: number, proof: any, scheme: string | undefined }} Seen */

/**
 * A pool, and what it sent. `change` may change an answer on its way.
 * @param {{ store?: import("credpool").CredentialStore, at?: Oidc, dpop?: boolean, now?: () => number, change?: (response: Response) => Response }} [options]
 */
async function open({ store, at = oidc, dpop = true, now, change = (response) => response } = {}) {
  /** @type {Seen[]} */
  const seen = [];
  /** @type {string[]} */
  const said = [];
  const pool = await CredentialPool.open({
    env: false,
    ...(store && { store }),
    providers: [
      { name: "mine", kinds: ["oauth"], oauth: { flows: ["code", "device"], issuer: at.issuer, token: `${at.issuer}/token`, scopes: ["openid", "email", "offline_access"], redirect: "http://127.0.0.1:9/callback", dpop } },
      { name: "machines", kinds: ["oauth"], oauth: { flows: ["client_credentials"], issuer: at.issuer, token: `${at.issuer}/token`, scopes: ["api"], clientAuth: "client_secret_basic", dpop } },
    ],
    oauth: { mine: { clientId: at.clients.publicId }, machines: { clientId: at.clients.confidential.id, clientSecret: at.clients.confidential.secret } },
    host: {
      ...(now && { now }),
      log: (message, error) => said.push(message, String(error)),
      fetch: async (input, init) => {
        const response = await fetch(input, init);
        const headers = new Headers(init?.headers);
        const claims = headers.get("dpop")?.split(".")[1];
        const proof = claims === undefined ? undefined : JSON.parse(Buffer.from(claims, "base64url").toString());
        seen.push({ path: new URL(String(input)).pathname, status: response.status, proof, scheme: headers.get("authorization")?.split(" ")[0] });
        return change(response);
      },
    },
  });
  pool.on("*", (event) => said.push(JSON.stringify(event)));
  return { pool, seen, said };
}

/** @param {CredentialPool} pool @param {string} who */
const logIn = (pool, who) => pool.login("mine", { openUrl: () => undefined, prompt: async ({ url }) => agree(url, who) });

/** The key of an account, as it is exported. @param {CredentialPool} pool @param {string} id */
const keyOf = (pool, id) => JSON.parse(/** @type {any} */ (pool.profiles.export(id)).dpopKey);

test("a login binds its tokens to a key: who has stolen the token alone has nothing; the nonce is learnt once", async () => {
  const { pool, seen, said } = await open();
  /** @type {string} */
  let url = "";
  const id = await pool.login("mine", { openUrl: (to) => (url = to), prompt: async (prompt) => agree(prompt.url, "ada") });
  assert.match(new URL(url).searchParams.get("dpop_jkt") ?? "", /^[\w-]{43}$/, "the code is bound too");
  assert.equal(pool.get(id)?.identity.accountId, "ada");
  // The first request is refused and made once more with the nonce; those that follow have it.
  assert.deepEqual(seen.filter(({ proof }) => proof).map(({ path, status, proof }) => [path, status, "nonce" in proof]), [["/token", 400, false], ["/token", 200, true]]);
  assert.equal(seen[0]?.proof, undefined, "metadata is anybody's");

  const me = await pool.fetch("mine")(`${oidc.issuer}/me?not=in-the-proof`);
  assert.deepEqual([me.status, (await me.json()).sub], [200, "ada"]);
  const last = seen.at(-1);
  assert.deepEqual([last?.scheme, last?.proof.htm, last?.proof.htu, typeof last?.proof.ath, typeof last?.proof.nonce], ["DPoP", "GET", `${oidc.issuer}/me`, "string", "string"]);
  const posted = await pool.fetch("mine")(`${oidc.issuer}/me`, { method: "post" });
  assert.equal(posted.status, 200);

  // By hand.
  const lease = await pool.acquire("mine");
  assert.match(lease.headers().authorization ?? "", /^DPoP /);
  const proven = await lease.headersFor(`${oidc.issuer}/me`);
  assert.equal((await fetch(`${oidc.issuer}/me`, { headers: proven })).status, 200);
  assert.equal((await fetch(`${oidc.issuer}/me`, { headers: proven })).status, 401, "a proof is good once");
  assert.equal((await fetch(`${oidc.issuer}/me`, { headers: lease.headers() })).status, 400, "no proof");
  assert.equal((await fetch(`${oidc.issuer}/me`, { headers: { authorization: `Bearer ${lease.secret}` } })).status, 401);
  lease.release();

  // No two proofs are the same, and nothing that is told holds the private part of the key.
  const names = seen.flatMap(({ proof }) => (proof ? [proof.jti] : []));
  assert.equal(new Set(names).size, names.length);
  const { d } = keyOf(pool, "mine:ada@example.com");
  assert.equal(d.length, 43);
  for (const text of [...said, JSON.stringify(pool.list()), JSON.stringify(pool.explain("mine"))]) assert.ok(!text.includes(d), text);
  await pool.close();
});

test("another process renews it with the key from the store, and uses it", async () => {
  const file = path.join(folder, "pool.db");
  const first = await open({ store: sqliteStore(file) });
  const id = await logIn(first.pool, "bob");
  await first.pool.close();

  const second = await open({ store: sqliteStore(file) });
  const refreshed = await second.pool.refresh(id, { force: true });
  assert.equal(refreshed.ok, true, JSON.stringify(refreshed));
  assert.deepEqual(second.seen.map(({ path, status }) => [path, status]), [["/token", 400], ["/token", 200]], "it learnt the nonce anew, and did not take that for a failure");
  assert.equal((await second.pool.fetch("mine")(`${oidc.issuer}/me`)).status, 200);
  assert.ok(second.seen.every(({ proof }) => proof.htm && !("ath" in proof) === (proof.htu.endsWith("/token"))));
  await second.pool.close();

  // Moved by hand, with its key.
  const third = await open();
  const reader = await open({ store: sqliteStore(file) });
  await third.pool.profiles.import(reader.pool.profiles.export("mine:bob@example.com"));
  await reader.pool.close();
  assert.equal((await third.pool.fetch("mine")(`${oidc.issuer}/me`)).status, 200);
  assert.equal((await third.pool.refresh("mine:bob@example.com", { force: true })).ok, true);
  await third.pool.close();
});

test("a nonce that is wrong or has expired: the request is made once more with the new one, and only once", async () => {
  /** @type {(response: Response) => Response} */
  let change = (response) => response;
  const { pool, seen } = await open({ change: (response) => change(response) });
  const id = await logIn(pool, "carol");
  const fetchMe = pool.fetch("mine", { waitMs: 0 });
  const spoil = (/** @type {Response} */ response) => {
    const headers = new Headers(response.headers);
    headers.set("dpop-nonce", "of-yesterday");
    return new Response(response.body, { status: response.status, headers });
  };
  change = spoil;
  assert.equal((await fetchMe(`${oidc.issuer}/me`)).status, 200);
  change = (response) => response;
  seen.length = 0;
  assert.equal((await fetchMe(`${oidc.issuer}/me`)).status, 200);
  assert.deepEqual(seen.map(({ path, status, proof }) => [path, status, proof.nonce === "of-yesterday"]), [["/me", 401, true], ["/me", 200, false]]);
  assert.equal((await fetchMe(`${oidc.issuer}/me`)).status, 200);
  assert.equal(seen.length, 3, "the next has it");

  // The same at the token endpoint.
  change = spoil;
  assert.equal((await fetchMe(`${oidc.issuer}/me`)).status, 200);
  change = (response) => response;
  seen.length = 0;
  assert.equal((await pool.refresh(id, { force: true })).ok, true);
  assert.deepEqual(seen.map(({ path, status }) => [path, status]), [["/token", 400], ["/token", 200]]);

  // A server that wants another nonce each time is asked twice, not for ever; the account is not given up for it.
  change = spoil;
  seen.length = 0;
  await fetchMe(`${oidc.issuer}/me`);
  seen.length = 0;
  const refreshed = await pool.refresh(id, { force: true });
  assert.deepEqual([refreshed.ok, seen.map(({ path, status }) => [path, status])], [false, [["/token", 400], ["/token", 400]]]);
  const account = pool.get(id);
  assert.deepEqual([account?.enabled, account?.status === "needs_login"], [true, false]);
  await pool.close();
});

test("by hand, an answer that asks for a nonce is handed in", async () => {
  const { pool } = await open();
  await logIn(pool, "dave");
  const moved = await open();
  await moved.pool.profiles.import(pool.profiles.export("mine:dave@example.com"));
  const lease = await moved.pool.acquire("mine");
  const url = `${oidc.issuer}/me`;
  const first = await fetch(url, { headers: await lease.headersFor(url) });
  assert.equal(first.status, 401);
  const second = await fetch(url, { headers: await lease.headersFor(url, { after: first }) });
  assert.equal(second.status, 200);
  assert.equal((await lease.report(second)).reason, "ok");
  await pool.close();
  await moved.pool.close();
});

test("the device flow and client credentials", async () => {
  const { pool, seen } = await open();
  const id = await pool.login("mine", { flow: "device", openUrl: (url, { code }) => void agree(url, "erin", code) });
  assert.equal(pool.get(id)?.identity.accountId, "erin");
  const machine = await pool.login("machines", { openUrl: () => undefined });
  assert.equal((await pool.refresh(machine, { force: true })).ok, true);
  assert.match((await pool.acquire("machines")).headers().authorization ?? "", /^DPoP /);
  assert.ok(seen.filter(({ path, status }) => path === "/token" && status === 200).every(({ proof }) => proof.htm === "POST"));
  await pool.close();
});

test("a clock that is ten minutes off: believed to be wrong when a proof is refused, and set right in the next", async () => {
  const at = await startOidc({ dpop: "clock" });
  try {
    const { pool, seen } = await open({ at, now: () => Date.now() - 600_000 });
    const id = await logIn(pool, "frank");
    assert.deepEqual(seen.filter(({ path }) => path === "/token").map(({ status }) => status), [400, 200]);
    assert.equal((await pool.fetch("mine")(`${at.issuer}/me`)).status, 200);
    assert.equal((await pool.refresh(id, { force: true })).ok, true);
    await pool.close();
  } finally {
    await at.close();
  }
});

test("a provider that does not bind tokens where it should: the login is refused; where nobody asked for it, it is one like any other", async () => {
  const at = await startOidc();
  try {
    const bound = await open({ at });
    await assert.rejects(logIn(bound.pool, "grace"), { code: "login", reason: "token_type" });
    assert.equal(bound.pool.list("mine").length, 0);
    await bound.pool.close();
    const plain = await open({ at, dpop: false });
    await logIn(plain.pool, "grace");
    assert.equal((await plain.pool.fetch("mine")(`${at.issuer}/me`)).status, 200);
    assert.ok(plain.seen.every(({ proof }) => proof === undefined));
    await plain.pool.close();
  } finally {
    await at.close();
  }
});

test("a key that is none", async () => {
  const { pool } = await open();
  const account = { access: "canary-access-of-dpop", refresh: "canary-refresh-of-dpop", clientId: "app" };
  for (const dpopKey of ["", "key", "{}", '{"kty":"EC","crv":"P-256","x":"a","y":"b","d":"c"}']) {
    await assert.rejects(pool.add("mine", { ...account, dpopKey }), (error) => error instanceof CredpoolError && error.code === "invalid" && /dpopKey/.test(error.message) && !error.message.includes("canary"));
  }
  await assert.rejects(pool.add("mine", { access: "canary-access-of-dpop", dpopKey: "{}" }), /dpopKey: needs clientId/);
  await pool.close();
});
