// @ts-check
// A true panic in the engine, end to end: the package with an engine that breaks when it is told to (a cargo feature that
// only this check builds), in every runtime. What must become of the host is said in program.mjs.
import fs from "node:fs";
import path from "node:path";
import { wasmCrate, wasmLibrary, wasmModules } from "../../scripts/build/modules.mjs";
import { wasmEnvironment } from "../../scripts/lib/cargo.mjs";
import { at, packageFolder, wasmTarget } from "../../scripts/lib/paths.mjs";
import { must } from "../../scripts/lib/run.mjs";
import { runtimeProgram } from "../../scripts/setup/runtimes.mjs";
import { check, finish, same } from "../package/support/report.mjs";

const work = at("target/panic");
const glue = wasmModules[0]?.glue ?? "glue";
// Unoptimised: faster to build, and its deep frames use the stack up sooner.
await must("cargo", ["build", "--locked", "--target", wasmTarget, "--package", wasmCrate, "--lib", "--no-default-features", "--features", "pool,break-on-purpose"], { env: await wasmEnvironment() });
const target = path.resolve(at(), process.env.CARGO_TARGET_DIR ?? "target");
fs.rmSync(work, { recursive: true, force: true });
await must("wasm-bindgen", ["--target", "web", "--omit-default-module-path", "--out-dir", work, "--out-name", glue, path.join(target, wasmTarget, "debug", `${wasmLibrary}.wasm`)]);
const copy = path.join(work, "node_modules/credpool");
for (const part of ["package.json", "dist"]) fs.cpSync(path.join(packageFolder, part), path.join(copy, part), { recursive: true });
fs.copyFileSync(path.join(work, `${glue}_bg.wasm`), path.join(copy, "dist/js/wasm/credpool.wasm"));
fs.writeFileSync(path.join(work, "package.json"), '{ "private": true, "type": "module" }\n');
fs.copyFileSync(at("tests/panic/program.mjs"), path.join(work, "program.mjs"));

/** @type {[string, string, string[]][]} */
const runtimes = [
  [`Node ${process.versions.node}`, process.execPath, []],
  ["Node 26", runtimeProgram("node26"), []],
  ["Bun", "bun", []],
  ["Deno", runtimeProgram("deno"), ["run", "--allow-read", "--no-lock", "--node-modules-dir=manual"]],
];
for (const [name, program, args] of runtimes) {
  await check(`an engine that breaks, in ${name}`, async () => same((await must(program, [...args, path.join(work, "program.mjs")], { limit: 120_000 })).trim(), "all is well"));
}
finish();
