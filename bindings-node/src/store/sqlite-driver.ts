// SQLite as each runtime has it: node:sqlite (Node 22.13, Deno), bun:sqlite, and the package libsql where there is none.

/** A value in a row. */
export type SqlValue = string | number | null;
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

type DatabaseClass = new (file: string) => Database;

// By a name that is not written out: no bundler looks for modules of other runtimes.
const load = (name: string): Promise<Record<string, unknown>> => import(/* @vite-ignore */ name) as Promise<Record<string, unknown>>;

/** Opens a file with the SQLite of this runtime. */
export async function openDatabase(file: string): Promise<Database> {
  const Opener = await databaseClass();
  return new Opener(file);
}

async function databaseClass(): Promise<DatabaseClass> {
  if (process.versions.bun !== undefined) return (await load("bun:sqlite")).Database as DatabaseClass;
  try {
    return (await load("node:sqlite")).DatabaseSync as DatabaseClass;
  } catch {
    // Node before 22.13.
  }
  try {
    return (await load("libsql")).default as DatabaseClass;
  } catch (cause) {
    const message = `this runtime (Node ${process.versions.node}) has no SQLite of its own: install the package libsql (npm install libsql), or use Node 22.13 or newer`;
    throw new Error(message, { cause });
  }
}

/** Another process holds the file's lock: to be tried again. */
export function isBusy(error: unknown): boolean {
  const { code, message } = error as { code?: unknown; message?: unknown };
  return /SQLITE_(BUSY|LOCKED)/.test(String(code)) || /database (table )?is locked|SQLITE_BUSY/.test(String(message));
}
