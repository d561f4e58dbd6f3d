// Web Locks as a sign of life: the browser frees the locks of a tab or a worker that is gone, at once, however it went.

/** A lock outlives the lease that it stands for by so much: clocks and timers are not exact. */
const LATER_MS = 1000;

/** A lock that is held, until it is let go. */
interface Held {
  letGo: () => void;
  timer: ReturnType<typeof setTimeout>;
}

/** Locks by which the owners of leases can be told from tabs that are no more. Without Web Locks (an insecure page) it does nothing. */
export class TabLocks {
  readonly #prefix: string;
  readonly #held = new Map<string, Held>();

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** Holds the lock of an owner of a lease; `true` where it does. It ends with the lease's time, if nobody lets it go before. */
  async hold(key: string, owner: string, ttlMs: number): Promise<true | undefined> {
    const name = this.#name(key, owner);
    if (this.#held.has(name)) {
      this.prolong(key, owner, ttlMs);
      return true;
    }
    const locks = webLocks();
    if (!locks) return undefined;
    return new Promise((resolve) => {
      // Who has this name is this owner, in another store of the tab: nobody else is waited for.
      locks
        .request(name, { mode: "shared" }, () => new Promise<void>((letGo) => {
          this.#held.set(name, { letGo, timer: this.#end(key, owner, ttlMs) });
          resolve(true);
        }))
        .catch(() => resolve(undefined));
    });
  }

  /** The lease was renewed. */
  prolong(key: string, owner: string, ttlMs: number): void {
    const held = this.#held.get(this.#name(key, owner));
    if (!held) return;
    clearTimeout(held.timer);
    held.timer = this.#end(key, owner, ttlMs);
  }

  letGo(key: string, owner: string): void {
    const name = this.#name(key, owner);
    const held = this.#held.get(name);
    if (!held) return;
    this.#held.delete(name);
    clearTimeout(held.timer);
    held.letGo();
  }

  /** Is the tab of this owner gone? Only where that is known. */
  async isGone(key: string, owner: string): Promise<boolean> {
    const name = this.#name(key, owner);
    const { held } = (await webLocks()?.query().catch(() => undefined)) ?? {};
    return held !== undefined && !held.some((lock) => lock.name === name);
  }

  #end(key: string, owner: string, ttlMs: number): ReturnType<typeof setTimeout> {
    // Later than the lease, never before it. What is longer than a timer takes only loses its sign of life.
    return setTimeout(() => this.letGo(key, owner), Math.min(ttlMs + LATER_MS, 2 ** 31 - 1));
  }

  #name(key: string, owner: string): string {
    return `${this.#prefix}/${owner}/${key}`;
  }
}

function webLocks(): LockManager | undefined {
  return typeof navigator === "undefined" ? undefined : navigator.locks;
}
