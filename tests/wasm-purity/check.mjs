// @ts-check
// The engine asks nothing of its host: core, linked alone to WebAssembly with nothing thrown away, imports nothing.
// (An ordinary link would drop what is not called and prove little.) As a control, three lines that do ask something,
// never called either, are linked the same way and must show their import, or this check would be blind.
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { wasmEnvironment } from "../../scripts/lib/cargo.mjs";
import { main } from "../../scripts/lib/main.mjs";
import { at, wasmTarget } from "../../scripts/lib/paths.mjs";
import { Failure, must } from "../../scripts/lib/run.mjs";
import { kilobytes, line } from "../../scripts/lib/say.mjs";

// A folder of its own: the flags would make cargo throw away the work of the other wasm builds.
const folder = at("target/purity");
const keepAll = ["-C", "link-dead-code", "-C", "link-arg=--no-gc-sections"];

/** @param {Buffer} bytes */
const importsOf = (bytes) => WebAssembly.Module.imports(new WebAssembly.Module(new Uint8Array(bytes))).map((one) => `${one.module}.${one.name}`);

async function control() {
  const work = fs.mkdtempSync(path.join(os.tmpdir(), "credpool-control-"));
  try {
    const source = path.join(work, "control.rs");
    fs.writeFileSync(source, 'extern "C" { fn ask_the_host() -> u32; }\npub fn uses_it() -> u32 { unsafe { ask_the_host() } }\n');
    const file = path.join(work, "control.wasm");
    await must("rustc", ["--crate-type", "cdylib", "--edition", "2021", "--target", wasmTarget, ...keepAll, "-o", file, source]);
    return importsOf(fs.readFileSync(file));
  } finally {
    fs.rmSync(work, { recursive: true, force: true });
  }
}

await main(async () => {
  const seen = await control();
  if (!seen.includes("env.ask_the_host")) throw new Failure(`the control imports ${seen.join(", ") || "nothing"}: the check is blind`);

  const args = ["rustc", "--locked", "--package", "credpool", "--lib", "--crate-type", "cdylib", "--target", wasmTarget];
  await must("cargo", [...args, "--target-dir", folder, "--", ...keepAll], { env: await wasmEnvironment() });
  const bytes = fs.readFileSync(path.join(folder, wasmTarget, "debug/credpool.wasm"));
  const imports = importsOf(bytes);
  // The names of its functions are in the file: proof that the code was linked, not dropped.
  const names = bytes.toString("latin1").match(/_ZN[\w$.]+?17h[0-9a-f]{16}E|_R\w+/g) ?? [];
  const functions = new Set(names.filter((name) => name.includes("credpool")));
  line(`core: ${kilobytes(bytes.length)} unoptimised, ${functions.size} functions of its own, ${imports.length} imports`);
  if (functions.size < 100) throw new Failure("core was linked without its functions: the check sees nothing");
  if (imports.length > 0) throw new Failure(`core imports ${imports.join(", ")}: it may not ask anything of its host`);
});
