// @ts-check
// What befalls a file: it is damaged, locked, of an older version, not to be written, or another program's.
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { CredentialPool } from "credpool";
import { isSqliteBusyError, sqliteStore } from "credpool/node";
import { canary } from "../canaries.mjs";
import { inside } from "./support/sqlite.mjs";
import { runProgram, runtime } from "./support/runtime.mjs";

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "credpool-sqlite-"));
process.on("exit", () => fs.rmSync(folder, { recursive: true, force: true }));
let files = 0;
const newFile = () => path.join(folder, `${(files += 1)}.db`);
const program = (/** @type {string} */ name) => fileURLToPath(new URL(`support/${name}`, import.meta.url));
const beside = (/** @type {string} */ file) => fs.readdirSync(folder).filter((name) => name.startsWith(`${path.basename(file)}.`)).sort();
const PAGE = 4096;

/** A file with so many credentials, closed. @param {number} count */
async function filled(count) {
  const file = newFile();
  const store = sqliteStore(file);
  await store.commit(Array.from({ length: count }, (_, at) => ({ kind: "credential", data: JSON.stringify({ name: `n${at}`, filling: "x".repeat(200) }), secret: `{"key":"k${at}"}` })));
  await store.append("log", [{ at: Date.now(), data: "1" }]);
  const lease = await store.lease("refresh/1", "one", 60_000);
  await store.close();
  return { file, fence: lease?.fence ?? 0 };
}

/** @param {string} file @param {number} from @param {Buffer} bytes */
function overwrite(file, from, bytes) {
  const opened = fs.openSync(file, "r+");
  fs.writeSync(opened, bytes, 0, bytes.length, from);
  fs.closeSync(opened);
}

/** @param {import("credpool").CredentialStore} store */
function listen(store) {
  /** @type {import("credpool").StoreNotice[]} */
  const notices = [];
  store.notices?.((notice) => notices.push(notice));
  return notices;
}


test("a page in the middle is damaged: the file is set aside, this is said, and what can be read is saved", async () => {
  const { file, fence } = await filled(1000);
  const size = fs.statSync(file).size;
  // A leaf of the rows: one that holds a known one.
  const bytes = fs.readFileSync(file);
  const page = Math.floor(bytes.lastIndexOf('"name":"n500"') / PAGE);
  assert.ok(page > 0);
  overwrite(file, page * PAGE, Buffer.alloc(PAGE, 0x5a));
  const store = sqliteStore(file);
  const notices = listen(store);
  const { rows } = await store.load();
  assert.ok(rows.length < 1000 && rows.length > 900, `${rows.length} rows`);
  for (const { data, secret } of rows) assert.equal(secret, `{"key":"k${JSON.parse(data ?? "").name.slice(1)}"}`);
  assert.equal((await store.load(1)).complete, true, "who knew the damaged file reads everything anew");
  const [notice, ...more] = notices;
  assert.deepEqual([notice?.kind, more], ["set-aside", []]);
  assert.match(notice?.message ?? "", /was damaged and is kept as \d+\.db\.damaged-.*; \d+ rows of it could be read, \d+ that are known of could not/);
  const [aside = "", ...others] = beside(file).filter((name) => name.includes(".damaged-") && !name.endsWith("-wal"));
  assert.deepEqual([others, fs.statSync(path.join(folder, aside)).size], [[], size]);
  if (process.platform !== "win32") assert.equal(fs.statSync(path.join(folder, aside)).mode & 0o777, 0o600);
  assert.deepEqual(beside(file).filter((name) => /salvage|mended|recover/.test(name)), []);
  // No id and no fence comes twice, and everything goes on.
  const added = await store.commit([{ kind: "credential", data: "{}" }]);
  assert.ok(added.ok && Number(added.rows[0]?.id) > 1000);
  assert.ok(((await store.lease("refresh/2", "two", 1000))?.fence ?? 0) > fence);
  await store.close();
  assert.equal(await inside(file, (database) => database.prepare("PRAGMA integrity_check").get().integrity_check), "ok");
});

test("the first page is lost, as after a crash of the machine: the rows are found all the same", async () => {
  for (const bytes of [Buffer.alloc(PAGE), Buffer.alloc(100, 0xff)]) {
    const { file } = await filled(300);
    overwrite(file, 0, bytes);
    const store = sqliteStore(file);
    const notices = listen(store);
    assert.equal((await store.load()).rows.length, 300);
    assert.equal((await store.query("log")).length, 1);
    assert.match(notices[0]?.message ?? "", /300 rows of it could be read$/);
    await store.close();
  }
});

test("a pool over a damaged file says so in an event, also to who listens late", async () => {
  const file = newFile();
  const key = canary("api_key");
  const first = await CredentialPool.open({ store: sqliteStore(file), env: false });
  await first.addMany([{ provider: "openai", key, name: "a" }, ...Array.from({ length: 50 }, (_, at) => ({ provider: "openai", key: `sk-${at}`, name: `n${at}` }))]);
  await first.close();
  overwrite(file, 0, Buffer.alloc(PAGE));
  const pool = await CredentialPool.open({ store: sqliteStore(file), env: false });
  /** @type {import("credpool").PoolEvent[]} */
  const events = [];
  pool.on("store", (event) => events.push(event));
  assert.deepEqual([events.map(({ kind, reason }) => [kind, reason]), pool.list().length], [[["store", "set-aside"]], 51]);
  assert.ok(!JSON.stringify(events).includes(key));
  await pool.close();
});

