// @ts-check
// The engine in native Rust: tests/bench/native.
import path from "node:path";
import { at } from "../../../scripts/lib/paths.mjs";
import { runLines, runQuietly } from "../lib/child.mjs";
import { atMost, flatness } from "../lib/rows.mjs";

/** @typedef {import("../lib/rows.mjs").Row} Row */
/** @typedef {{ row: "load", size: number, read: number, handle: number, print: number, input: number, held: number, most: number }} Load times in ms, bytes a credential */
/** @typedef {{ row: string, size: number, pick: import("../lib/measure.mjs").Figure, both: import("../lib/measure.mjs").Figure, allocations: number, asked: number, picks: number }} Found */

/** @param {import("../run.mjs").Context} context @returns {Promise<Row[]>} */
export async function native({ progress }) {
  progress("building tests/bench/native");
  await runQuietly("cargo", ["build", "--release", "--locked", "--package", "credpool-bench"]);
  progress("measuring");
  const folder = path.resolve(at(), process.env.CARGO_TARGET_DIR ?? "target");
  const lines = (await runLines(path.join(folder, "release/credpool-bench"), [])).map((line) => JSON.parse(line));
  const loads = lines.filter(({ row }) => row === "load").map(loadRow);
  const reads = lines.filter(({ row }) => row === "random reads").map(({ row, size, pick }) => ({ name: `${row} of 32 bytes`, size, figure: pick, note: "a yardstick" }));
  const found = /** @type {Found[]} */ (lines.filter(({ row }) => row !== "load" && row !== "random reads"));
  const picks = found.flatMap(({ row, size, pick, both, allocations, asked, picks }) => {
    const same = (/** @type {number} */ of) => found.find((other) => other.row === row && other.size === of)?.pick;
    const bars = [atMost("<= 100 ns", pick.min, 100)];
    if (size === 100_000) bars.push(...flatness(same(10), same(1_000), pick));
    const slow = asked > 0 ? `; ${asked} of ${picks} picks went through handle` : "";
    return [{ name: row, size, figure: pick, bars, note: `with release ${both.min.toFixed(1)} ns, ${(allocations / picks).toFixed(2)} allocations${slow}` }];
  });
  return [...picks, ...reads, ...loads];
}

/** @param {Load} load @returns {Row} */
function loadRow({ size, read, handle, print, input, held, most }) {
  const total = read + handle + print;
  const note = `reads ${read.toFixed(1)}, handles ${handle.toFixed(1)}, prints ${print.toFixed(1)} ms; a credential: ${input} B of input, ${held} B held, ${most} B at the most`;
  return { name: "load", size, unit: "ms", figure: { min: total, median: total }, note };
}
