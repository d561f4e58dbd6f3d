// When to look: when the system tells of a change, and every now and then. One look at a time.
import fs from "node:fs";
import type { WatchChange, Watching, WatchOptions } from "./types.js";

/** What is known of a file from outside: another one, or another content, is another stamp. */
export function stampOf(file: string): string | undefined {
  try {
    const { ino, size, mtimeMs, ctimeMs } = fs.statSync(file);
    return `${ino}/${size}/${mtimeMs}/${ctimeMs}`;
  } catch {
    return undefined;
  }
}

/** When what is seen has been the same for long enough. */
export class Settling {
  readonly #seen = new Map<string, { stamp: string; since: number }>();

  /** Has it been so for `ms`? Answers how long to wait for that; 0: it has. */
  left(file: string, stamp: string, ms: number): number {
    const now = performance.now();
    const seen = this.#seen.get(file);
    if (seen?.stamp !== stamp) {
      this.#seen.set(file, { stamp, since: now });
      return ms;
    }
    return Math.max(0, seen.since + ms - now);
  }

  forget(file: string): void {
    this.#seen.delete(file);
  }
}

/** Looks again and again. `look` answers after how many milliseconds something settles, if anything does. */
export class Looking implements Watching {
  readonly #look: (first: boolean) => Promise<number>;
  readonly #told: (change: WatchChange) => void;
  readonly #everyMs: number;
  readonly #folder: string;
  #watcher: fs.FSWatcher | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #running: Promise<void> | undefined;
  #again = false;
  #closed = false;
  #first = true;

  constructor(folder: string, look: (first: boolean) => Promise<number>, told: (change: WatchChange) => void, { everyMs = 2000 }: WatchOptions) {
    this.#folder = folder;
    this.#look = look;
    this.#told = told;
    this.#everyMs = everyMs;
  }

  /** The first look; from then on it follows. */
  async start(): Promise<this> {
    await this.look();
    return this;
  }

  look(): Promise<void> {
    this.#again = true;
    return (this.#running ??= this.#run().finally(() => (this.#running = undefined)));
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#watcher?.close();
    this.#watcher = undefined;
    await this.#running;
  }

  async #run(): Promise<void> {
    let settles = Infinity;
    while (this.#again && !this.#closed) {
      this.#again = false;
      this.#listen();
      try {
        settles = await this.#look(this.#first);
        this.#first = false;
      } catch (error) {
        this.#told({ kind: "failed", file: this.#folder, message: error instanceof Error ? error.message : String(error) });
      }
    }
    if (this.#closed) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.look(), Math.min(this.#everyMs, Math.max(1, Math.ceil(settles))));
    this.#timer.unref();
  }

  /** The folder may come, go and come back. */
  #listen(): void {
    if (this.#watcher) return;
    for (const recursive of [true, false]) {
      try {
        const watcher = fs.watch(this.#folder, { persistent: false, recursive }, () => void this.look());
        const forget = () => {
          watcher.close();
          if (this.#watcher === watcher) this.#watcher = undefined;
        };
        watcher.on("error", forget);
        watcher.on("rename", forget);
        this.#watcher = watcher;
        return;
      } catch {
        // Not there, or not told of here: it is looked at all the same.
      }
    }
  }
}
