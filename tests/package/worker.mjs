// @ts-check
// A Cloudflare-like worker (workerd by miniflare), bundled as wrangler does: the .wasm stays a module of its own, which
// the condition `workerd` of the package asks for, because bytes may not be compiled there.
import * as esbuild from "esbuild";
import { Miniflare } from "miniflare";
import fs from "node:fs";
import path from "node:path";
import { at } from "../../scripts/lib/paths.mjs";
import { expected, expectedImport, expectedSimulation } from "./probe.mjs";
import { Project, keys, manifest } from "./support/project.mjs";
import { check, finish, same } from "./support/report.mjs";

const project = new Project();
await project.install();
project.copy(at("tests/package/probe.mjs"), "probe.mjs");
/** A worker, with the simulator imported late or at its start. @param {string} file @param {string} simulator */
const worker = (file, simulator) => project.write(file, `import * as credpool from "credpool";
import * as importer from "credpool/import";
${simulator}import { probe, probeImporter, probeSimulator } from "./probe.mjs";
const all = async () => [await probe(credpool, ${JSON.stringify(keys)}), await probeSimulator(credpool), await probeImporter(importer, ${JSON.stringify(keys)})].join(" | ");
export default { fetch: async () => new Response(await all().catch((error) => "failed: " + error.stack)) };
`);

/** @type {string[]} */
let modules = [];
/** @type {import("esbuild").Plugin} */
const keepWasm = {
  name: "keep-wasm",
  setup: (bundle) =>
    bundle.onResolve({ filter: /\.wasm$/ }, (asked) => {
      modules.push(path.resolve(asked.resolveDir, asked.path));
      return { path: `./${path.basename(asked.path)}`, external: true };
    }),
};
try {
  const late = worker("late.js", "");
  const atStart = worker("start.js", 'import "credpool/simulate";\n');
  /** @type {[string, string][]} */
  const workers = [["the probe's answer", late], ["with credpool/simulate", atStart]];
  for (const [name, entry] of workers) await check(name, async () => {
    modules = [];
    const built = await esbuild.build({ entryPoints: [entry], bundle: true, format: "esm", write: false, logLevel: "error", conditions: ["workerd", "worker", "browser"], plugins: [keepWasm] });
    const miniflare = new Miniflare({
      modules: [
        { type: "ESModule", path: "worker.js", contents: built.outputFiles[0]?.text ?? "" },
        ...[...new Set(modules)].map((file) => ({ type: /** @type {const} */ ("CompiledWasm"), path: path.basename(file), contents: fs.readFileSync(file) })),
      ],
      compatibilityDate: "2025-01-01",
      cf: false,
    });
    try {
      same(await (await miniflare.dispatchFetch("http://localhost/")).text(), `${expected(manifest.version)} | ${expectedSimulation} | ${expectedImport}`);
    } finally {
      await miniflare.dispose();
    }
  });
} finally {
  project.remove();
}
finish();
