// @ts-check
// Crate -> WebAssembly -> glue, for each row of modules.mjs, into bindings-js/ts/wasm/ (generated, not in git).
import crypto from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { wasmEnvironment } from "../lib/cargo.mjs";
import { at, generated, wasmTarget, wasmWork } from "../lib/paths.mjs";
import { Failure, ask, must } from "../lib/run.mjs";
import { Progress, duration, fact, kilobytes } from "../lib/say.mjs";
import { wasmCrate, wasmLibrary, wasmModules } from "./modules.mjs";
import { cut, missing } from "./split/cut.mjs";
import { labelled } from "./split/object.mjs";
import { planned } from "./split/plan.mjs";
import { everydayProgram, recorded } from "./split/record.mjs";

export async function buildWasm() {
  const env = await wasmEnvironment();
  const tools = `${await ask("wasm-bindgen", ["--version"])} ${await ask("wasm-opt", ["--version"])}`;
  /** @type {Promise<void>[]} */
  const generating = [];
  for (const module of wasmModules) {
    const started = Date.now();
    const args = ["--locked", "--target", wasmTarget, "--package", wasmCrate, "--lib", "--profile", module.profile, ...module.cargo];
    await must("cargo", ["build", ...args], { env });
    const target = path.resolve(at(), process.env.CARGO_TARGET_DIR ?? "target");
    const compiled = fs.readFileSync(path.join(target, wasmTarget, module.profile, `${wasmLibrary}.wasm`));
    // wasm-opt takes its time on one core: the next module is compiled meanwhile.
    const done = generate(module, compiled, tools).then((made) => {
      for (const { name } of [module, ...(module.part ? [module.part] : [])]) {
        const bytes = fs.statSync(path.join(ready(module), `${name}.wasm`)).size;
        fact(`${name}.wasm`, `${kilobytes(bytes)}, ${made} in ${duration(Date.now() - started)}`);
      }
    });
    done.catch(() => undefined); // It is told below, unless compiling the next one fails first.
    generating.push(done);
  }
  const progress = new Progress("wasm-opt");
  await Promise.all(generating).finally(() => progress.end());
  fs.rmSync(generated, { recursive: true, force: true });
  for (const module of wasmModules) fs.cpSync(ready(module), generated, { recursive: true });
  writePresets();
}

/** The presets that the pool's WebAssembly does not carry, as texts: what spaces and line breaks there are is left out. */
function writePresets() {
  const folder = at("core/src/policy/presets");
  const names = fs.readdirSync(folder).filter((file) => file.endsWith(".json") && !/^default\./.test(file)).sort();
  const documents = names.map((file) => [file.slice(0, -".json".length), JSON.stringify(JSON.parse(fs.readFileSync(path.join(folder, file), "utf8")))]);
  fs.writeFileSync(path.join(generated, "presets.js"), `export default ${JSON.stringify(Object.fromEntries(documents), undefined, 1)};\n`);
  fs.writeFileSync(path.join(generated, "presets.d.ts"), "declare const documents: Readonly<Record<string, string>>;\nexport default documents;\n");
}

/** Where the files of a module are that will be shipped. @param {import("./modules.mjs").WasmModule} module */
const ready = (module) => path.join(wasmWork, module.name, "ready");

/**
 * From the compiler's bytes to what is shipped; nothing to do while neither they nor the tools have changed.
 * @param {import("./modules.mjs").WasmModule} module @param {Buffer} compiled @param {string} tools
 */
