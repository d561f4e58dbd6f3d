// @ts-check
// Runs a program with the runtime that the test runs in.
import { execFile } from "node:child_process";

export const runtime = "Deno" in globalThis ? "deno" : "Bun" in globalThis ? "bun" : "node";
const flags = runtime === "deno" ? ["run", "--allow-all", "--no-lock", "--node-modules-dir=manual"] : [];

/**
 * @param {string[]} args the program and its arguments
 * @param {{ env?: Record<string, string>, input?: string, timeout?: number, cwd?: string }} [options]
 * @returns {Promise<{ code: number, stdout: string, stderr: string }>}
 */
export function runProgram(args, { env = {}, input, timeout = 60_000, cwd } = {}) {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [...flags, ...args], { env: { ...process.env, ...env }, timeout, ...(cwd && { cwd }) }, (error, stdout, stderr) => {
      const code = error ? (typeof error.code === "number" ? error.code : 1) : 0;
      resolve({ code, stdout: String(stdout), stderr: String(stderr).replace(/.*ExperimentalWarning.*\n.*--trace-warnings.*\n/g, "") });
    });
    child.stdin?.end(input ?? "");
  });
}
