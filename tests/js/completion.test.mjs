// @ts-check
// What shells are told: the scripts run in the shells that there are.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { CredentialPool } from "credpool";
import { sqliteStore } from "credpool/node";
import { runProgram, runtime } from "./support/runtime.mjs";

const main = fileURLToPath(new URL("../../pkg/dist/node/cli/main.js", import.meta.url));
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "credpool-completion-"));
process.on("exit", () => fs.rmSync(folder, { recursive: true, force: true }));
const store = path.join(folder, "pool.db");
const env = { CREDPOOL_STORE: store };
const SHELLS = ["bash", "zsh", "fish", "powershell"];

const pool = await CredentialPool.open({ store: sqliteStore(store), env: false });
for (const [at, [provider = "", name = ""]] of [["openai", "work"], ["openai", "my spare"], ["openai", "$(touch pwned)"], ["mistral", "work"], ["house", "a:b"]].entries()) {
  await pool.add(provider, { key: `canary-key-of-completion-${at}`, name });
}
await pool.close();

/** @param {string[]} args @param {Record<string, string>} [more] */
const credpool = (args, more = {}) => runProgram([main, ...args], { env: { ...env, ...more } });

test("what is stored, and what is known, one a line", async () => {
  const { code, stdout } = await credpool(["completion", "--list", "profile"]);
  assert.deepEqual([code, stdout.trim().split("\n").sort()], [0, ["house:a:b", "mistral:work", "openai:$(touch pwned)", "openai:my spare", "openai:work"]]);
  const providers = (await credpool(["completion", "--list", "provider"])).stdout.trim().split("\n");
  for (const name of ["openai", "anthropic", "house"]) assert.ok(providers.includes(name), name);
  assert.equal(new Set(providers).size, providers.length);
});

test("of a store that is not there, or is none, nothing is said, and none is made", async () => {
  const missing = path.join(folder, "missing", "pool.db");
  assert.deepEqual(await credpool(["completion", "--list", "profile", "--store", missing]), { code: 0, stdout: "", stderr: "" });
  assert.equal(fs.existsSync(path.dirname(missing)), false);
  const text = path.join(folder, "notes.txt");
  fs.writeFileSync(text, "these are notes");
  assert.deepEqual(await credpool(["completion", "--list", "profile", "--store", text]), { code: 0, stdout: "", stderr: "" });
  assert.equal(fs.readFileSync(text, "utf8"), "these are notes");
});

test("every command and option is in every script", async () => {
  const { stdout: help } = await credpool(["--help"]);
  const commands = [...help.matchAll(/^ {2}([a-z]+) {2,}/gm)].map(([, name = ""]) => name);
  assert.ok(commands.includes("login") && commands.includes("completion") && commands.length > 20, String(commands));
  for (const shell of SHELLS) {
    const { code, stdout: script } = await credpool(["completion", shell]);
    assert.equal(code, 0, shell);
    for (const name of commands) assert.match(script, new RegExp(`\\b${name}\\b`), `${shell}: ${name}`);
    for (const option of ["--store", "--json", "--client-id", "--no-browser", "--access-only", "client_credentials", "litellm"]) assert.ok(script.includes(option), `${shell}: ${option}`);
    assert.ok(!script.includes("undefined") && !script.includes("canary"), shell);
  }
});

test("what makes no sense is said", async () => {
  for (const args of [["completion"], ["completion", "tcsh"], ["completion", "bash", "zsh"], ["completion", "--list", "secrets"], ["completion", "bash", "--list", "profile"]]) {
    const { code, stderr } = await credpool(args);
    assert.equal(code, 2, args.join(" "));
    assert.match(stderr, /completion: /);
  }
});

/** A `credpool` that shells find: this runtime with this package. */
const bin = path.join(folder, "bin");
fs.mkdirSync(bin);
const flags = runtime === "deno" ? "run --allow-all --no-lock --node-modules-dir=manual" : "";
fs.writeFileSync(path.join(bin, "credpool"), `#!/bin/sh\nexec '${process.execPath}' ${flags} '${main}' "$@"\n`, { mode: 0o755 });
const shellEnv = { ...process.env, ...env, PATH: `${bin}${path.delimiter}${process.env.PATH}`, HOME: folder, LC_ALL: "C.UTF-8" };
/** @param {string} shell */
const isThere = (shell) => spawnSync(shell, ["-c", "exit 0"]).status === 0;

