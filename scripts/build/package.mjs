// @ts-check
// The whole build: pkg/ is ready to be packed afterwards.
import fs from "node:fs";
import path from "node:path";
import { at, packageFolder } from "../lib/paths.mjs";
import { Failure, must } from "../lib/run.mjs";
import { fact, heading } from "../lib/say.mjs";
import { withLock } from "../lib/lock.mjs";
import { buildTypeScript } from "./typescript.mjs";
import { buildWasm } from "./wasm.mjs";

export async function buildPackage() {
  heading("Build: pkg/");
  await withLock("build", async () => {
    await buildWasm();
    const complaints = await buildTypeScript();
    await writeSchemas();
    for (const name of ["LICENSE-MIT", "LICENSE-APACHE"]) fs.copyFileSync(at(name), path.join(packageFolder, name));
    if (complaints) throw new Failure(`TypeScript has errors:\n${complaints}`);
  });
}

/** JSON Schemas, written by the crate that reads what they describe. */
async function writeSchemas() {
  if (!fs.existsSync(at("core/examples/schemas.rs"))) {
    fact("schemas", "none: there is no core/examples/schemas.rs that would write them");
    return;
  }
  const folder = path.join(packageFolder, "schema");
  fs.mkdirSync(folder, { recursive: true });
  await must("cargo", ["run", "--quiet", "--locked", "--package", "credpool", "--features", "schema", "--example", "schemas", "--", folder]);
  fact("schemas", fs.readdirSync(folder).sort().join(", "));
}
