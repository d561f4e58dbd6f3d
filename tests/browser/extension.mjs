// @ts-check
// An MV3 extension: the package in its service worker (a module, imported statically, listeners in the first turn) and
// in a page of the extension that asks the worker.
import fs from "node:fs";
import { at } from "../../scripts/lib/paths.mjs";
import { expected, expectedImport, expectedSimulation } from "../package/probe.mjs";
import { Project, keys, manifest } from "../package/support/project.mjs";
import { check, finish, same } from "../package/support/report.mjs";
import { withExtension } from "./support.mjs";

const project = new Project();
await project.install();
fs.cpSync(project.path("node_modules/credpool"), project.path("extension/credpool"), { recursive: true });
project.copy(at("tests/package/probe.mjs"), "extension/probe.mjs");
project.write("extension/manifest.json", JSON.stringify({
  manifest_version: 3,
  name: "credpool in a service worker",
  version: "0.1.0",
  background: { service_worker: "worker.js", type: "module" },
  content_security_policy: { extension_pages: "script-src 'self' 'wasm-unsafe-eval'; object-src 'self'" },
  permissions: ["storage", "unlimitedStorage", "alarms"],
}));
/** A worker that answers the page. @param {string} name @param {string} simulator */
const worker = (name, simulator) => project.write(`${name}/worker.js`, `import * as credpool from "./credpool/dist/js/index.js";
${simulator}
import * as importer from "./credpool/dist/js/importer.js";
import { probe, probeImporter, probeSimulator } from "./probe.mjs";
chrome.runtime.onMessage.addListener((message, from, reply) => {
  const add = async () => {
    const pool = await credpool.CredentialPool.open({ store: credpool.sealed(credpool.chromeStorageStore("shared"), credpool.rawKey("${"0".repeat(64)}")) });
    await pool.add("openai", { key: ${JSON.stringify(keys[0])}, name: "from the worker" });
    await pool.close();
    return "added";
  };
  const answer = message === "add" ? add() : message === "simulate" ? probeSimulator(credpool) : message === "import" ? probeImporter(importer, ${JSON.stringify(keys)}) : probe(credpool, ${JSON.stringify(keys)});
  answer.then(reply, (error) => reply("failed: " + error.stack));
  return true;
});
`);
worker("extension", 'import "./credpool/dist/js/simulator.js";');
project.write("extension/page.html", '<!doctype html><script type="module" src="page.js"></script>\n');
project.write("extension/page.js", `import * as credpool from "./credpool/dist/js/index.js";
import { runConformance } from "./credpool/dist/js/store-conformance.js";
import { probe, probeSimulator } from "./probe.mjs";
globalThis.here = () => probe(credpool, ${JSON.stringify(keys)});
globalThis.simulator = () => probeSimulator(credpool);
globalThis.there = (message) => chrome.runtime.sendMessage(message);

// The store in chrome.storage: the whole suite, also around a seal.
let opened = 0;
globalThis.suite = async (seal) => {
  const { passed, failed, leftOut } = await runConformance((retention) => {
    let ahead = 0;
    const name = "suite-" + (opened += 1);
    const store = () => credpool.chromeStorageStore(name, { now: () => Date.now() + ahead, ...retention });
    const make = () => (seal ? credpool.sealed(store(), credpool.rawKey("7".repeat(64))) : store());
    return {
      store: make(),
      again: make,
      advance: (ms) => { ahead += ms; },
      bounded: true,
      corrupt: async ({ kind, id }) => {
        const key = name + "/row/" + kind + "/n/" + id;
        const { [key]: row } = await chrome.storage.local.get(key);
        await chrome.storage.local.set({ [key]: { ...row, data: 7 } });
      },
      cleanUp: async () => {
        for (const area of [chrome.storage.local, chrome.storage.session]) await area.remove(Object.keys(await area.get(null)).filter((key) => key.startsWith(name + "/")));
      },
    };
  }, undefined, (name) => !seal || !name.startsWith("100,000"));
  if (failed.length > 0) return failed.map(({ name, error }) => name + ": " + error.message).join("; ");
  return passed.length > 30 ? "all passed, left out: " + leftOut.map(({ name, needs }) => needs[0] ?? name.split(" ", 1)[0]).join() : "only " + passed.length + " cases";
};
/** What is on the disk of a pool with one key, with and without a seal. */
globalThis.disk = async (key) => {
  const open = await credpool.CredentialPool.open({ store: credpool.chromeStorageStore("open") });
  await open.add("openai", { key, name: "a" });
  await open.close();
  const text = () => chrome.storage.local.get(null).then((all) => JSON.stringify(all));
  const said = [(await text()).includes(key)];
  const again = await credpool.CredentialPool.open({ store: credpool.chromeStorageStore("open") });
  said.push((await again.acquire("openai")).secret === key);
  await again.close();
  await chrome.storage.session.clear(); // The browser was closed.
  const later = await credpool.CredentialPool.open({ store: credpool.chromeStorageStore("open") });
  said.push(later.list().length);
  await later.close();
  return JSON.stringify(said);
};
/** What the worker adds to a sealed store is seen by a pool of this page. */
globalThis.shared = async () => {
  const pool = await credpool.CredentialPool.open({ store: credpool.sealed(credpool.chromeStorageStore("shared"), credpool.rawKey("0".repeat(64))) });
  await chrome.runtime.sendMessage("add");
  for (let tries = 0; tries < 1500 && !pool.get("openai:from the worker"); tries += 1) await new Promise((resolve) => setTimeout(resolve, 10));
  const { secret } = await pool.acquire("openai");
  await pool.close();
  return secret + " " + JSON.stringify(await chrome.storage.local.get(null)).includes(secret);
};
document.title = "ready";
`);
try {
  await withExtension(project.path("extension"), async (context, worker) => {
    const page = await context.newPage();
    await page.goto(new URL("page.html", worker.url()).href);
    await page.waitForFunction(() => document.title === "ready", null, { timeout: 60_000 });
    await check("in the service worker", async () => same(await page.evaluate("there('probe')"), expected(manifest.version)));
    await check("the simulator in the service worker", async () => same(await page.evaluate("there('simulate')"), expectedSimulation));
    await check("the parsers of other tools' files in the service worker", async () => same(await page.evaluate("there('import')"), expectedImport));
    await check("the simulator in a page of the extension", async () => same(await page.evaluate("simulator()"), expectedSimulation));
    const [key = ""] = keys;
    await check("a sealed store in chrome.storage: what the worker adds the page sees, and nothing of it is readable", async () => same(await page.evaluate("shared()"), `${key} false`));
    await check("open secrets in chrome.storage are not on the disk, and end with the browser", async () => same(await page.evaluate(`disk(${JSON.stringify(key)})`), "[false,true,0]"));
    await check("the conformance suite on chrome.storage", async () => same(await page.evaluate("suite()"), "all passed, left out: cramped"));
    // 100,000 secrets are sealed and opened in the tests of sealed().
    await check("the same, sealed", async () => same(await page.evaluate("suite(true)"), "all passed, left out: 100,000,cramped"));
    await check("in a page of the extension", async () => same(await page.evaluate("here()"), expected(manifest.version)));
  });
} finally {
  project.remove();
}
finish();
