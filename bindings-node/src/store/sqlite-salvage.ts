// A damaged file: it is kept under another name, and what can be read of it becomes a new one.
import { basename } from "node:path";
import { closeSync, openSync, readSync, statSync, writeSync } from "node:fs";
import { isDamaged, isSqliteBusyError, openDatabase, textColumn, textIn } from "./sqlite-driver.js";
import type { Database, SqlRow, SqlValue } from "./sqlite-driver.js";
import { alone, asideName, copyOf, finish, putInPlace, remove } from "./sqlite-replace.js";
import { kindOf, prepareDatabase } from "./sqlite-schema.js";

/** As SQLite's own, since the files are made with its settings. */
const PAGE = 4096;

/** The tables: their columns, and by which of them they are walked through. */
const TABLES = {
  entry: { texts: ["kind", "name", "data", "secret"], columns: ["kind", "owner", "name", "version", "generation", "data", "secret"], key: ["kind", "owner", "name"] },
  lease: { texts: ["key", "owner"], columns: ["key", "owner", "fence", "expires"], key: ["key"] },
  log: { texts: ["log", "data"], columns: ["number", "log", "at", "data"], key: ["number"] },
} as const;
type Table = keyof typeof TABLES;

/** The columns of a table, for a SELECT. */
const selected = (database: Database, table: Table, columns: readonly string[] = TABLES[table].columns): string =>
  columns.map((name) => ((TABLES[table].texts as readonly string[]).includes(name) ? textColumn(database, name) : name)).join(", ");

/** A row with its texts as texts. */
const plain = (row: SqlRow): SqlRow => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, typeof value === "object" && value !== null ? (textIn(value) ?? null) : value]));

/**
 * Mends a file that could not be read. Answers what was done, for people; `undefined` where there was nothing to do, because
 * another process has done it. Throws where the file is none of ours.
 */
export async function mend(file: string): Promise<string | undefined> {
  return alone(file, async () => {
    if (putInPlace(file) || (await isSound(file))) return undefined;
    if (!looksLikeOurs(file)) throw new Error("file is not a database");
    const free = await held(file);
    try {
      const aside = asideName(file, "damaged");
      copyOf(file, aside);
      const [copy, made] = [`${file}.salvage`, `${file}.mended`];
      remove(made);
      copyOf(file, copy);
      try {
        const said = await rescue(copy, made, (fresh) => finish(file, fresh));
        return `it was damaged and is kept as ${basename(aside)}; ${said}`;
      } finally {
        remove(copy);
        remove(made);
      }
    } finally {
      free();
    }
  });
}

/**
 * Keeps others from writing into the damaged file while it is replaced; after that they see that it is another. Where not even
 * that can be done to it, nobody else can write it either.
 */
async function held(file: string): Promise<() => void> {
  const database = await openDatabase(file);
  try {
    database.exec("PRAGMA busy_timeout = 5000; BEGIN IMMEDIATE");
  } catch {
    // Nobody can.
  }
  return () => {
    try {
      database.close();
    } catch {
      // Damaged.
    }
  };
}

async function isSound(file: string): Promise<boolean> {
  const database = await openDatabase(file);
  try {
    if (kindOf(database) !== "ours") return true;
    return Object.values(database.prepare("PRAGMA integrity_check(1)").get() ?? {})[0] === "ok";
  } catch (error) {
    if (isDamaged(error)) return false;
    // Others are using it, so it is another one already, and to be used.
    if (isSqliteBusyError(error)) return true;
    throw error;
  } finally {
    database.close();
  }
}

/** A text file of somebody's is not set aside because it is no database. */
function looksLikeOurs(file: string): boolean {
  const opened = openSync(file, "r");
  try {
    const start = Buffer.alloc(PAGE);
    readSync(opened, start, 0, PAGE, 0);
    if (start.subarray(68, 72).toString("latin1") === "cred" || start.includes("CREATE TABLE entry")) return true;
    // Where the first page is lost, as after a crash of the machine: what follows is pages of a table. No text has zeros.
    const second = Buffer.alloc(PAGE);
    return statSync(file).size % PAGE === 0 && readSync(opened, second, 0, PAGE, PAGE) === PAGE && [2, 5, 10, 13].includes(second[0] ?? 0) && second.includes(0);
  } finally {
    closeSync(opened);
  }
}

/** Reads what can be read of a copy into a new file, and hands that over. */
async function rescue(copy: string, made: string, done: (fresh: Database) => void): Promise<string> {
  const fresh = await openDatabase(made);
  try {
    prepareDatabase(fresh, made);
    fresh.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    const old = (await opened(copy)) ?? (graft(copy, made), await opened(copy));
    let said = "nothing of it could be read";
    try {
      if (old) said = carryOver(old, fresh);
    } finally {
      old?.close();
    }
    done(fresh);
    return said;
  } finally {
    fresh.close();
  }
}

/** The copy, where its tables are known at least. */
async function opened(copy: string): Promise<Database | undefined> {
  const database = await openDatabase(copy);
  try {
    database.exec("PRAGMA writable_schema = ON"); // Does not refuse a schema with one bad entry.
    database.prepare("SELECT kind FROM entry WHERE kind = ''").all();
    return database;
  } catch {
    database.close();
    return undefined;
  }
}

