// @ts-check
// Processes commit to one SQLite file and are killed (SIGKILL) in the midst of it; after each kill the file is looked at.
//   node tests/stores/crash.mjs [kills]     60 unless told; thousands for a long run
// What was told as done is there; a commit is there whole or not at all; the file is sound; no fence and no id comes twice.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { sqliteStore } from "credpool/node";
import { inside } from "../js/support/sqlite.mjs";

const KILLS = Number(process.argv[2] ?? 60);
/** A file gets so many, then a new one is begun: each look reads all of it. */
const KILLS_A_FILE = 100;
const NAMES = ["one", "two"];
const program = fileURLToPath(new URL("support/committer.mjs", import.meta.url));
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "credpool-crash-"));

/** What a writer has said. @typedef {{ done: number, fence: number, child: import("node:child_process").ChildProcess, first: Promise<void>, ended: Promise<void> }} Writer */

/** @param {string} file @param {string} name @param {{ done: number, fence: number }} before @returns {Writer} */
function start(file, name, before) {
  const child = spawn(process.execPath, [program, file, name], { stdio: ["ignore", "pipe", "inherit"] });
  /** @type {() => void} */
  let begun = () => undefined;
  /** @type {Writer} */
  const writer = { ...before, child, first: new Promise((resolve) => (begun = () => resolve())), ended: new Promise((resolve) => child.once("close", () => resolve())) };
  let rest = "";
  child.stdout?.on("data", (chunk) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line.startsWith("f")) {
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
let commits = 0;
try {
  while (kills < KILLS) {
    const file = path.join(folder, `${kills}.db`);
    /** @type {Map<string, Writer>} */
    const writers = new Map(NAMES.map((name) => [name, start(file, name, { done: 0, fence: 0 })]));
    for (let n = 0; n < KILLS_A_FILE && kills < KILLS; n += 1) {
      const name = NAMES[Math.floor(Math.random() * NAMES.length)] ?? "";
      const writer = /** @type {Writer} */ (writers.get(name));
      await Promise.race([writer.first, writer.ended]);
      assert.equal(writer.child.exitCode, null, "a writer ended by itself");
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 60));
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
    await look(file, writers);
    assert.equal(await inside(file, (database) => Object.values(database.prepare("PRAGMA integrity_check").get())[0]), "ok");
    commits += [...writers.values()].reduce((sum, { done }) => sum + done, 0);
    for (const side of ["", "-wal", "-shm"]) fs.rmSync(file + side, { force: true });
  }
} finally {
  fs.rmSync(folder, { recursive: true, force: true });
}
console.log(`${kills} kills, ${commits} commits told as done, none lost`);
console.log("# pass 1");
