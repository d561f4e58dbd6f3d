// A store in an SQLite file. Processes of one machine share it; what one commits the others are told.
import { fileURLToPath } from "node:url";
import { RETENTION } from "credpool";
import type { CommitResult, CredentialStore, LogEntry, LogFilter, Mutation, Retention, Row, RowId, StoreLease, StoreNotice, StoreState } from "credpool";
import { textIn } from "./sqlite-driver.js";
import type { SqlRow, SqlValue } from "./sqlite-driver.js";
import { SqliteFile } from "./sqlite-file.js";
import type { Sql } from "./sqlite-file.js";
import { CommitWatch } from "./sqlite-watch.js";

/** How an SQLite store is made. */
export interface SqliteStoreOptions extends Retention {
  /** The clock of leases and expiries. */
  now?: () => number;
  /** The file grows no larger than this: what has no room is refused. Its logs beside it may take as much again. */
  maxBytes?: number;
}

/**
 * A store in a file, made when it is first used: the file 0600, its folder 0700. `:memory:` is a store in memory.
 * Secrets are in a column of their own, in plain text.
 */
export function sqliteStore(file: string | URL, options: SqliteStoreOptions = {}): CredentialStore {
  return new SqliteStore(file instanceof URL ? fileURLToPath(file) : file, options);
}

const ROW = "kind, owner, name, version, generation, data, secret";
const IN_ORDER = "ORDER BY kind, owner = 0, owner, name";

