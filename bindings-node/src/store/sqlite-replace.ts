// How a file is put in the place of another without a moment in which there is none, and by one process at a time. A process
// that dies in the midst leaves a finished `FILE.recovered`, which the next one puts in its place, or nothing that matters.
import { chmodSync, closeSync, constants, copyFileSync, existsSync, fsyncSync, linkSync, openSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Database } from "./sqlite-driver.js";

/** Another process may take so long with it. */
const PATIENCE_MS = 60_000;

/** Side files of SQLite. */
const SIDES = ["-wal", "-shm"] as const;

/** The replacement that is whole. */
export const finished = (file: string): string => `${file}.recovered`;

/** Does `work` while no other process does the same to this file. */
export async function alone<T>(file: string, work: () => Promise<T> | T): Promise<T> {
  const lock = `${file}.recovery`;
  const until = performance.now() + PATIENCE_MS;
  while (!take(lock)) {
    if (performance.now() > until) throw new Error(`another process has been mending it for ${PATIENCE_MS / 1000} s: if there is none, delete ${lock}`);
    await sleep(50);
  }
  try {
    return await work();
  } finally {
    rmSync(lock, { force: true });
  }
}

function take(lock: string): boolean {
  try {
    writeFileSync(lock, String(process.pid), { flag: "wx", mode: 0o600 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  try {
    // A process on another machine is not seen from here: its time is what counts.
    if (Date.now() - statSync(lock).mtimeMs > PATIENCE_MS) rmSync(lock, { force: true });
    else process.kill(Number(readFileSync(lock, "utf8")) || process.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") rmSync(lock, { force: true });
  }
  return false;
}

/** A free name beside a file: `FILE.WORD-20260131T101500Z`. */
export function asideName(file: string, word: string): string {
  const at = new Date().toISOString().replace(/[-:]|\.\d+/g, "");
  for (let n = 1; ; n += 1) {
    const name = `${file}.${word}-${at}${n === 1 ? "" : `-${n}`}`;
    if (!existsSync(name)) return name;
  }
}

/** A copy of a file and its side files that nobody else may read. */
export function copyOf(file: string, to: string): void {
  for (const side of ["", "-wal"]) {
    rmSync(to + side, { force: true });
    if (!existsSync(file + side)) continue;
    copyFileSync(file + side, to + side, constants.COPYFILE_FICLONE);
    chmodSync(to + side, 0o600);
    sync(to + side);
  }
}

/** Keeps the file itself under another name too: who has it open writes there. */
export function keepAs(file: string, to: string): void {
  try {
    linkSync(file, to);
  } catch {
    copyOf(file, to); // A file system without links.
  }
}

/**
 * An open database becomes the replacement, as a copy: a driver may keep a file open for longer than it says, and within one
 * process SQLite would take the side files of the name that it had. From here on the copy is the one that counts.
 */
export function finish(file: string, made: Database): void {
  const whole = `${file}.whole`;
  rmSync(whole, { force: true });
  closeSync(openSync(whole, "w", 0o600));
  made.prepare("VACUUM INTO ?").run(whole);
  sync(whole);
  renameSync(whole, finished(file));
  putInPlace(file);
}

/** Puts a finished replacement in its place; says whether there was one. */
export function putInPlace(file: string): boolean {
  if (!existsSync(finished(file))) return false;
  // First: a log of the old file must not be played into the new one.
  for (const side of SIDES) rmSync(file + side, { force: true });
  renameSync(finished(file), file);
  sync(dirname(file));
  return true;
}

/** Which file stands under a name: another may be put in its place. */
export function identityOf(path: string): string {
  try {
    const { dev, ino } = statSync(path, { bigint: true });
    return `${dev}/${ino}`;
  } catch {
    return "gone";
  }
}

export function remove(file: string): void {
  for (const side of ["", ...SIDES]) rmSync(file + side, { force: true });
}

function sync(file: string): void {
  try {
    const opened = openSync(file, "r");
    try {
      fsyncSync(opened);
    } finally {
      closeSync(opened);
    }
  } catch {
    // Windows does not open folders.
  }
}
