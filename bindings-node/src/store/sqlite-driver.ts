// SQLite as each runtime has it: node:sqlite (Node 22.13, Deno), bun:sqlite, and the package libsql where there is none.

/** A value in a row. Bytes only where `textColumn` asked for them. */
export type SqlValue = string | number | null | Uint8Array | ArrayBuffer;
export type SqlRow = Record<string, SqlValue>;

/** A prepared statement. */
export interface Statement {
  run(...values: SqlValue[]): unknown;
  get(...values: SqlValue[]): SqlRow | null | undefined;
  all(...values: SqlValue[]): SqlRow[];
}

/** An open database file. */
export interface Database {
  exec(sql: string): unknown;
  prepare(sql: string): Statement;
  close(): void;
}

/** How a file is opened. */
export interface OpenMode {
  /** Nothing is ever written to it. */
  readOnly?: boolean;
}

type DatabaseClass = new (file: string, options?: Record<string, boolean>) => Database;

// By a name that is not written out: no bundler looks for modules of other runtimes.
const load = (name: string): Promise<Record<string, unknown>> => import(/* @vite-ignore */ name) as Promise<Record<string, unknown>>;

/** Opens a file with the SQLite of this runtime. */
export async function openDatabase(file: string, { readOnly = false }: OpenMode = {}): Promise<Database> {
  const { Opener, strict } = await databaseClass();
  // Each driver has its own name for it.
  const database = readOnly ? new Opener(file, { readOnly: true, readonly: true }) : new Opener(file);
  if (strict) strictOnes.add(database);
  return database;
}

/** Those that end the whole process where a damaged text is no UTF-8. */
const strictOnes = new WeakSet<Database>();

/** A column of text for a SELECT, so that a damaged one does no harm: read it by `textIn`. */
export function textColumn(database: Database, name: string): string {
  return strictOnes.has(database) ? `CAST(${name} AS BLOB) AS ${name}` : name;
}

/** What such a column holds. */
export function textIn(value: SqlValue | undefined): string | undefined {
  if (typeof value === "string") return value;
  return value instanceof Uint8Array || value instanceof ArrayBuffer ? new TextDecoder().decode(value) : undefined;
}

async function databaseClass(): Promise<{ Opener: DatabaseClass; strict?: boolean }> {
  if (process.versions.bun !== undefined) return { Opener: (await load("bun:sqlite")).Database as DatabaseClass };
  try {
    return { Opener: (await load("node:sqlite")).DatabaseSync as DatabaseClass };
  } catch {
    // Node before 22.13.
  }
  try {
    return { Opener: (await load("libsql")).default as DatabaseClass, strict: true };
  } catch (cause) {
    const message = `this runtime (Node ${process.versions.node}) has no SQLite of its own: install the package libsql (npm install libsql), or use Node 22.13 or newer`;
    throw new Error(message, { cause });
  }
}

/** What is known of a driver's error: its name or its number, whichever the driver tells. */
function saysOneOf(error: unknown, names: RegExp, numbers: readonly number[], words: RegExp): boolean {
  const { code, errcode, errno, rawCode, message } = (error ?? {}) as { code?: unknown; errcode?: unknown; errno?: unknown; rawCode?: unknown; message?: unknown };
  if (names.test(String(code)) || words.test(String(message))) return true;
  // The lowest byte is the plain code, what is above it tells more.
  return [errcode, errno, rawCode].some((number) => typeof number === "number" && number > 0 && numbers.includes(number & 0xff));
}

/** Did another connection hold the file's lock? Then the same may be tried again. The errors of all drivers are known. */
export function isSqliteBusyError(error: unknown): boolean {
  for (let each = error, depth = 0; each !== undefined && each !== null && depth < 8; each = (each as { cause?: unknown }).cause, depth += 1) {
    if (saysOneOf(each, /^SQLITE_(BUSY|LOCKED)/, [5, 6], /database (table |schema )?is locked|SQLITE_BUSY/)) return true;
  }
  return false;
}

/** Is the file damaged, or no database at all? */
export function isDamaged(error: unknown): boolean {
  return saysOneOf(error, /^SQLITE_(CORRUPT|NOTADB)/, [11, 26], /disk image is malformed|file is not a database|malformed database schema/);
}

/** Could a file not be read or written? Side files that another process has just taken away look like that. */
export function isInputOutput(error: unknown): boolean {
  return saysOneOf(error, /^SQLITE_(IOERR|CANTOPEN)/, [10, 14], /disk I\/O error|unable to open database file/);
}

/** May the file not be written? */
export function isReadOnly(error: unknown): boolean {
  return saysOneOf(error, /^SQLITE_READONLY/, [8], /attempt to write a readonly database/);
}
