// @ts-check
// The test steps, in their order: first those that need no build. A step is data; one that needs more than a command
// line is a program under tests/.
import fs from "node:fs";
import os from "node:os";
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
 * @property {() => Record<string, string>} [environment] of the commands
 * @property {RegExp} [tests]  finds the number of passed tests in the output; a step that ran none has failed
 * @property {RegExp} [skipped] finds the number of skipped tests: a test is registered where it can run, and runs
 * @property {number} [minutes] until a command is killed: 20 unless told
 * @property {() => string[][]} commands
 */

const node = process.execPath;

/** Every test file in JavaScript: under tests/ and beside the examples. */
function testFiles() {
  const found = ["tests", "examples"].flatMap((folder) => {
    const names = fs.existsSync(at(folder)) ? /** @type {string[]} */ (fs.readdirSync(at(folder), { recursive: true })) : [];
    return names.filter((name) => name.endsWith(".test.mjs") && !/node_modules|^output|^fuzz/.test(name)).map((name) => `${folder}/${name}`);
  });
  if (found.length === 0) throw new Failure("there is no *.test.mjs under tests/ and examples/: nothing to run");
  return found.sort();
}

const cargoTests = /test result: ok\. (\d+) passed|(\d+) tests? run:/g;

// A test that waits for ever is told by its name, not by the end of the step's time. Files run side by side: most of them wait
// for timers and for other processes half of the time.
const sideBySide = Math.max(2, os.availableParallelism());
const nodeTest = () => ["--test", "--test-reporter=spec", `--test-concurrency=${sideBySide}`, "--test-timeout=180000", ...testFiles()];
const nodeTests = /^\S+ pass (\d+)$/gm;
const nodeSkipped = /^\S+ (?:skipped|todo) (\d+)$/gm;

/**
 * The test runner writes CommonJS into the system's temporary folder, where anybody's package.json may say that it is none.
 * @returns {Record<string, string>}
 */
function ownTemporaryFolder() {
  const folder = at("target/tmp/wasm-pack");
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(`${folder}/package.json`, '{ "private": true, "type": "commonjs" }\n');
  return { TMPDIR: folder, TEMP: folder, TMP: folder };
}

/** @param {boolean} nextest is it on this machine? @returns {Step[]} */
const inRust = (nextest) => [
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
    tests: cargoTests,
    commands: () => [
      ["cargo", ...(nextest ? ["nextest", "run"] : ["test", "--all-targets"]), "--workspace", "--all-features", "--locked"],
      ["cargo", "test", "--workspace", "--all-features", "--doc", "--locked"],
    ],
  },
  {
    name: "simulation",
    title: "histories of processes that renew the same accounts, with faults: npm run simulate -- --seeds N for more",
    tests: cargoTests,
    environment: () => ({ SEEDS: "2000" }),
    commands: () => [["cargo", "test", "--profile", "simulation", "--package", "credpool", "--test", "simulation", "--locked"]],
  },
  {
    name: "fuzz",
    title: "every parser with some thousand made-up inputs",
    tests: cargoTests,
    commands: () => [["cargo", "test", "--manifest-path", "tests/fuzz/Cargo.toml", "--target-dir", "target", "--locked"]],
  },
  {
    name: "wasm-node",
    title: "wasm-pack test --node",
    environment: ownTemporaryFolder,
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
    commands: () => {
      const driver = process.env.CHROMEDRIVER ?? "chromedriver";
      return [["wasm-pack", "test", "--headless", "--chrome", "--chromedriver", driver, "--mode", "no-install", "bindings-js", "--locked", "--test", "browser"]];
    },
  },
  {
    name: "purity",
    title: "core alone in WebAssembly imports nothing",
    needs: ["target"],
    commands: () => [[node, "tests/wasm-purity/check.mjs"]],
  },
];

/** @type {Step[]} */
const ofThePackage = [
  { name: "size", title: "size budgets", built: true, commands: () => [[node, "tests/size/check.mjs"]] },
  {
    name: "paths",
    title: "no path of this machine and no registry host in any file",
    built: true,
    commands: () => [[node, "tests/package/no-local-paths.mjs"]],
  },
  { name: "publint", title: "publint --strict", built: true, commands: () => [["publint", "--strict", "pkg"]] },
  { name: "attw", title: "are the types wrong?", built: true, commands: () => [["attw", "--pack", "pkg", "--profile", "esm-only", "--no-emoji"]] },
  { name: "types", title: "types of tests, examples and scripts", built: true, commands: () => [["tsc", "--project", "tsconfig.json"]] },
];

