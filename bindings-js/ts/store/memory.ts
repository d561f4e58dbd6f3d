// A store in memory: for tests, for programs that keep their keys elsewhere, and the plainest reading of the contract.
import { byName, isHeld, leaseTaken, nameOf } from "./kept.js";
import { RETENTION } from "./store.js";
import type { CommitResult, CredentialStore, LogEntry, LogFilter, Mutation, Retention, Row, RowId, StoreLease, StoreState } from "./store.js";
import { Watchers } from "./watchers.js";

/** How a memory store is made. */
export interface MemoryStoreOptions extends Retention {
  /** The clock of leases and expiries. */
  now?: () => number;
}

/** A store that lives as long as the object does. Pools that share it are told of each other's changes. */
export function memoryStore(options: MemoryStoreOptions = {}): CredentialStore {
  return new MemoryStore(options);
}

class MemoryStore implements CredentialStore {
  readonly #retention: Required<Retention>;
  readonly #now: () => number;
  readonly #rows = new Map<string, Row>();
  /** Rows that are gone, oldest first: their last version and the generation of their end. */
  readonly #gone = new Map<string, Row>();
  /** Tombstones up to this generation have been dropped. */
  #forgotten = 0;
  #generation = 0;
  #lastId = 0;
  readonly #leases = new Map<string, StoreLease>();
  readonly #logs = new Map<string, LogEntry[]>();
  readonly #cache = new Map<string, { value: string; expiresAt: number }>();
  readonly #watchers = new Watchers();

  constructor({ now = Date.now, ...retention }: MemoryStoreOptions) {
    this.#now = now;
    this.#retention = { ...RETENTION, ...retention };
  }

  async load(since = 0): Promise<StoreState> {
    const complete = since <= 0 || since < this.#forgotten || since > this.#generation;
    const rows = [...this.#rows.values()].filter((row) => complete || row.generation > since);
    rows.sort(byName);
    const removed = complete ? [] : [...this.#gone.values()].filter((row) => row.generation > since);
    return { generation: this.#generation, rows: rows.map((row) => ({ ...row })), removed: removed.map(({ kind, id }) => ({ kind, id })), complete };
  }

  async commit(mutations: readonly Mutation[]): Promise<CommitResult> {
    const conflicts = mutations.filter((mutation) => !this.#fits(mutation)).map((mutation) => this.#conflict(mutation));
    if (conflicts.length > 0) return { ok: false, generation: this.#generation, conflicts };
    if (mutations.length === 0) return { ok: true, generation: this.#generation, rows: [] };
    this.#generation += 1;
    const rows = mutations.map((mutation) => this.#apply(mutation));
    this.#forget();
    this.#watchers.tell(this.#generation);
    return { ok: true, generation: this.#generation, rows };
  }

  watch(changed: (generation?: number) => void): () => void {
    return this.#watchers.add(changed);
  }

  #fits({ kind, id, expects }: Mutation): boolean {
    if (expects === undefined) return true;
    return (id === undefined ? 0 : (this.#rows.get(nameOf({ kind, id }))?.version ?? 0)) === expects;
  }

  #conflict({ kind, id = 0 }: Mutation): Row {
    const row = this.#rows.get(nameOf({ kind, id }));
    return row ? { ...row } : { kind, id, version: 0, generation: this.#generation };
  }

  #apply(mutation: Mutation): { id: RowId; version: number } {
    const { kind, id = this.#lastId + 1 } = mutation;
    if (typeof id === "number") this.#lastId = Math.max(this.#lastId, id);
    const name = nameOf({ kind, id });
    const old = this.#rows.get(name);
    const last = old ?? this.#gone.get(name);
    if (mutation.data === undefined) {
      if (!old) return { id, version: last?.version ?? 0 };
      this.#rows.delete(name);
      this.#gone.set(name, { kind, id, version: old.version, generation: this.#generation });
      return { id, version: old.version };
    }
    const row: Row = { kind, id, version: (last?.version ?? 0) + 1, generation: this.#generation, data: mutation.data };
    if (mutation.secret !== undefined) row.secret = mutation.secret;
    this.#gone.delete(name);
    this.#rows.set(name, row);
    return { id, version: row.version };
  }

  #forget(): void {
    for (const [name, { generation }] of this.#gone) {
      if (this.#gone.size <= this.#retention.tombstones) return;
      this.#gone.delete(name);
      this.#forgotten = Math.max(this.#forgotten, generation);
    }
  }

  async lease(key: string, owner: string, ttlMs: number): Promise<StoreLease | null> {
    const lease = leaseTaken(this.#leases.get(key), key, owner, this.#now(), ttlMs);
    if (!lease) return null;
    this.#leases.set(key, lease);
    return { ...lease };
  }

  async renew(lease: StoreLease, ttlMs: number): Promise<StoreLease | null> {
    const held = this.#held(lease);
    if (!held || held.expires <= this.#now()) return null;
    held.expires = this.#now() + ttlMs;
    return { ...held };
  }

  async release(lease: StoreLease): Promise<void> {
    const held = this.#held(lease);
    if (held) held.expires = 0; // The fence stays: the next owner's is larger.
  }

  #held(lease: StoreLease): StoreLease | undefined {
    const held = this.#leases.get(lease.key);
    return isHeld(held, lease) ? held : undefined;
  }

  async append(log: string, entries: readonly LogEntry[]): Promise<void> {
    const { logMaxAgeMs, logMaxEntries } = this.#retention;
    const oldest = this.#now() - logMaxAgeMs;
    const all = [...(this.#logs.get(log) ?? []), ...entries.map(({ at, data }) => ({ at, data }))];
    all.sort((one, other) => one.at - other.at);
    this.#logs.set(log, all.filter(({ at }) => at >= oldest).slice(-logMaxEntries));
  }

  async query(log: string, { from = -Infinity, to = Infinity, limit = Infinity }: LogFilter = {}): Promise<LogEntry[]> {
    const found = (this.#logs.get(log) ?? []).filter(({ at }) => at >= from && at < to);
    return found.slice(Math.max(0, found.length - limit)).map((entry) => ({ ...entry }));
  }

  async cacheGet(key: string): Promise<string | undefined> {
    const kept = this.#cache.get(key);
    return kept && kept.expiresAt > this.#now() ? kept.value : undefined;
  }

  async cacheSet(key: string, value: string, expiresAt: number): Promise<void> {
    const now = this.#now();
    for (const [name, kept] of this.#cache) if (kept.expiresAt <= now) this.#cache.delete(name);
    if (expiresAt > now) this.#cache.set(key, { value, expiresAt });
    else this.#cache.delete(key);
  }

  async close(): Promise<void> {
    // Nothing is held but memory, and what is stored stays.
  }
}
