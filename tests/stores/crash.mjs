// @ts-check
// Processes commit to one SQLite file and are killed (SIGKILL) in the midst of it; after each kill the file is looked at.
//   npm run crash-test -- [kills]     300 unless told; thousands for a long run
// What was told as done is there; a commit is there whole or not at all; the file is sound; no fence and no id comes twice.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { sqliteStore } from "credpool/node";
import { inside } from "../js/support/sqlite.mjs";

const KILLS = Number(process.argv[2] ?? 300);
/** A file gets so many, then a new one is begun: each look reads all of it. */
const KILLS_A_FILE = 25;
/** So many files are written at once. */
const LANES = Math.max(2, os.availableParallelism());
/** A writer lives for so long at most, in milliseconds, after its first commit. */
const LONGEST_LIFE = 25;
const NAMES = ["one", "two"];
const program = fileURLToPath(new URL("support/committer.mjs", import.meta.url));
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "credpool-crash-"));

/** What a writer has said. @typedef {{ done: number, fence: number, child: import("node:child_process").ChildProcess, first: Promise<void>, ended: Promise<void> }} Writer */

/** Writers that have loaded what they need, and wait to be told their file: most of a life would go by with that. @type {import("node:child_process").ChildProcess[]} */
const spares = [];
function prepare() {
  while (spares.length < LANES) spares.push(spawn(process.execPath, [program], { stdio: ["pipe", "pipe", "inherit"] }));
}

/** @param {string} file @param {string} name @param {{ done: number, fence: number }} before @returns {Writer} */
function start(file, name, before) {
  prepare();
  const child = /** @type {import("node:child_process").ChildProcess} */ (spares.shift());
  prepare();
  child.stdin?.on("error", () => undefined);
  child.stdin?.write(`${JSON.stringify([file, name])}\n`);
  /** @type {() => void} */
  let begun = () => undefined;
  /** @type {Writer} */
  const writer = { ...before, child, first: new Promise((resolve) => (begun = () => resolve())), ended: new Promise((resolve) => child.once("close", () => resolve())) };
  let rest = "";
  child.stdout?.on("data", (chunk) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line === "b") waits += 1;
      else if (line.startsWith("f")) {
        assert.ok(Number(line.slice(1)) > writer.fence, "a fence came twice");
        writer.fence = Number(line.slice(1));
      } else writer.done = Number(line);
    }
    begun();
  });
  return writer;
}

/** @param {string} file @param {Map<string, Writer>} writers who are dead have said all; the others go on */
async function look(file, writers) {
  const store = sqliteStore(file);
  store.notices?.(({ message }) => assert.fail(message));
  const said = new Map([...writers].map(([name, { done }]) => [name, done]));
  const { rows, generation } = await store.load();
  const ids = new Set();
  for (const name of NAMES) {
    const of = (/** @type {string} */ side) => JSON.parse(rows.find(({ id }) => id === `${name}/${side}`)?.data ?? '{"n":0}').n;
    assert.equal(of("left"), of("right"), "half of a commit");
    assert.ok(of("left") >= (said.get(name) ?? 0), `what was told as done is lost: ${of("left")} of ${said.get(name)}`);
    const own = rows.filter(({ kind, data }) => kind === "credential" && JSON.parse(data ?? "").by === name);
    assert.deepEqual(own.map(({ data }) => JSON.parse(data ?? "").n).sort((one, other) => one - other), Array.from({ length: of("left") }, (_, at) => at + 1), "a row is missing, or is there twice");
    for (const { id, data, secret, version } of own) {
      assert.deepEqual([JSON.parse(secret ?? "").key, version], [`${name}-${JSON.parse(data ?? "").n}`, 1], "another's secret");
      ids.add(id);
    }
  }
  assert.equal(ids.size, rows.filter(({ kind }) => kind === "credential").length, "an id came twice");
  assert.ok(rows.every((row) => row.generation <= generation));
  await store.close();
}

let kills = 0;
let begun = 0;
let commits = 0;
/** Commits that were refused because another held the lock for longer than the store waits. */
let waits = 0;

/** One file after the other, until there were enough kills. @param {number} lane */
async function run(lane) {
  while (begun < KILLS) {
    const file = path.join(folder, `${lane}-${begun}.db`);
    /** @type {Map<string, Writer>} */
    const writers = new Map(NAMES.map((name) => [name, start(file, name, { done: 0, fence: 0 })]));
    for (let n = 0; n < KILLS_A_FILE && begun < KILLS; n += 1) {
      begun += 1;
      const name = NAMES[Math.floor(Math.random() * NAMES.length)] ?? "";
      const writer = /** @type {Writer} */ (writers.get(name));
      await Promise.race([writer.first, writer.ended]);
      assert.equal(writer.child.exitCode, null, "a writer ended by itself");
      await new Promise((resolve) => setTimeout(resolve, Math.random() * LONGEST_LIFE));
      writer.child.kill("SIGKILL");
      await writer.ended;
      kills += 1;
      await look(file, writers);
      writers.set(name, start(file, name, writer));
    }
    for (const { child, ended } of writers.values()) {
      child.kill("SIGKILL");
      await ended;
    }
    kills += writers.size;
    await look(file, writers);
    assert.equal(await inside(file, (database) => Object.values(database.prepare("PRAGMA integrity_check").get())[0]), "ok");
    commits += [...writers.values()].reduce((sum, { done }) => sum + done, 0);
    for (const side of ["", "-wal", "-shm"]) fs.rmSync(file + side, { force: true });
  }
}

const started = Date.now();
try {
  await Promise.all(Array.from({ length: LANES }, (_, lane) => run(lane)));
} finally {
  for (const child of spares) child.kill("SIGKILL");
  fs.rmSync(folder, { recursive: true, force: true });
}
console.log(`${kills} kills, ${commits} commits told as done, none lost, ${waits} refused after 10 s for the lock, in ${Math.round((Date.now() - started) / 1000)} s`);
console.log("# pass 1");
