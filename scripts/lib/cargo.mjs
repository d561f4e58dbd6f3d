// @ts-check
// The environment of every cargo call for WebAssembly. One for all, or building and testing would throw away each
// other's work (cargo rebuilds when flags differ).
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { wasmTarget } from "./paths.mjs";
import { must } from "./run.mjs";

const flagsVariable = "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS";

// `opt-level = "z"` leaves even the smallest functions alone. This much in line costs 2 % of the size, and the hot path is
// half as fast again for it (docs/decisions/0003-size-of-the-wasm.md).
const inline = "-Cllvm-args=-inline-threshold=30";

// What names what, for scripts/build/split: it is taken out again of what is shipped.
const relocations = "-Clink-arg=--emit-relocs";

/**
 * No path of this machine in the panic messages: the same source gives the same bytes on another machine.
 * @returns {Promise<Record<string, string>>}
 */
export async function wasmEnvironment() {
  await must("cargo", ["fetch", "--locked", "--quiet", "--target", wasmTarget]);
  const sources = path.join(process.env.CARGO_HOME ?? path.join(os.homedir(), ".cargo"), "registry/src");
  const registries = fs.existsSync(sources) ? fs.readdirSync(sources).sort() : [];
  const maps = registries.map((name) => `--remap-path-prefix=${path.join(sources, name)}=/rust/deps`);
  return { [flagsVariable]: [process.env[flagsVariable] ?? "", inline, relocations, ...maps].join(" ").trim() };
}
