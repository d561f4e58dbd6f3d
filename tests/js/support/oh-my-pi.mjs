// @ts-check
// Makes a database as oh-my-pi has it, version 7 of its schema, and ends. What is to be in it comes by the standard input.
import { text } from "node:stream/consumers";
import { inside } from "./sqlite.mjs";

const SCHEMA = `
  CREATE TABLE auth_schema_version (id INTEGER PRIMARY KEY CHECK (id = 1), version INTEGER NOT NULL);
  INSERT INTO auth_schema_version VALUES (1, 7);
  CREATE TABLE auth_credentials (id INTEGER PRIMARY KEY AUTOINCREMENT, provider TEXT NOT NULL, credential_type TEXT NOT NULL, data TEXT NOT NULL,
    disabled_cause TEXT, identity_key TEXT, created_at INTEGER NOT NULL DEFAULT (unixepoch()), updated_at INTEGER NOT NULL DEFAULT (unixepoch()));
  CREATE INDEX by_provider ON auth_credentials (provider);
  CREATE TABLE auth_credential_blocks (credential_id INTEGER NOT NULL, provider_key TEXT NOT NULL, block_scope TEXT NOT NULL DEFAULT '', blocked_until_ms INTEGER NOT NULL, updated_at INTEGER NOT NULL,
    PRIMARY KEY (credential_id, provider_key, block_scope));
  CREATE TABLE auth_credential_refresh_leases (credential_id INTEGER PRIMARY KEY, owner TEXT NOT NULL, expires_at_ms INTEGER NOT NULL, updated_at INTEGER NOT NULL);
  CREATE TABLE auth_change_revision (id INTEGER PRIMARY KEY CHECK (id = 1), revision INTEGER NOT NULL);
  CREATE TABLE cache (key TEXT PRIMARY KEY, value TEXT NOT NULL, expires_at INTEGER NOT NULL);
  CREATE TABLE usage_history (id INTEGER PRIMARY KEY AUTOINCREMENT, recorded_at INTEGER NOT NULL, provider TEXT NOT NULL, account_key TEXT, email TEXT, account_id TEXT, limit_id TEXT, label TEXT, window_label TEXT, used_fraction REAL, status TEXT, resets_at INTEGER);
  CREATE TABLE usage_cost_history (id INTEGER PRIMARY KEY AUTOINCREMENT, recorded_at INTEGER NOT NULL, provider TEXT NOT NULL, account_key TEXT, cost_usd REAL NOT NULL);
  CREATE TABLE clients (install_id TEXT PRIMARY KEY, hostname TEXT, first_seen INTEGER, last_seen INTEGER);
  CREATE TABLE client_usage (id INTEGER PRIMARY KEY AUTOINCREMENT, recorded_at INTEGER NOT NULL, install_id TEXT, app TEXT, provider TEXT, model TEXT, requests INTEGER, cost_usd REAL);`;

/** @type {{ rows: [string, string, unknown, string | null][], soon: number }} */
const { rows, soon } = JSON.parse(await text(process.stdin));
await inside(process.argv[2] ?? "", (database) => {
  database.exec("PRAGMA journal_mode = WAL");
  database.exec(SCHEMA);
  const put = database.prepare("INSERT INTO auth_credentials (provider, credential_type, data, disabled_cause, created_at) VALUES (?, ?, ?, ?, 1700000000)");
  for (const [provider, kind, data, cause] of rows) put.run(provider, kind, typeof data === "string" ? data : JSON.stringify(data), cause);
  database.exec(`INSERT INTO auth_credential_blocks VALUES (1, 'openai:api_key', '', ${soon}, 1700000000), (5, 'openai-codex:oauth', 'chat', ${soon}, 1700000000), (2, 'openai:api_key', '', 1, 1)`);
  database.exec("INSERT INTO usage_history (recorded_at, provider, email, limit_id, used_fraction) VALUES (1700000000000, 'anthropic', 'ada@example.com', '5h', 0.5)");
  database.exec("INSERT INTO usage_cost_history (recorded_at, provider, cost_usd) VALUES (1700000000001, 'anthropic', 0.25)");
  database.exec("INSERT INTO cache VALUES ('usage_cache:x', '{}', 9999999999)");
});
