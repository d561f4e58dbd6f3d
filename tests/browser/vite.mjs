// @ts-check
// A page built by Vite (and, for the inlined entry, by esbuild alone), run in Chromium.
import * as esbuild from "esbuild";
import fs from "node:fs";
import { build } from "vite";
import { at } from "../../scripts/lib/paths.mjs";
import { expected, expectedSimulation } from "../package/probe.mjs";
import { Project, keys, manifest } from "../package/support/project.mjs";
import { check, finish, same } from "../package/support/report.mjs";
import { serve, titleOf, withChromium } from "./support.mjs";

/** Both probes, one after the other, and their answers in the title. @param {string} ready */
const both = (ready) => `${ready}.then(() => probe(credpool, ${JSON.stringify(keys)}))
  .then(async (said) => { document.title = said + " | " + (await probeSimulator(credpool)); })
  .catch((error) => { document.title = "failed: " + error.stack; });
`;
const answer = `${expected(manifest.version)} | ${expectedSimulation}`;
const html = '<!doctype html><script type="module" src="./main.js"></script>\n';

const project = new Project();
await project.install();
for (const folder of ["inline", "web"]) {
  project.copy(at("tests/package/probe.mjs"), `${folder}/probe.mjs`);
  project.write(`${folder}/index.html`, html);
}
project.write("inline/main.js", `import * as credpool from "credpool";\nimport { probe, probeSimulator } from "./probe.mjs";\n${both("Promise.resolve()")}`);
project.write("web/main.js", `import init, * as credpool from "credpool/web";\nimport { probe, probeSimulator } from "./probe.mjs";\n${both("init()")}`);

const server = await serve(project.folder);
try {
  await withChromium(async (browser) => {
    for (const folder of ["inline", "web"]) {
      await check(`Vite, ${folder}`, async () => {
        await build({ root: project.path(folder), base: "./", logLevel: "error", build: { outDir: project.path(`out/${folder}`), emptyOutDir: true } });
        same(await titleOf(browser, `${server.address}/out/${folder}/`), answer);
      });
    }
    await check("the web entry's wasm is files of their own, the first and what is loaded when it is needed", () => {
      const assets = fs.readdirSync(project.path("out/web/assets"));
      same(String(assets.filter((name) => name.endsWith(".wasm")).length), "2");
    });
    await check("esbuild, inline", async () => {
      await esbuild.build({ entryPoints: [project.path("inline/main.js")], bundle: true, format: "esm", minify: true, outfile: project.path("out/esbuild/main.js"), logLevel: "error" });
      project.write("out/esbuild/index.html", html);
      same(await titleOf(browser, `${server.address}/out/esbuild/`), answer);
    });
  });
} finally {
  server.close();
  project.remove();
}
finish();
