// @ts-check
// The WebAssembly modules of the package: one row each, all from the crate in bindings-js/, told apart by cargo features.

/**
 * @typedef {object} WasmModule
 * @property {string} name      the file in the package: NAME.wasm
 * @property {string} glue      wasm-bindgen's JavaScript: GLUE.js and GLUE.d.ts
 * @property {string} bytes     the module as base64 in JavaScript: BYTES.js
 * @property {string[]} cargo   cargo's arguments: which features
 * @property {string[]} optimise wasm-opt's arguments
 */

/** @type {WasmModule[]} */
export const wasmModules = [
  // The pool: small, ready when the package is imported.
  { name: "credpool", glue: "glue", bytes: "bytes", cargo: ["--no-default-features", "--features", "pool"], optimise: ["-O"] },
  // The scenario runner: loaded when it is asked for.
  { name: "simulator", glue: "simulator", bytes: "simulator-bytes", cargo: ["--no-default-features", "--features", "simulate"], optimise: ["-O"] },
];

export const wasmCrate = "credpool-wasm";
export const wasmLibrary = "credpool_wasm";
