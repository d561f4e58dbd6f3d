// @ts-check
// TypeScript -> pkg/dist/js and pkg/dist/node, and the generated glue beside it.
import fs from "node:fs";
import path from "node:path";
import { at, dist, generated } from "../lib/paths.mjs";
import { run } from "../lib/run.mjs";
import { duration, fact } from "../lib/say.mjs";

/** In this order: the second imports the first's types. */
const projects = [
  { config: "tsconfig.js.json", sources: at("bindings-js/ts"), target: path.join(dist, "js") },
  { config: "tsconfig.node.json", sources: at("bindings-node/src"), target: path.join(dist, "node") },
];

/** Answers what the compiler complained of. The files are written all the same, so that the rest can be tried. */
export async function buildTypeScript() {
  let complaints = "";
  copyGenerated();
  for (const { config, sources, target } of projects) {
    const started = Date.now();
    const { code, output } = await run("tsc", ["--project", at(config)]);
    if (code !== 0) complaints += output;
    fact(config, `${code === 0 ? "compiled" : "compiled with errors"} in ${duration(Date.now() - started)}`);
    removeStale(sources, target);
  }
  linkCommandLine();
  return complaints.trim();
}

/** A source that was removed or renamed leaves its output behind; it must not be shipped. @param {string} sources @param {string} target */
function removeStale(sources, target) {
  if (!fs.existsSync(target)) return;
  for (const name of /** @type {string[]} */ (fs.readdirSync(target, { recursive: true }))) {
    const stem = /^(.*?)(\.d\.ts|\.js)$/.exec(name)?.[1];
    const generatedFile = name.startsWith(path.basename(generated) + path.sep);
    if (stem !== undefined && !generatedFile && !fs.existsSync(path.join(sources, `${stem}.ts`))) fs.rmSync(path.join(target, name));
  }
}

/** Over what is there, not in its place: a program that is running from it goes on. */
function copyGenerated() {
  const target = path.join(dist, "js", path.basename(generated));
  fs.cpSync(generated, target, { recursive: true });
  for (const name of /** @type {string[]} */ (fs.readdirSync(target, { recursive: true }))) {
    if (!fs.existsSync(path.join(generated, name))) fs.rmSync(path.join(target, name), { recursive: true, force: true });
  }
}

/** npm links a package's programs when it installs, which here is before they are built: so that is made up for. */
function linkCommandLine() {
  const program = path.join(dist, "node/cli/main.js");
  if (!fs.existsSync(program)) return;
  fs.chmodSync(program, 0o755);
  const link = at("node_modules/.bin/credpool");
  if (process.platform !== "win32" && !fs.existsSync(link)) {
    fs.rmSync(link, { force: true });
    fs.symlinkSync("../credpool/dist/node/cli/main.js", link);
  }
}
