// The tables, and how older files become newer ones: one entry a version, never changed once it was shipped.
import type { Database } from "./sqlite-driver.js";

/** `cred` in ASCII: tells the file from those of other programs. */
const APPLICATION = 0x63726564;

const MIGRATIONS: readonly string[] = [
  `CREATE TABLE entry (
     kind TEXT NOT NULL,
     owner INTEGER NOT NULL, -- an id that is a number; 0 where it is a text
     name TEXT NOT NULL, -- an id that is a text; empty where it is a number
     version INTEGER NOT NULL,
     generation INTEGER NOT NULL,
     data TEXT, -- NULL: a tombstone
     secret TEXT,
     PRIMARY KEY (kind, owner, name)
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX entry_by_generation ON entry (generation);
   CREATE INDEX entry_gone ON entry (generation) WHERE data IS NULL;
   CREATE TABLE issued (id INTEGER PRIMARY KEY AUTOINCREMENT) STRICT;
   CREATE TABLE state (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
   INSERT INTO state VALUES ('generation', 0), ('forgotten', 0);
   CREATE TABLE lease (key TEXT PRIMARY KEY, owner TEXT NOT NULL, fence INTEGER NOT NULL, expires INTEGER NOT NULL) STRICT, WITHOUT ROWID;
   CREATE TABLE log (number INTEGER PRIMARY KEY AUTOINCREMENT, log TEXT NOT NULL, at INTEGER NOT NULL, data TEXT NOT NULL) STRICT;
   CREATE INDEX log_by_time ON log (log, at, number);
   CREATE TABLE cache (key TEXT PRIMARY KEY, value TEXT NOT NULL, expires INTEGER NOT NULL) STRICT, WITHOUT ROWID;
   CREATE INDEX cache_by_end ON cache (expires);`,
];

/** Settings of a connection. FULL: what was answered is on the disk. */
const SETTINGS = `PRAGMA busy_timeout = 200; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA trusted_schema = OFF;`;

/** Makes a file ready: its settings, and the newest tables. Throws, without the file's name, where it is not ours. */
export function prepareDatabase(database: Database): void {
  const pragma = (name: string): number => Number(database.prepare(`PRAGMA ${name}`).get()?.[name] ?? 0);
  // Looked at before anything is changed.
  const tables = Number(database.prepare("SELECT count(*) AS tables FROM sqlite_schema").get()?.tables ?? 0);
  if (tables > 0 && pragma("application_id") !== APPLICATION) throw new Error("this is the SQLite file of another program: choose another name");
  if (pragma("user_version") > MIGRATIONS.length) throw new Error("this file was written by a newer version of credpool: update the package");
  database.exec(SETTINGS);
  if (pragma("user_version") === MIGRATIONS.length) return;
  database.exec("BEGIN IMMEDIATE");
  try {
    // Another process may have been faster.
    for (const sql of MIGRATIONS.slice(pragma("user_version"))) database.exec(sql);
    database.exec(`PRAGMA application_id = ${APPLICATION}; PRAGMA user_version = ${MIGRATIONS.length};`);
    database.exec("COMMIT");
  } catch (error) {
    database.exec("ROLLBACK");
    throw error;
  }
}