class SqliteStore implements CredentialStore {
  readonly #file: SqliteFile;
  readonly #now: () => number;
  readonly #retention: Required<Retention>;
  readonly #watch = new CommitWatch({
    dataVersion: () => {
      const version = this.#file.connection?.sql("PRAGMA data_version").get()?.data_version;
      return version === undefined ? undefined : Number(version);
    },
    generation: () => (this.#file.connection ? state(this.#file.connection.sql, "generation") : 0),
  });

  constructor(file: string, { now = Date.now, maxBytes, ...retention }: SqliteStoreOptions) {
    this.#file = new SqliteFile(file, maxBytes);
    this.#now = now;
    this.#retention = { ...RETENTION, ...retention };
  }

  load(since = 0): Promise<StoreState> {
    return this.#transact("BEGIN", (sql) => {
      const generation = state(sql, "generation");
      const complete = since <= 0 || since < state(sql, "forgotten") || since > generation;
      const found = complete
        ? sql(`SELECT ${sql.row} FROM entry WHERE data IS NOT NULL ${IN_ORDER}`).all()
        : sql(`SELECT ${sql.row} FROM entry WHERE generation > ? ${IN_ORDER}`).all(since);
      const rows = found.map(rowOf);
      const removed = rows.filter(({ data }) => data === undefined).map(({ kind, id }) => ({ kind, id }));
      return { generation, rows: rows.filter(({ data }) => data !== undefined), removed, complete };
    });
  }

  async commit(mutations: readonly Mutation[]): Promise<CommitResult> {
    const result = await this.#transact("BEGIN IMMEDIATE", (sql): CommitResult => {
      const before = state(sql, "generation");
      const conflicts = mutations.flatMap((mutation) => conflictOf(sql, mutation, before));
      if (conflicts.length > 0) return { ok: false, generation: before, conflicts };
      if (mutations.length === 0) return { ok: true, generation: before, rows: [] };
      const generation = before + 1;
      const ids = new Ids(sql);
      const rows = mutations.map((mutation) => apply(sql, ids, mutation, generation));
      ids.keep();
      setState(sql, "generation", generation);
      if (mutations.some(({ data }) => data === undefined)) this.#forget(sql);
      return { ok: true, generation, rows };
    });
    if (result.ok && mutations.length > 0) this.#watch.committed(result.generation);
    return result;
  }

  /** Commits of this store are told at once, those of other processes within a quarter of a second. */
  watch(changed: (generation?: number) => void): () => void {
    return this.#watch.add(changed);
  }

  /** Drops the oldest tombstones, where there are too many. */
  #forget(sql: Sql): void {
    const { oldest } = sql("SELECT generation AS oldest FROM entry WHERE data IS NULL ORDER BY generation DESC LIMIT 1 OFFSET ?").get(this.#retention.tombstones) ?? {};
    if (typeof oldest !== "number") return;
    sql("DELETE FROM entry WHERE data IS NULL AND generation <= ?").run(oldest);
    setState(sql, "forgotten", oldest);
  }

  lease(key: string, owner: string, ttlMs: number): Promise<StoreLease | null> {
    return this.#transact("BEGIN IMMEDIATE", (sql) => {
      const held = leaseOf(sql, key);
      const now = this.#now();
      const lives = held !== undefined && held.expires > now;
      if (lives && held.owner !== owner) return null;
      return putLease(sql, { key, owner, fence: lives ? held.fence : (held?.fence ?? state(sql, "fences")) + 1, expires: now + ttlMs });
    });
  }

  renew(lease: StoreLease, ttlMs: number): Promise<StoreLease | null> {
    return this.#transact("BEGIN IMMEDIATE", (sql) => {
      const held = heldLease(sql, lease);
      const now = this.#now();
      return held && held.expires > now ? putLease(sql, { ...held, expires: now + ttlMs }) : null;
    });
  }

  release(lease: StoreLease): Promise<void> {
    return this.#transact("BEGIN IMMEDIATE", (sql) => {
      const held = heldLease(sql, lease);
      // The fence stays: the next owner's is larger.
      if (held) putLease(sql, { ...held, expires: 0 });
    });
  }

  append(log: string, entries: readonly LogEntry[]): Promise<void> {
    return this.#transact("BEGIN IMMEDIATE", (sql) => {
      for (const { at, data } of entries) sql("INSERT INTO log (log, at, data) VALUES (?, ?, ?)").run(log, Math.floor(at), data);
      sql("DELETE FROM log WHERE log = ? AND at < ?").run(log, this.#now() - this.#retention.logMaxAgeMs);
      sql("DELETE FROM log WHERE number IN (SELECT number FROM log WHERE log = ? ORDER BY at DESC, number DESC LIMIT -1 OFFSET ?)").run(log, this.#retention.logMaxEntries);
    });
  }

  query(log: string, { from, to, limit }: LogFilter = {}): Promise<LogEntry[]> {
    const bound = (value: number | undefined, otherwise: number): number => (value === undefined || !Number.isFinite(value) ? otherwise : Math.ceil(value));
    return this.#transact("BEGIN", (sql) => {
      const newest = sql("SELECT at, data FROM log WHERE log = ? AND at >= ? AND at < ? ORDER BY at DESC, number DESC LIMIT ?");
      const found = newest.all(log, bound(from, Number.MIN_SAFE_INTEGER), bound(to, Number.MAX_SAFE_INTEGER), bound(limit, -1));
      return found.reverse().map(({ at, data }) => ({ at: Number(at), data: textIn(data) ?? "" }));
    });
  }

  cacheGet(key: string): Promise<string | undefined> {
    return this.#transact("BEGIN", (sql) => {
      const kept = sql("SELECT value FROM cache WHERE key = ? AND expires > ?").get(key, this.#now());
      return kept ? String(kept.value) : undefined;
    });
  }

  cacheSet(key: string, value: string, expiresAt: number): Promise<void> {
    return this.#transact("BEGIN IMMEDIATE", (sql) => {
      sql("INSERT INTO cache (key, value, expires) VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires = excluded.expires").run(key, value, Math.floor(expiresAt));
      sql("DELETE FROM cache WHERE expires <= ?").run(this.#now());
    });
  }

  /** What it says of itself: that a damaged file was set aside, that another program's was taken over. */
  notices(told: (notice: StoreNotice) => void): () => void {
    return this.#file.notices.add(told);
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  #transact<T>(begin: "BEGIN" | "BEGIN IMMEDIATE", work: (sql: Sql) => T): Promise<T> {
    return this.#file.transact(begin, work);
  }
}

function state(sql: Sql, name: "generation" | "forgotten" | "fences"): number {
  return Number(sql("SELECT value FROM state WHERE name = ?").get(name)?.value ?? 0);
}

