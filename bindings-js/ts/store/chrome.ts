// A store in chrome.storage, for extensions: their service worker, pages and pop-ups share it. Sealed secrets are kept on the disk,
// open ones in the browser's memory only: they are gone when the browser ends.
import { changesOf, conflictsOf, isComplete, leaseEnded, leaseRenewed, leaseTaken, namedBy, nameOf, plainRow, stateOf } from "./kept.js";
import type { Counters, KeptRow as PlainRow } from "./kept.js";
import { isSealed } from "./sealed/envelope.js";
import { RETENTION } from "./store.js";
import type { CommitResult, CredentialStore, LogEntry, LogFilter, Mutation, Retention, Row, RowName, StoreLease, StoreState } from "./store.js";
import { Watchers } from "./watchers.js";

/** An area of chrome.storage: what is used of it. */
export interface StorageArea {
  get(keys: string | string[] | null): Promise<Record<string, unknown>>;
  set(items: Record<string, unknown>): Promise<void>;
  remove(keys: string | string[]): Promise<void>;
  onChanged?: {
    addListener(heard: (changes: Record<string, { newValue?: unknown }>) => void): void;
    removeListener(heard: (changes: Record<string, { newValue?: unknown }>) => void): void;
  };
}

/** How a store in chrome.storage is made. */
export interface ChromeStorageOptions extends Retention {
  /** The clock of leases and expiries. */
  now?: () => number;
  /** Kept on the disk: `chrome.storage.local`. */
  local?: StorageArea;
  /** Kept in memory, as long as the browser runs: `chrome.storage.session`. */
  session?: StorageArea;
  /** Where open secrets are: in `session`; in `local` they are on the disk for everybody to read. */
  openSecrets?: "session" | "local";
}

/** A store of this name in an extension's storage. The extension needs the permission `storage`; beyond 10 MB `unlimitedStorage`. */
export function chromeStorageStore(name = "credpool", options: ChromeStorageOptions = {}): CredentialStore {
  return new ChromeStore(name, options);
}

/** Their names are written with every commit: fewer than elsewhere. */
const TOMBSTONES = 500;

interface Meta extends Counters {
  /** Tombstones, oldest first: names of rows. */
  gone: string[];
}

interface KeptRow extends PlainRow {
  /** Its secret is open, and in the other area. */
  open?: true;
}

class ChromeStore implements CredentialStore {
  readonly #name: string;
  readonly #now: () => number;
  readonly #retention: Required<Retention>;
  readonly #options: ChromeStorageOptions;
  readonly #watchers = new Watchers();
  #heard: ((changes: Record<string, { newValue?: unknown }>) => void) | undefined;

  constructor(name: string, options: ChromeStorageOptions) {
    const { now = Date.now, logMaxAgeMs = RETENTION.logMaxAgeMs, logMaxEntries = RETENTION.logMaxEntries, tombstones = TOMBSTONES } = options;
    this.#name = name;
    this.#now = now;
    this.#retention = { logMaxAgeMs, logMaxEntries, tombstones };
    this.#options = options;
  }

