// @ts-check
// TypeScript -> target/package (types, and a module for each source: what unit tests import), and from the sources, bundled
// by entry, pkg/dist: a fresh process loads a handful of files instead of forty.
import fs from "node:fs";
import path from "node:path";
import { at, dist, generated, typescriptWork } from "../lib/paths.mjs";
import { Failure, run } from "../lib/run.mjs";
import { duration, fact, kilobytes } from "../lib/say.mjs";

/**
 * @typedef {object} Project
 * @property {string} name      the folder in pkg/dist
 * @property {string} config    of the compiler
 * @property {string} sources
 * @property {string} [core]    what the entries share, a module of its own, without suffix
 * @property {RegExp} [own]     sources that go into each entry; the others are the core's
 * @property {string[]} entries what package.json's `exports` and `bin` name, without suffix
 * @property {import("esbuild").Platform} platform
 */

/** In this order: the second imports the first's types. @type {Project[]} */
const projects = [
  {
    name: "js",
    config: "tsconfig.js.json",
    sources: at("bindings-js/ts"),
    core: "core",
    own: /^(?:api|bundle|importer-(?:api|files)|load\/(?:file|inline|web|workerd)|store\/conformance\/.*)\.ts$/,
    entries: ["index", "node", "workerd", "web", "simulator", "simulator-node", "simulator-workerd", "importer", "importer-node", "importer-workerd", "store-conformance"],
    platform: "neutral",
  },
  { name: "node", config: "tsconfig.node.json", sources: at("bindings-node/src"), entries: ["index", "postgres", "valkey", "watch", "cli/main"], platform: "node" },
];

/** Answers what the compiler complained of. The files are written all the same, so that the rest can be tried. */
export async function buildTypeScript() {
  let complaints = "";
  for (const folder of [typescriptWork, dist]) copyOver(generated, path.join(folder, "js", path.basename(generated)));
  // The engine's glue is in the core.
  fs.rmSync(path.join(dist, "js", path.basename(generated), "glue.js"), { force: true });
  for (const project of projects) {
    const started = Date.now();
    const { code, output } = await run("tsc", ["--project", at(project.config)]);
    if (code !== 0) complaints += output;
    const written = [...copyTypes(project), ...(await bundleAll(project))];
    removeStale(project, new Set(written));
    const modules = written.filter((file) => file.endsWith(".js"));
    const bytes = modules.reduce((sum, file) => sum + fs.statSync(path.join(dist, project.name, file)).size, 0);
    fact(`dist/${project.name}`, `${code === 0 ? "compiled" : "compiled with errors"}, ${modules.length} modules of ${kilobytes(bytes)}, in ${duration(Date.now() - started)}`);
  }
  linkCommandLine();
  return complaints.trim();
}

/** Bundles what the entries share, and the entries, all into one folder. Answers the files. @param {Project} project */
async function bundleAll(project) {
  if (!project.core) return bundle(project, project.entries, []);
  return [...(await bundle(project, [project.core], [generatedApart])), ...(await bundle(project, project.entries, [coreApart(project), generatedApart]))];
}

/** @param {Project} project @param {string[]} entries @param {import("esbuild").Plugin[]} plugins */
async function bundle({ name, sources, platform }, entries, plugins) {
  const target = path.join(dist, name);
  // Not at the top: the set-up, which installs it, comes before.
  const esbuild = await import("esbuild");
  const { metafile } = await esbuild.build({
    absWorkingDir: at(),
    entryPoints: Object.fromEntries(entries.map((entry) => [entry, path.join(sources, `${entry}.ts`)])),
    outdir: target,
    bundle: true,
    format: "esm",
    platform,
    target: "es2022",
    charset: "utf8",
    sourcemap: true,
    metafile: true,
    packages: "external",
    logLevel: "warning",
    define: { CREDPOOL_VERSION: JSON.stringify(version()) },
    plugins,
  });
  return Object.keys(metafile.outputs).map((file) => path.relative(target, at(file)));
}

/** What the wasm build generates is shipped as it is, in one folder: bytes are no code, and a bundler may want the files. @type {import("esbuild").Plugin} */
const generatedApart = {
  name: "generated-apart",
  setup: (build) => {
    const folder = path.basename(generated);
    build.onResolve({ filter: new RegExp(`/${folder}/[^/]+$`) }, ({ path: asked }) => {
      const file = path.basename(asked);
      return file === "glue.js" ? undefined : { path: `./${folder}/${file}`, external: true };
    });
  },
};

/** In an entry's module, what is not its own is imported from the core. @param {Project} project @returns {import("esbuild").Plugin} */
const coreApart = ({ sources, core, own = /^$/, entries }) => ({
  name: "core-apart",
  setup: (build) => {
    build.onResolve({ filter: /^\.\.?\/.*\.js$/ }, ({ path: asked, resolveDir }) => {
      const source = path.relative(sources, path.resolve(resolveDir, asked)).replace(/\.js$/, ".ts").split(path.sep).join("/");
      const apart = source.startsWith(`${path.basename(generated)}/`) && !source.endsWith("/glue.ts");
      if (apart || own.test(source) || entries.includes(source.replace(/\.ts$/, ""))) return undefined;
      return { path: `./${core}.js`, external: true };
    });
  },
});

/** The engine's version, which is the package's. */
function version() {
  const said = /^version = "([^"]+)"/m.exec(fs.readFileSync(at("Cargo.toml"), "utf8"))?.[1];
  if (said === undefined) throw new Failure("Cargo.toml names no version");
  return said;
}

/** @param {string} folder @returns {string[]} every file in it */
function filesIn(folder) {
  if (!fs.existsSync(folder)) return [];
  const names = /** @type {string[]} */ (fs.readdirSync(folder, { recursive: true }));
  return names.filter((name) => fs.statSync(path.join(folder, name)).isFile());
}

/** @param {Project} project */
function copyTypes({ name, sources }) {
  const from = path.join(typescriptWork, name);
  const own = path.basename(generated) + path.sep;
  const types = filesIn(from).filter((file) => file.endsWith(".d.ts") && !file.startsWith(own) && fs.existsSync(path.join(sources, file.replace(/\.d\.ts$/, ".ts"))));
  for (const file of types) {
    const to = path.join(dist, name, file);
    fs.mkdirSync(path.dirname(to), { recursive: true });
    fs.copyFileSync(path.join(from, file), to);
  }
  return types;
}

/** What was built once and is built no more must not be shipped. @param {Project} project @param {Set<string>} written */
function removeStale({ name }, written) {
  const target = path.join(dist, name);
  const own = path.basename(generated) + path.sep;
  for (const file of filesIn(target)) {
    if (!written.has(file) && !(name === "js" && file.startsWith(own))) fs.rmSync(path.join(target, file));
  }
}

/** Over what is there, not in its place: a program that is running from it goes on. @param {string} from @param {string} to */
function copyOver(from, to) {
  fs.cpSync(from, to, { recursive: true });
  for (const name of filesIn(to)) if (!fs.existsSync(path.join(from, name))) fs.rmSync(path.join(to, name), { force: true });
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
