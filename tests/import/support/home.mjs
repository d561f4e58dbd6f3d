// @ts-check
// A home folder of a test's own, and the command line in it.
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { canary } from "../../canaries.mjs";
import { runProgram } from "../../js/support/runtime.mjs";

const main = fileURLToPath(new URL("../../../pkg/dist/node/cli/main.js", import.meta.url));
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "credpool-import-"));
process.on("exit", () => fs.rmSync(folder, { recursive: true, force: true }));
export const secrets = [canary("api_key"), canary("other_key"), canary("access_token"), canary("refresh_token"), canary("passphrase")];
export const [key = "", otherKey = "", access = "", refresh = "", passphrase = ""] = secrets;
let homes = 0;

const base64 = (/** @type {object} */ value) => Buffer.from(JSON.stringify(value)).toString("base64url");
/** A token of ChatGPT's; its end is a canary. @param {number} expires */
export const chatgpt = (expires) => `${base64({ alg: "none" })}.${base64({ exp: expires, client_id: "app_x", "https://api.openai.com/auth": { chatgpt_account_id: "acct-1" }, "https://api.openai.com/profile": { email: "a@example.com" } })}.${access}`;
export const later = Math.floor(Date.now() / 1000) + 7 * 86_400;

/** A home of a test's own, and the command line in it. */
export function home() {
  const at = path.join(folder, `${(homes += 1)}`);
  fs.mkdirSync(at, { recursive: true });
  const none = Object.fromEntries(["CODEX_HOME", "CLAUDE_CONFIG_DIR", "GEMINI_CLI_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "COPILOT_HOME", "OPENCLAW_STATE_DIR", "PI_CODING_AGENT_DIR", "CREDPOOL_PASSPHRASE", "OPENAI_API_KEY", "ANTHROPIC_API_KEY"].map((name) => [name, ""]));
  const env = { ...none, HOME: at, USERPROFILE: at, LOCALAPPDATA: path.join(at, "local"), APPDATA: path.join(at, "roaming"), CREDPOOL_STORE: path.join(at, "store", "pool.db") };
  /** @param {string} name @param {unknown} content */
  const write = (name, content) => {
    const file = path.join(at, name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content));
    return file;
  };
  /** @param {string[]} args @param {{ input?: string, env?: Record<string, string> }} [options] */
  const run = async (args, options = {}) => {
    const done = await runProgram([main, ...args], { cwd: at, input: options.input ?? "", env: { ...env, ...options.env } });
    const plain = args[0] === "export" && (args[1]?.includes(":") || args.at(-1) === "-");
    if (!plain) for (const secret of secrets) assert.ok(!`${done.stdout}${done.stderr}`.includes(secret.slice(-16)), `${args.join(" ")} shows a secret`);
    return done;
  };
  const list = async () => JSON.parse((await run(["list", "--json"])).stdout).map((/** @type {any} */ { id }) => id);
  return { at, write, run, list };
}
