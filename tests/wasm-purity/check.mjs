// @ts-check
// The engine asks nothing of its host: core, linked alone to WebAssembly with nothing thrown away, imports nothing.
// (An ordinary link would drop what is not called and prove little.) As a control, the crate with the bindings is linked
// the same way and must show imports, or this check would be blind.
import fs from "node:fs";
import { wasmEnvironment } from "../../scripts/lib/cargo.mjs";
import { main } from "../../scripts/lib/main.mjs";
import { at, wasmTarget } from "../../scripts/lib/paths.mjs";
import { Failure, must } from "../../scripts/lib/run.mjs";
import { kilobytes, line } from "../../scripts/lib/say.mjs";

// A folder of its own: the flags would make cargo throw away the work of the other wasm builds.
const folder = at("target/purity");

/** @param {string} crate @param {string} library */
async function link(crate, library) {
  const everything = ["-C", "link-dead-code", "-C", "link-arg=--no-gc-sections"];
  const args = ["rustc", "--locked", "--package", crate, "--lib", "--crate-type", "cdylib", "--target", wasmTarget];
  await must("cargo", [...args, "--target-dir", folder, "--", ...everything], { env: await wasmEnvironment() });
  const bytes = fs.readFileSync(`${folder}/${wasmTarget}/debug/${library}.wasm`);
  const imports = WebAssembly.Module.imports(new WebAssembly.Module(bytes));
  return { bytes, imports: imports.map((one) => `${one.module}.${one.name}`) };
}

await main(async () => {
  const core = await link("credpool", "credpool");
  // The names of its functions are in the file: proof that the code was linked, not dropped.
  const names = core.bytes.toString("latin1").match(/_ZN[\w$.]+?17h[0-9a-f]{16}E|_R\w+/g) ?? [];
  const functions = new Set(names.filter((name) => name.includes("credpool")));
  line(`core: ${kilobytes(core.bytes.length)} (unoptimised), ${functions.size} functions of its own, ${core.imports.length} imports`);
  if (functions.size < 100) throw new Failure("core was linked without its functions: the check sees nothing");
  if (core.imports.length > 0) throw new Failure(`core imports ${core.imports.join(", ")}: it may not ask anything of its host`);

  const control = await link("credpool-wasm", "credpool_wasm");
  line(`control: the bindings have ${control.imports.length} imports`);
  if (control.imports.length === 0) throw new Failure("the control has no imports: the check is blind");
});
