// @ts-check
// Where things are. Every script asks here, so a folder can move in one place.
import path from "node:path";
import { fileURLToPath } from "node:url";

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
/** A path inside the project. @param {...string} parts */
export const at = (...parts) => path.join(root, ...parts);

/** Tools of exact versions, kept between runs. */
export const tools = at(".tools");
/** What the wasm build leaves between its steps. */
export const wasmWork = at("target/wasm-package");
/** TypeScript, compiled one by one: types, and modules for unit tests. */
export const typescriptWork = at("target/package");
export const wasmTarget = "wasm32-unknown-unknown";
/** Generated beside the TypeScript sources, so that the compiler sees them at the address they will be shipped at. */
export const generated = at("bindings-js/ts/wasm");
export const packageFolder = at("pkg");
export const dist = at("pkg/dist");
/** One log per test step; searched for secrets at the end. */
export const output = at("tests/output");