test("several processes meet a damaged file at once: one of them mends it, none loses what it commits", async () => {
  const { file } = await filled(200);
  overwrite(file, 0, Buffer.alloc(PAGE));
  const writers = await Promise.all(["one", "two", "three"].map((name) => runProgram([program("writer.mjs"), file, name, "10"])));
  for (const { code, stderr } of writers) assert.equal(code, 0, stderr);
  const store = sqliteStore(file);
  assert.equal((await store.load()).rows.length, 230);
  await store.close();
  assert.equal(beside(file).filter((name) => /damaged-[^-]*$/.test(name)).length, 1);
});

test("a file that was mended is put in its place by the next one, where the mender died before", async () => {
  const { file } = await filled(10);
  const { file: mended } = await filled(20);
  overwrite(file, 0, Buffer.alloc(PAGE));
  fs.renameSync(mended, `${file}.recovered`);
  fs.writeFileSync(`${file}.recovery`, "999999999"); // Its lock, of a process that is no more.
  const store = sqliteStore(file);
  assert.equal((await store.load()).rows.length, 20);
  await store.close();
  assert.deepEqual(beside(file), []);
});

test("another file that is put in its place is seen, and nothing is written into the old one", async () => {
  const { file } = await filled(3);
  const store = sqliteStore(file);
  await store.load();
  const { file: other } = await filled(5);
  for (const side of ["-wal", "-shm"]) fs.rmSync(file + side, { force: true });
  fs.renameSync(other, file);
  assert.ok((await store.commit([{ kind: "tie", id: "t", data: "{}" }])).ok);
  assert.equal((await store.load()).rows.length, 6);
  await store.close();
});

test("an older file is brought up to date, and a copy of it is kept that nobody else may read", async () => {
  const file = newFile();
  const { APPLICATION, MIGRATIONS } = await import(new URL("../../target/package/node/store/sqlite-schema.js", import.meta.url).href);
  await inside(file, (database) => {
    database.exec(MIGRATIONS[0]);
    database.exec(`PRAGMA application_id = ${APPLICATION}; PRAGMA user_version = 1`);
    database.exec("INSERT INTO entry VALUES ('credential', 7, '', 3, 1, '{}', '{}'); INSERT INTO issued VALUES (7); UPDATE state SET value = 1 WHERE name = 'generation'");
  });
  const store = sqliteStore(file);
  assert.deepEqual((await store.load()).rows.map(({ id, version }) => [id, version]), [[7, 3]]);
  const added = await store.commit([{ kind: "credential", data: "{}" }]);
  assert.equal(added.ok && added.rows[0]?.id, 8);
  await store.close();
  assert.deepEqual(beside(file), [`${path.basename(file)}.v1.bak`]);
  if (process.platform !== "win32") assert.equal(fs.statSync(`${file}.v1.bak`).mode & 0o777, 0o600);
  assert.deepEqual(await inside(`${file}.v1.bak`, (database) => [database.prepare("PRAGMA user_version").get().user_version, database.prepare("SELECT count(*) AS n FROM entry").get().n]), [1, 1]);
  assert.equal(await inside(file, (database) => database.prepare("PRAGMA user_version").get().user_version), MIGRATIONS.length);
});

test("a call waits while another connection writes, and drivers' busy errors are known", async () => {
  const { file } = await filled(1);
  const store = sqliteStore(file);
  await store.load();
  const { openDatabase } = await import(new URL("../../target/package/node/store/sqlite-driver.js", import.meta.url).href);
  const [one, two] = [await openDatabase(file), await openDatabase(file)];
  one.exec("BEGIN IMMEDIATE");
  two.exec("PRAGMA busy_timeout = 0");
  assert.throws(() => two.exec("BEGIN IMMEDIATE"), (error) => isSqliteBusyError(error) && isSqliteBusyError(new Error("outer", { cause: error })));
  assert.equal(isSqliteBusyError(new Error("no such table: x")), false);
  assert.equal(isSqliteBusyError(undefined), false);
  /** @type {string[]} */
  const order = [];
  const commit = store.commit([{ kind: "tie", id: "t", data: "{}" }]).then(() => order.push("committed"));
  await new Promise((resolve) => setTimeout(resolve, 300));
  order.push("freed");
  one.exec("COMMIT");
  await commit;
  assert.deepEqual(order, ["freed", "committed"]);
  one.close();
  two.close();
  await store.close();
});

// Only Node can become another user in the midst of a program; root may write everything.
if (runtime === "node" && process.platform !== "win32") {
  test("a file that may only be read is read, and what would write it is refused in words", async () => {
    const place = path.join(folder, "read-only");
    fs.mkdirSync(place, { mode: 0o755 });
    fs.chmodSync(folder, 0o755);
    const { file } = await filled(3);
    const moved = path.join(place, "agent.db");
    fs.renameSync(file, moved);
    fs.chmodSync(moved, 0o444);
    if (process.getuid?.() !== 0) fs.chmodSync(place, 0o555);
    const { code, stdout, stderr } = await runProgram([program("reader.mjs"), moved]);
    fs.chmodSync(place, 0o755);
    assert.deepEqual([code, stderr], [0, ""]);
    assert.deepEqual(JSON.parse(stdout), { rows: 3, error: `${moved}: the file may be read and not be written: nothing was changed` });
    assert.deepEqual(fs.readdirSync(place), ["agent.db"]);
  });
}
