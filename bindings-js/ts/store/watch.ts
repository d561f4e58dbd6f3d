// What others change in the store, read soon after it is told. A store that cannot tell is read again by `pool.reload()`.
import type { WholeHost } from "../host.js";
import type { RowData } from "../protocol.js";
import { changedRows } from "../rows.js";
import type { CredentialStore, StoreState } from "./store.js";

/** After a look at what others have changed the next one is so much later: a busy neighbour costs a bounded share. */
const PAUSE_MS = 100;
/** More rows than these cross better packed, with all others. */
const MANY = 1000;
/** What others do to these counts at once. Last uses and ties are notes of each process for itself. */
const KINDS: readonly string[] = ["credential", "health"];

/** What a pool knows of its store: up to where it has read, and which generations it made itself. */
export class Known {
  /** The generation that was read last. */
  read = 0;
  readonly #own = new Set<number>();
  #committing = 0;
  #idle: (() => void)[] = [];

  loaded(generation: number): void {
    this.read = generation;
    for (const own of this.#own) if (own <= generation) this.#own.delete(own);
  }

  began(): void {
    this.#committing += 1;
  }

  /** A commit ended, and made this generation; none where it made nothing. */
  ended(generation?: number): void {
    this.#committing -= 1;
    if (generation !== undefined) this.#own.add(generation);
    if (this.#committing > 0) return;
    for (const go of this.#idle) go();
    this.#idle = [];
  }

  /** While a commit is under way nobody can say whose a new generation is. */
  settled(): Promise<void> {
    return this.#committing === 0 ? Promise.resolve() : new Promise((resolve) => this.#idle.push(resolve));
  }

  isOwn(generation: number): boolean {
    return generation <= this.read || this.#own.has(generation);
  }
}

/** Reads the store again when it tells of a change of others'. */
export class StoreWatch {
  readonly #store: CredentialStore;
  readonly #known: Known;
  readonly #host: WholeHost;
  readonly #reload: () => Promise<void>;
  /** Gives the engine what others have changed. */
  readonly #adopt: (generation: number, rows: RowData[]) => Promise<void>;
  #stop: (() => void) | undefined;
  #stopped = false;
  #looking = false;
  /** Generations that were told and not looked at yet; `undefined` among them: something changed. */
  #told: (number | undefined)[] = [];
  #pause: { timer: unknown; over: () => void } | undefined;

  constructor(store: CredentialStore, known: Known, host: WholeHost, reload: () => Promise<void>, adopt: (generation: number, rows: RowData[]) => Promise<void>) {
    this.#store = store;
    this.#known = known;
    this.#host = host;
    this.#reload = reload;
    this.#adopt = adopt;
    this.#stop = store.watch?.((generation) => this.#changed(generation));
  }

  stop(): void {
    this.#stopped = true;
    this.#stop?.();
    this.#stop = undefined;
    this.#told = [];
    if (this.#pause) this.#host.clearTimer(this.#pause.timer);
    this.#pause?.over();
  }

  /** One look at a time; what is told during it is looked at by the next. */
  #changed(generation: number | undefined): void {
    if (this.#stopped) return;
    // One of each is enough, and no store can fill the memory.
    if (this.#told.length < 1024) this.#told.push(generation);
    else this.#told = [undefined];
    if (this.#looking) return;
    this.#looking = true;
    this.#look()
      .catch((error: unknown) => this.#stopped || this.#host.log("credpool: the store changed and could not be read again", error))
      .finally(() => (this.#looking = false));
  }

  async #look(): Promise<void> {
    while (this.#told.length > 0) {
      await this.#known.settled();
      const told = this.#told;
      this.#told = [];
      if (told.every((generation) => generation !== undefined && this.#known.isOwn(generation))) continue;
      // A store that fails says so to the reload, which knows what may be repeated of it.
      const state = await this.#store.load(this.#known.read).catch(() => undefined);
      if (this.#stopped) return;
      if (!state || state.complete !== false || state.rows.length > MANY) await this.#reload();
      else if (this.#isNews(state)) await this.#take(state);
      await this.#rest();
    }
  }

  #isNews({ rows, removed, generation }: StoreState): boolean {
    if (removed.length > 0) return true;
    const news = rows.some((row) => KINDS.includes(row.kind) && !this.#known.isOwn(row.generation));
    // Nobody needs to be asked for the same once more.
    if (!news) this.#known.loaded(generation);
    return news;
  }

  /** Only what changed: ten thousand others need not be read again for one. */
  async #take({ rows, removed, generation }: StoreState): Promise<void> {
    const others = rows.filter((row) => KINDS.includes(row.kind) && !this.#known.isOwn(row.generation));
    await this.#adopt(generation, changedRows(others, removed));
    this.#known.loaded(generation);
  }

  #rest(): Promise<void> {
    if (this.#stopped) return Promise.resolve();
    return new Promise((resolve) => {
      const over = () => {
        this.#pause = undefined;
        resolve();
      };
      this.#pause = { over, timer: this.#host.setTimer(over, PAUSE_MS, false) };
    });
  }
}
