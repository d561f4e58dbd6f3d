// @ts-check
// The store in IndexedDB: the conformance suite in a page, and a pool that is found again by the next page.
import { Project } from "../package/support/project.mjs";
import { check, finish, same } from "../package/support/report.mjs";
import { serve, titleOf, withChromium } from "./support.mjs";

const map = '<script type="importmap">{"imports":{"credpool":"/node_modules/credpool/dist/js/index.js","credpool/store-conformance":"/node_modules/credpool/dist/js/store-conformance.js"}}</script>';
/** @param {string} script its last expression is a promise of what the page says */
const page = (script) => `<!doctype html>${map}<script type="module">
import { CredentialPool, indexedDbStore, rawKey, sealed } from "credpool";
import { runConformance } from "credpool/store-conformance";
const run = async () => { ${script} };
run().then((said) => { document.title = said; }, (error) => { document.title = "failed: " + error.stack; });
</script>`;

/** The suite, also around a seal. @param {string} made of a store @param {string} [wanted] which cases */
const suite = (made, wanted = "true") => `
  let opened = 0;
  const damage = (name, { kind, id }) => new Promise((resolve, reject) => {
    const request = indexedDB.open(name);
    request.onerror = () => reject(request.error);
    request.onsuccess = () => {
      const transaction = request.result.transaction("rows", "readwrite");
      const rows = transaction.objectStore("rows");
      const found = rows.get([kind, id]);
      found.onsuccess = () => rows.put({ ...found.result, data: new Uint8Array(3), secret: 7 });
      transaction.oncomplete = () => (request.result.close(), resolve());
    };
  });
  const { passed, failed, leftOut } = await runConformance((retention) => {
    let ahead = 0;
    const now = () => Date.now() + ahead;
    const name = "conformance-" + (opened += 1);
    const store = () => indexedDbStore(name, { now, ...retention });
    const make = () => ${made};
    return { store: make(), again: make, advance: (ms) => { ahead += ms; }, bounded: true, corrupt: (row) => damage(name, row), cleanUp: () => void indexedDB.deleteDatabase(name) };
  }, undefined, (name) => ${wanted});
  if (failed.length > 0) return failed.map(({ name, error }) => name + ": " + error.message).join("; ");
  return passed.length > 30 ? "all passed, left out: " + leftOut.map(({ name, needs }) => needs[0] ?? name.split(" ", 1)[0]).join() : "only " + passed.length + " cases";
`;
const write = `
  const pool = await CredentialPool.open({ store: indexedDbStore("agent") });
  await pool.addMany([{ provider: "openai", key: "sk-a", name: "a" }, { provider: "openai", key: "sk-b", name: "b" }]);
  await (await pool.acquire("openai", { model: "m", exclude: ["openai:b"] })).report({ status: 429, headers: { "retry-after": "3600" } });
  await pool.close();
  return "written";
`;
const read = `
  const pool = await CredentialPool.open({ store: indexedDbStore("agent") });
  const said = pool.list().map(({ name, status }) => name + " " + status).join(", ") + "; " + (await pool.acquire("openai", { model: "m" })).secret;
  await pool.close();
  return said;
`;
const watch = `
  const pool = await CredentialPool.open({ store: indexedDbStore("agent") });
  const frame = document.createElement("iframe");
  frame.src = "add.html";
  document.body.append(frame);
  for (let tries = 0; tries < 1500 && !pool.get("openai:later"); tries += 1) await new Promise((resolve) => setTimeout(resolve, 10));
  return pool.list().map(({ name }) => name).join(", ");
`;
const add = `
  const pool = await CredentialPool.open({ store: indexedDbStore("agent") });
  await pool.add("openai", { key: "sk-later", name: "later" });
  return "added";
`;

/** Opens a store and says so; the test goes on in it by `evaluate`. */
const tab = `
  globalThis.store = indexedDbStore("tabs");
  globalThis.lease = (owner, ttl) => store.lease("refresh/1", owner, ttl);
  return "open";
`;
/** One of several tabs that renew the same account: the token endpoint is played by the page, and counts in the site's storage. */
const renew = `
  const fetch = async () => {
    const [before, busy] = [Number(localStorage.asked ?? 0), Number(localStorage.busy ?? 0)];
    localStorage.asked = before + 1;
    if (busy > 0) localStorage.together = 1;
    localStorage.busy = busy + 1;
    await new Promise((resolve) => setTimeout(resolve, 300));
    localStorage.busy = Number(localStorage.busy) - 1;
    return new Response(JSON.stringify({ access_token: "fresh-" + (before + 1), refresh_token: "next-" + (before + 1), expires_in: 3600, token_type: "bearer" }), { headers: { "content-type": "application/json" } });
  };
  const providers = [{ name: "mine", kinds: ["oauth"], oauth: { token: location.origin + "/token" } }];
  const pool = await CredentialPool.open({ store: indexedDbStore("accounts"), providers, host: { fetch } });
  if (pool.list().length === 0 && new URL(location).searchParams.has("add")) await pool.add("mine", { access: "stale", refresh: "first", expires: Date.now() - 1000, clientId: "c", email: "a@example.com" });
  for (let tries = 0; tries < 1500 && pool.list().length === 0; tries += 1) await new Promise((resolve) => setTimeout(resolve, 10));
  const { secret } = await pool.acquire("mine");
  await pool.close();
  return secret;
`;