async function generate(module, compiled, tools) {
  // What is done here counts too: these files are part of the key, and so is the program that decides about the cut.
  const selves = ["wasm.mjs", "split/object.mjs", "split/plan.mjs", "split/cut.mjs", "split/record.mjs"].map((file) => fs.readFileSync(new URL(file, import.meta.url)));
  const everyday = module.part ? await everydayProgram() : Buffer.alloc(0);
  const key = crypto.createHash("sha256").update(compiled).update(Buffer.concat(selves)).update(everyday).update(tools).update(JSON.stringify(module)).digest("hex");
  const work = path.join(wasmWork, module.name);
  const stamp = path.join(work, "stamp");
  if (fs.existsSync(stamp) && fs.readFileSync(stamp, "utf8") === key) return "unchanged, checked";

  fs.rmSync(work, { recursive: true, force: true });
  fs.mkdirSync(ready(module), { recursive: true });
  const raw = path.join(work, "compiled.wasm");
  fs.writeFileSync(raw, labelled(compiled));
  // One output for all runtimes: the loaders in bindings-js/ts/load/ say where the bytes come from.
  const bindgen = ["--target", "web", "--omit-default-module-path", "--out-dir", work, "--out-name", module.glue, raw];
  await must("wasm-bindgen", bindgen, { output: "quiet" });
  const whole = path.join(work, `${module.glue}_bg.wasm`);
  const glue = path.join(work, `${module.glue}.js`);
  let [code, types] = [fs.readFileSync(glue, "utf8").replace(/^\/\* @ts-self-types.*\n/, ""), declarations(fs.readFileSync(path.join(work, `${module.glue}.d.ts`), "utf8"))];
  const parts = [{ name: module.name, bytes: module.bytes, from: whole }];
  if (module.part) {
    const bytes = fs.readFileSync(whole);
    [code, types] = [withDoors(code), `${types}/** Who is asked for the second part, in the midst of a step. */\nexport function onMissing(load: () => void): void;\n`];
    fs.writeFileSync(glue, code);
    const run = await recorded(bytes, everyday, glue, work);
    // What wasm-bindgen itself calls is not the engine's.
    const { first, second } = await cut(bytes, planned(compiled, (name, exported) => run.has(name) || exported.some((as) => as.startsWith("__wbindgen"))));
    const from = (/** @type {string} */ name, /** @type {Buffer} */ cutOut) => {
      fs.writeFileSync(path.join(work, `${name}_cut.wasm`), cutOut);
      return path.join(work, `${name}_cut.wasm`);
    };
    parts.splice(0, 1, { name: module.name, bytes: module.bytes, from: from(module.name, first) }, { ...module.part, from: from(module.part.name, second) });
  }

  const write = (/** @type {string} */ name, /** @type {string | Buffer} */ content) => fs.writeFileSync(path.join(ready(module), name), content);
  write(`${module.glue}.js`, code);
  write(`${module.glue}.d.ts`, types);
  for (const part of parts) {
    const small = path.join(work, `${part.name}.wasm`);
    await must("wasm-opt", [...module.optimise, part.from, "-o", small], { output: "quiet" });
    const bytes = fs.readFileSync(small);
    write(`${part.bytes}.js`, `export default "${bytes.toString("base64")}";\n`);
    write(`${part.bytes}.d.ts`, "declare const base64: string;\nexport default base64;\n");
    write(`${part.name}.wasm`, bytes);
    write(`${part.name}.d.wasm.ts`, "declare const module: WebAssembly.Module;\nexport default module;\n");
  }
  // JavaScript that the crate carries itself (`inline_js`), which the glue imports.
  const snippets = path.join(work, "snippets");
  if (fs.existsSync(snippets)) fs.cpSync(snippets, path.join(ready(module), "snippets"), { recursive: true });
  fs.writeFileSync(stamp, key);
  return "built";
}

/** The glue with what a closed door calls. @param {string} glue */
function withDoors(glue) {
  const among = "const import0 = {\n        __proto__: null,\n";
  if (glue.split(among).length !== 2) throw new Failure("wasm-bindgen writes its imports otherwise: scripts/build/wasm.mjs has to follow");
  return `${glue.replace(among, `${among}        ${missing.name}: () => loadMissing(),\n`)}
let loadMissing = () => undefined;
export function onMissing(load) { loadMissing = load; }
`;
}

/**
 * wasm-bindgen's types, made fit for every user: an exported class has [Symbol.dispose], which a `lib` of es2022 does not
 * know; and the loader's types name the web's (Response, WebAssembly.Module), which a program for Node does not know.
 * @param {string} types
 */
function declarations(types) {
  const loader = types.search(/^export type InitInput/m);
  return `/// <reference lib="esnext.disposable" />
${types.slice(0, loader)}export function initSync(options: { module: unknown }): unknown;
export default function initialise(options: { module_or_path: unknown }): Promise<unknown>;
`;
}
