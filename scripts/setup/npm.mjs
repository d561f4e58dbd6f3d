// @ts-check
// The npm packages of the lock file. A hash of the lock beside them tells whether they are still the right ones.
import crypto from "node:crypto";
import fs from "node:fs";
import { at } from "../lib/paths.mjs";
import { must } from "../lib/run.mjs";
import { duration } from "../lib/say.mjs";

const stamp = at("node_modules/.credpool-lock");
const lockHash = () => crypto.createHash("sha256").update(fs.readFileSync(at("package-lock.json"))).digest("hex");

export async function ensureNpmPackages() {
  if (fs.existsSync(stamp) && fs.readFileSync(stamp, "utf8") === lockHash()) return "ready";
  const started = Date.now();
  const npm = process.platform === "win32" ? "npm.cmd" : "npm";
  await must(npm, ["ci", "--no-audit", "--no-fund", "--loglevel=error"]);
  fs.writeFileSync(stamp, lockHash());
  return `installed in ${duration(Date.now() - started)}`;
}