  load(since = 0): Promise<StoreState> {
    return this.#alone("shared", async (local) => {
      const all = await local.get(null);
      const meta = this.#meta(all);
      const complete = isComplete(since, meta);
      const found = Object.entries(all).flatMap(([key, value]) => (key.startsWith(this.#key("row/")) && isRow(value) && (complete || value.generation > since) ? [value] : []));
      const secrets = await this.#secretsOf(found);
      return stateOf(found, meta.generation, complete, (row) => this.#rowOf(row, secrets));
    });
  }

  commit(mutations: readonly Mutation[]): Promise<CommitResult> {
    return this.#alone("exclusive", async (local): Promise<CommitResult> => {
      const names = [...namedBy(mutations)];
      const kept = await local.get([this.#key("meta"), ...names.map(([name]) => this.#key(`row/${name}`))]);
      const meta = this.#meta(kept);
      const rows = new Map(names.flatMap(([name]): [string, KeptRow][] => {
        const row = kept[this.#key(`row/${name}`)];
        return isRow(row) ? [[name, row]] : [];
      }));
      const conflicts = conflictsOf(mutations, rows);
      if (conflicts.length > 0) {
        const secrets = await this.#secretsOf(conflicts.flatMap(({ living }) => (living ? [living] : [])));
        const { generation } = meta;
        return { ok: false, generation, conflicts: conflicts.map(({ name, living }) => (living ? this.#rowOf(living, secrets) : { ...name, version: 0, generation })) };
      }
      if (mutations.length === 0) return { ok: true, generation: meta.generation, rows: [] };
      const { made, changes } = changesOf(mutations, rows, meta);
      const changed: Record<string, KeptRow> = {};
      const secrets: Record<string, string> = {};
      const stale: string[] = [];
      const gone = new Set(meta.gone);
      for (const { before, after } of changes) {
        if (!after) continue;
        const key = this.#key(`row/${nameOf(after)}`);
        if ((changed[key] ?? (before as KeptRow | undefined))?.open && before) stale.push(this.#secretKey(before));
        if (after.data === undefined) gone.add(key);
        else gone.delete(key);
        changed[key] = this.#parted(after, secrets);
      }
      meta.gone = [...gone];
      const dropped = meta.gone.splice(0, Math.max(0, meta.gone.length - this.#retention.tombstones));
      if (dropped.length > 0) {
        const ends = Object.values(await local.get(dropped)).flatMap((row) => (isRow(row) ? [row.generation] : []));
        meta.forgotten = Math.max(meta.forgotten, ...ends);
      }
      // Secrets first, under names of their version: until the rows are there nobody looks at them. Then all in one write.
      if (Object.keys(secrets).length > 0) await this.#session().set(secrets);
      await local.set({ ...changed, [this.#key("meta")]: meta });
      // What is left over by a crash here is nobody's.
      if (dropped.length > 0) await local.remove(dropped).catch(() => undefined);
      if (stale.length > 0) await this.#session().remove(stale).catch(() => undefined);
      return { ok: true, generation: meta.generation, rows: made };
    }).then((result) => {
      if (result.ok && mutations.length > 0 && !this.#area().onChanged) this.#watchers.tell(result.generation);
      return result;
    });
  }

  /** Commits of all contexts of the extension are told, this one's included. */
  watch(changed: (generation?: number) => void): () => void {
    const stop = this.#watchers.add(changed);
    const local = this.#area();
    if (!this.#heard && local.onChanged) {
      this.#heard = (changes) => {
        const meta = changes[this.#key("meta")]?.newValue as Meta | undefined;
        if (meta) this.#watchers.tell(meta.generation);
      };
      local.onChanged.addListener(this.#heard);
    }
    return () => {
      stop();
      if (this.#watchers.size > 0 || !this.#heard) return;
      local.onChanged?.removeListener(this.#heard);
      this.#heard = undefined;
    };
  }

  lease(key: string, owner: string, ttlMs: number): Promise<StoreLease | null> {
    return this.#change(key, (held, now) => leaseTaken(held, key, owner, now, ttlMs));
  }

  renew(lease: StoreLease, ttlMs: number): Promise<StoreLease | null> {
    return this.#change(lease.key, (held, now) => leaseRenewed(held, lease, now, ttlMs));
  }

  async release(lease: StoreLease): Promise<void> {
    await this.#change(lease.key, (held) => leaseEnded(held, lease));
  }

  #change(key: string, changed: (held: StoreLease | undefined, now: number) => StoreLease | undefined): Promise<StoreLease | null> {
    const name = this.#key(`lease/${key}`);
    return this.#alone("exclusive", async (local) => {
      const lease = changed((await local.get(name))[name] as StoreLease | undefined, this.#now());
      if (lease) await local.set({ [name]: lease });
      return lease ?? null;
    });
  }

  append(log: string, entries: readonly LogEntry[]): Promise<void> {
    const name = this.#key(`log/${log}`);
    return this.#alone("exclusive", async (local) => {
      if (entries.length === 0) return;
      const { logMaxAgeMs, logMaxEntries } = this.#retention;
      const all = [...entriesOf((await local.get(name))[name]), ...entries.map(({ at, data }) => ({ at, data }))];
      all.sort((one, other) => one.at - other.at);
      const oldest = this.#now() - logMaxAgeMs;
      await local.set({ [name]: all.filter(({ at }) => at >= oldest).slice(-logMaxEntries) });
    });
  }

  query(log: string, { from = -Infinity, to = Infinity, limit = Infinity }: LogFilter = {}): Promise<LogEntry[]> {
    const name = this.#key(`log/${log}`);
    return this.#alone("shared", async (local) => {
      const found = entriesOf((await local.get(name))[name]).filter(({ at }) => at >= from && at < to);
      return found.slice(Math.max(0, found.length - limit));
    });
  }

  cacheGet(key: string): Promise<string | undefined> {
    const name = this.#key(`cache/${key}`);
    return this.#alone("shared", async (local) => {
      const kept = (await local.get(name))[name] as { value: string; expires: number } | undefined;
      return kept && kept.expires > this.#now() ? kept.value : undefined;
    });
  }

  cacheSet(key: string, value: string, expiresAt: number): Promise<void> {
    const name = this.#key(`cache/${key}`);
    return this.#alone("exclusive", async (local) => {
      if (expiresAt > this.#now()) await local.set({ [name]: { value, expires: expiresAt } });
      else await local.remove(name);
    });
  }

  async close(): Promise<void> {
    // Nothing is held, and what is stored stays.
  }

  /** One at a time, of all contexts of the extension: chrome.storage itself has no transactions. */
  async #alone<T>(mode: "shared" | "exclusive", work: (local: StorageArea) => Promise<T>): Promise<T> {
    const local = this.#area();
    try {
      if (typeof navigator === "undefined" || !navigator.locks) throw new Error("there are no Web Locks here, so commits of two contexts could not be told apart");
      return (await navigator.locks.request(`credpool/${this.#name}`, { mode }, () => work(local))) as T;
    } catch (cause) {
      throw new Error(`chrome.storage "${this.#name}": ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    }
  }

  #area(): StorageArea {
    return this.#options.local ?? areaOf("local");
  }

  #session(): StorageArea {
    return this.#options.session ?? areaOf("session");
  }

  #meta(all: Record<string, unknown>): Meta {
    const { generation = 0, lastId = 0, forgotten = 0, gone = [] } = (all[this.#key("meta")] ?? {}) as Partial<Meta>;
    return { generation, lastId, forgotten, gone: [...gone] };
  }

  /** The row as it is kept in `local`; an open secret is put among those of the other area. */
  #parted(row: PlainRow, secrets: Record<string, string>): KeptRow {
    const { secret, ...rest } = row;
    if (secret === undefined || isSealed(secret) || this.#options.openSecrets === "local") return row;
    secrets[this.#secretKey(row)] = secret;
    return { ...rest, open: true };
  }

  /** The open secrets of these rows, by their keys. */
  async #secretsOf(rows: readonly KeptRow[]): Promise<Record<string, unknown>> {
    const keys = rows.filter(({ open }) => open).map((row) => this.#secretKey(row));
    return keys.length > 0 ? this.#session().get(keys) : {};
  }

  #rowOf(row: KeptRow, secrets: Record<string, unknown>): Row {
    return plainRow(row.open ? { ...row, secret: secrets[this.#secretKey(row)] as string } : row);
  }

  #key(rest: string): string {
    return `${this.#name}/${rest}`;
  }

  /** With the version: a secret is never written over, so that no row has another's. */
  #secretKey({ kind, id, version }: RowName & Pick<KeptRow, "version">): string {
    return this.#key(`secret/${kind}/${typeof id === "number" ? "n" : "t"}/${version}/${id}`);
  }
}

function areaOf(name: "local" | "session"): StorageArea {
  const area = (globalThis as { chrome?: { storage?: Record<string, StorageArea | undefined> } }).chrome?.storage?.[name];
  if (!area) throw new Error(`there is no chrome.storage.${name} here: the store is for extensions with the permission "storage"`);
  return area;
}

function isRow(value: unknown): value is KeptRow {
  return typeof value === "object" && value !== null && typeof (value as KeptRow).kind === "string" && ["number", "string"].includes(typeof (value as KeptRow).id);
}

function entriesOf(value: unknown): LogEntry[] {
  return Array.isArray(value) ? (value as LogEntry[]) : [];
}
