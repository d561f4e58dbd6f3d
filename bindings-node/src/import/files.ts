// Files of other tools, read into what they hold: folders file by file, databases by their rows.
import fs from "node:fs";
import path from "node:path";
import { readToolFile } from "credpool/import";
import type { Found, Tool } from "credpool/import";
import { openDatabase } from "../store/sqlite-driver.js";
import { besideOf } from "./places.js";
import type { Place } from "./places.js";

/** A file that was read, or why it was not. */
export interface FileRead {
  readonly file: string;
  readonly found?: Found;
  readonly error?: string;
}

/** A file is at most so long, in bytes: the parsers take no more. */
const LONGEST = 16 * 1024 * 1024;
/** A folder is read up to so many files. */
const MOST_FILES = 10_000;
const SQLITE = "SQLite format 3\0";

/** Reads a file, or every `.json` file of a folder. Nothing is thrown for what is in them. */
export async function readPlace({ file, beside }: Place, tool: Tool | undefined): Promise<FileRead[]> {
  if (!fs.statSync(file).isDirectory()) return [await readOne(file, beside ?? besideOf(tool, file), tool)];
  const names = fs.readdirSync(file, { recursive: true }) as string[];
  const files = names.filter((name) => name.endsWith(".json")).sort().slice(0, MOST_FILES).map((name) => path.join(file, name));
  const all: FileRead[] = [];
  for (const each of files) if (fs.statSync(each).isFile()) all.push(await readOne(each, besideOf(tool, each), tool));
  return all;
}

async function readOne(file: string, beside: string | undefined, tool: Tool | undefined): Promise<FileRead> {
  try {
    const { size } = fs.statSync(file);
    if (isDatabase(file)) return { file, found: await readToolFile(await rowsOf(file), { tool: "oh-my-pi" }) };
    if (size > LONGEST) return { file, error: "it is longer than 16 MiB" };
    return { file, found: await readToolFile(fs.readFileSync(file, "utf8"), { tool, beside: beside === undefined ? undefined : textOf(beside) }) };
  } catch (error) {
    return { file, error: (error as Error).message };
  }
}

function textOf(file: string): string | undefined {
  try {
    return fs.statSync(file).size > LONGEST ? undefined : fs.readFileSync(file, "utf8");
  } catch {
    return undefined; // It only says whose the account is.
  }
}

function isDatabase(file: string): boolean {
  const start = Buffer.alloc(SQLITE.length);
  const opened = fs.openSync(file, "r");
  try {
    return fs.readSync(opened, start, 0, start.length, 0) === start.length && start.toString("latin1") === SQLITE;
  } finally {
    fs.closeSync(opened);
  }
}

/** The rows of oh-my-pi's `agent.db`, as its parser takes them. The database is copied first: to read it may not change it. */
async function rowsOf(file: string): Promise<string> {
  const folder = fs.mkdtempSync(path.join(path.dirname(file), ".credpool-import-"));
  const copy = path.join(folder, "agent.db");
  try {
    // With what is not in the file itself yet.
    for (const end of ["", "-wal"]) if (fs.existsSync(file + end)) fs.copyFileSync(file + end, copy + end);
    fs.chmodSync(copy, 0o600);
    const database = await openDatabase(copy);
    try {
      const columns = database.prepare("SELECT name FROM pragma_table_info('auth_credentials')").all().map(({ name }) => String(name));
      if (columns.length === 0) throw new Error("it is a database without oh-my-pi's table auth_credentials");
      const cause = columns.includes("disabled_cause") ? "disabled_cause" : columns.includes("disabled") ? "CASE disabled WHEN 0 THEN NULL ELSE 'disabled' END AS disabled_cause" : "NULL AS disabled_cause";
      return JSON.stringify({ rows: database.prepare(`SELECT id, provider, credential_type, data, ${cause} FROM auth_credentials ORDER BY id`).all() });
    } finally {
      database.close();
    }
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}
