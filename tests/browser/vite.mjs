// @ts-check
// A page built by Vite (and, for the inlined entry, by esbuild alone), run in Chromium.
import * as esbuild from "esbuild";
import fs from "node:fs";
import { build } from "vite";
import { at } from "../../scripts/lib/paths.mjs";
import { expected } from "../package/probe.mjs";
import { Project, manifest } from "../package/support/project.mjs";
import { check, finish, same } from "../package/support/report.mjs";
import { serve, titleOf, withChromium } from "./support.mjs";

const tell = '.then((said) => { document.title = said; }, (error) => { document.title = `failed: ${error.stack}`; });\n';
const html = '<!doctype html><script type="module" src="./main.js"></script>\n';

const project = new Project();
await project.install();
for (const folder of ["inline", "web"]) {
  project.copy(at("tests/package/probe.mjs"), `${folder}/probe.mjs`);
  project.write(`${folder}/index.html`, html);
}
project.write("inline/main.js", `import * as credpool from "credpool";\nimport { probe } from "./probe.mjs";\nprobe(credpool)${tell}`);
project.write("web/main.js", `import init, * as credpool from "credpool/web";\nimport { probe } from "./probe.mjs";\ninit().then(() => probe(credpool))${tell}`);

const server = await serve(project.folder);
try {
  await withChromium(async (browser) => {
    for (const folder of ["inline", "web"]) {
      await check(`Vite, ${folder}`, async () => {
        await build({ root: project.path(folder), base: "./", logLevel: "error", build: { outDir: project.path(`out/${folder}`), emptyOutDir: true } });
        same(await titleOf(browser, `${server.address}/out/${folder}/`), expected(manifest.version));
      });
    }
    await check("the web entry's wasm is a file of its own", () => {
      const assets = fs.readdirSync(project.path("out/web/assets"));
      same(String(assets.filter((name) => name.endsWith(".wasm")).length), "1");
    });
    await check("esbuild, inline", async () => {
      await esbuild.build({ entryPoints: [project.path("inline/main.js")], bundle: true, format: "esm", minify: true, outfile: project.path("out/esbuild/main.js"), logLevel: "error" });
      project.write("out/esbuild/index.html", html);
      same(await titleOf(browser, `${server.address}/out/esbuild/`), expected(manifest.version));
    });
  });
} finally {
  server.close();
  project.remove();
}
finish();
