// @ts-check
// The set-up: every part looks first, does only what is missing, and keeps what it made for the next time.
// Only Node's own modules may be imported from here on down: this runs before there are any npm packages.
import path from "node:path";
import { at, tools } from "../lib/paths.mjs";
import { Failure } from "../lib/run.mjs";
import { Progress, fact, heading } from "../lib/say.mjs";
import { ensureBrowser } from "./browser.mjs";
import { ensureNpmPackages } from "./npm.mjs";
import { ensurePostgres } from "./postgres.mjs";
import { ensureRuntimes } from "./runtimes.mjs";
import { ensureRust } from "./rust.mjs";
import { ensureValkey } from "./valkey.mjs";
import { ensureWasmBindgen, ensureWasmPack } from "./wasm-tools.mjs";
import { ensureWasmTarget } from "./wasm-target.mjs";

/** In this order: a part may count on those before it. Each answers one line: what was found or done. */
const parts = {
  rust: { title: "Rust", ensure: ensureRust },
  npm: { title: "npm packages", ensure: ensureNpmPackages },
  target: { title: "wasm target", ensure: ensureWasmTarget },
  bindgen: { title: "wasm-bindgen", ensure: ensureWasmBindgen },
  pack: { title: "wasm-pack", ensure: ensureWasmPack },
  browser: { title: "Chromium", ensure: ensureBrowser },
  postgres: { title: "PostgreSQL", ensure: ensurePostgres },
  valkey: { title: "Valkey or Redis", ensure: ensureValkey },
  runtimes: { title: "other runtimes", ensure: ensureRuntimes },
};

/** @typedef {keyof typeof parts} Part */
/** What a build of the package needs. */
export const forBuild = /** @type {Part[]} */ (["rust", "npm", "target", "bindgen"]);
export const everything = /** @type {Part[]} */ (Object.keys(parts));

/** @param {Iterable<Part>} wanted */
export async function setUp(wanted) {
  const [major = 0] = process.versions.node.split(".").map(Number);
  if (major < 20) throw new Failure(`Node ${process.versions.node} is too old: install Node 20 or newer.`);
  process.env.PATH = [path.join(tools, "bin"), at("node_modules/.bin"), process.env.PATH].join(path.delimiter);
  heading("Set-up");
  const chosen = new Set(wanted);
  for (const [name, { title, ensure }] of Object.entries(parts)) {
    if (!chosen.has(/** @type {Part} */ (name))) continue;
    Progress.label = `${title}: `;
    fact(title, await ensure());
    Progress.label = "";
  }
}