/**
 * Where the first page is lost, that of a new file takes its place: all files are made by the same statements, so their tables
 * begin at the same pages.
 */
function graft(copy: string, fresh: string): void {
  const page = Buffer.alloc(PAGE);
  const from = openSync(fresh, "r");
  readSync(from, page, 0, PAGE, 0);
  closeSync(from);
  page.writeUInt32BE(Math.floor(statSync(copy).size / PAGE), 28);
  page.writeUInt32BE(0, 32); // Free pages: none that are known.
  page.writeUInt32BE(0, 36);
  const to = openSync(copy, "r+");
  writeSync(to, page, 0, PAGE, 0);
  closeSync(to);
}

function carryOver(old: Database, fresh: Database): string {
  const entries = scan(old, "entry");
  const missed = new Set<string>();
  // What the order of rows leads past, the order of generations may lead to.
  const keyOf = (row: SqlRow): string => JSON.stringify([row.kind, row.owner, row.name]);
  for (const key of keysByGeneration(old)) {
    const name = keyOf(key);
    if (entries.has(name)) continue;
    const row = attempt(() => old.prepare(`SELECT ${selected(old, "entry")} FROM entry WHERE kind = ? AND owner = ? AND name = ?`).get(key.kind ?? null, key.owner ?? null, key.name ?? null));
    if (row) entries.set(name, plain(row));
    else missed.add(name);
  }
  const [leases, log] = [scan(old, "lease"), scan(old, "log")];
  const numbers = (sql: string): number[] => attempt(() => old.prepare(sql).all().map((row) => Number(Object.values(row)[0])).filter(Number.isSafeInteger)) ?? [];
  const rows = [...entries.values()];
  // Everybody reads everything anew, and nobody meets an id or a fence once more that was given before.
  const generation = Math.max(0, ...numbers("SELECT value FROM state"), ...rows.map((row) => Number(row.generation))) + 1;
  const last = Math.max(0, ...numbers("SELECT seq FROM sqlite_sequence WHERE name = 'issued'"), ...rows.map((row) => Number(row.owner))) + 1000;
  fresh.exec("BEGIN IMMEDIATE");
  let refused = 0;
  for (const [table, kept] of [["entry", entries], ["lease", leases], ["log", log]] as const) {
    const { columns } = TABLES[table];
    const put = fresh.prepare(`INSERT OR IGNORE INTO ${table} (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})`);
    // A value of another type than the column's: the row is not what was written.
    for (const row of kept.values()) if (attempt(() => (put.run(...columns.map((column) => row[column] ?? null)), true)) !== true) refused += 1;
  }
  fresh.prepare("INSERT OR IGNORE INTO issued (id) VALUES (?)").run(last);
  for (const [name, value] of [["generation", generation], ["forgotten", generation], ["fences", Date.now()]] as const) fresh.prepare("UPDATE state SET value = ? WHERE name = ?").run(value, name);
  fresh.exec("COMMIT");
  const living = rows.filter(({ data }) => data !== null).length;
  const lost = missed.size + refused;
  return `${living} rows of it could be read${lost > 0 ? `, ${lost} that are known of could not` : ""}`;
}

/** All rows of a table that can be come at from its one end or the other. */
function scan(old: Database, table: Table): Map<string, SqlRow> {
  const { key } = TABLES[table];
  const found = new Map<string, SqlRow>();
  for (const [direction, beyond] of [["ASC", ">"], ["DESC", "<"]] as const) {
    const order = key.map((column) => `${column} ${direction}`).join(", ");
    const select = (where: string, limit: number): string => `SELECT ${selected(old, table)} FROM ${table} ${where} ORDER BY ${order} LIMIT ${limit}`;
    const after = `WHERE (${key.join(", ")}) ${beyond} (${key.map(() => "?").join(", ")})`;
    let last: SqlValue[] | undefined;
    for (let limit = 256; ; ) {
      const rows: SqlRow[] | undefined = attempt(() => old.prepare(select(last ? after : "", limit)).all(...(last ?? [])).map(plain));
      if (!rows && limit > 1) {
        limit = 1; // One by one up to the place that cannot be read.
        continue;
      }
      if (!rows || rows.length === 0) break;
      for (const row of rows) found.set(JSON.stringify(key.map((column) => row[column])), row);
      last = key.map((column) => rows.at(-1)?.[column] ?? null);
    }
  }
  return found;
}

function keysByGeneration(old: Database): SqlRow[] {
  const found: SqlRow[] = [];
  for (let after = -1; ; ) {
    const rows = attempt(() => old.prepare("SELECT generation FROM entry INDEXED BY entry_by_generation WHERE generation > ? ORDER BY generation LIMIT 1").all(after));
    const generation = rows?.[0]?.generation;
    if (typeof generation !== "number") return found;
    found.push(...(attempt(() => old.prepare(`SELECT ${selected(old, "entry", ["kind", "owner", "name"])} FROM entry INDEXED BY entry_by_generation WHERE generation = ?`).all(generation).map(plain)) ?? []));
    after = generation;
  }
}

function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
