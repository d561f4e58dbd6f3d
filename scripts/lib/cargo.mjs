// @ts-check
// The environment of every cargo call for WebAssembly. One for all, or building and testing would throw away each
// other's work (cargo rebuilds when flags differ).
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { wasmTarget } from "./paths.mjs";
import { must } from "./run.mjs";

const flagsVariable = "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS";

/**
 * No path of this machine in the panic messages: the same source gives the same bytes on another machine.
 * @returns {Promise<Record<string, string>>}
 */
export async function wasmEnvironment() {
  await must("cargo", ["fetch", "--locked", "--quiet", "--target", wasmTarget]);
  const sources = path.join(process.env.CARGO_HOME ?? path.join(os.homedir(), ".cargo"), "registry/src");
  const registries = fs.existsSync(sources) ? fs.readdirSync(sources).sort() : [];
  const maps = registries.map((name) => `--remap-path-prefix=${path.join(sources, name)}=/rust/deps`);
  return { [flagsVariable]: [process.env[flagsVariable] ?? "", ...maps].join(" ").trim() };
}
