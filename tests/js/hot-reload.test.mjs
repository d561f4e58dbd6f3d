// @ts-check
// A folder of credentials and a file of rules that are followed, with real files as editors and other programs write them.
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import { CredentialPool, memoryStore } from "credpool";
import { watchFolder, watchPolicy } from "credpool/watch";
import { canary } from "../canaries.mjs";
import { eventually } from "./support/eventually.mjs";

const root = fs.mkdtempSync(path.join(os.tmpdir(), "credpool-reload-"));
process.on("exit", () => fs.rmSync(root, { recursive: true, force: true }));
let folders = 0;
const newFolder = () => {
  const folder = path.join(root, `${(folders += 1)}`);
  fs.mkdirSync(folder);
  return folder;
};
/** An account as CLIProxyAPI keeps it. @param {string} email @param {string} access @param {object} [more] */
const account = (email, access, more = {}) => JSON.stringify({ type: "codex", email, access_token: access, refresh_token: `refresh-${access}`, account_id: `id-${email}`, expired: new Date(Date.now() + 3_600_000).toISOString(), last_refresh: new Date().toISOString(), ...more });
const quick = { everyMs: 100, settleMs: 30, goneMs: 150 };

/** Pool and folder, followed, with what was told. @param {string} folder @param {import("credpool").CredentialStore} [store] */
async function follow(folder, store = memoryStore()) {
  const pool = await CredentialPool.open({ store, env: false });
  /** @type {import("credpool/watch").WatchChange[]} */
  const told = [];
  const watching = await watchFolder(pool, folder, { ...quick, from: "cliproxyapi", told: (change) => told.push(change) });
  const names = () => pool.list().map(({ name }) => name).sort();
  return { pool, told, watching, names, end: async () => (await watching.close(), await pool.close()) };
}

/** As careful programs write. @param {string} file @param {string} text */
function replace(file, text) {
  const half = path.join(path.dirname(file), `.${path.basename(file)}.tmp-1`);
  fs.writeFileSync(half, text);
  fs.renameSync(half, file);
}

test("what is added, changed and deleted in a folder is so in the pool; cooldowns and sessions stay", async () => {
  const folder = newFolder();
  const file = path.join(folder, "a.json");
  fs.writeFileSync(file, account("a@example.com", "one"));
  const { pool, told, names, end } = await follow(folder);
  assert.equal(pool.list().length, 1);
  const [provider = "", id = 0] = [pool.list()[0]?.provider, pool.list()[0]?.id];
  fs.writeFileSync(path.join(folder, "b.json"), account("b@example.com", "two"));
  await eventually(() => pool.list().length === 2, "the file that was added");
  // The account cools, and a session is tied to the other.
  const tied = await pool.acquire(provider, { model: "m", session: "s", exclude: [id] });
  await tied.report({ status: 200 });
  await (await pool.acquire(provider, { model: "m", exclude: pool.list().flatMap(({ id: other = 0 }) => (other === id ? [] : [other])) })).report({ status: 429, headers: { "retry-after": "3600" } });
  const until = pool.get(id)?.cooldowns[0]?.until;
  assert.ok(until);
  // New tokens, written by a rename.
  replace(file, account("a@example.com", "three", { expired: new Date(Date.now() + 7_200_000).toISOString() }));
  await eventually(() => pool.profiles.export(`${provider}:${pool.get(id)?.name}`).access === "three", "the new token");
  assert.deepEqual([pool.get(id)?.cooldowns[0]?.until, pool.get(id)?.status], [until, "cooling"]);
  assert.equal((await pool.acquire(provider, { model: "m", session: "s" })).id, tied.id);
  fs.rmSync(file);
  await eventually(() => pool.list().length === 1, "the file that was deleted");
  assert.equal(pool.get(id), undefined);
  assert.deepEqual(told.map(({ kind }) => kind), ["added", "added", "changed", "removed"]);
  assert.equal(names().length, 1);
  await end();
});

