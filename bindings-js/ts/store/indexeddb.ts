// A store in IndexedDB: pages, extensions, workers of a browser. Tabs of one site share it.
import { changesOf, conflictsOf, isComplete, isHeld, leaseEnded, leaseRenewed, leaseTaken, namedBy, plainRow, stateOf } from "./kept.js";
import type { Counters, KeptRow } from "./kept.js";
import { TabLocks } from "./locks.js";
import { RETENTION } from "./store.js";
import type { CommitResult, CredentialStore, LogEntry, LogFilter, Mutation, Retention, StoreLease, StoreState } from "./store.js";
import { Watchers } from "./watchers.js";

/** How an IndexedDB store is made. */
export interface IndexedDbStoreOptions extends Retention {
  /** The clock of leases and expiries. */
  now?: () => number;
}

/** A store in the browser's database of this name, made when it is first used. */
export function indexedDbStore(name = "credpool", options: IndexedDbStoreOptions = {}): CredentialStore {
  return new IndexedDbStore(name, options);
}

const VERSION = 1;
const STORES = ["rows", "meta", "leases", "logs", "cache"] as const;
type StoreName = (typeof STORES)[number];

/** Only tombstones have the generation of their end, so that their index has nothing else. */
interface IndexedRow extends KeptRow {
  gone?: number;
}

interface Meta extends Counters {
  name: "state";
}

/** A lease whose owner's tab holds a lock says so: where the lock is gone the tab is. */
interface KeptLease extends StoreLease {
  locked?: true;
}

interface KeptEntry extends LogEntry {
  log: string;
}

class IndexedDbStore implements CredentialStore {
  readonly #name: string;
  readonly #now: () => number;
  readonly #retention: Required<Retention>;
  readonly #locks: TabLocks;
  #opening: Promise<IDBDatabase> | undefined;
  readonly #watchers = new Watchers();
  /** Tells other tabs and workers of a commit, and hears of theirs. */
  #channel: BroadcastChannel | undefined;

  constructor(name: string, { now = Date.now, ...retention }: IndexedDbStoreOptions) {
    this.#name = name;
    this.#now = now;
    this.#retention = { ...RETENTION, ...retention };
    this.#locks = new TabLocks(`credpool/${name}/lease`);
  }

