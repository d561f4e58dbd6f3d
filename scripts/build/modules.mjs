// @ts-check
// The WebAssembly modules of the package: one row each, all from the crate in bindings-js/, told apart by cargo features.

/**
 * @typedef {object} WasmModule
 * @property {string} name      the file in the package: NAME.wasm
 * @property {string} glue      wasm-bindgen's JavaScript: GLUE.js and GLUE.d.ts
 * @property {string} bytes     the module as base64 in JavaScript: BYTES.js
 * @property {string} profile   cargo's profile, as Cargo.toml describes it
 * @property {string[]} cargo   cargo's other arguments: which features
 * @property {string[]} optimise wasm-opt's arguments
 */

/** @type {WasmModule[]} */
export const wasmModules = [
  // The pool: small, ready when the package is imported.
  { name: "credpool", glue: "glue", bytes: "bytes", profile: "wasm", cargo: ["--no-default-features", "--features", "pool"], optimise: ["-Oz"] },
  // The scenario runner: loaded when it is asked for.
  { name: "simulator", glue: "simulator", bytes: "simulator-bytes", profile: "wasm", cargo: ["--no-default-features", "--features", "simulate"], optimise: ["-Oz"] },
  // Other tools' files, read and written: likewise.
  { name: "importer", glue: "importer-glue", bytes: "importer-bytes", profile: "wasm", cargo: ["--no-default-features", "--features", "import"], optimise: ["-Oz"] },
];

export const wasmCrate = "credpool-wasm";
export const wasmLibrary = "credpool_wasm";