test("a file that is half-written, broken, or gone for a moment keeps what it said, and it is told", async () => {
  const folder = newFolder();
  const file = path.join(folder, "a.json");
  const secret = canary("access_token");
  const whole = account("a@example.com", secret);
  fs.writeFileSync(file, whole);
  const { pool, told, end } = await follow(folder);
  const id = pool.list()[0]?.id ?? 0;
  // Written piece by piece, each piece long enough after the one before for a hasty reader.
  const next = account("a@example.com", `${secret}-2`, { expired: new Date(Date.now() + 7_200_000).toISOString() });
  const opened = fs.openSync(file, "w");
  for (let at = 0; at < next.length; at += Math.ceil(next.length / 8)) {
    fs.writeSync(opened, next.slice(at, at + Math.ceil(next.length / 8)));
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  fs.closeSync(opened);
  const access = () => pool.list()[0] && pool.profiles.export(`${pool.list()[0]?.provider}:${pool.list()[0]?.name}`).access;
  await eventually(() => access() === `${secret}-2`, "the whole file");
  // Broken, and for long.
  fs.writeFileSync(file, next.slice(0, 60));
  await eventually(() => told.some(({ kind, file: of }) => kind === "failed" && of === file), "that it cannot be read");
  assert.equal(access(), `${secret}-2`);
  // Deleted and made anew, as some editors do.
  fs.rmSync(file);
  fs.writeFileSync(file, next);
  await eventually(() => told.some(({ kind }) => kind === "recovered"), "that it can be read again");
  assert.equal(pool.list()[0]?.id, id, "nothing was taken out in between");
  // An empty folder is one thing; none at all is another.
  fs.renameSync(folder, `${folder}-away`);
  await eventually(() => told.some(({ kind, file: of }) => kind === "failed" && of === folder), "that the folder is gone");
  assert.equal(pool.list().length, 1);
  fs.renameSync(`${folder}-away`, folder);
  await eventually(() => told.filter(({ kind }) => kind === "recovered").length === 2, "that the folder is back");
  assert.equal(pool.list()[0]?.id, id);
  assert.ok(!JSON.stringify(told).includes(secret));
  await end();
});

test("temporary files of editors, other files and folders are no credentials", async () => {
  const folder = newFolder();
  const text = account("a@example.com", "one");
  for (const name of [".a.json.swp", "#a.json#", "a.json~", ".a.json", "a.json.tmp", "4913", "notes.txt"]) fs.writeFileSync(path.join(folder, name), text);
  fs.mkdirSync(path.join(folder, "folder.json"));
  const { pool, watching, end } = await follow(folder);
  assert.deepEqual(pool.list(), []);
  fs.mkdirSync(path.join(folder, "team"));
  fs.writeFileSync(path.join(folder, "team", "b.json"), account("b@example.com", "two"));
  await eventually(() => pool.list().length === 1, "a file of a folder in it");
  await watching.look();
  assert.equal(pool.list().length, 1);
  await end();
});

test("a later process knows what came out of the folder: what was deleted meanwhile goes, what somebody added himself stays", async () => {
  const folder = newFolder();
  const store = memoryStore();
  for (const name of ["a", "b"]) fs.writeFileSync(path.join(folder, `${name}.json`), account(`${name}@example.com`, name));
  const first = await follow(folder, store);
  const provider = first.pool.list()[0]?.provider ?? "";
  await first.pool.add(provider, { key: "sk-own", name: "own" });
  const ids = new Map(first.pool.list().map(({ name, id }) => [name, id]));
  await first.end();
  fs.rmSync(path.join(folder, "a.json"));
  fs.writeFileSync(path.join(folder, "b.json"), account("b@example.com", "b2", { expired: new Date(Date.now() + 7_200_000).toISOString() }));
  const second = await follow(folder, store);
  const left = second.pool.list();
  assert.equal(left.length, 2);
  assert.ok(left.every(({ name, id }) => ids.get(name) === id));
  assert.ok(left.some(({ name }) => name === "own"));
  const changed = left.find(({ name }) => name !== "own");
  assert.equal(second.pool.profiles.export(`${provider}:${changed?.name}`).access, "b2");
  await second.end();
});

test("tokens that the pool renewed itself are not put back by the file that it had them from", async () => {
  const folder = newFolder();
  fs.writeFileSync(path.join(folder, "a.json"), account("a@example.com", "old"));
  const { pool, watching, end } = await follow(folder);
  const { provider = "", name = "", id = 0 } = pool.list()[0] ?? {};
  await pool.add(provider, { name, access: "renewed", refresh: "r2", expires: Date.now() + 9_000_000, email: "a@example.com", accountId: "id-a@example.com" });
  fs.utimesSync(path.join(folder, "a.json"), new Date(), new Date());
  await new Promise((resolve) => setTimeout(resolve, 200));
  await watching.look();
  assert.deepEqual([pool.list().length, pool.get(id) && pool.profiles.export(`${provider}:${name}`).access], [1, "renewed"]);
  await end();
});

test("a file of rules is followed: what is wrong changes nothing, and it is told why", async () => {
  const folder = newFolder();
  const file = path.join(folder, "policy.json");
  fs.writeFileSync(file, JSON.stringify({ extends: "default", strategy: "fill-first" }));
  const pool = await CredentialPool.open({ env: false });
  await pool.addMany(["a", "b"].map((name) => ({ provider: "openai", key: `sk-${name}`, name })));
  /** @type {import("credpool/watch").WatchChange[]} */
  const told = [];
  const watching = await watchPolicy(pool, file, { ...quick, told: (change) => told.push(change) });
  const kinds = () => told.map(({ kind }) => kind).join();
  assert.equal(kinds(), "applied");
  const picks = async () => {
    const names = [];
    for (let n = 0; n < 4; n += 1) {
      const lease = await pool.acquire("openai", { model: "m" });
      names.push(lease.name);
      await lease.report({ status: 200 });
    }
    return new Set(names).size;
  };
  assert.equal(await picks(), 1);
  await (await pool.acquire("openai", { model: "other", exclude: ["openai:b"] })).report({ status: 429, headers: { "retry-after": "3600" } });
  replace(file, JSON.stringify({ extends: "default", strategy: "round-robin" }));
  await eventually(() => kinds() === "applied,applied", "the other rules");
  assert.equal(await picks(), 2);
  assert.equal(pool.get("openai:a")?.cooldowns.length, 1, "cooldowns stay");
  for (const wrong of ['{ "extends": "default", ', '{ "extends": "default", "strategy": "best" }', "[]", ""]) {
    const before = told.length;
    fs.writeFileSync(file, wrong);
    await eventually(() => told.length > before, `what is wrong with ${wrong}`);
    assert.equal(told.at(-1)?.kind, "failed");
    assert.equal(await picks(), 2);
  }
  fs.rmSync(file);
  await eventually(() => /not there/.test(told.at(-1)?.message ?? ""), "that it is gone");
  fs.writeFileSync(file, JSON.stringify({ extends: "default", strategy: "fill-first" }));
  await eventually(() => kinds().endsWith("recovered,applied"), "that it is back");
  assert.equal(await picks(), 1);
  await watching.close();
  await pool.close();
});
