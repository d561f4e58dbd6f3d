// A store in PostgreSQL: many processes on many machines share it, and hear of each other's commits at once.
import { randomUUID } from "node:crypto";
import { RETENTION, Watchers } from "credpool";
import type { CommitResult, CredentialStore, LogEntry, LogFilter, Mutation, Retention, Row, RowId, StoreLease, StoreNotice, StoreState } from "credpool";
import { Connections, errorOf, loadDriver, PostgresError } from "./postgres-driver.js";
import type { Driver } from "./postgres-driver.js";
import { channelOf, checkedSchema, MIGRATIONS, MOST_CHANGED, statements } from "./postgres-schema.js";
import { PostgresWatch } from "./postgres-watch.js";

/** How the connection is secured: as `node:tls` has it. */
export interface PostgresTls {
  /** Who vouches for the server, PEM; else those whom the system trusts. */
  ca?: string;
  /** Our own certificate and its key, PEM, where the server wants one. */
  cert?: string;
  key?: string;
  /** The name in the server's certificate, where it is not the host's. */
  servername?: string;
  /** `false` takes any certificate: then nobody knows who is at the other end. */
  rejectUnauthorized?: boolean;
}

/** How a PostgreSQL store is made. What is not given comes from the variables that all its programs read: PGHOST, PGUSER, … */
export interface PostgresStoreOptions extends Retention {
  /** `postgres://user:password@host:5432/database`. */
  url?: string;
  /** A name, an address, or the folder of a unix socket. */
  host?: string;
  port?: number;
  database?: string;
  user?: string;
  /** A function is asked at each connection: for passwords that change. */
  password?: string | (() => string | Promise<string>);
  /** `true`: TLS with a certificate that the system trusts. */
  tls?: boolean | PostgresTls;
  /** Where the tables are: `credpool`. Another one is another store. */
  schema?: string;
  /** At most so many connections, beside the one that listens: 4. */
  connections?: number;
  /** A connection must be made within this time: 5 s. */
  connectTimeoutMs?: number;
  /** A statement may take so long: 10 s. */
  statementTimeoutMs?: number;
  /** While the server cannot be reached a call is tried again for so long: 5 s. */
  patienceMs?: number;
  /** The package `pg`, where it cannot be imported by its name. */
  driver?: unknown;
}

/** A store in the database of this address. Its schema is made when it is first used. */
export function postgresStore(options: string | PostgresStoreOptions = {}): CredentialStore {
  return new PostgresStore(typeof options === "string" ? { url: options } : options);
}

interface Opened {
  connections: Connections;
  driver: Driver;
}

class PostgresStore implements CredentialStore {
  readonly #options: PostgresStoreOptions;
  readonly #retention: Required<Retention>;
  readonly #schema: string;
  readonly #sql: ReturnType<typeof statements>;
  readonly #place: string;
  readonly #watchers = new Watchers();
  readonly #listeners = new Set<(notice: StoreNotice) => void>();
  #opening: Promise<Opened> | undefined;
  #watch: PostgresWatch | undefined;

  constructor(options: PostgresStoreOptions) {
    this.#options = options;
    this.#schema = checkedSchema(options.schema ?? "credpool");
    this.#sql = statements(this.#schema);
    this.#place = placeOf(options);
    const { logMaxAgeMs = RETENTION.logMaxAgeMs, logMaxEntries = RETENTION.logMaxEntries, tombstones = RETENTION.tombstones } = options;
    this.#retention = { logMaxAgeMs, logMaxEntries, tombstones };
  }

  async load(since = 0): Promise<StoreState> {
    if (since > 0) {
      const found = await this.#run(this.#sql.loadSince, [Math.floor(since)]);
      const { generation, forgotten } = stateOf(found);
      if (since >= forgotten && since <= generation && found.length <= MOST_CHANGED) {
        const rows = rowsOf(found);
        return { generation, rows: rows.filter(({ data }) => data !== undefined), removed: rows.filter(({ data }) => data === undefined).map(({ kind, id }) => ({ kind, id })), complete: false };
      }
    }
    const found = await this.#run(this.#sql.loadAll, []);
    return { generation: stateOf(found).generation, rows: rowsOf(found), removed: [], complete: true };
  }

