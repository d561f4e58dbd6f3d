// A store in chrome.storage, for extensions: their service worker, pages and pop-ups share it. Sealed secrets are kept on the disk,
// open ones in the browser's memory only: they are gone when the browser ends.
import { isSealed } from "./sealed/envelope.js";
import { RETENTION } from "./store.js";
import type { CommitResult, CredentialStore, LogEntry, LogFilter, Mutation, Retention, Row, RowId, StoreLease, StoreState } from "./store.js";
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

interface Meta {
  generation: number;
  lastId: number;
  forgotten: number;
  /** Tombstones, oldest first: names of rows. */
  gone: string[];
}

/** A row as it is kept; without data it is a tombstone. */
interface KeptRow {
  kind: string;
  id: RowId;
  version: number;
  generation: number;
  data?: string;
  secret?: string;
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
      const { generation, forgotten } = this.#meta(all);
      const complete = since <= 0 || since < forgotten || since > generation;
      const found = Object.entries(all).flatMap(([key, value]) => (key.startsWith(this.#key("row/")) && isRow(value) && (complete || value.generation > since) ? [value] : []));
      found.sort(byName);
      const living = found.filter(({ data }) => data !== undefined);
      const secrets = living.some(({ open }) => open) ? await this.#session().get(living.filter(({ open }) => open).map((row) => this.#secretKey(row))) : {};
      return {
        generation,
        rows: living.map((row) => this.#rowOf(row, secrets)),
        removed: complete ? [] : found.filter(({ data }) => data === undefined).map(({ kind, id }) => ({ kind, id })),
        complete,
      };
    });
  }

  commit(mutations: readonly Mutation[]): Promise<CommitResult> {
    return this.#alone("exclusive", async (local): Promise<CommitResult> => {
      const named = mutations.flatMap(({ kind, id }) => (id === undefined ? [] : [this.#rowKey(kind, id)]));
      const kept = await local.get([this.#key("meta"), ...named]);
      const meta = this.#meta(kept);
      const rowAt = (kind: string, id: RowId): KeptRow | undefined => {
        const row = kept[this.#rowKey(kind, id)];
        return isRow(row) ? row : undefined;
      };
      const conflicting = mutations.filter(({ kind, id, expects }) => {
        const row = id === undefined ? undefined : rowAt(kind, id);
        return expects !== undefined && expects !== (row?.data === undefined ? 0 : row.version);
      });
      if (conflicting.length > 0) {
        const rows = conflicting.map(({ kind, id = 0 }) => rowAt(kind, id) ?? { kind, id, version: 0, generation: meta.generation });
        const secrets = await this.#session().get(rows.filter(({ open }) => open).map((row) => this.#secretKey(row)));
        return { ok: false, generation: meta.generation, conflicts: rows.map((row) => (row.data === undefined ? { kind: row.kind, id: row.id, version: 0, generation: meta.generation } : this.#rowOf(row, secrets))) };
      }
      if (mutations.length === 0) return { ok: true, generation: meta.generation, rows: [] };
      meta.generation += 1;
      const changed: Record<string, unknown> = {};
      const secrets: Record<string, string> = {};
      const stale: string[] = [];
      const gone = new Set(meta.gone);
      const rows = mutations.map(({ kind, id: given, data, secret }) => {
        const id = given ?? meta.lastId + 1;
        if (typeof id === "number") meta.lastId = Math.max(meta.lastId, id);
        const key = this.#rowKey(kind, id);
        const old = (changed[key] as KeptRow | undefined) ?? rowAt(kind, id);
        if (old?.open) stale.push(this.#secretKey(old));
        if (data === undefined) {
          if (old?.data === undefined) return { id, version: old?.version ?? 0 };
          changed[key] = { kind, id, version: old.version, generation: meta.generation } satisfies KeptRow;
          gone.add(key);
          return { id, version: old.version };
        }
        const row: KeptRow = { kind, id, version: (old?.version ?? 0) + 1, generation: meta.generation, data };
        if (secret !== undefined) {
          if (isSealed(secret) || this.#options.openSecrets === "local") row.secret = secret;
          else {
            row.open = true;
            secrets[this.#secretKey(row)] = secret;
          }
        }
        gone.delete(key);
        changed[key] = row;
        return { id, version: row.version };
      });
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
      const left = stale.filter((key) => !(key in secrets));
      if (left.length > 0) await this.#session().remove(left).catch(() => undefined);
      return { ok: true, generation: meta.generation, rows };
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
    return this.#change(key, (held, now) => {
      const lives = held !== undefined && held.expires > now;
      if (lives && held.owner !== owner) return undefined;
      return { key, owner, fence: lives ? held.fence : (held?.fence ?? 0) + 1, expires: now + ttlMs };
    });
  }

  renew({ key, owner, fence }: StoreLease, ttlMs: number): Promise<StoreLease | null> {
    return this.#change(key, (held, now) => (held?.owner === owner && held.fence === fence && held.expires > now ? { ...held, expires: now + ttlMs } : undefined));
  }

  async release({ key, owner, fence }: StoreLease): Promise<void> {
    // The fence stays: the next owner's is larger.
    await this.#change(key, (held) => (held?.owner === owner && held.fence === fence ? { ...held, expires: 0 } : undefined));
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

  #rowOf({ kind, id, version, generation, data, secret, open }: KeptRow, secrets: Record<string, unknown>): Row {
    const found = open ? secrets[this.#secretKey({ kind, id, version })] : secret;
    // What is no text is damaged, and is given as a text that nobody takes for JSON.
    const text = (value: unknown) => (typeof value === "string" ? value : "damaged");
    return { kind, id, version: Number(version) || 0, generation: Number(generation) || 0, data: text(data), ...(found !== undefined && { secret: text(found) }) };
  }

  #key(rest: string): string {
    return `${this.#name}/${rest}`;
  }

  #rowKey(kind: string, id: RowId): string {
    return this.#key(`row/${kind}/${typeof id === "number" ? "n" : "t"}/${id}`);
  }

  #secretKey({ kind, id, version }: Pick<KeptRow, "kind" | "id" | "version">): string {
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

function byName(one: KeptRow, other: KeptRow): number {
  if (one.kind !== other.kind) return one.kind < other.kind ? -1 : 1;
  if (typeof one.id !== typeof other.id) return typeof one.id === "number" ? -1 : 1;
  return one.id < other.id ? -1 : 1;
}
