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
 * @property {Part} [part]      what of it is loaded later: all that an everyday program does not run (split/everyday.mjs)
 *
 * @typedef {object} Part
 * @property {string} name
 * @property {string} bytes
 */

/** Takes three times as long, and 4 % off: for what every program loads. Nothing is below the first kilobyte: it is the stack's end. */
const smallest = ["--low-memory-unused", "--merge-similar-functions", "--flatten", "--rereloop", "-Oz", "-Oz"];

/** @type {WasmModule[]} */
export const wasmModules = [
  // The pool: small, ready when the first pool is opened. What few programs need of it is a part of its own.
  {
    name: "credpool", glue: "glue", bytes: "bytes", profile: "wasm", cargo: ["--no-default-features", "--features", "pool"], optimise: smallest,
    part: { name: "more", bytes: "more-bytes" },
  },
  // The scenario runner: loaded when it is asked for.
  { name: "simulator", glue: "simulator", bytes: "simulator-bytes", profile: "wasm", cargo: ["--no-default-features", "--features", "simulate"], optimise: ["-Oz"] },
  // Other tools' files, read and written: likewise.
  { name: "importer", glue: "importer-glue", bytes: "importer-bytes", profile: "wasm", cargo: ["--no-default-features", "--features", "import"], optimise: ["-Oz"] },
];

export const wasmCrate = "credpool-wasm";
export const wasmLibrary = "credpool_wasm";
