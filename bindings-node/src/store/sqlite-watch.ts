// Commits of other processes, seen by SQLite's own counter: a pragma that costs microseconds, asked now and then. Watching
// the file itself would say more often that something was written than that something was committed.

/** So often the counter is looked at, while somebody watches. */
const POLL_MS = 250;

/** What is asked of the open file; `undefined` while it is not open. */
export interface Counters {
  /** Changes with every commit of another connection. */
  dataVersion(): number | undefined;
  /** The store's generation. */
  generation(): number;
}

export class CommitWatch {
  readonly #counters: Counters;
  readonly #watchers = new Set<(generation: number) => void>();
  #timer: NodeJS.Timeout | undefined;
  #dataVersion: number | undefined;
  /** The generation that was told last. */
  #told: number | undefined;

  constructor(counters: Counters) {
    this.#counters = counters;
  }

  add(changed: (generation?: number) => void): () => void {
    const one = (generation: number) => changed(generation);
    this.#watchers.add(one);
    // A process may end while somebody watches.
    this.#timer ??= setInterval(() => this.#poll(), POLL_MS).unref();
    return () => {
      this.#watchers.delete(one);
      if (this.#watchers.size > 0) return;
      clearInterval(this.#timer);
      this.#timer = this.#dataVersion = this.#told = undefined;
    };
  }

  /** This store has committed. */
  committed(generation: number): void {
    if (this.#watchers.size === 0) return;
    // Another process was faster, and its commit would go unseen behind this one.
    if (this.#told !== undefined && this.#told < generation - 1) this.#tell(generation - 1);
    this.#tell(generation);
  }

  #poll(): void {
    try {
      const version = this.#counters.dataVersion();
      if (version === undefined || version === this.#dataVersion) return;
      // Leases, histories and the cache change it too.
      const generation = this.#counters.generation();
      this.#dataVersion = version;
      if (generation !== this.#told) this.#tell(generation);
    } catch {
      // Locked for a moment: looked at again.
    }
  }

  #tell(generation: number): void {
    this.#told = generation;
    for (const changed of [...this.#watchers]) {
      try {
        changed(generation);
      } catch {
        // It was made, and the others want to know: what one of them throws is nobody's.
      }
    }
  }
}
