// A store in IndexedDB: pages, extensions, workers of a browser. Tabs of one site share it.
import { RETENTION } from "./store.js";
import type { CommitResult, CredentialStore, LogEntry, LogFilter, Mutation, Retention, Row, RowId, StoreLease, StoreState } from "./store.js";
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

/** A row as it is kept; without data it is a tombstone. */
interface KeptRow {
  kind: string;
  id: RowId;
  version: number;
  generation: number;
  data?: string;
  secret?: string;
  /** The generation of its end: only tombstones have it, so that their index has nothing else. */
  gone?: number;
}

interface Meta {
  name: "state";
  generation: number;
  lastId: number;
  /** Tombstones up to this generation have been dropped. */
  forgotten: number;
}

interface KeptEntry extends LogEntry {
  log: string;
}

class IndexedDbStore implements CredentialStore {
  readonly #name: string;
  readonly #now: () => number;
  readonly #retention: Required<Retention>;
  #opening: Promise<IDBDatabase> | undefined;
  readonly #watchers = new Watchers();
  /** Tells other tabs and workers of a commit, and hears of theirs. */
  #channel: BroadcastChannel | undefined;

  constructor(name: string, { now = Date.now, ...retention }: IndexedDbStoreOptions) {
    this.#name = name;
    this.#now = now;
    this.#retention = { ...RETENTION, ...retention };
  }

  load(since = 0): Promise<StoreState> {
    return this.#transact(["rows", "meta"], "readonly", async (use) => {
      const { generation, forgotten } = await meta(use);
      const complete = since <= 0 || since < forgotten || since > generation;
      const found = complete ? await all<KeptRow>(use("rows")) : await all<KeptRow>(use("rows").index("generation"), IDBKeyRange.lowerBound(since, true));
      found.sort(byName);
      return {
        generation,
        rows: found.filter(({ data }) => data !== undefined).map(rowOf),
        removed: complete ? [] : found.filter(({ data }) => data === undefined).map(({ kind, id }) => ({ kind, id })),
        complete,
      };
    });
  }

  async commit(mutations: readonly Mutation[]): Promise<CommitResult> {
    const result = await this.#transact(["rows", "meta"], "readwrite", async (use): Promise<CommitResult> => {
      const state = await meta(use);
      const conflicts: Row[] = [];
      for (const { kind, id, expects } of mutations) {
        const row = id === undefined ? undefined : await answer<KeptRow | undefined>(use("rows").get([kind, id]));
        const living = row?.data === undefined ? undefined : row;
        if (expects !== undefined && expects !== (living?.version ?? 0)) conflicts.push(living ? rowOf(living) : { kind, id: id ?? 0, version: 0, generation: state.generation });
      }
      if (conflicts.length > 0) return { ok: false, generation: state.generation, conflicts };
      if (mutations.length === 0) return { ok: true, generation: state.generation, rows: [] };
      state.generation += 1;
      const rows = [];
      for (const mutation of mutations) rows.push(await apply(use("rows"), state, mutation));
      if (mutations.some(({ data }) => data === undefined)) await this.#forget(use("rows"), state);
      await answer(use("meta").put(state));
      return { ok: true, generation: state.generation, rows };
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

  lease(key: string, owner: string, ttlMs: number): Promise<StoreLease | null> {
    return this.#transact(["leases"], "readwrite", async (use) => {
      const held = await answer<StoreLease | undefined>(use("leases").get(key));
      const now = this.#now();
      const lives = held !== undefined && held.expires > now;
      if (lives && held.owner !== owner) return null;
      const lease = { key, owner, fence: lives ? held.fence : (held?.fence ?? 0) + 1, expires: now + ttlMs };
      await answer(use("leases").put(lease));
      return lease;
    });
  }

  renew(lease: StoreLease, ttlMs: number): Promise<StoreLease | null> {
    return this.#change(lease, (held, now) => (held.expires > now ? { ...held, expires: now + ttlMs } : undefined));
  }

  async release(lease: StoreLease): Promise<void> {
    // The fence stays: the next owner's is larger.
    await this.#change(lease, (held) => ({ ...held, expires: 0 }));
  }

  #change({ key, owner, fence }: StoreLease, changed: (held: StoreLease, now: number) => StoreLease | undefined): Promise<StoreLease | null> {
    return this.#transact(["leases"], "readwrite", async (use) => {
      const held = await answer<StoreLease | undefined>(use("leases").get(key));
      const lease = held?.owner === owner && held.fence === fence ? changed(held, this.#now()) : undefined;
      if (lease) await answer(use("leases").put(lease));
      return lease ?? null;
    });
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

async function apply(rows: IDBObjectStore, state: Meta, { kind, id: given, data, secret }: Mutation): Promise<{ id: RowId; version: number }> {
  const id = given ?? state.lastId + 1;
  if (typeof id === "number") state.lastId = Math.max(state.lastId, id);
  // A row that is new needs no look.
  const old = given === undefined ? undefined : await answer<KeptRow | undefined>(rows.get([kind, id]));
  const { generation } = state;
  if (data === undefined) {
    if (old?.data !== undefined) await answer(rows.put({ kind, id, version: old.version, generation, gone: generation } satisfies KeptRow));
    return { id, version: old?.version ?? 0 };
  }
  const version = (Number(old?.version) || 0) + 1;
  // Not waited for: a request that fails undoes the transaction.
  rows.put({ kind, id, version, generation, data, ...(secret !== undefined && { secret }) } satisfies KeptRow);
  return { id, version };
}

/** A row as it is answered. What is no text is damaged, and is given as a text that nobody takes for JSON. */
function rowOf({ kind, id, version, generation, data, secret }: KeptRow): Row {
  const text = (value: unknown) => (typeof value === "string" ? value : "damaged");
  return { kind, id, version: Number(version) || 0, generation: Number(generation) || 0, data: text(data), ...(secret !== undefined && { secret: text(secret) }) };
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

function byName(one: KeptRow, other: KeptRow): number {
  if (one.kind !== other.kind) return one.kind < other.kind ? -1 : 1;
  if (typeof one.id !== typeof other.id) return typeof one.id === "number" ? -1 : 1;
  return one.id < other.id ? -1 : 1;
}
