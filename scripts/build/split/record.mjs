// @ts-check
// Which functions an everyday program runs: it is run, with a WebAssembly that notes each function when it is called.
import fs from "node:fs";
import path from "node:path";
import { at as inTree } from "../../lib/paths.mjs";
import { must } from "../../lib/run.mjs";
import { functionsOf, read, write } from "./cut.mjs";

const glueBeside = "./noting-glue.js";
const note = { module: "./glue_bg.js", name: "__credpool_note" };

/** The everyday program with the TypeScript of this tree, as one module beside the glue: what is said to the engine is theirs to say. */
export async function everydayProgram() {
  const esbuild = await import("esbuild");
  const { outputFiles } = await esbuild.build({
    absWorkingDir: inTree(),
    stdin: { contents: program, resolveDir: inTree("scripts/build/split"), loader: "js" },
    bundle: true,
    write: false,
    format: "esm",
    platform: "node",
    target: "es2022",
    packages: "external",
    logLevel: "warning",
    define: { CREDPOOL_VERSION: '"0.0.0"' },
    plugins: [{
      // Nothing that is built is looked for: the everyday program loads the glue alone, and the other modules may not be built yet.
      name: "modules-apart",
      setup: (build) => void build.onResolve({ filter: /\/wasm\/[^/]+\.js$/ }, ({ path: file }) => ({ path: file.endsWith("/glue.js") ? glueBeside : file, external: true })),
    }],
  });
  return Buffer.from(outputFiles[0]?.contents ?? []);
}

const program = `
import fs from "node:fs";
import { CredentialPool, memoryStore, initSync, started } from "../../../bindings-js/ts/core.ts";
import { everyday } from "./everyday.mjs";
const [, , wasm, notes] = process.argv;
const seen = new Set();
globalThis.__credpool_note = (index) => seen.add(index);
started(initSync({ module: fs.readFileSync(wasm) }));
await everyday({ CredentialPool, memoryStore });
fs.writeFileSync(notes, JSON.stringify([...seen]));
process.exit();
`;

/**
 * The names of the functions that it runs.
 * @param {Buffer} whole after wasm-bindgen, with its names @param {Buffer} program of `everydayProgram`
 * @param {string} glue wasm-bindgen's JavaScript @param {string} folder to work in
 */
export async function recorded(whole, program, glue, folder) {
  const module = await read(whole);
  const { default: binaryen } = await import("binaryen");
  const names = [...functionsOf(module).values()].filter((one) => one.module === "").map(({ name }) => name);
  module.addFunctionImport(note.name, note.module, note.name, binaryen.i32, binaryen.none);
  names.forEach((name, index) => {
    const { body, results } = binaryen.getFunctionInfo(module.getFunction(name));
    // Its types do not know this one.
    const { Function: functions } = /** @type {{ Function: { setBody(of: number, body: number): void } }} */ (/** @type {unknown} */ (binaryen));
    functions.setBody(module.getFunction(name), module.block(null, [module.call(note.name, [module.i32.const(index)], binaryen.none), body], results));
  });
  const at = (/** @type {string} */ file) => path.join(folder, file);
  fs.writeFileSync(at("noting.wasm"), write(module));
  const among = "const import0 = {";
  fs.writeFileSync(at(glueBeside), fs.readFileSync(glue, "utf8").replace(among, `${among} ${note.name}: (index) => globalThis.${note.name}(index),`));
  fs.writeFileSync(at("everyday.mjs"), program);
  await must(process.execPath, [at("everyday.mjs"), at("noting.wasm"), at("notes.json")], { output: "quiet" });
  const seen = /** @type {number[]} */ (JSON.parse(fs.readFileSync(at("notes.json"), "utf8")));
  return new Set(seen.map((index) => names[index] ?? ""));
}
