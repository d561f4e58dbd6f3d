// @ts-check
// Runtimes that the root's node_modules may not hold, each in a folder of its own under .tools/:
// newer Node versions bring a program called `node`, which must not come before the machine's own on PATH;
// Deno's package lists one package for each platform, and a mirror that lacks the others makes `npm ci` refuse the lock.
import fs from "node:fs";
import path from "node:path";
import { tools } from "../lib/paths.mjs";
import { Failure, ask, must } from "../lib/run.mjs";
import { duration } from "../lib/say.mjs";

const runtimes = {
  node24: { package: "node", version: "24.21.0", program: "node" },
  node26: { package: "node", version: "26.10.0", program: "node" },
  deno: { package: "deno", version: "2.9.6", program: "deno" },
};

/** @typedef {keyof typeof runtimes} Runtime */
const folderOf = (/** @type {Runtime} */ name) => path.join(tools, "runtimes", name);

/** The program of a runtime. @param {Runtime} name */
export const runtimeProgram = (name) => path.join(folderOf(name), "node_modules/.bin", runtimes[name].program);

/** @param {Runtime} name */
async function ready(name) {
  const program = runtimeProgram(name);
  if (!fs.existsSync(program)) return false;
  return (await ask(program, ["--version"]))?.match(/\d+\.\d+\.\d+/)?.[0] === runtimes[name].version;
}

export async function ensureRuntimes() {
  const said = [];
  for (const name of /** @type {Runtime[]} */ (Object.keys(runtimes))) {
    const { package: source, version } = runtimes[name];
    const title = `${source} ${version}`;
    if (await ready(name)) {
      said.push(title);
      continue;
    }
    const started = Date.now();
    const folder = folderOf(name);
    fs.rmSync(folder, { recursive: true, force: true });
    fs.mkdirSync(folder, { recursive: true });
    fs.writeFileSync(path.join(folder, "package.json"), JSON.stringify({ private: true, dependencies: { [source]: version } }));
    const npm = process.platform === "win32" ? "npm.cmd" : "npm";
    await must(npm, ["install", "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error"], { cwd: folder });
    if (!(await ready(name))) throw new Failure(`npm installed ${source}@${version}, but it does not start.`);
    said.push(`${title} (installed in ${duration(Date.now() - started)})`);
  }
  return said.join(", ");
}
