// @ts-check
// Nothing that is shipped or kept in git names a folder of this machine or a package registry's host: what is built
// here is what is built elsewhere, and it installs behind any mirror.
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { at, dist, root } from "../../scripts/lib/paths.mjs";
import { check, finish, same } from "./support/report.mjs";

const cargoHome = process.env.CARGO_HOME ?? path.join(os.homedir(), ".cargo");
// A home of "/" or a checkout in a folder with a very short name would be found everywhere.
const local = [root, os.homedir(), cargoHome].filter((folder) => folder.length > 4).map((folder) => `${folder}/`);
const home = [cargoHome, `${os.homedir()}/.rustup`];
const registries = /registry\.npmjs|npmjs\.(?:org|com)|index\.crates\.io|static\.crates\.io|registry\.yarnpkg|"resolved":\s*"https?:/;

/** @param {string} folder */
function all(folder) {
  const names = /** @type {string[]} */ (fs.readdirSync(folder, { recursive: true }));
  return names.map((name) => path.join(folder, name)).filter((file) => fs.statSync(file).isFile());
}

/** The first few of the files that are bad. @param {string[]} list @param {(text: string) => boolean} bad */
const offenders = (list, bad) =>
  list.filter((file) => bad(fs.readFileSync(file, "latin1"))).map((file) => path.relative(root, file)).slice(0, 10).join(", ");

const tracked = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "-z"], { cwd: root, encoding: "utf8" })
  .split("\0")
  .filter((name) => name !== "" && name !== "tests/package/no-local-paths.mjs" && fs.existsSync(at(name)))
  .map((name) => at(name));

await check("the package names no folder of this machine", () => same(offenders(all(dist), (text) => [...local, ...home].some((folder) => text.includes(folder))), ""));
await check("the sources name no folder of this machine", () => same(offenders(tracked, (text) => text.includes(`${root}/`) || home.some((folder) => text.includes(folder))), ""));
await check("no file names a registry's host", () => same(offenders([...all(dist), ...tracked], (text) => registries.test(text)), ""));
finish();
