// @ts-check
// The WebAssembly without the package around it.
import fs from "node:fs";
import { initSync, loadMoreBy, started, WasmPool } from "../../../pkg/dist/js/core.js";

const bytes = (/** @type {string} */ name) => fs.readFileSync(new URL(`../../../pkg/dist/js/wasm/${name}.wasm`, import.meta.url));

loadMoreBy(() => bytes("more"));
started(initSync({ module: bytes("credpool") }));

export { WasmPool };
