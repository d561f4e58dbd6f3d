// @ts-check
// An MV3 extension: the package in its service worker (a module, imported statically, listeners in the first turn) and
// in a page of the extension that asks the worker.
import fs from "node:fs";
import { at } from "../../scripts/lib/paths.mjs";
import { expected, expectedSimulation } from "../package/probe.mjs";
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
  permissions: ["storage", "alarms"],
}));
/** A worker that answers the page. @param {string} name @param {string} simulator */
const worker = (name, simulator) => project.write(`${name}/worker.js`, `import * as credpool from "./credpool/dist/js/index.js";
${simulator}
import { probe, probeSimulator } from "./probe.mjs";
chrome.runtime.onMessage.addListener((message, from, reply) => {
  const answer = message === "simulate" ? probeSimulator(credpool) : probe(credpool, ${JSON.stringify(keys)});
  answer.then(reply, (error) => reply("failed: " + error.stack));
  return true;
});
`);
worker("extension", 'import "./credpool/dist/js/simulator.js";');
project.write("extension/page.html", '<!doctype html><script type="module" src="page.js"></script>\n');
project.write("extension/page.js", `import * as credpool from "./credpool/dist/js/index.js";
import { probe, probeSimulator } from "./probe.mjs";
globalThis.here = () => probe(credpool, ${JSON.stringify(keys)});
globalThis.simulator = () => probeSimulator(credpool);
globalThis.there = (message) => chrome.runtime.sendMessage(message);
document.title = "ready";
`);
try {
  await withExtension(project.path("extension"), async (context, worker) => {
    const page = await context.newPage();
    await page.goto(new URL("page.html", worker.url()).href);
    await page.waitForFunction(() => document.title === "ready", null, { timeout: 60_000 });
    await check("in the service worker", async () => same(await page.evaluate("there('probe')"), expected(manifest.version)));
    await check("the simulator in the service worker", async () => same(await page.evaluate("there('simulate')"), expectedSimulation));
    await check("the simulator in a page of the extension", async () => same(await page.evaluate("simulator()"), expectedSimulation));
    await check("in a page of the extension", async () => same(await page.evaluate("here()"), expected(manifest.version)));
  });
} finally {
  project.remove();
}
finish();
