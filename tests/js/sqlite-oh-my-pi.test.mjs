// @ts-check
// A database of oh-my-pi (spec of its schema, version 7) is opened as our own: no row is lost, and the original is kept.
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { CredentialPool } from "credpool";
import { sqliteStore } from "credpool/node";
import { canary } from "../canaries.mjs";
import { runProgram } from "./support/runtime.mjs";
import { inside } from "./support/sqlite.mjs";

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "credpool-oh-my-pi-"));
process.on("exit", () => fs.rmSync(folder, { recursive: true, force: true }));

const key = canary("api_key");
const refresh = canary("refresh_token");
const SOON = Date.now() + 3_600_000;
/** @type {[string, string, unknown, string | null][]} */
const ROWS = [
  ["openai", "api_key", { key }, null],
  ["openai", "api_key", { key: "sk-login", source: "login" }, null],
  ["anthropic", "oauth", { access: "at-1", refresh, expires: SOON, email: "ada@example.com", accountId: "acc-1", orgId: "org-1", orgName: "Org" }, null],
  ["anthropic", "oauth", { access: "at-0", refresh: "rt-0", expires: 1, email: "ada@example.com" }, "replaced by newer credential"],
  ["openai-codex", "oauth", { access: "at-2", refresh: "rt-2", expires: SOON, email: "ada@example.com", accountId: "acc-2" }, null],
  ["google-gemini-cli", "oauth", { access: "at-3", refresh: "rt-3", expires: SOON, projectId: "proj" }, "oauth refresh failed: invalid_grant"],
  ["openai", "api_key", "this is no object", null],
];

/** Made by another process: a driver may keep a file open for longer than it says. @param {string} name */
async function theirs(name) {
  const file = path.join(folder, name);
  const { code, stderr } = await runProgram([fileURLToPath(new URL("support/oh-my-pi.mjs", import.meta.url)), file], { input: JSON.stringify({ rows: ROWS, soon: SOON }) });
  assert.equal(code, 0, stderr);
  return file;
}

test("accounts, keys, tombstones, rests and histories are taken over; the original is kept whole", async () => {
  const file = await theirs("agent.db");
  const store = sqliteStore(file);
  const pool = await CredentialPool.open({ store, env: false });
  /** @type {import("credpool").PoolEvent[]} */
  const events = [];
  pool.on("store", (event) => events.push(event));
  assert.equal(events[0]?.reason, "migrated");
  assert.match(events[0]?.cause ?? "", /6 accounts and keys were taken over, 2 of them disabled, and 1 rows that say nothing/);
  const seen = pool.list().map(({ id, provider, name, kind, enabled, disabledCause }) => [id, provider, name, kind, enabled, disabledCause]);
  assert.deepEqual(seen.sort((one, other) => Number(one[0]) - Number(other[0])), [
    [1, "openai", "key-1", "api_key", true, undefined],
    [2, "openai", "key-2", "api_key", true, undefined],
    [3, "anthropic", "ada@example.com", "oauth", true, undefined],
    [4, "anthropic", "ada@example.com-2", "oauth", false, "replaced by newer credential"],
    [5, "openai-codex", "ada@example.com", "oauth", true, undefined],
    [6, "google-gemini-cli", "account-6", "oauth", false, "oauth refresh failed: invalid_grant"],
  ]);
  const { rows } = await store.load();
  const row = (/** @type {number} */ id, kind = "credential") => rows.find((one) => one.id === id && one.kind === kind);
  assert.deepEqual([JSON.parse(row(1)?.secret ?? ""), JSON.parse(row(3)?.secret ?? "")], [{ key }, { access: "at-1", refresh }]);
  assert.deepEqual(JSON.parse(row(3)?.data ?? "").identity, { email: "ada@example.com", account_id: "acc-1", org_id: "org-1" });
  assert.equal(row(7, "oh-my-pi")?.secret, "this is no object");
  assert.deepEqual([pool.get(1)?.status, pool.get(1)?.cooldowns[0]?.reason, pool.get(2)?.status], ["cooling", "quota", "ready"]);
  assert.deepEqual([...(await store.query("usage", { from: 0 })), ...(await store.query("cost", { from: 0 }))].map(({ at }) => at), [1_700_000_000_000, 1_700_000_000_001]);
  assert.ok((await pool.add("openai", { key: "sk-new", name: "new" })) > 7, "no id of theirs is given again");
  assert.ok(![key, refresh].some((secret) => JSON.stringify([events, pool.list()]).includes(secret)));
  await pool.close();

  const [aside = ""] = fs.readdirSync(folder).filter((name) => name.startsWith("agent.db.oh-my-pi-"));
  const kept = await inside(path.join(folder, aside), (database) => ["auth_credentials", "auth_credential_blocks", "usage_history", "cache"].map((table) => Number(database.prepare(`SELECT count(*) AS n FROM ${table}`).get().n)));
  assert.deepEqual(kept, [ROWS.length, 3, 1, 1]);
  const again = await CredentialPool.open({ store: sqliteStore(file), env: false });
  assert.equal(again.list().length, 7);
  await again.close();
});

test("while oh-my-pi has it open nothing is touched, and this is said", async () => {
  const file = await theirs("open.db");
  await inside(file, async (database) => {
    database.exec("PRAGMA journal_mode = WAL");
    database.prepare("SELECT count(*) AS n FROM auth_credentials").get();
    await assert.rejects(sqliteStore(file).load(), /a database of oh-my-pi that another program has open: close that/);
    assert.equal(Number(database.prepare("SELECT count(*) AS n FROM auth_credentials").get().n), ROWS.length);
  });
  assert.deepEqual(fs.readdirSync(folder).filter((name) => name.startsWith("open.db.oh-my-pi")), []);
});

test("a version that nobody knows is taken over by what it has", async () => {
  const file = path.join(folder, "old.db");
  const program = path.join(folder, "old.mjs");
  fs.writeFileSync(program, `import { inside } from ${JSON.stringify(new URL("support/sqlite.mjs", import.meta.url).href)};
    await inside(process.argv[2], (database) => {
      database.exec("CREATE TABLE auth_credentials (id INTEGER PRIMARY KEY AUTOINCREMENT, provider TEXT, credential_type TEXT, data TEXT, created_at INTEGER, updated_at INTEGER)");
      database.prepare("INSERT INTO auth_credentials (provider, credential_type, data) VALUES (?, ?, ?)").run("openai", "api_key", JSON.stringify({ key: "sk-old" }));
    });`);
  const { code, stderr } = await runProgram([program, file], { cwd: path.dirname(fileURLToPath(import.meta.url)) });
  assert.equal(code, 0, stderr);
  const pool = await CredentialPool.open({ store: sqliteStore(file), env: false });
  assert.deepEqual(pool.list().map(({ name, enabled }) => [name, enabled]), [["key-1", true]]);
  await pool.close();
});
