// The open file of an SQLite store: opening, waiting for others, and what is done where the file is not as it should be.
import { accessSync, chmodSync, closeSync, constants, existsSync, mkdirSync, mkdtempSync, openSync, realpathSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { Notices } from "credpool";
import { isDamaged, isInputOutput, isReadOnly, isSqliteBusyError, openDatabase, textColumn } from "./sqlite-driver.js";
import type { Database, Statement } from "./sqlite-driver.js";
import { takeOver } from "./sqlite-oh-my-pi.js";
import { alone, copyOf, finished, identityOf, putInPlace } from "./sqlite-replace.js";
import { mend } from "./sqlite-salvage.js";
import { isCurrent, kindOf, pragma, prepareDatabase } from "./sqlite-schema.js";

/** While another process writes, a call is tried again for so long. */
const BUSY_FOR_MS = 10_000;
/** Between two tries: twice as long each time, up to this, and up to half of it more or less. */
const LONGEST_PAUSE_MS = 50;

/** So often another file may be found in its place during one call. */
const MOST_REPLACED = 20;

/** Another file was put in the place of the one that is open. */
class Replaced extends Error {}

/** Prepares a statement, or finds the one that was. */
export interface Sql {
  (text: string): Statement;
  /** The columns of a row of `entry`. */
  row: string;
}

const TEXTS: readonly string[] = ["kind", "name", "data", "secret"];
const COLUMNS: readonly string[] = ["kind", "owner", "name", "version", "generation", "data", "secret"];

export interface Connection {
  database: Database;
  sql: Sql;
  readOnly: boolean;
  /** Is called when it is closed. */
  removed: (() => void) | undefined;
  /** Which file was opened: another may be put in its place. */
  identity: string | undefined;
}

export class SqliteFile {
  readonly notices = new Notices();
  readonly #path: string;
  readonly #maxBytes: number | undefined;
  #opening: Promise<Connection> | undefined;
  #connection: Connection | undefined;

  constructor(path: string, maxBytes: number | undefined) {
    this.#path = path === ":memory:" ? path : resolve(path);
    this.#maxBytes = maxBytes;
  }

  /** The one that is open. */
  get connection(): Connection | undefined {
    return this.#connection;
  }

  /** One transaction, in one turn of the event loop. Where another process holds the lock it is tried again. */
  async transact<T>(begin: "BEGIN" | "BEGIN IMMEDIATE", work: (sql: Sql) => T): Promise<T> {
    let mended = false;
    for (let replaced = 0; ; ) {
      const connection = await this.#open();
      try {
        return await this.#patiently(() => this.#once(connection, begin, work));
      } catch (error) {
        const another = connection.identity !== undefined && identityOf(this.#path) !== connection.identity;
        if (another && replaced < MOST_REPLACED) {
          replaced += 1; // The next look opens the other one.
        } else if (!mended && isDamaged(error) && connection.identity !== undefined && !connection.readOnly) {
          mended = true;
          await this.#mend();
        } else {
          throw this.#error(error);
        }
      }
    }
  }

  #once<T>({ database, sql, readOnly, identity }: Connection, begin: string, work: (sql: Sql) => T): T {
    if (readOnly && begin !== "BEGIN") throw new Error("the file may be read and not be written: nothing was changed");
    database.exec(begin);
    try {
      // Who replaces a file holds its lock until the other is in place: what is written here now would be lost.
      if (begin !== "BEGIN" && identity !== undefined && identityOf(this.#path) !== identity) throw new Error("another file is in its place");
      const result = work(sql);
      database.exec("COMMIT");
      return result;
    } catch (error) {
      try {
        database.exec("ROLLBACK");
      } catch {
        // A full disk has undone it already.
      }
      throw error;
    }
  }

  async close(): Promise<void> {
    const opening = this.#opening;
    this.#opening = this.#connection = undefined;
    const connection = await opening?.catch(() => undefined);
    if (!connection) return;
    // SQLite finds its log by the file's name: where another file has that name, the log is the other's.
    const own = connection.identity === undefined || identityOf(this.#path) === connection.identity;
    if (!connection.readOnly && own) {
      try {
        // All of it is in one file then, which may be copied.
        connection.database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
      } catch {
        // Another process is using it, and will see to that.
      }
    }
    connection.database.close();
    connection.removed?.();
  }

  async #open(): Promise<Connection> {
    const open = this.#connection;
    // Another process has mended the file, or somebody has put another there: what is written here would be lost.
    if (open?.identity !== undefined && identityOf(this.#path) !== open.identity) await this.close();
    const opening = (this.#opening ??= this.#connect());
    opening.catch(() => {
      if (this.#opening === opening) this.#opening = undefined;
    });
    return opening;
  }

  async #connect(): Promise<Connection> {
    try {
      if (this.#path === ":memory:") return await this.#connected(this.#path, false);
      const readOnly = existsSync(this.#path) && !(mayWrite(this.#path) && mayWrite(dirname(this.#path)));
      if (!readOnly) createFile(this.#path);
      // A link stays a link, whatever is put in its place.
      const path = realpathSync(this.#path);
      if (readOnly) return await this.#connected(path, true);
      if (existsSync(finished(path))) await alone(path, () => putInPlace(path));
      let mended = false;
      for (let failures = 0; ; ) {
        try {
          return await this.#connected(path, false);
        } catch (error) {
          if (isDamaged(error) && !mended && !(error instanceof Replaced)) {
            mended = true;
            await this.#mend();
          } else if ((error instanceof Replaced || isInputOutput(error)) && (failures += 1) < MOST_REPLACED) {
            await sleep(50); // Another process may be putting a mended file in its place.
          } else {
            throw error;
          }
        }
      }
    } catch (error) {
      throw this.#error(error);
    }
  }

  async #connected(path: string, readOnly: boolean): Promise<Connection> {
    // Looked at before it is opened: what is put there meanwhile is another file.
    const identity = path === ":memory:" ? undefined : identityOf(path);
    const { database, removed } = readOnly ? await openToRead(path) : { database: await openDatabase(path), removed: undefined };
    // A file that was replaced between the two is read with the log of the other: neither may be used.
    const unmoved = (): void => {
      if (identity !== undefined && identityOf(path) !== identity) throw new Replaced();
    };
    try {
      unmoved();
      const kind = await this.#patiently(() => kindOf(database));
      unmoved();
      if (kind === "oh-my-pi" && !readOnly) {
        const said = await takeOver(path, database);
        if (said !== undefined) this.notices.tell({ kind: "migrated", message: `${this.#path}: ${said}` });
        return await this.#connected(path, readOnly);
      }
      if (!readOnly) await this.#patiently(() => prepareDatabase(database, path));
      else if (!isCurrent(database)) throw new Error("the file is of another version and may not be written, so it cannot be brought up to date");
      unmoved();
      if (this.#maxBytes !== undefined && !readOnly) database.exec(`PRAGMA max_page_count = ${Math.max(1, Math.floor(this.#maxBytes / pragma(database, "page_size")))}`);
    } catch (error) {
      try {
        database.close();
      } catch {
        // It is closed already.
      }
      removed?.();
      throw error;
    }
    const statements = new Map<string, Statement>();
    const prepared = (text: string): Statement => {
      const statement = statements.get(text) ?? database.prepare(text);
      statements.set(text, statement);
      return statement;
    };
    const sql = Object.assign(prepared, { row: COLUMNS.map((name) => (TEXTS.includes(name) ? textColumn(database, name) : name)).join(", ") });
    return (this.#connection = { database, sql, readOnly, removed, identity });
  }

  /** Sets a damaged file aside; everybody reads everything anew. */
  async #mend(): Promise<void> {
    const open = this.#connection;
    this.#opening = this.#connection = undefined;
    try {
      open?.database.close();
    } catch {
      // A damaged file may not be closed in good order.
    }
    const said = await mend(realpathSync(this.#path));
    if (said !== undefined) this.notices.tell({ kind: "set-aside", message: `${this.#path}: ${said}` });
  }

  async #patiently<T>(work: () => T): Promise<T> {
    const until = performance.now() + BUSY_FOR_MS;
    for (let pause = 1; ; pause = Math.min(LONGEST_PAUSE_MS, pause * 2)) {
      try {
        return work();
      } catch (error) {
        if (!isSqliteBusyError(error)) throw error;
        if (performance.now() >= until) throw new Error(`another process has held its lock for ${BUSY_FOR_MS / 1000} s`, { cause: error });
      }
      await sleep(pause * (0.5 + Math.random()));
    }
  }

  #error(cause: unknown): Error {
    const said = cause instanceof Error ? cause.message : String(cause);
    if (said.startsWith(`${this.#path}: `)) return cause as Error;
    const message = isReadOnly(cause) ? `the file may be read and not be written (${said})` : said;
    return new Error(`${this.#path}: ${message}`, { cause });
  }
}

/**
 * In a folder that may not be written SQLite has no place for its side files: then the file is taken as one that nobody changes,
 * and where the driver cannot do that, a copy is read that nobody else may see.
 */
async function openToRead(path: string): Promise<{ database: Database; removed: (() => void) | undefined }> {
  const opened = async (name: string): Promise<Database> => {
    const database = await openDatabase(name, { readOnly: true });
    try {
      database.prepare("SELECT count(*) FROM sqlite_schema").get();
      return database;
    } catch (error) {
      database.close();
      throw error;
    }
  };
  const names = existsSync(`${path}-wal`) && statSync(`${path}-wal`).size > 0 ? [path] : [path, `${pathToFileURL(path).href}?immutable=1`];
  for (const name of names) {
    try {
      return { database: await opened(name), removed: undefined };
    } catch (error) {
      if (isDamaged(error)) throw error;
    }
  }
  const folder = mkdtempSync(join(tmpdir(), "credpool-"));
  const removed = () => rmSync(folder, { recursive: true, force: true });
  try {
    const copy = join(folder, "copy.db");
    copyOf(path, copy);
    return { database: await openDatabase(copy), removed };
  } catch (error) {
    removed();
    throw error;
  }
}

/** Nobody else may read it, from its first moment. SQLite gives its side files the same rights. */
function createFile(file: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  if (existsSync(file)) return;
  closeSync(openSync(file, "a", 0o600));
  chmodSync(file, 0o600);
}

function mayWrite(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