function setState(sql: Sql, name: "generation" | "forgotten", value: number): void {
  sql("UPDATE state SET value = ? WHERE name = ?").run(value, name);
}

/** An id as it is kept. */
function place(id: RowId): [owner: number, name: string] {
  return typeof id === "number" ? [id, ""] : [0, id];
}

function rowOf({ kind, owner, name, version, generation, data, secret }: SqlRow): Row {
  return {
    kind: textIn(kind) ?? "",
    id: owner === 0 ? (textIn(name) ?? "") : Number(owner),
    version: Number(version),
    generation: Number(generation),
    ...textOf("data", data),
    ...textOf("secret", secret),
  };
}

function textOf<Name extends string>(name: Name, value: SqlValue | undefined): { [K in Name]?: string } {
  const text = textIn(value);
  return (text === undefined ? {} : { [name]: text }) as { [K in Name]?: string };
}

function find(sql: Sql, kind: string, id: RowId): Row | undefined {
  const found = sql(`SELECT ${sql.row} FROM entry WHERE kind = ? AND owner = ? AND name = ?`).get(kind, ...place(id));
  return found ? rowOf(found) : undefined;
}

function conflictOf(sql: Sql, { kind, id, expects }: Mutation, generation: number): Row[] {
  if (expects === undefined) return [];
  const row = id === undefined ? undefined : find(sql, kind, id);
  const living = row?.data === undefined ? undefined : row;
  if (expects === (living?.version ?? 0)) return [];
  return [living ?? { kind, id: id ?? 0, version: 0, generation }];
}

function apply(sql: Sql, ids: Ids, { kind, id: given, data, secret }: Mutation, generation: number): { id: RowId; version: number } {
  const id = given ?? ids.next();
  const old = given === undefined ? undefined : find(sql, kind, id);
  if (data === undefined && old?.data === undefined) return { id, version: old?.version ?? 0 };
  if (typeof given === "number" && !old) ids.met(given);
  const version = (old?.version ?? 0) + (data === undefined ? 0 : 1);
  sql(`INSERT INTO entry (${ROW}) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (kind, owner, name)
       DO UPDATE SET version = excluded.version, generation = excluded.generation, data = excluded.data, secret = excluded.secret`,
  ).run(kind, ...place(id), version, generation, data ?? null, data === undefined ? null : (secret ?? null));
  return { id, version };
}

/** Ids that were never given before: the last one is kept, in a table that never counts back. */
class Ids {
  readonly #sql: Sql;
  readonly #first: number;
  #last: number;

  constructor(sql: Sql) {
    this.#sql = sql;
    this.#first = this.#last = Number(sql("SELECT max(id) AS last FROM issued").get()?.last ?? 0);
  }

  next(): number {
    return (this.#last += 1);
  }

  /** A row that came with its number. */
  met(id: number): void {
    this.#last = Math.max(this.#last, id);
  }

  keep(): void {
    if (this.#last === this.#first) return;
    this.#sql("INSERT INTO issued (id) VALUES (?)").run(this.#last);
    this.#sql("DELETE FROM issued WHERE id < ?").run(this.#last);
  }
}

function leaseOf(sql: Sql, key: string): StoreLease | undefined {
  const found = sql("SELECT owner, fence, expires FROM lease WHERE key = ?").get(key);
  return found ? { key, owner: String(found.owner), fence: Number(found.fence), expires: Number(found.expires) } : undefined;
}

function heldLease(sql: Sql, { key, owner, fence }: StoreLease): StoreLease | undefined {
  const held = leaseOf(sql, key);
  return held?.owner === owner && held.fence === fence ? held : undefined;
}

function putLease(sql: Sql, given: StoreLease): StoreLease {
  const lease = { ...given, expires: Math.floor(given.expires) };
  const put = sql("INSERT INTO lease (key, owner, fence, expires) VALUES (?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET owner = excluded.owner, fence = excluded.fence, expires = excluded.expires");
  put.run(lease.key, lease.owner, lease.fence, lease.expires);
  return lease;
}