  load(since = 0): Promise<StoreState> {
    return this.#transact(["rows", "meta"], "readonly", async (use) => {
      const state = await meta(use);
      const complete = isComplete(since, state);
      const found = complete ? await all<KeptRow>(use("rows")) : await all<KeptRow>(use("rows").index("generation"), IDBKeyRange.lowerBound(since, true));
      return stateOf(found, state.generation, complete, plainRow);
    });
  }

  async commit(mutations: readonly Mutation[]): Promise<CommitResult> {
    const result = await this.#transact(["rows", "meta"], "readwrite", async (use): Promise<CommitResult> => {
      const [state, rows] = await Promise.all([meta(use), rowsNamed(use("rows"), mutations)]);
      const { generation } = state;
      const conflicts = conflictsOf(mutations, rows);
      if (conflicts.length > 0) return { ok: false, generation, conflicts: conflicts.map(({ name, living }) => (living ? plainRow(living) : { ...name, version: 0, generation })) };
      if (mutations.length === 0) return { ok: true, generation, rows: [] };
      const { made, changes } = changesOf(mutations, rows, state);
      // Not waited for: a request that fails undoes the transaction.
      for (const { after } of changes) if (after) use("rows").put(after.data === undefined ? ({ ...after, gone: after.generation } satisfies IndexedRow) : after);
      if (changes.some(({ after }) => after?.data === undefined)) await this.#forget(use("rows"), state);
      await answer(use("meta").put(state));
      return { ok: true, generation: state.generation, rows: made };
    });
    if (result.ok && mutations.length > 0) {
      this.#tune()?.postMessage(result.generation);
      this.#watchers.tell(result.generation);
    }
    return result;
  }

  /** Tabs and workers of one site are told of each other's commits, where the browser has a BroadcastChannel. */
  watch(changed: (generation?: number) => void): () => void {
    this.#tune();
    return this.#watchers.add(changed);
  }

  /** The channel of this database's name, opened when it is needed first. */
  #tune(): BroadcastChannel | undefined {
    if (this.#channel || typeof BroadcastChannel === "undefined") return this.#channel;
    const channel = new BroadcastChannel(`credpool/${this.#name}`);
    channel.onmessage = ({ data }) => typeof data === "number" && this.#watchers.tell(data);
    return (this.#channel = channel);
  }

  /** Drops the oldest tombstones, where there are too many. */
  async #forget(rows: IDBObjectStore, state: Meta): Promise<void> {
    const excess = (await answer(rows.index("gone").count())) - this.#retention.tombstones;
    if (excess <= 0) return;
    for (const { kind, id, generation } of await answer<KeptRow[]>(rows.index("gone").getAll(null, excess))) {
      await answer(rows.delete([kind, id]));
      state.forgotten = Math.max(state.forgotten, generation);
    }
  }

  /**
   * A lease has the time of its owner's tab as well, where the browser has Web Locks: of a tab that was closed or has crashed
   * the next owner need not wait for the end.
   */
  async lease(key: string, owner: string, ttlMs: number): Promise<StoreLease | null> {
    // First the lock, then the lease: nobody may find the one without the other.
    const locked = await this.#locks.hold(key, owner, ttlMs);
    let other: KeptLease | undefined;
    const take = (isOver: (held: KeptLease) => boolean) =>
      this.#changeLease(key, (held, now) => {
        const taken = leaseTaken(held && isOver(held) ? { ...held, expires: 0 } : held, key, owner, now, ttlMs);
        if (!taken) other = held;
        return taken && { ...taken, ...(locked && { locked }) };
      });
    let lease: StoreLease | undefined;
    try {
      lease = await take(() => false);
      // Asked after the lease was seen: a lock that is missing then was there, and its tab is gone.
      const dead = other;
      if (!lease && dead?.locked && (await this.#locks.isGone(key, dead.owner))) lease = await take((held) => isHeld(held, dead));
    } finally {
      if (!lease) this.#locks.letGo(key, owner);
    }
    return lease ?? null;
  }

  async renew(lease: StoreLease, ttlMs: number): Promise<StoreLease | null> {
    const renewed = await this.#changeLease(lease.key, (held, now) => leaseRenewed(held, lease, now, ttlMs));
    if (renewed) this.#locks.prolong(lease.key, lease.owner, ttlMs);
    else this.#locks.letGo(lease.key, lease.owner);
    return renewed ?? null;
  }

  async release(lease: StoreLease): Promise<void> {
    await this.#changeLease(lease.key, (held) => leaseEnded(held, lease));
    this.#locks.letGo(lease.key, lease.owner);
  }

  async #changeLease(key: string, changed: (held: KeptLease | undefined, now: number) => KeptLease | undefined): Promise<StoreLease | undefined> {
    const kept = await this.#transact(["leases"], "readwrite", async (use) => {
      const lease = changed(await answer<KeptLease | undefined>(use("leases").get(key)), this.#now());
      if (lease) await answer(use("leases").put(lease));
      return lease;
    });
    if (!kept) return undefined;
    const { locked: _, ...lease } = kept;
    return lease;
  }

  append(log: string, entries: readonly LogEntry[]): Promise<void> {
    return this.#transact(["logs"], "readwrite", async (use) => {
      const logs = use("logs");
      for (const { at, data } of entries) await answer(logs.add({ log, at, data } satisfies KeptEntry));
      const old = IDBKeyRange.bound([log, -Infinity], [log, this.#now() - this.#retention.logMaxAgeMs], false, true);
      for (const key of await answer(logs.index("at").getAllKeys(old))) await answer(logs.delete(key));
      const excess = (await answer(logs.index("at").count(wholeLog(log)))) - this.#retention.logMaxEntries;
      if (excess > 0) for (const key of await answer(logs.index("at").getAllKeys(wholeLog(log), excess))) await answer(logs.delete(key));
    });
  }

  query(log: string, { from = -Infinity, to = Infinity, limit = Infinity }: LogFilter = {}): Promise<LogEntry[]> {
    return this.#transact(["logs"], "readonly", async (use) => {
      if (!(from < to)) return [];
      const found = await all<KeptEntry>(use("logs").index("at"), IDBKeyRange.bound([log, from], [log, to], false, true));
      return found.slice(Math.max(0, found.length - limit)).map(({ at, data }) => ({ at, data }));
    });
  }

  cacheGet(key: string): Promise<string | undefined> {
    return this.#transact(["cache"], "readonly", async (use) => {
      const kept = await answer<{ value: string; expires: number } | undefined>(use("cache").get(key));
      return kept && kept.expires > this.#now() ? kept.value : undefined;
    });
  }

  cacheSet(key: string, value: string, expiresAt: number): Promise<void> {
    return this.#transact(["cache"], "readwrite", async (use) => {
      const cache = use("cache");
      for (const old of await answer(cache.index("expires").getAllKeys(IDBKeyRange.upperBound(this.#now())))) await answer(cache.delete(old));
      if (expiresAt > this.#now()) await answer(cache.put({ key, value, expires: expiresAt }));
      else await answer(cache.delete(key));
    });
  }

  async close(): Promise<void> {
    const opening = this.#opening;
    this.#opening = undefined;
    this.#channel?.close();
    this.#channel = undefined;
    (await opening?.catch(() => undefined))?.close();
  }

  /** One transaction: it is done when all of it is done, and undone where anything throws. */
  async #transact<T>(stores: StoreName[], mode: IDBTransactionMode, work: (use: (name: StoreName) => IDBObjectStore) => Promise<T>): Promise<T> {
    const database = await this.#database();
    const transaction = database.transaction(stores, mode, { durability: "strict" });
    const done = new Promise<void>((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(this.#error(transaction.error));
    });
    done.catch(() => undefined); // Awaited below, unless the work itself throws.
    try {
      const result = await work((name) => transaction.objectStore(name));
      await done;
      return result;
    } catch (error) {
      try {
        transaction.abort();
      } catch {
        // It has ended already.
      }
      throw this.#error(error);
    }
  }

  #database(): Promise<IDBDatabase> {
    this.#opening ??= this.#open().catch((error: unknown) => {
      this.#opening = undefined;
      throw error;
    });
    return this.#opening;
  }

  #open(): Promise<IDBDatabase> {
    return new Promise((resolve, reject) => {
      if (typeof indexedDB === "undefined") throw this.#error("there is no IndexedDB here: use memoryStore(), or sqliteStore() of credpool/node");
      const request = indexedDB.open(this.#name, VERSION);
      request.onupgradeneeded = () => create(request.result);
      request.onerror = () => reject(this.#error(request.error));
      request.onblocked = () => reject(this.#error("another tab has it open in an older version: close that tab"));
      request.onsuccess = () => {
        const database = request.result;
        const forget = () => {
          database.close();
          this.#opening = undefined;
        };
        // A newer version of the program, or the browser, wants it: it is opened again when it is needed.
        database.onversionchange = forget;
        database.onclose = forget;
        resolve(database);
      };
    });
  }

  #error(cause: unknown): Error {
    const text = cause instanceof Error ? cause.message : String(cause ?? "the transaction was undone");
    return text.startsWith("IndexedDB ") && cause instanceof Error ? cause : new Error(`IndexedDB "${this.#name}": ${text}`, { cause });
  }
}

