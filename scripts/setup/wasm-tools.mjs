// @ts-check
// wasm-bindgen (which must be of exactly the version of the crate) and wasm-pack, built by cargo into .tools/.
import fs from "node:fs";
import path from "node:path";
import { at, tools } from "../lib/paths.mjs";
import { Failure, ask, must } from "../lib/run.mjs";
import { duration } from "../lib/say.mjs";

const wasmPackVersion = "0.15.1";

// The tools run for a second each: at optimisation level 0 they are built in a half of the time and cost 0.1 s more a run.
const unoptimised = {
  CARGO_PROFILE_RELEASE_OPT_LEVEL: "0",
  CARGO_PROFILE_RELEASE_LTO: "off",
  CARGO_PROFILE_RELEASE_CODEGEN_UNITS: "256",
  CARGO_PROFILE_RELEASE_DEBUG: "false",
  // These are native programs: settings for the crate's own wasm build must not reach them.
  RUSTFLAGS: undefined,
  CARGO_ENCODED_RUSTFLAGS: undefined,
  CARGO_BUILD_TARGET: undefined,
  CARGO_TARGET_DIR: undefined,
};

/** The version of a crate in Cargo.lock. @param {string} crate */
export function lockedVersion(crate) {
  const found = new RegExp(`^name = "${crate}"\\nversion = "([^"]+)"`, "m").exec(fs.readFileSync(at("Cargo.lock"), "utf8"));
  if (!found?.[1]) throw new Failure(`Cargo.lock has no ${crate}: run \`cargo generate-lockfile\`.`);
  return found[1];
}

/** @param {string} crate @param {string} version */
async function install(crate, version) {
  const started = Date.now();
  // No TLS: the test runner speaks to a driver on this machine only, and downloads nothing.
  const args = ["install", crate, "--version", `=${version}`, "--no-default-features", "--force", "--root", tools];
  // From the root folder, or the project's own cargo settings would be used for a native tool.
  const options = { cwd: path.parse(tools).root, env: unoptimised };
  try {
    await must("cargo", [...args, "--locked"], options);
  } catch {
    // A crate mirror that lags behind may lack a version in the tool's own lock file: then what the mirror has.
    await must("cargo", args, options);
  }
  return `${version}, installed in ${duration(Date.now() - started)} into .tools/ (kept)`;
}

export async function ensureWasmBindgen() {
  const version = lockedVersion("wasm-bindgen");
  const wanted = ` ${version}`;
  const [here, runner] = [await ask("wasm-bindgen", ["--version"]), await ask("wasm-bindgen-test-runner", ["--version"])];
  if (here?.endsWith(wanted) && runner?.endsWith(wanted)) return version;
  return install("wasm-bindgen-cli", version);
}

export async function ensureWasmPack() {
  if ((await ask("wasm-pack", ["--version"]))?.endsWith(` ${wasmPackVersion}`)) return wasmPackVersion;
  return install("wasm-pack", wasmPackVersion);
}