  async commit(mutations: readonly Mutation[]): Promise<CommitResult> {
    if (mutations.length === 0) return { ok: true, generation: Number((await this.#run(this.#sql.generation, []))[0]?.generation), rows: [] };
    const column = <T>(of: (mutation: Mutation) => T | undefined): (T | null)[] => mutations.map((mutation) => of(mutation) ?? null);
    // The token makes it the same commit when it is sent again: the answer may have been lost after it was made.
    const [made] = await this.#run(this.#sql.commit, [
      randomUUID(),
      column(({ kind }) => kind),
      column(({ id }) => (typeof id === "string" ? 0 : id)),
      column(({ id }) => (typeof id === "number" ? "" : id)),
      column(({ expects }) => expects),
      column(({ data }) => data),
      column(({ data, secret }) => (data === undefined ? undefined : secret)),
      this.#retention.tombstones,
    ]);
    const generation = Number(made?.made_generation);
    if (made?.made_ok !== true) return { ok: false, generation, conflicts: (made?.refused as Record<string, unknown>[]).map(rowOf) };
    const [ids, versions] = [made.made_ids as unknown[], made.made_versions as unknown[]];
    const rows = mutations.map(({ id }, at) => ({ id: id ?? Number(ids[at]), version: Number(versions[at]) }));
    return { ok: true, generation, rows };
  }

  async lease(key: string, owner: string, ttlMs: number): Promise<StoreLease | null> {
    return leaseOf(key, await this.#run(this.#sql.lease, [key, owner, Math.ceil(ttlMs)]));
  }

  async renew({ key, owner, fence }: StoreLease, ttlMs: number): Promise<StoreLease | null> {
    return leaseOf(key, await this.#run(this.#sql.renew, [key, owner, fence, Math.ceil(ttlMs)]));
  }

  async release({ key, owner, fence }: StoreLease): Promise<void> {
    await this.#run(this.#sql.release, [key, owner, fence]);
  }

  async append(log: string, entries: readonly LogEntry[]): Promise<void> {
    if (entries.length === 0) return;
    const { logMaxAgeMs, logMaxEntries } = this.#retention;
    // Made once, or told as failed: what is appended twice is counted twice.
    await this.#run(this.#sql.append, [log, entries.map(({ at }) => Math.floor(at)), entries.map(({ data }) => data), Math.floor(logMaxAgeMs), Math.floor(logMaxEntries)], false);
  }

  async query(log: string, { from, to, limit }: LogFilter = {}): Promise<LogEntry[]> {
    const bound = (value: number | undefined, otherwise: number): number => (value === undefined || !Number.isFinite(value) ? otherwise : Math.ceil(value));
    const found = await this.#run(this.#sql.query, [log, bound(from, Number.MIN_SAFE_INTEGER), bound(to, Number.MAX_SAFE_INTEGER), bound(limit, Number.MAX_SAFE_INTEGER)]);
    return found.reverse().map(({ at, data }) => ({ at: Number(at), data: String(data) }));
  }

  async cacheGet(key: string): Promise<string | undefined> {
    const [kept] = await this.#run(this.#sql.cacheGet, [key]);
    return kept === undefined ? undefined : String(kept.value);
  }

  async cacheSet(key: string, value: string, expiresAt: number): Promise<void> {
    await this.#run(this.#sql.cacheSet, [key, value, Math.floor(Math.min(expiresAt, Number.MAX_SAFE_INTEGER))]);
  }

  /** Everybody's commits, this store's included, are told by the server as soon as they are made. */
  watch(changed: (generation?: number) => void): () => void {
    const stop = this.#watchers.add(changed);
    this.#listen();
    return () => {
      stop();
      if (this.#watchers.size > 0) return;
      this.#watch?.stop();
      this.#watch = undefined;
    };
  }

  /** That the server cannot be reached, and that it is there again. */
  notices(told: (notice: StoreNotice) => void): () => void {
    const one = (notice: StoreNotice) => told(notice);
    this.#listeners.add(one);
    return () => void this.#listeners.delete(one);
  }

  async close(): Promise<void> {
    const opening = this.#opening;
    this.#opening = undefined;
    this.#watch?.stop();
    this.#watch = undefined;
    await (await opening?.catch(() => undefined))?.connections.end();
    // Who still watches is told again when it is used again.
  }

  #listen(): void {
    if (this.#watch || this.#watchers.size === 0) return;
    const make = async () => {
      const { driver } = await this.#open();
      return new driver.Client({ ...this.#config(), keepAlive: true });
    };
    void this.#open().then(
      ({ connections }) => {
        if (this.#watchers.size > 0) this.#watch ??= new PostgresWatch(make, connections, channelOf(this.#schema), this.#sql.generation, (generation) => this.#watchers.tell(generation));
      },
      () => undefined, // Told to whoever uses it; then it is tried again.
    );
  }

  async #run(text: string, values: unknown[], again = true): Promise<Record<string, unknown>[]> {
    const { connections } = await this.#open();
    return connections.run(text, values, again);
  }

  #open(): Promise<Opened> {
    if (this.#opening) return this.#opening;
    const opening = this.#connect();
    this.#opening = opening;
    opening.then(
      () => this.#listen(),
      () => {
        if (this.#opening === opening) this.#opening = undefined;
      },
    );
    return opening;
  }

  async #connect(): Promise<Opened> {
    const driver = (this.#options.driver as Driver | undefined) ?? (await loadDriver());
    const { connections: max = 4, patienceMs = 5000 } = this.#options;
    const pool = new driver.Pool({ ...this.#config(), max, idleTimeoutMillis: 30_000, allowExitOnIdle: true, keepAlive: true });
    const connections = new Connections(pool, this.#place, patienceMs);
    connections.notices.add((notice) => {
      for (const told of [...this.#listeners]) told(notice);
    });
    try {
      await this.#migrate(connections);
      return { connections, driver };
    } catch (error) {
      await connections.end();
      throw error;
    }
  }

  /** Makes the schema, or brings it up to date: one process does, the others wait for it. */
  async #migrate(connections: Connections): Promise<void> {
    const known = MIGRATIONS.length;
    const version = await connections.run(this.#sql.version, []).then(([row]) => Number(row?.version), (error: unknown) => {
      if (error instanceof PostgresError && /^(?:42P01|3F000)$/.test(error.code)) return 0;
      throw error;
    });
    if (version > known) throw new PostgresError("VERSION", `PostgreSQL ${this.#place}: the schema ${this.#schema} was made by a newer version of credpool: update the package`, false);
    if (version === known) return;
    await connections.together(async (query) => {
      await query("BEGIN");
      await query("SET LOCAL statement_timeout = 0");
      await query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", [`credpool/${this.#schema}`]);
      await query(`CREATE SCHEMA IF NOT EXISTS ${this.#schema}`);
      await query(`CREATE TABLE IF NOT EXISTS ${this.#schema}.version (one boolean PRIMARY KEY DEFAULT true CHECK (one), version integer NOT NULL)`);
      const { rows } = await query(this.#sql.version);
      for (const migration of MIGRATIONS.slice(Number(rows[0]?.version ?? 0))) await query(migration(this.#schema));
      await query(`INSERT INTO ${this.#schema}.version (version) VALUES (${known}) ON CONFLICT (one) DO UPDATE SET version = excluded.version`);
      await query("COMMIT");
    });
  }

  #config(): Record<string, unknown> {
    const { url, host, port, database, user, password, tls, connectTimeoutMs = 5000, statementTimeoutMs = 10_000 } = this.#options;
    const given = { host, port, database, user, password };
    return {
      ...(url !== undefined && { connectionString: url }),
      ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
      ...(tls !== undefined && { ssl: tls }),
      application_name: "credpool",
      connectionTimeoutMillis: connectTimeoutMs,
      statement_timeout: statementTimeoutMs,
      lock_timeout: statementTimeoutMs,
      idle_in_transaction_session_timeout: statementTimeoutMs,
      // A server that is there and says nothing.
      query_timeout: statementTimeoutMs + 5000,
    };
  }
}

/** Where it is, for messages: never the user or the password. */
function placeOf({ url, host, port, database }: PostgresStoreOptions): string {
  try {
    const at = url === undefined ? undefined : new URL(url);
    const name = at ? decodeURIComponent(at.pathname.slice(1)) : (database ?? process.env.PGDATABASE ?? "");
    return `${host ?? (at?.hostname || at?.searchParams.get("host")) ?? process.env.PGHOST ?? "localhost"}:${port ?? (at?.port || (process.env.PGPORT ?? "5432"))}/${name}`;
  } catch {
    throw errorOf(Object.assign(new Error("url"), { code: "" }), "(its address is no URL)");
  }
}

function stateOf([first]: Record<string, unknown>[]): { generation: number; forgotten: number } {
  return { generation: Number(first?.generation ?? 0), forgotten: Number(first?.forgotten ?? 0) };
}

/** Rows of a load; where there are none the state stands alone. */
function rowsOf(found: Record<string, unknown>[]): Row[] {
  return found.filter(({ kind }) => typeof kind === "string").map((row) => rowOf({ ...row, generation: row.row_generation }));
}

function rowOf({ kind, owner, name, version, generation, data, secret }: Record<string, unknown>): Row {
  const id: RowId = name === "" ? Number(owner) : String(name);
  return {
    kind: String(kind),
    id,
    version: Number(version),
    generation: Number(generation),
    ...(typeof data === "string" && { data }),
    ...(typeof secret === "string" && { secret }),
  };
}

function leaseOf(key: string, [row]: Record<string, unknown>[]): StoreLease | null {
  return row === undefined ? null : { key, owner: String(row.owner), fence: Number(row.fence), expires: Number(row.expires) };
}