/** What bash offers for a line. @param {string} line */
function offered(line) {
  const script = `eval "$(credpool completion bash)"
COMP_LINE=$LINE; COMP_POINT=\${#LINE}; _credpool
for each in "\${COMPREPLY[@]}"; do printf '%s\\n' "$each"; done`;
  return execFileSync("bash", ["--norc", "-c", script], { env: { ...shellEnv, LINE: line }, encoding: "utf8", cwd: folder }).split("\n").slice(0, -1).sort();
}

if (isThere("bash")) {
  test("bash: commands, options, values", () => {
    assert.deepEqual(offered("credpool lo"), ["login", "logout"]);
    assert.ok(offered("credpool ").length > 20);
    assert.deepEqual(offered("credpool --v"), ["--version"]);
    assert.deepEqual(offered("credpool login --n"), ["--name", "--no-browser"]);
    assert.deepEqual(offered("credpool login --flow "), ["client_credentials", "code", "device"]);
    assert.deepEqual(offered("credpool login --flow d"), ["device"]);
    assert.deepEqual(offered("credpool help comp"), ["completion"]);
    assert.deepEqual(offered("credpool completion z"), ["zsh"]);
    assert.deepEqual(offered("credpool login --name "), [], "a name is anybody's guess");
    assert.deepEqual(offered("credpool list --store "), [], "files are the shell's own");
    assert.deepEqual(offered("credpool login openai "), [], "there is no second provider");
    assert.deepEqual(offered("credpool nonsense "), []);
  });

  test("bash: providers and profiles, colons and all that a name may hold", () => {
    assert.ok(offered("credpool list anthro").includes("anthropic"));
    assert.deepEqual(offered("credpool disable mis"), ["mistral:work"]);
    assert.deepEqual(offered("credpool disable openai:"), ["\\$\\(touch\\ pwned\\)", "my\\ spare", "work"]);
    assert.deepEqual(offered("credpool disable openai:my\\ s"), ["my\\ spare"]);
    assert.deepEqual(offered("credpool disable house:a:"), ["b"]);
    assert.deepEqual(offered("credpool test mistral:work openai:w"), ["work"]);
    assert.deepEqual(offered("credpool priority mistral:work "), [], "a number follows");
    assert.deepEqual(offered("credpool export --only mis"), ["mistral:work"]);
    const missing = path.join(folder, "missing.db");
    assert.deepEqual(offered(`credpool disable --store ${missing} mis`), []);
    assert.equal(fs.existsSync(path.join(folder, "pwned")), false);
  });

  test("bash: a key is pressed", () => {
    // A shell that reads keys: what it has made of the line is run.
    const typed = 'eval "$(credpool completion bash)"\ncredpool vers\b\b\b\b--vers\t\ncredpool test mistral:\t\nexit\n';
    const { stdout } = spawnSync("bash", ["--norc", "--noprofile", "-i"], { env: { ...shellEnv, TERM: "dumb", PS1: "" }, input: typed, encoding: "utf8", timeout: 60_000 });
    assert.match(stdout, /^\d+\.\d+\.\d+/m);
    assert.match(stdout, /mistral:work/);
  });
}

if (isThere("zsh")) {
  test("zsh: takes the script in", () => {
    const { status, stderr } = spawnSync("zsh", ["-f", "-c", 'autoload -Uz compinit && compinit -u -D && source <(credpool completion zsh) && [[ ${_comps[credpool]} = _credpool ]]'], { env: shellEnv, encoding: "utf8" });
    assert.deepEqual([status, stderr], [0, ""]);
  });
}

if (isThere("fish")) {
  test("fish: commands, options, values, profiles", () => {
    const offers = (/** @type {string} */ line) => execFileSync("fish", ["-N", "-c", 'credpool completion fish | source; complete -C "$LINE"'], { env: { ...shellEnv, LINE: line }, encoding: "utf8" }).split("\n").filter(Boolean).map((each) => each.split("\t")[0]).sort();
    assert.deepEqual(offers("credpool lo"), ["login", "logout"]);
    assert.deepEqual(offers("credpool login --n"), ["--name", "--no-browser"]);
    assert.deepEqual(offers("credpool login --flow d"), ["device"]);
    assert.deepEqual(offers("credpool disable mis"), ["mistral:work"]);
  });
}
