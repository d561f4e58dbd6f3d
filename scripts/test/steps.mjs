// @ts-check
// The test steps, in their order: cheap ones that need no build first. A step is data; steps that need more than a
// command line are programs under tests/.
import fs from "node:fs";
import { at } from "../lib/paths.mjs";
import { Failure } from "../lib/run.mjs";
import { runtimeProgram } from "../setup/runtimes.mjs";

/**
 * @typedef {object} Step
 * @property {string} name     for `--only`
 * @property {string} title
 * @property {import("../setup/index.mjs").Part[]} [needs] beyond Rust and npm packages
 * @property {boolean} [built] needs the package in pkg/
 * @property {boolean} [wasm]  cargo builds for WebAssembly: the flags that all such builds share
 * @property {RegExp} [tests]  finds the number of passed tests in the output; a step that ran none has failed
 * @property {() => string[][]} commands
 */

const node = process.execPath;

/** The files of a kind under tests/. @param {string} folder @param {string} ending */
function files(folder, ending) {
  const all = fs.existsSync(at(folder)) ? /** @type {string[]} */ (fs.readdirSync(at(folder), { recursive: true })) : [];
  const found = all.filter((name) => name.endsWith(ending) && !name.includes("node_modules")).map((name) => `${folder}/${name}`);
  if (found.length === 0) throw new Failure(`there is no ${folder}/**/*${ending}: nothing to run`);
  return found.sort();
}
const testFiles = () => files("tests/js", ".test.mjs");

const cargoTests = /test result: ok\. (\d+) passed/g;
const nodeTests = /^\S+ pass (\d+)$/gm;

/** @param {boolean} nextest @returns {Step[]} */
export const steps = (nextest) => [
  { name: "format", title: "cargo fmt", commands: () => [["cargo", "fmt", "--all", "--check"]] },
  {
    name: "clippy",
    title: "cargo clippy, natively and for WebAssembly",
    needs: ["target"],
    wasm: true,
    commands: () => [
      ["cargo", "clippy", "--workspace", "--all-targets", "--all-features", "--locked", "--", "-D", "warnings"],
      ["cargo", "clippy", "--package", "credpool-wasm", "--target", "wasm32-unknown-unknown", "--all-targets", "--locked", "--", "-D", "warnings"],
    ],
  },
  {
    name: "rust",
    title: "Rust tests",
    tests: /test result: ok\. (\d+) passed|(\d+) tests? run:/g,
    commands: () => [
      nextest ? ["cargo", "nextest", "run", "--workspace", "--all-features", "--locked"] : ["cargo", "test", "--workspace", "--all-features", "--all-targets", "--locked"],
      ["cargo", "test", "--workspace", "--all-features", "--doc", "--locked"],
    ],
  },
  {
    name: "wasm-node",
    title: "wasm-pack test --node",
    needs: ["target", "bindgen", "pack"],
    wasm: true,
    tests: cargoTests,
    commands: () => [["wasm-pack", "test", "--node", "--mode", "no-install", "bindings-js", "--locked", "--test", "node"]],
  },
  {
    name: "wasm-chromium",
    title: "wasm-pack test --headless --chrome",
    needs: ["target", "bindgen", "pack", "browser"],
    wasm: true,
    tests: cargoTests,
    commands: () => [
      ["wasm-pack", "test", "--headless", "--chrome", "--chromedriver", process.env.CHROMEDRIVER ?? "chromedriver", "--mode", "no-install", "bindings-js", "--locked", "--test", "browser"],
    ],
  },
  { name: "purity", title: "core alone in WebAssembly imports nothing", needs: ["target"], commands: () => [[node, "tests/wasm-purity/check.mjs"]] },
  { name: "size", title: "size budgets", built: true, commands: () => [[node, "tests/size/check.mjs"]] },
  { name: "paths", title: "no path of this machine and no registry host in any file", built: true, commands: () => [[node, "tests/package/no-local-paths.mjs"]] },
  { name: "publint", title: "publint --strict", built: true, commands: () => [["publint", "--strict", "pkg"]] },
  { name: "attw", title: "are the types wrong?", built: true, commands: () => [["attw", "--pack", "pkg", "--profile", "esm-only", "--no-emoji"]] },
  { name: "types", title: "types of tests, examples and scripts", built: true, commands: () => [["tsc", "--project", "tsconfig.json"]] },
  { name: "node", title: `tests on Node ${process.versions.node}`, built: true, tests: nodeTests, commands: () => [[node, "--test", "--test-reporter=spec", ...testFiles()]] },
  {
    name: "node-newer",
    title: "the same tests on newer Node versions",
    needs: ["runtimes"],
    built: true,
    tests: nodeTests,
    commands: () => /** @type {const} */ (["node24", "node26"]).map((version) => [runtimeProgram(version), "--test", "--test-reporter=spec", ...testFiles()]),
  },
  { name: "bun", title: "the same tests on Bun", built: true, tests: /^\s*(\d+) pass$/gm, commands: () => [["bun", "test", "--timeout", "60000", ...testFiles().map((file) => `./${file}`)]] },
  {
    name: "deno",
    title: "the same tests on Deno",
    needs: ["runtimes"],
    built: true,
    tests: /(\d+) passed/g,
    commands: () => [[runtimeProgram("deno"), "test", "--allow-all", "--no-check", "--no-lock", "--node-modules-dir=manual", ...testFiles()]],
  },
  { name: "package", title: "the packed package in every runtime and for every TypeScript user", needs: ["runtimes"], built: true, commands: () => [[node, "tests/package/installed.mjs"]] },
  { name: "page", title: "a plain page in Chromium", needs: ["browser"], built: true, commands: () => [[node, "tests/browser/page.mjs"]] },
  { name: "vite", title: "a page built by Vite in Chromium", needs: ["browser"], built: true, commands: () => [[node, "tests/browser/vite.mjs"]] },
  { name: "extension", title: "an MV3 service worker in Chromium", needs: ["browser"], built: true, commands: () => [[node, "tests/browser/extension.mjs"]] },
  { name: "worker", title: "a Cloudflare-like worker", built: true, commands: () => [[node, "tests/package/worker.mjs"]] },
  { name: "example", title: "the demonstration", built: true, commands: () => [[node, "examples/rotating-keys/main.mjs"]] },
];
