// @ts-check
// The store in IndexedDB: the conformance suite in a page, and a pool that is found again by the next page.
import { Project } from "../package/support/project.mjs";
import { check, finish, same } from "../package/support/report.mjs";
import { serve, titleOf, withChromium } from "./support.mjs";

const map = '<script type="importmap">{"imports":{"credpool":"/node_modules/credpool/dist/js/index.js","credpool/store-conformance":"/node_modules/credpool/dist/js/store-conformance.js"}}</script>';
/** @param {string} script its last expression is a promise of what the page says */
const page = (script) => `<!doctype html>${map}<script type="module">
import { CredentialPool, indexedDbStore } from "credpool";
import { runConformance } from "credpool/store-conformance";
const run = async () => { ${script} };
run().then((said) => { document.title = said; }, (error) => { document.title = "failed: " + error.stack; });
</script>`;

const suite = `
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
    const make = () => indexedDbStore(name, { now, ...retention });
    return { store: make(), again: make, advance: (ms) => { ahead += ms; }, bounded: true, corrupt: (row) => damage(name, row), cleanUp: () => void indexedDB.deleteDatabase(name) };
  });
  if (failed.length > 0) return failed.map(({ name, error }) => name + ": " + error.message).join("; ");
  return passed.length > 30 ? "all passed, left out: " + leftOut.map(({ needs }) => needs).join() : "only " + passed.length + " cases";
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

const project = new Project();
await project.install();
for (const [name, script] of Object.entries({ suite, write, read, watch, add })) project.write(`${name}.html`, page(script));
const server = await serve(project.folder);
try {
  await withChromium(async (browser) => {
    // Pages of one context share their databases.
    const context = /** @type {typeof browser} */ (/** @type {unknown} */ (await browser.newContext()));
    await check("the conformance suite on IndexedDB", async () => same(await titleOf(context, `${server.address}/suite.html`, 240_000), "all passed, left out: cramped"));
    await check("a pool's credentials and cooldowns are written", async () => same(await titleOf(context, `${server.address}/write.html`), "written"));
    await check("what another page adds is seen by one that is open", async () => same(await titleOf(context, `${server.address}/watch.html`), "a, b, later"));
    await check("and read by another page", async () => same(await titleOf(context, `${server.address}/read.html`), "a cooling, b ready, later ready; sk-b"));
  });
} finally {
  server.close();
  project.remove();
}
finish();
