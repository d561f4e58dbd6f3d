// @ts-check
// Logins against a certified OpenID provider, with a person in a real Chromium. Run by scripts/test/steps.mjs.
import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { CredentialPool } from "credpool";
import { loopback } from "credpool/node";
import { withChromium } from "../browser/support.mjs";
import { startOidc } from "./support/oidc.mjs";

/** @type {import("./support/oidc.mjs").Oidc} */
let oidc;
before(async () => void (oidc = await startOidc()));
after(() => oidc.close());

/** @type {CredentialPool[]} */
const pools = [];
afterEach(async () => {
  for (const pool of pools.splice(0)) await pool.close();
});

/** @param {object} [oauth] */
async function open(oauth = {}) {
  const pool = await CredentialPool.open({
    env: false,
    providers: [{ name: "mine", kinds: ["oauth"], oauth: { flows: ["code", "device"], issuer: oidc.issuer, scopes: ["openid", "email", "offline_access"], redirect: "http://127.0.0.1:0/callback", ...oauth } }],
    oauth: { mine: { clientId: oidc.clients.publicId } },
  });
  pools.push(pool);
  return pool;
}

/** A person who logs in and agrees to everything. @param {import("playwright-core").Page} page @param {string} who */
async function agree(page, who) {
  await page.waitForSelector("button[type=submit], h1");
  if (await page.locator("input[name=login]").count()) {
    await page.fill("input[name=login]", who);
    await page.fill("input[name=password]", "anything");
    await Promise.all([page.waitForNavigation(), page.click("button[type=submit]")]);
  }
  if (await page.locator("button[type=submit]").count()) await Promise.all([page.waitForNavigation(), page.click("button[type=submit]")]);
}

test("authorization code with PKCE, in a browser, by a loopback callback; then logout", async () => {
  await withChromium(async (browser) => {
    const pool = await open();
    /** @type {string[]} */
    const told = [];
    pool.on("*", ({ kind }) => told.push(kind));
    const page = await browser.newPage();
    const id = await pool.login("mine", {
      callback: loopback(),
      openUrl: async (url) => {
        await page.goto(url);
        await agree(page, "ada");
      },
    });
    await page.waitForFunction(() => document.title !== "");
    assert.equal(await page.title(), "You are logged in");
    const account = pool.get(id);
    assert.deepEqual([account?.name, account?.identity.email, account?.identity.accountId], ["ada@example.com", "ada@example.com", "ada"]);
    assert.ok((account?.expires ?? 0) > Date.now() + 30_000);
    assert.deepEqual(told, ["login-started", "added", "logged-in"]);

    // The token is good at the provider.
    const lease = await pool.acquire("mine");
    const me = await fetch(`${oidc.issuer}/me`, { headers: lease.headers() });
    assert.deepEqual([me.status, (await me.json()).sub], [200, "ada"]);
    const bearer = lease.headers();

    const before = oidc.revoked.length;
    await pool.logout(id);
    assert.equal(pool.list("mine").length, 0);
    assert.ok(oidc.revoked.length > before, "the provider took the tokens back");
    assert.equal((await fetch(`${oidc.issuer}/me`, { headers: bearer })).status, 401);
  });
});

test("a person who refuses", async () => {
  await withChromium(async (browser) => {
    const pool = await open();
    const page = await browser.newPage();
    const login = pool.login("mine", {
      callback: loopback(),
      openUrl: async (url) => {
        await page.goto(url);
        await page.click("text=[ Cancel ]");
      },
    });
    await assert.rejects(login, { code: "login", reason: "access_denied" });
    await page.waitForFunction(() => document.title !== "");
    assert.equal(await page.title(), "The login was refused");
    assert.equal(pool.list("mine").length, 0);
  });
});

test("the device flow: a code that is typed in in a browser", async () => {
  await withChromium(async (browser) => {
    const pool = await open();
    const page = await browser.newPage();
    const id = await pool.login("mine", {
      flow: "device",
      openUrl: async (url, { code = "" }) => {
        await page.goto(url);
        if (await page.locator("input[name=user_code]:not([type=hidden])").count()) await page.fill("input[name=user_code]", code);
        await Promise.all([page.waitForNavigation(), page.click("button[type=submit]")]);
        for (let step = 0; step < 4 && (await page.locator("button[type=submit]").count()); step += 1) await agree(page, "bob");
      },
    });
    assert.equal(pool.get(id)?.identity.accountId, "bob");
    assert.ok(oidc.grants.some((grant) => grant.endsWith("device_code")));
  });
});

test("client credentials, shown by Basic as the provider's metadata asks", async () => {
  const pool = await open({ flows: ["client_credentials"], scopes: ["api"] });
  const { id: clientId, secret: clientSecret } = oidc.clients.confidential;
  const id = await pool.login("mine", { clientId, clientSecret, name: "machine" });
  assert.equal(pool.get(id)?.name, "machine");
  const wrong = pool.login("mine", { clientId, clientSecret: "wrong" });
  await assert.rejects(wrong, (/** @type {any} */ error) => error.reason === "invalid_client" && !error.message.includes("wrong"));
});