/** @type {Step[]} */
const inEveryRuntime = [
  {
    name: "node",
    title: `tests on Node ${process.versions.node}`,
    built: true,
    minutes: 15,
    tests: nodeTests,
    skipped: nodeSkipped,
    commands: () => [[node, ...nodeTest()]],
  },
  {
    name: "node-newer",
    title: "the same tests on newer Node versions",
    needs: ["runtimes"],
    built: true,
    minutes: 15,
    tests: nodeTests,
    skipped: nodeSkipped,
    commands: () => /** @type {const} */ (["node24", "node26"]).map((version) => [runtimeProgram(version), ...nodeTest()]),
  },
  {
    name: "bun",
    title: "the same tests on Bun",
    built: true,
    minutes: 15,
    tests: /^\s*(\d+) pass$/gm,
    skipped: /^\s*(\d+) (?:skip|todo)$/gm,
    commands: () => [["bun", "test", "--timeout", "180000", ...testFiles().map((file) => `./${file}`)]],
  },
  {
    name: "deno",
    title: "the same tests on Deno",
    environment: () => ({ DENO_JOBS: String(sideBySide) }),
    needs: ["runtimes"],
    built: true,
    minutes: 15,
    tests: /(\d+) passed/g,
    skipped: /(\d+) ignored/g,
    commands: () => [[runtimeProgram("deno"), "test", "--parallel", "--allow-all", "--no-check", "--no-lock", "--node-modules-dir=manual", ...testFiles()]],
  },
  {
    name: "package",
    title: "the packed package in every runtime and for every TypeScript user",
    needs: ["runtimes"],
    built: true,
    commands: () => [[node, "tests/package/installed.mjs"]],
  },
  {
    name: "panic",
    title: "an engine that breaks, in every runtime",
    needs: ["target", "bindgen", "runtimes"],
    built: true,
    commands: () => [[node, "tests/panic/check.mjs"]],
  },
  { name: "page", title: "a plain page in Chromium", needs: ["browser"], built: true, commands: () => [[node, "tests/browser/page.mjs"]] },
  { name: "indexeddb", title: "the store in IndexedDB, in Chromium", needs: ["browser"], built: true, commands: () => [[node, "tests/browser/indexeddb.mjs"]] },
  { name: "vite", title: "a page built by Vite in Chromium", needs: ["browser"], built: true, commands: () => [[node, "tests/browser/vite.mjs"]] },
  { name: "extension", title: "an MV3 service worker in Chromium", needs: ["browser"], built: true, commands: () => [[node, "tests/browser/extension.mjs"]] },
  {
    name: "oauth",
    title: "a certified OpenID provider: logins by a person in Chromium; eight processes killed at random over one store",
    needs: ["browser"],
    built: true,
    minutes: 6,
    tests: nodeTests,
    skipped: nodeSkipped,
    commands: () => [[node, "--test", "--test-reporter=spec", "--test-timeout=120000", "tests/oauth/real.mjs", "tests/oauth/dpop.mjs"], [node, "tests/oauth/processes.mjs", "8"]],
  },
  {
    name: "crash",
    title: "processes killed in the midst of commits to one SQLite file: npm run crash-test -- KILLS for more",
    built: true,
    tests: nodeTests,
    commands: () => [[node, "tests/stores/crash.mjs", "200"]],
  },
  {
    name: "postgres",
    title: "the store in PostgreSQL, over a server of its own that is killed; many processes; eight killed at random",
    needs: ["postgres"],
    built: true,
    tests: nodeTests,
    skipped: nodeSkipped,
    commands: () => [
      [node, "--test", "--test-reporter=spec", "--test-timeout=170000", "tests/postgres/store.mjs"],
      [node, "--test", "--test-reporter=spec", "--test-timeout=170000", "tests/postgres/sealed.mjs"],
      [node, "tests/postgres/crowd.mjs"],
      [node, "tests/oauth/processes.mjs", "8", "postgres"],
    ],
  },
  {
    name: "valkey",
    title: "limits that several processes share, over a Valkey or Redis server of its own that is killed",
    needs: ["valkey"],
    built: true,
    tests: nodeTests,
    skipped: nodeSkipped,
    commands: () => [[node, "--test", "--test-reporter=spec", "--test-timeout=300000", "tests/valkey/limits.mjs"]],
  },
  { name: "worker", title: "a Cloudflare-like worker", built: true, commands: () => [[node, "tests/package/worker.mjs"]] },
];

/** @param {boolean} nextest */
export const steps = (nextest) => [...inRust(nextest), ...ofThePackage, ...inEveryRuntime];
