// @ts-check
// Runs a program: its output goes to a log and to the progress line, its end is an answer, never a surprise.
import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { root } from "./paths.mjs";
import { Progress } from "./say.mjs";

/** A failure that was foreseen: printed as a sentence, without a stack. */
export class Failure extends Error {}

/** Programs under way; they are in process groups of their own, so they must be told when we are told to stop. */
const running = new Set();
for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"])) {
  process.on(signal, () => {
    for (const child of running) killGroup(child);
    process.exit(130);
  });
}

/** @param {import("node:child_process").ChildProcess} child */
function killGroup(child) {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
  } catch {
    child.kill("SIGKILL");
  }
}

/**
 * @typedef {object} RunOptions
 * @property {string} [cwd]
 * @property {Record<string, string | undefined>} [env] added to ours
 * @property {string} [log] a file that the output is appended to
 * @property {number} [limit] milliseconds until the program and all its children are killed; 20 minutes unless told
 * @property {"progress" | "quiet" | "show"} [output] "show" hands the terminal to the program
 */

/**
 * @param {string} program @param {string[]} args @param {RunOptions} [options]
 * @returns {Promise<{ code: number, output: string }>} stdout and stderr as one text
 */
export function run(program, args, options = {}) {
  const { cwd = root, env = {}, log, limit = 20 * 60_000, output = "progress" } = options;
  if (log) fs.mkdirSync(path.dirname(log), { recursive: true });
  const file = log ? fs.openSync(log, "a") : undefined;
  const progress = output === "progress" ? new Progress(path.basename(program)) : undefined;
  /** @type {Buffer[]} */
  const chunks = [];
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: output === "show" ? "inherit" : ["ignore", "pipe", "pipe"],
      detached: output !== "show" && process.platform !== "win32",
    });
    running.add(child);
    const timer = setTimeout(() => {
      take(Buffer.from(`\n${program} did not end within ${limit / 1000} s and was killed\n`));
      killGroup(child);
    }, limit);
    /** @param {Buffer} chunk */
    const take = (chunk) => {
      chunks.push(chunk);
      if (file !== undefined) fs.writeSync(file, chunk);
      const lines = chunk.toString("utf8").trimEnd().split("\n");
      progress?.note(lines[lines.length - 1] ?? "");
    };
    child.stdout?.on("data", take);
    child.stderr?.on("data", take);
    let ended = false;
    /** @param {number} code */
    const end = (code) => {
      if (ended) return;
      ended = true;
      clearTimeout(timer);
      running.delete(child);
      progress?.end();
      if (file !== undefined) fs.closeSync(file);
      resolve({ code, output: Buffer.concat(chunks).toString("utf8") });
    };
    child.on("error", (error) => {
      take(Buffer.from(`cannot start ${program}: ${error.message}\n`));
      end(127);
    });
    child.on("close", (code, signal) => end(code ?? (signal ? 128 : 1)));
  });
}

/** As `run`, and a failure stops the command with what the program said. @param {string} program @param {string[]} args @param {RunOptions} [options] */
export async function must(program, args, options = {}) {
  const { code, output } = await run(program, args, options);
  if (code !== 0) {
    const said = output.trimEnd().split("\n").slice(-60).join("\n");
    throw new Failure(`${said}\n\`${[path.basename(program), ...args].join(" ")}\` ended with code ${code}`);
  }
  return output;
}

/** What a program says about itself, or undefined where it is not there. @param {string} program @param {string[]} args */
export async function ask(program, args) {
  const { code, output } = await run(program, args, { limit: 60_000 });
  return code === 0 ? output.trim() : undefined;
}
