// @ts-check
// LiteLLM's Router beside ours: a pick among so many deployments of one model, `simple-shuffle`, nothing cooling.
import fs from "node:fs";
import path from "node:path";
import { tools } from "../../../scripts/lib/paths.mjs";
import { runJson, runQuietly } from "../lib/child.mjs";
import { measure } from "../lib/measure.mjs";
import { makePool } from "../lib/pools.mjs";
import { tryAcquire } from "../lib/subjects.mjs";
import { peerRows } from "./rows.mjs";

/** @typedef {import("../lib/measure.mjs").Figure} Figure */

const VERSION = "1.106.2";

/** @param {import("../run.mjs").Context} context @returns {Promise<import("../lib/rows.mjs").Row[]>} */
export async function litellm({ progress, quick, rounds }) {
  const venv = path.join(tools, "litellm/venv");
  const python = path.join(venv, "bin/python");
  if (!fs.existsSync(path.join(venv, "bin/litellm"))) {
    progress(`installing litellm ${VERSION}`);
    await runQuietly("python3", ["-m", "venv", venv]);
    await runQuietly(python, ["-m", "pip", "install", "--quiet", `litellm==${VERSION}`]);
  }
  const lines = [];
  for (const size of [10, 100, 1_000]) {
    const pool = await makePool(size, { strategy: "round-robin" });
    // In turn, several times, and the best of each: they cannot run in one process.
    /** @type {(Figure | undefined)[][]} */
    const [theirs = [], ours = []] = [[], []];
    for (let turn = 0; turn < (quick ? 2 : 5); turn += 1) {
      progress(`${size.toLocaleString("en")} deployments, turn ${turn + 1}`);
      theirs.push((await runJson(python, ["tests/bench/peers/litellm.py", String(size), "5"])).theirs);
      ours.push((await measure([tryAcquire("ours", pool)], { rounds })).get("ours"));
    }
    await pool.close();
    lines.push(JSON.stringify({ size, ours: best(ours), theirs: best(theirs) }));
  }
  return peerRows(`LiteLLM ${VERSION} simple-shuffle`, lines, { 10: 200, 1_000: 10_000 });
}

/** The turn that was disturbed least. @param {readonly (Figure | undefined)[]} turns */
function best(turns) {
  return turns.reduce((one, other) => (one && other && one.min <= other.min ? one : other));
}