/** Web Locks: a lease lives as long as its tab, and no longer than its time. @param {import("playwright-core").BrowserContext} context @param {string} address */
async function tabs(context, address) {
  const open = async () => {
    const page = await context.newPage();
    await page.goto(`${address}/tab.html`);
    await page.waitForFunction(() => document.title === "open");
    return page;
  };
  const [one, two, three] = await Promise.all([open(), open(), open()]);
  const asks = (/** @type {import("playwright-core").Page} */ page, /** @type {string} */ owner, ttl = 120_000) => page.evaluate(([owner, ttl]) => /** @type {any} */ (globalThis).lease(owner, ttl), /** @type {const} */ ([owner, ttl]));
  const first = await asks(one, "one");
  if (first?.fence !== 1 || first.locked !== undefined) return `the first lease: ${JSON.stringify(first)}`;
  const refused = await Promise.all([asks(two, "two"), asks(three, "three")]);
  if (refused.some((lease) => lease !== null)) return "a living tab's lease was taken from it";
  await one.close();
  // Of two who ask at once one has it, long before its two minutes are over.
  let given = [];
  for (let tries = 0; tries < 200 && given.length === 0; tries += 1) {
    given = (await Promise.all([asks(two, "two"), asks(three, "three")])).filter((lease) => lease !== null);
    if (given.length === 0) await new Promise((resolve) => setTimeout(resolve, 50));
  }
  if (given.length !== 1 || given[0].fence !== 2) return `after the tab was closed: ${JSON.stringify(given)}`;
  // A crash is as good as the end.
  const [owner, other] = given[0].owner === "two" ? [two, three] : [three, two];
  await owner.goto("chrome://crash").catch(() => undefined);
  let next = null;
  for (let tries = 0; tries < 200 && next === null; tries += 1) {
    next = await asks(other, "other");
    if (next === null) await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await Promise.all([owner, other].map((page) => page.close()));
  return next?.fence === 3 ? "taken over at once, twice" : `after a crash: ${JSON.stringify(next)}`;
}

/** Several tabs with one account whose token has expired: it is renewed once. @param {import("playwright-core").BrowserContext} context @param {string} address */
async function renewals(context, address) {
  const open = async (/** @type {string} */ query) => {
    const page = await context.newPage();
    await page.goto(`${address}/renew.html${query}`);
    return page;
  };
  const pages = [await open("?add"), ...(await Promise.all([open(""), open(""), open("")]))];
  await Promise.all(pages.map((page) => page.waitForFunction(() => document.title !== "", null, { timeout: 60_000 })));
  const secrets = await Promise.all(pages.map((page) => page.title()));
  const counted = await pages[0]?.evaluate(() => `asked ${localStorage.asked}, together ${localStorage.together ?? 0}`);
  await Promise.all(pages.map((page) => page.close()));
  return `${[...new Set(secrets)].join()}; ${counted}`;
}

const project = new Project();
await project.install();
for (const [name, script] of Object.entries({ suite: suite("store()"), sealed: suite('sealed(store(), rawKey("7".repeat(64)))', '!name.startsWith("100,000")'), write, read, watch, add, tab, renew })) project.write(`${name}.html`, page(script));
const server = await serve(project.folder);
try {
  await withChromium(async (browser) => {
    // Pages of one context share their databases.
    const context = /** @type {typeof browser} */ (/** @type {unknown} */ (await browser.newContext()));
    const tabbed = /** @type {import("playwright-core").BrowserContext} */ (/** @type {unknown} */ (context));
    await check("several tabs: a lease ends with its tab, closed or crashed, and not before", async () => same(await tabs(tabbed, server.address), "taken over at once, twice"));
    await check("several tabs renew an expired account once", async () => same(await renewals(tabbed, server.address), "fresh-1; asked 1, together 0"));
    await check("the conformance suite on IndexedDB", async () => same(await titleOf(context, `${server.address}/suite.html`, 240_000), "all passed, left out: cramped"));
    // 100,000 secrets are sealed and opened in the tests of sealed(): here they would only show how long that takes.
    await check("the same, sealed", async () => same(await titleOf(context, `${server.address}/sealed.html`, 240_000), "all passed, left out: 100,000,cramped"));
    await check("a pool's credentials and cooldowns are written", async () => same(await titleOf(context, `${server.address}/write.html`), "written"));
    await check("what another page adds is seen by one that is open", async () => same(await titleOf(context, `${server.address}/watch.html`), "a, b, later"));
    await check("and read by another page", async () => same(await titleOf(context, `${server.address}/read.html`), "a cooling, b ready, later ready; sk-b"));
  });
} finally {
  server.close();
  project.remove();
}
finish();
