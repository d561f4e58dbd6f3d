// @ts-check
// The command line, as a process.
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { simulate, version } from "credpool";
import { runProgram } from "./support/runtime.mjs";

const main = fileURLToPath(new URL("../../pkg/dist/node/cli/main.js", import.meta.url));
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "credpool-cli-"));
process.on("exit", () => fs.rmSync(folder, { recursive: true, force: true }));

/** @param {string[]} args @param {Parameters<typeof runProgram>[1]} [options] */
const credpool = (args, options) => runProgram([main, ...args], options);

const scenario = (/** @type {string} */ second) => ({
  name: "two keys",
  preset: "cliproxyapi",
  credentials: [{ name: "a", provider: "openai", kind: "api_key", key: "k-a" }, { name: "b", provider: "openai", kind: "api_key", key: "k-b" }],
  steps: [
    { at: 0, acquire: { provider: "openai", model: "m" }, expect: { name: "a" } },
    { at: 5, acquire: { provider: "openai", model: "m" }, expect: { name: second } },
    { at: 6, explain: { provider: "openai" } },
  ],
});

/** @param {string} name @param {unknown} content */
function file(name, content) {
  const at = path.join(folder, name);
  fs.writeFileSync(at, typeof content === "string" ? content : JSON.stringify(content));
  return at;
}
const good = file("good.json", scenario("b"));
const bad = file("bad.json", scenario("a"));
const none = file("none.json", { ...scenario("b"), steps: [{ at: 0, acquire: { provider: "openai", modle: "m" } }] });
const broken = file("broken.json", "{");

test("simulate prints one line of JSON for each step", async () => {
  const { code, stdout, stderr } = await credpool(["simulate", good]);
  const lines = stdout.trim().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual([code, stderr, lines.map(({ step, at, did }) => [step, at, did])], [0, "", [[0, 0, "acquire"], [1, 5, "acquire"], [2, 6, "explain"]]]);
  assert.deepEqual([lines[0].result.name, lines[1].result.name, Object.keys(lines[0])], ["a", "b", ["step", "at", "did", "result"]]);
  assert.equal((await credpool(["simulate", bad])).code, 0, "without --check nothing is compared");
});

test("simulate --check says each difference and counts", async () => {
  const fine = await credpool(["simulate", "--check", good]);
  assert.deepEqual([fine.code, fine.stdout, fine.stderr], [0, "2 passed, 0 failed\n", ""]);
  const { code, stdout } = await credpool(["simulate", "--check", good, bad]);
  const lines = stdout.trim().split("\n");
  assert.equal(code, 1);
  assert.equal(lines.at(-1), "3 passed, 1 failed");
  assert.match(lines[0] ?? "", /bad\.json: steps\[1\]\.acquire: .*name.*/);
  assert.equal(lines.length, 2);
});

test("what is no scenario is said with its place, and the others run all the same", async () => {
  const { code, stdout, stderr } = await credpool(["simulate", "--check", none, broken, path.join(folder, "missing.json"), good]);
  assert.deepEqual([code, stdout], [2, "2 passed, 0 failed\n"]);
  const lines = stderr.trim().split("\n");
  assert.match(lines[0] ?? "", /none\.json: steps\[0\]\.acquire.*modle/);
  assert.match(lines[1] ?? "", /broken\.json: /);
  assert.match(lines[2] ?? "", /missing\.json: .*(ENOENT|no such file)/i);
});

test("a scenario may come from a pipe", async () => {
  const { code, stdout } = await credpool(["simulate", "--check", "-"], { input: fs.readFileSync(good, "utf8") });
  assert.deepEqual([code, stdout], [0, "2 passed, 0 failed\n"]);
});

test("help and version, and what is not known", async () => {
  for (const args of [["--help"], ["-h"], ["help"]]) {
    const { code, stdout } = await credpool(args);
    assert.equal(code, 0);
    assert.match(stdout, /Usage: credpool COMMAND[^]*simulate +try a policy/);
  }
  for (const args of [["simulate", "--help"], ["help", "simulate"]]) assert.match((await credpool(args)).stdout, /^Usage: credpool simulate \[--check\] FILE/);
  assert.deepEqual(await credpool(["--version"]), { code: 0, stdout: `${version()}\n`, stderr: "" });
  /** @type {[string[], RegExp][]} */
  const wrong = [[["fly"], /there is no command "fly"/], [["--fly"], /there is no option "--fly"/], [["simulate"], /name at least one file/], [["simulate", "--chekc", good], /simulate: Unknown option '--chekc'/], [["help", "fly"], /no command "fly"/]];
  for (const [args, message] of wrong) {
    const { code, stdout, stderr } = await credpool(args);
    assert.deepEqual([code, stdout], [2, ""]);
    assert.match(stderr, message);
    assert.match(stderr, /credpool --help/);
  }
  const { code, stdout } = await credpool([]);
  assert.deepEqual([code, /Usage:/.test(stdout)], [2, true]);
});

test("colours only where they are wanted", async () => {
  const args = ["simulate", "--check", bad];
  const colours = async (/** @type {Record<string, string>} */ env) => /\u001b\[/.test((await credpool(args, { env })).stdout);
  assert.deepEqual([await colours({}), await colours({ FORCE_COLOR: "1" }), await colours({ FORCE_COLOR: "1", NO_COLOR: "1" })], [false, true, false]);
});

test("simulate() gives the same as a report, and errors with the place", async () => {
  const report = await simulate(scenario("a"));
  assert.deepEqual([report.passed, report.failed, report.steps.map(({ differences }) => differences?.length)], [1, 1, [0, 1, undefined]]);
  assert.deepEqual(await simulate(JSON.stringify(scenario("a"))), report);
  await assert.rejects(simulate("{"), { name: "CredpoolError", code: "invalid" });
  await assert.rejects(simulate({ steps: [{ at: 0, fly: {} }] }), (/** @type {any} */ error) => error.code === "invalid" && /steps\[0\].*fly/.test(error.message));
});
