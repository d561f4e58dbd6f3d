// @ts-check
// Every store does what a store must do; then what only an SQLite file can do wrong.
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import { CredentialPool, memoryStore, storeConformance } from "credpool";
import { sqliteStore } from "credpool/node";
import { runProgram } from "./support/runtime.mjs";

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "credpool-stores-"));
process.on("exit", () => fs.rmSync(folder, { recursive: true, force: true }));
let files = 0;
const newFile = () => path.join(folder, `${(files += 1)}.db`);

/** A clock that a test moves on. */
function clock() {
  let ahead = 0;
  return { now: () => Date.now() + ahead, advance: (/** @type {number} */ ms) => void (ahead += ms) };
}

/** @type {Record<string, () => import("credpool").StoreUnderTest>} */
const STORES = {
  memory() {
    const { now, advance } = clock();
    return { store: memoryStore({ now }), advance };
  },
  sqlite() {
    const { now, advance } = clock();
    const file = newFile();
    return { store: sqliteStore(file, { now }), again: () => sqliteStore(file, { now }), advance };
  },
};
for (const [kind, open] of Object.entries(STORES)) {
  for (const { name, run } of storeConformance(open)) test(`${kind}: ${name}`, run);

  test(`${kind}: tombstones are bounded; who asks from before them gets everything`, async () => {
    const store = kind === "memory" ? memoryStore({ tombstones: 3 }) : sqliteStore(newFile(), { tombstones: 3 });
    const { generation: start } = await store.commit([{ kind: "tie", id: "stays", data: "{}" }]);
    for (let n = 0; n < 6; n += 1) {
      await store.commit([{ kind: "tie", id: `t${n}`, data: "{}" }]);
      await store.commit([{ kind: "tie", id: `t${n}` }]);
    }
    const whole = await store.load(start);
    assert.deepEqual([whole.complete, whole.rows.map(({ id }) => id), whole.removed], [true, ["stays"], []]);
    const part = await store.load(whole.generation - 4);
    assert.deepEqual([part.complete, part.removed.map(({ id }) => id)], [false, ["t4", "t5"]]);
    await store.close();
  });

  test(`${kind}: a history has no more entries than it may`, async () => {
    const store = kind === "memory" ? memoryStore({ logMaxEntries: 2 }) : sqliteStore(newFile(), { logMaxEntries: 2 });
    const now = Date.now();
    for (const n of [1, 2, 3]) await store.append("usage", [{ at: now + n, data: `${n}` }]);
    assert.deepEqual((await store.query("usage")).map(({ data }) => data), ["2", "3"]);
    await store.close();
  });
}

// Windows has no such modes.
if (process.platform !== "win32") test("sqlite: nobody else may read the file, its side files or its folder", async () => {
  const file = path.join(folder, "new", "deep", "agent.db");
  const store = sqliteStore(file);
  await store.commit([{ kind: "credential", data: "{}", secret: "{}" }]);
  const modes = Object.fromEntries(fs.readdirSync(path.dirname(file)).map((name) => [name, fs.statSync(path.join(path.dirname(file), name)).mode & 0o777]));
  assert.deepEqual(modes, { "agent.db": 0o600, "agent.db-shm": 0o600, "agent.db-wal": 0o600 });
  for (const made of [path.dirname(file), path.dirname(path.dirname(file))]) assert.equal(fs.statSync(made).mode & 0o777, 0o700);
  await store.close();
  const left = fs.readdirSync(path.dirname(file)).map((name) => [name, fs.statSync(path.join(path.dirname(file), name)).size]);
  assert.equal(left.find(([name]) => name === "agent.db-wal")?.[1] ?? 0, 0, "closed, all is in the one file");
});

test("sqlite: an address of a file, and a store in memory", async () => {
  const file = newFile();
  const store = sqliteStore(new URL(`file://${file}`));
  await store.commit([{ kind: "tie", id: "t", data: "{}" }]);
  await store.close();
  assert.ok(fs.existsSync(file));
  const memory = sqliteStore(":memory:");
  await memory.commit([{ kind: "tie", id: "t", data: "{}" }]);
  assert.equal((await memory.load()).rows.length, 1);
  await memory.close();
});

test("sqlite: what cannot be opened is said with the file's name, and nothing of it is changed", async () => {
  const text = newFile();
  fs.writeFileSync(text, "this is no database, and longer than a header of SQLite would be: ".repeat(20));
  const directory = path.join(folder, "directory.db");
  fs.mkdirSync(directory);
  /** @type {[string, RegExp][]} */
  const bad = [[text, /not a database/], [directory, /.*/], [path.join(text, "below-a-file.db"), /ENOTDIR|EEXIST|not a directory/i]];
  for (const [file, message] of bad) {
    const error = await sqliteStore(file).load().then(() => assert.fail("it was opened"), (error) => error);
    assert.ok(error.message.startsWith(`${file}: `), error.message);
    assert.match(error.message, message);
  }
  assert.match(fs.readFileSync(text, "utf8"), /^this is no database/);
  await assert.rejects(CredentialPool.open({ store: sqliteStore(text), env: false }), (/** @type {any} */ error) => error.code === "store" && error.message.includes(text));
});

test("sqlite: another program's file and a newer version's are refused", async () => {
  const store = sqliteStore(newFile());
  await store.load();
  await store.close();
  const program = `
    import { openDatabase } from ${JSON.stringify(new URL("../../target/package/node/store/sqlite-driver.js", import.meta.url).href)};
    const [, , foreign, newer] = process.argv;
    const one = await openDatabase(foreign);
    one.exec("CREATE TABLE theirs (x)");
    one.close();
    const two = await openDatabase(newer);
    two.exec("PRAGMA user_version = 99");
    two.close();
  `;
  const script = path.join(folder, "prepare.mjs");
  fs.writeFileSync(script, program);
  const [foreign, newer] = [newFile(), newFile()];
  const fresh = sqliteStore(newer);
  await fresh.load();
  await fresh.close();
  const { code, stderr } = await runProgram([script, foreign, newer], { cwd: path.dirname(new URL(import.meta.url).pathname) });
  assert.equal(code, 0, stderr);
  await assert.rejects(sqliteStore(foreign).load(), /the SQLite file of another program/);
  await assert.rejects(sqliteStore(newer).load(), /written by a newer version of credpool/);
});

test("sqlite: two processes write at once, and nothing is lost", async () => {
  const file = newFile();
  const program = path.join(path.dirname(new URL(import.meta.url).pathname), "support/writer.mjs");
  const writers = await Promise.all(["one", "two", "three"].map((name) => runProgram([program, file, name, "40"])));
  for (const { code, stderr } of writers) assert.equal(code, 0, stderr);
  const store = sqliteStore(file);
  const { rows, generation } = await store.load();
  assert.deepEqual([rows.length, generation, new Set(rows.map(({ id }) => id)).size], [120, 120, 120]);
  await store.close();
});

test("sqlite: a pool survives a process that dies", async () => {
  const file = newFile();
  const program = path.join(path.dirname(new URL(import.meta.url).pathname), "support/dying.mjs");
  const { code, stdout, stderr } = await runProgram([program, file]);
  assert.deepEqual([code !== 0, stdout.trim()], [true, "added and limited"], stderr);
  const pool = await CredentialPool.open({ store: sqliteStore(file), env: false });
  assert.deepEqual(pool.list().map(({ name, status, cooldowns }) => [name, status, cooldowns.map(({ reason }) => reason)]), [["a", "cooling", ["rate_limit"]], ["b", "ready", []]]);
  await pool.close();
});
