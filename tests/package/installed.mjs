// @ts-check
// The package as a user gets it: packed, installed in an empty project, run by every runtime and read by TypeScript
// with the settings that its users have.
import fs from "node:fs";
import * as esbuild from "esbuild";
import { at } from "../../scripts/lib/paths.mjs";
import { must } from "../../scripts/lib/run.mjs";
import { line } from "../../scripts/lib/say.mjs";
import { runtimeProgram } from "../../scripts/setup/runtimes.mjs";
import { expected, expectedSimulation } from "./probe.mjs";
import { Project, keys, manifest } from "./support/project.mjs";
import { check, finish, same } from "./support/report.mjs";

const project = new Project();
try {
  const files = await project.install();
  line(`packed: ${files.length} files`);
  await check("everything that package.json names is in the package", () => {
    const packed = new Set(files.map((file) => file.path));
    const named = JSON.stringify([manifest.exports, manifest.bin, manifest.types]).match(/(?<=")(?:\.\/)?(?:dist|schema)\/[^"*]+(?=")/g) ?? [];
    same(named.filter((file) => !packed.has(file.replace(/^\.\//, ""))).join(", "), "");
  });

  project.copy(at("tests/package/probe.mjs"), "probe.mjs");
  const end = `console.log(await probe(all, ${JSON.stringify(keys)}));\nif ((await probeSimulator(all)) !== ${JSON.stringify(expectedSimulation)}) throw new Error("the simulator answered something else");\n`;
  const begin = 'import { probe, probeSimulator } from "./probe.mjs";\n';
  project.write("credpool.mjs", `${begin}import * as all from "credpool";\n${end}`);
  project.write("credpool-node.mjs", `${begin}import * as credpool from "credpool";\nimport * as node from "credpool/node";\nconst all = { ...credpool, ...node };\n${end}`);
  project.write("credpool-simulate.mjs", `${begin}import * as credpool from "credpool";\nimport { simulate } from "credpool/simulate";\nconst all = { ...credpool, simulate };\n${end}`);
  project.write("credpool-web.mjs", `${begin}import { readFileSync } from "node:fs";
import * as all from "credpool/web";
await all.init(readFileSync(new URL(import.meta.resolve("credpool/credpool.wasm"))), readFileSync(new URL(import.meta.resolve("credpool/more.wasm"))));
${end}`);
  /** @type {[string, string, string[]][]} */
  const runtimes = [
    [`Node ${process.versions.node}`, process.execPath, []],
    ["Node 24", runtimeProgram("node24"), []],
    ["Node 26", runtimeProgram("node26"), []],
    ["Bun", "bun", []],
    ["Deno", runtimeProgram("deno"), ["run", "--no-lock", "--node-modules-dir=manual", "--allow-all"]],
  ];
  for (const [runtime, program, args] of runtimes) {
    for (const file of ["credpool.mjs", "credpool-node.mjs", "credpool-simulate.mjs", "credpool-web.mjs"]) {
      await check(`${runtime}: ${file}`, async () => same((await must(program, [...args, file], { cwd: project.folder })).trim(), expected(manifest.version)));
    }
  }
  await check("Deno without any permission", async () => {
    same((await must(runtimeProgram("deno"), ["run", "--no-lock", "--node-modules-dir=manual", "credpool.mjs"], { cwd: project.folder })).trim(), expected(manifest.version));
  });
  await check("bundled for Node into one file, by esbuild, without the .wasm", async () => {
    for (const format of /** @type {const} */ (["esm", "cjs"])) {
      const outfile = project.path(`bundled/${format}.${format === "esm" ? "mjs" : "cjs"}`);
      // Only a module may await at its top.
      const source = project.write(`bundle-${format}.mjs`, format === "esm" ? fs.readFileSync(project.path("credpool-simulate.mjs"), "utf8") : `${begin}import * as all from "credpool";\nprobe(all, ${JSON.stringify(keys)}).then((said) => console.log(said));\n`);
      await esbuild.build({ entryPoints: [source], bundle: true, platform: "node", format, outfile, logLevel: "error", logOverride: { "empty-import-meta": "silent" } });
      same((await must(process.execPath, [outfile], { cwd: project.folder })).trim(), expected(manifest.version));
    }
  });
  await check("the command line says its version", async () => {
    same((await must(process.execPath, [project.path(`node_modules/credpool/${manifest.bin.credpool}`), "--version"], { cwd: project.folder })).trim(), manifest.version);
  });

  // skipLibCheck is off: our declarations must stand in a project that knows no more than it says.
  const strict = { strict: true, noEmit: true, skipLibCheck: false, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true };
  project.write("all.ts", 'import * as credpool from "credpool";\nexport const version: string = credpool.version();\n');
  project.write("node.ts", 'import * as node from "credpool/node";\nexport const all: object = node;\n');
  project.write("import.ts", 'import { readToolFile } from "credpool/import";\nimport type { Found } from "credpool/import";\nexport const found: Promise<Found> = readToolFile("OPENAI_API_KEY=sk-1", { tool: "env" });\n');
  project.write("simulate.ts", 'import { simulate } from "credpool/simulate";\nexport const passed: Promise<number> = simulate({ name: "none", steps: [] }).then((report) => report.passed);\n');
  project.write("web.ts", 'import init, * as credpool from "credpool/web";\nexport const version: Promise<string> = init().then(() => credpool.version());\n');
  const nodeTypes = { types: ["node"], typeRoots: [at("node_modules/@types")] };
  /** @type {[string, object, string[]][]} */
  const users = [
    ["Node, lib es2022", { module: "nodenext", target: "es2022", lib: ["es2022"], ...nodeTypes }, ["all.ts", "node.ts", "simulate.ts", "import.ts"]],
    ["a bundler, lib es2022 and dom", { module: "esnext", moduleResolution: "bundler", target: "es2022", lib: ["es2022", "dom"], types: [] }, ["all.ts", "simulate.ts", "import.ts", "web.ts"]],
    ["Node 20's style with the newest lib", { module: "node20", target: "esnext", lib: ["esnext"], ...nodeTypes }, ["all.ts", "node.ts", "simulate.ts"]],
  ];
  for (const [user, settings, include] of users) {
    await check(`TypeScript: ${user}`, async () => {
      project.write("tsconfig.json", JSON.stringify({ compilerOptions: { ...strict, ...settings }, files: include }));
      await must("tsc", ["--project", "tsconfig.json"], { cwd: project.folder });
    });
  }
} finally {
  project.remove();
}
finish();
