// @ts-check
// oh-my-pi's AuthStorage beside ours, both in one Bun process: a pick among so many OAuth accounts with fresh tokens.
import fs from "node:fs";
import path from "node:path";
import { at, tools } from "../../../scripts/lib/paths.mjs";
import { runLines, runQuietly } from "../lib/child.mjs";
import { peerRows } from "./rows.mjs";

/** The version whose behaviour the preset `oh-my-pi` has. */
const VERSION = "17.2.15";

/** @param {import("../run.mjs").Context} context @returns {Promise<import("../lib/rows.mjs").Row[]>} */
export async function authStorage({ progress, quick }) {
  const folder = await installed(progress);
  progress("10, 100 and 1,000 accounts; the last takes a while");
  const lines = await runLines(at("node_modules/.bin/bun"), ["tests/bench/peers/auth-storage.child.mjs", folder, "10,100,1000", quick ? "3" : "10"]);
  return peerRows(`AuthStorage ${VERSION}`, lines, { 10: 500, 1_000: 1_000_000 });
}

/**
 * The same, both ranking by what is left of each account; ours at 100,000 too.
 * @param {import("../run.mjs").Context} context @returns {Promise<import("../lib/rows.mjs").Row[]>}
 */
export async function authStorageByUsage({ progress, quick }) {
  const folder = await installed(progress);
  progress("10, 1,000 and 100,000 accounts, ranked by usage; it takes a while");
  const lines = await runLines(at("node_modules/.bin/bun"), ["tests/bench/peers/auth-storage.child.mjs", folder, "10,1000,100000", quick ? "3" : "10", "usage"]);
  return peerRows(`AuthStorage ${VERSION}, by usage`, lines, {}, "credpool tryAcquire + release, by usage");
}

/** @param {(text: string) => void} progress */
async function installed(progress) {
  const folder = path.join(tools, "auth-storage");
  if (!fs.existsSync(path.join(folder, "node_modules/@oh-my-pi/pi-ai"))) {
    progress(`installing @oh-my-pi/pi-ai ${VERSION}`);
    fs.mkdirSync(folder, { recursive: true });
    fs.writeFileSync(path.join(folder, "package.json"), `${JSON.stringify({ private: true, type: "module" })}\n`);
    // Its scripts are not run: nothing of it is built.
    await runQuietly("npm", ["install", "--no-audit", "--no-fund", "--ignore-scripts", `@oh-my-pi/pi-ai@${VERSION}`], folder);
  }
  return folder;
}
