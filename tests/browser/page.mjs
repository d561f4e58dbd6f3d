// @ts-check
// A plain page, no bundler: an import map, the package's files, and the answer of the probe. Both entries.
import { at } from "../../scripts/lib/paths.mjs";
import { expected } from "../package/probe.mjs";
import { Project, manifest } from "../package/support/project.mjs";
import { check, finish, same } from "../package/support/report.mjs";
import { serve, titleOf, withChromium } from "./support.mjs";

/** @param {string} script */
const page = (script) => `<!doctype html>
<script type="importmap">{"imports":{
  "credpool":"/node_modules/credpool/dist/js/index.js",
  "credpool/web":"/node_modules/credpool/dist/js/web.js"}}</script>
<script type="module">
${script}
</script>
`;
const tell = '.then((said) => { document.title = said; }, (error) => { document.title = `failed: ${error.stack}`; });';

const project = new Project();
await project.install();
project.copy(at("tests/package/probe.mjs"), "probe.mjs");
project.write("inline.html", page(`import * as credpool from "credpool"; import { probe } from "/probe.mjs"; probe(credpool)${tell}`));
project.write("web.html", page(`import init, * as credpool from "credpool/web"; import { probe } from "/probe.mjs"; init().then(() => probe(credpool))${tell}`));
const server = await serve(project.folder);
try {
  await withChromium(async (browser) => {
    await check("import of credpool", async () => same(await titleOf(browser, `${server.address}/inline.html`), expected(manifest.version)));
    await check("import of credpool/web, the wasm fetched", async () => same(await titleOf(browser, `${server.address}/web.html`), expected(manifest.version)));
  });
} finally {
  server.close();
  project.remove();
}
finish();
