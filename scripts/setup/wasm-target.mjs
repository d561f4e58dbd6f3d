// @ts-check
// The target wasm32-unknown-unknown: there already, or by rustup, or (where rustup cannot download) by Debian's packages.
import fs from "node:fs";
import { at, wasmTarget } from "../lib/paths.mjs";
import { Failure, ask, must, run } from "../lib/run.mjs";

/** Does the active compiler have a standard library for the target? */
async function hasTarget() {
  const folder = await ask("rustc", ["--print", "target-libdir", "--target", wasmTarget]);
  return folder !== undefined && fs.existsSync(folder) && fs.readdirSync(folder).some((name) => /^libstd-.*\.rlib$/.test(name));
}

const debian = at("scripts/setup/debian-wasm-target.sh");

/** The Debian script prints `export NAME=value` for what the caller must set. @param {string} output */
function adopt(output) {
  for (const [, name = "", value = ""] of output.matchAll(/^export (\w+)=(.*)$/gm)) {
    process.env[name] = value.replace("$PATH", process.env.PATH ?? "");
  }
}

export async function ensureWasmTarget() {
  if (await hasTarget()) return "ready";
  const bash = (await ask("bash", ["--version"])) !== undefined;
  if (bash) {
    const earlier = await run("bash", [debian, "--check"]);
    if (earlier.code === 0) {
      adopt(earlier.output);
      return "ready, by Debian's compiler";
    }
  }
  // CREDPOOL_NO_RUSTUP=1: every machine builds with the same compiler, Debian's, whether or not rustup's server answers.
  if (process.env.CREDPOOL_NO_RUSTUP !== "1") {
    const added = await run("rustup", ["target", "add", wasmTarget], { limit: 60_000 });
    if (added.code === 0 && (await hasTarget())) return "added by rustup";
  }
  if (!bash) throw new Failure(`The Rust target ${wasmTarget} is missing and rustup could not add it: run \`rustup target add ${wasmTarget}\` where there is a network.`);
  adopt(await must("bash", [debian]));
  return "made from Debian's packages";
}
