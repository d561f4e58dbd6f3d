// @ts-check
// Every store does what a store must do; then what only an SQLite file can do wrong.
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import { CredentialPool, memoryStore } from "credpool";
import { sqliteStore } from "credpool/node";
import { conformanceCases, runConformance, storeConformance } from "credpool/store-conformance";
import { runProgram } from "./support/runtime.mjs";
import { inside } from "./support/sqlite.mjs";

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "credpool-stores-"));
process.on("exit", () => fs.rmSync(folder, { recursive: true, force: true }));
let files = 0;
const newFile = () => path.join(folder, `${(files += 1)}.db`);

/** A clock that a test moves on. */
function clock() {
  let ahead = 0;
  return { now: () => Date.now() + ahead, advance: (/** @type {number} */ ms) => void (ahead += ms) };
}

/** @type {Record<string, { open: import("credpool/store-conformance").StoreFactory, hooks: import("credpool/store-conformance").Hook[] }>} */
const STORES = {
  memory: {
    hooks: ["advance", "bounded", "watch"],
    open(retention) {
      const { now, advance } = clock();
      return { store: memoryStore({ now, ...retention }), advance, bounded: true };
    },
  },
  sqlite: {
    hooks: ["again", "advance", "bounded", "watch", "corrupt", "cramped"],
    open(retention) {
      const { now, advance } = clock();
      const file = newFile();
      return {
        store: sqliteStore(file, { now, ...retention }),
        again: () => sqliteStore(file, { now, ...retention }),
        advance,
        bounded: true,
        corrupt: ({ kind, id }) => inside(file, (database) => void database.prepare("UPDATE entry SET data = CAST(x'fffe22' AS TEXT), secret = '{' WHERE kind = ? AND owner = ?").run(kind, id)),
        cramped: () => sqliteStore(file, { now, maxBytes: 8 * 2 ** 20 }),
      };
    },
  },
};
for (const [kind, { open, hooks }] of Object.entries(STORES)) {
  for (const { name, run } of storeConformance(open, hooks)) test(`${kind}: ${name}`, run);
  test(`${kind}: the suite meets every hook that is claimed for it`, async () => {
    const under = await open({});
    assert.deepEqual(hooks.filter((hook) => hook !== "watch" && !under[/** @type {"again"} */ (hook)]), []);
    await under.store.close();
  });
}

test("sqlite: it is this runtime's own, or the packaged one, that the suite was run on", async () => {
  const { openDatabase } = await import(new URL("../../target/package/node/store/sqlite-driver.js", import.meta.url).href);
  const database = await openDatabase(":memory:");
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const hasOwn = "Deno" in globalThis || major > 22 || (major === 22 && minor >= 13);
  // By names that are not written out: each runtime has only one of them.
  const own = process.versions.bun !== undefined ? ["bun:sqlite", "Database"] : hasOwn ? ["node:sqlite", "DatabaseSync"] : ["libsql", "default"];
  const module = await import(own[0] ?? "");
  assert.ok(database instanceof module[own[1] ?? ""], `not ${own[0]}`);
  database.close();
});

test("the suite finds what a store does wrong", async () => {
  /** @typedef {import("credpool").CredentialStore} Store */
  /** @type {[RegExp, (store: Store) => void][]} each breaks one rule */
  const faults = [
    [/frozen owner/, (store) => (store.renew = async (lease) => lease)],
    [/of many who ask at once/, (store) => (store.lease = async (key, owner, ttl) => ({ key, owner, fence: 1, expires: Date.now() + ttl }))],
    [/misses nothing/, (store) => ((load) => (store.load = async (since) => ({ ...(await load.call(store, since)), removed: [] })))(store.load)],
    [/carries the version/, (store) => ((commit) => (store.commit = (all) => commit.call(store, all.map(({ expects: _, ...one }) => one))))(store.commit)],
    [/all changes of a commit are made, or none/, (store) => ((commit) => (store.commit = async (all) => (await commit.call(store, all.slice(0, 1)), commit.call(store, all.slice(1)))))(store.commit)],
    [/look alike/, (store) => ((commit) => (store.commit = (all) => commit.call(store, all.map((one) => ({ ...one, ...(typeof one.id === "string" && { id: one.id.normalize() }) })))))(store.commit)],
    [/until it expires/, (store) => (store.cacheGet = async () => "b")],
    [/read by time/, (store) => (store.query = async () => [])],
    [/told of a generation/, (store) => ((watch) => (store.watch = (changed) => watch?.call(store, (generation = 0) => changed(generation + 1)) ?? (() => undefined)))(store.watch)],
  ];
  for (const [name, spoil] of faults) {
    const [found, ...more] = conformanceCases.filter((one) => name.test(one.name));
    assert.ok(found && more.length === 0, String(name));
    await found.run(() => ({ store: memoryStore() }));
    const open = () => {
      const store = memoryStore();
      spoil(store);
      return { store };
    };
    await assert.rejects(found.run(open), /^Error: store: /, `${name} was not found`);
  }
});

test("a runner of the suite's own tells what passed and what was left out", async () => {
  /** @type {string[]} */
  const told = [];
  const { passed, failed, leftOut } = await runConformance(() => ({ store: memoryStore() }), (name) => told.push(name));
  assert.deepEqual([failed, told, passed.length + leftOut.length], [[], passed, conformanceCases.length]);
  assert.ok(leftOut.every(({ needs }) => needs.length > 0) && leftOut.length < passed.length);
});

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