function create(database: IDBDatabase): void {
  const rows = database.createObjectStore("rows", { keyPath: ["kind", "id"] });
  rows.createIndex("generation", "generation");
  rows.createIndex("gone", "gone");
  database.createObjectStore("meta", { keyPath: "name" });
  database.createObjectStore("leases", { keyPath: "key" });
  database.createObjectStore("logs", { autoIncrement: true }).createIndex("at", ["log", "at"]);
  database.createObjectStore("cache", { keyPath: "key" }).createIndex("expires", "expires");
}

async function meta(use: (name: StoreName) => IDBObjectStore): Promise<Meta> {
  return (await answer<Meta | undefined>(use("meta").get("state"))) ?? { name: "state", generation: 0, lastId: 0, forgotten: 0 };
}

/** The rows that a batch names, those that are gone included. All are asked for at once: one after the other takes a turn of the loop each. */
async function rowsNamed(rows: IDBObjectStore, mutations: readonly Mutation[]): Promise<Map<string, KeptRow>> {
  const names = [...namedBy(mutations)];
  const found = await Promise.all(names.map(([, { kind, id }]) => answer<KeptRow | undefined>(rows.get([kind, id]))));
  return new Map(names.flatMap(([name], at) => (found[at] ? [[name, found[at]]] : [])));
}

const wholeLog = (log: string) => IDBKeyRange.bound([log, -Infinity], [log, Infinity]);

function answer<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function all<T>(source: IDBObjectStore | IDBIndex, range?: IDBKeyRange): Promise<T[]> {
  return answer(source.getAll(range) as IDBRequest<T[]>);
}
