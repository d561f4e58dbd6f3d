// @ts-check
// Programs that measure on their own and print JSON.
import { run, Failure } from "../../../scripts/lib/run.mjs";

/** @param {string} program @param {string[]} args @param {import("../../../scripts/lib/run.mjs").RunOptions} [options] @returns {Promise<string[]>} the lines that are JSON objects */
export async function runLines(program, args, options = {}) {
  const { code, output } = await run(program, args, options);
  const lines = output.split("\n").filter((line) => line.startsWith("{"));
  if (code !== 0 || lines.length === 0) throw new Failure(`${[program, ...args].join(" ")} ended with code ${code}:\n${output.trim().split("\n").slice(-15).join("\n")}`);
  return lines;
}

/** @param {string} program @param {string[]} args @param {import("../../../scripts/lib/run.mjs").RunOptions} [options] */
export async function runJson(program, args, options) {
  const lines = await runLines(program, args, options);
  return JSON.parse(/** @type {string} */ (lines[lines.length - 1]));
}
