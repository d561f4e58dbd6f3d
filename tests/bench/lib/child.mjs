// @ts-check
// Programs that are run for the benchmark. Quiet: standard output belongs to the tables.
import { execFile } from "node:child_process";
import { root } from "../../../scripts/lib/paths.mjs";
import { Failure } from "../../../scripts/lib/run.mjs";

/** @param {string} program @param {readonly string[]} args @param {string} [cwd] @returns {Promise<string>} what it printed */
export function runQuietly(program, args, cwd = root) {
  return new Promise((resolve, reject) => {
    execFile(program, args, { cwd, maxBuffer: 2 ** 26, timeout: 30 * 60_000 }, (error, output, complaints) => {
      if (!error) return resolve(output);
      const said = `${output}\n${complaints}`.trim().split("\n").slice(-15).join("\n");
      reject(new Failure(`\`${[program, ...args].join(" ")}\` failed:\n${said}`));
    });
  });
}

/** @param {string} program @param {readonly string[]} args @returns {Promise<string[]>} the lines that are JSON objects */
export async function runLines(program, args) {
  const lines = (await runQuietly(program, args)).split("\n").filter((line) => line.startsWith("{"));
  if (lines.length === 0) throw new Failure(`\`${[program, ...args].join(" ")}\` printed no figures`);
  return lines;
}

/** @param {string} program @param {readonly string[]} args */
export async function runJson(program, args) {
  const lines = await runLines(program, args);
  return JSON.parse(/** @type {string} */ (lines[lines.length - 1]));
}
