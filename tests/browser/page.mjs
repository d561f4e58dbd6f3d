// @ts-check
// A plain page, no bundler: an import map, the package's files, and the answers of the probes, by both entries. The
// memory store goes through the same cases as every other; IndexedDB has a file of its own.
import { at } from "../../scripts/lib/paths.mjs";
import { expected, expectedImport, expectedSimulation } from "../package/probe.mjs";
import { Project, keys, manifest } from "../package/support/project.mjs";
import { check, finish, same } from "../package/support/report.mjs";
import { serve, titleOf, withChromium } from "./support.mjs";

/** A page whose script says what its title becomes. @param {string} script */
const page = (script) => `<!doctype html>
<script type="importmap">{"imports":{
  "credpool":"/node_modules/credpool/dist/js/index.js",
  "credpool/import":"/node_modules/credpool/dist/js/importer.js",
  "credpool/simulate":"/node_modules/credpool/dist/js/simulator.js",
  "credpool/store-conformance":"/node_modules/credpool/dist/js/store-conformance.js",
  "credpool/web":"/node_modules/credpool/dist/js/web.js"}}</script>
<script type="module">
import { probe, probeImporter, probeSimulator } from "/probe.mjs";
${script}
main().then((said) => { document.title = said; }, (error) => { document.title = "failed: " + error.stack; });
</script>
`;
const both = `(await probe(credpool, ${JSON.stringify(keys)})) + " | " + (await probeSimulator(credpool))`;
const answer = `${expected(manifest.version)} | ${expectedSimulation}`;

const project = new Project();
await project.install();
project.copy(at("tests/package/probe.mjs"), "probe.mjs");
project.write("inline.html", page(`import * as credpool from "credpool"; const main = async () => ${both};`));
project.write("simulate.html", page(`import * as all from "credpool"; import { simulate } from "credpool/simulate"; const credpool = { ...all, simulate }; const main = async () => ${both};`));
project.write("alone.html", page(`import * as credpool from "credpool/web"; const main = async () => ${both};`));
project.write("web.html", page(`import init, * as credpool from "credpool/web"; const main = async () => { await init(); return ${both}; };`));
project.write("import.html", page(`import * as importer from "credpool/import"; const main = () => probeImporter(importer, ${JSON.stringify(keys)});`));
project.write(
  "memory.html",
  page(`import { memoryStore } from "credpool"; import { runConformance } from "credpool/store-conformance";
const main = async () => {
  const { passed, failed } = await runConformance(() => ({ store: memoryStore() }));
  return failed.map(({ name, error }) => name + ": " + error.message).join("; ") || (passed.length > 30 ? "all passed" : "too few cases");
};`),
);
const server = await serve(project.folder);
try {
  await withChromium(async (browser) => {
    const title = (/** @type {string} */ name) => titleOf(browser, `${server.address}/${name}.html`);
    await check("import of credpool", async () => same(await title("inline"), answer));
    await check("import of credpool/simulate", async () => same(await title("simulate"), answer));
    await check("import of credpool/web without init: the first pool fetches the wasm", async () => same(await title("alone"), answer));
    await check("import of credpool/web, the wasm fetched", async () => same(await title("web"), answer));
    await check("import of credpool/import", async () => same(await title("import"), expectedImport));
    await check("the memory store's conformance", async () => same(await title("memory"), "all passed"));
  });
} finally {
  server.close();
  project.remove();
}
finish();
