// The tables, and how older files become newer ones: one entry a version, never changed once it was shipped.
import { closeSync, existsSync, openSync, renameSync, rmSync, statSync } from "node:fs";
import type { Database } from "./sqlite-driver.js";

/** `cred` in ASCII: tells the file from those of other programs. */
export const APPLICATION = 0x63726564;

export const MIGRATIONS: readonly string[] = [
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
  // The largest fence of leases that nobody knows any more, after a file was damaged: the next ones are larger.
  `INSERT INTO state VALUES ('fences', 0);`,
];

/** SQLite itself waits for a lock so long, and this process with it; after that others have their turn between tries. */
const BUSY_MS = 10;
/** Settings of a connection. The wait comes first: to change the journal takes locks. FULL: what was answered is on the disk. */
const SETTINGS = `PRAGMA busy_timeout = ${BUSY_MS}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA trusted_schema = OFF;`;

/** What a file is, before anything in it is touched. */
export type FileKind = "ours" | "empty" | "oh-my-pi";

/** Looks at an open file. Throws, without the file's name, where it belongs to somebody else or to the future. */
export function kindOf(database: Database): FileKind {
  database.exec(`PRAGMA busy_timeout = ${BUSY_MS}`);
  const tables = new Set(database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all().map(({ name }) => String(name)));
  if (pragma(database, "application_id") === APPLICATION) {
    if (pragma(database, "user_version") > MIGRATIONS.length) throw new Error("this file was written by a newer version of credpool: update the package");
    return "ours";
  }
  if (tables.size === 0 && pragma(database, "user_version") === 0) return "empty";
  if (tables.has("auth_credentials")) return "oh-my-pi";
  if (tables.size === 0) throw new Error("this file was written by a newer version of credpool: update the package");
  throw new Error("this is the SQLite file of another program: choose another name");
}

/** Is there something to be made or changed before the file can be used? */
export function isCurrent(database: Database): boolean {
  return pragma(database, "application_id") === APPLICATION && pragma(database, "user_version") === MIGRATIONS.length;
}

/** Makes an empty or older file of ours ready. Before an older one is changed a copy of it is made: `FILE.v1.bak`. */
export function prepareDatabase(database: Database, file: string): void {
  database.exec(SETTINGS);
  if (isCurrent(database)) return;
  const version = pragma(database, "user_version");
  if (version > 0) backUp(database, `${file}.v${version}.bak`);
  database.exec("BEGIN IMMEDIATE");
  try {
    // Another process may have been faster.
    for (const sql of MIGRATIONS.slice(pragma(database, "user_version"))) database.exec(sql);
    database.exec(`PRAGMA application_id = ${APPLICATION}; PRAGMA user_version = ${MIGRATIONS.length};`);
    database.exec("COMMIT");
  } catch (error) {
    database.exec("ROLLBACK");
    throw error;
  }
}

/** A whole copy of an open database, with what its side files hold. One that is there is left: it is the older, and the better. */
function backUp(database: Database, to: string): void {
  if (existsSync(to) && statSync(to).size > 0) return;
  const part = `${to}.${process.pid}.part`;
  closeSync(openSync(part, "w", 0o600));
  try {
    database.prepare("VACUUM INTO ?").run(part);
    renameSync(part, to);
  } catch (cause) {
    rmSync(part, { force: true });
    throw new Error(`it is of an older version, and no copy of it could be made before it is changed: ${(cause as Error).message}`, { cause });
  }
}

export function pragma(database: Database, name: string): number {
  return Number(database.prepare(`PRAGMA ${name}`).get()?.[name] ?? 0);
}
