// The package `pg`, its pool of connections, and its errors in our words. Of an error of the server only its number is told:
// its details quote rows.
import { setTimeout as sleep } from "node:timers/promises";
import { Notices } from "credpool";

/** What is used of a connection of `pg`. */
export interface Client {
  connect(): Promise<unknown>;
  query(text: string, values?: unknown[]): Promise<{ rows: Record<string, unknown>[] }>;
  on(event: "notification", heard: (message: { payload?: string }) => void): unknown;
  on(event: "error" | "end", heard: (error?: unknown) => void): unknown;
  end(): Promise<void>;
  unref?(): void;
}

/** What is used of its pool. */
export interface ClientPool {
  query(text: string, values?: unknown[]): Promise<{ rows: Record<string, unknown>[] }>;
  connect(): Promise<Client & { release(error?: boolean): void }>;
  on(event: "error", heard: (error: unknown) => void): unknown;
  end(): Promise<void>;
}

/** What is used of the package. */
export interface Driver {
  Pool: new (config: Record<string, unknown>) => ClientPool;
  Client: new (config: Record<string, unknown>) => Client;
}

/** Something went wrong between us and the server. */
export class PostgresError extends Error {
  /** The server's SQLSTATE (five characters), or a word of the network's (`ECONNREFUSED`). */
  readonly code: string;
  /** May the same succeed later, by itself? */
  readonly transient: boolean;

  constructor(code: string, message: string, transient: boolean) {
    super(message);
    this.code = code;
    this.transient = transient;
  }
}
Object.defineProperty(PostgresError.prototype, "name", { value: "PostgresError", configurable: true, writable: true });

/** Loads `pg`. By a name that is not written out: who does not use PostgreSQL needs no such package. */
export async function loadDriver(): Promise<Driver> {
  const name = "pg";
  try {
    const loaded = (await import(/* @vite-ignore */ name)) as { default?: Driver } & Partial<Driver>;
    return (loaded.default ?? loaded) as Driver;
  } catch (cause) {
    const message = "the package pg is missing, which speaks to PostgreSQL: npm install pg (or give it as the option `driver`)";
    throw Object.assign(new Error(message, { cause }), { code: "ERR_MODULE_NOT_FOUND" });
  }
}

const WORDS: Readonly<Record<string, string>> = {
  "28000": "the server does not let this user in: look at its pg_hba.conf",
  "28P01": "the user's name or password is wrong",
  "3D000": "there is no such database",
  "3F000": "there is no such schema",
  "42501": "this user may not do that: grant it the schema, or let the schema's owner open the store once",
  "53100": "the server's disk is full",
  "53200": "the server is out of memory",
  "53300": "the server has no connection left: fewer in our pool (`connections`), or more there (max_connections)",
  "55P03": "a lock was not to be had in time",
  "57014": "the server took longer than it may (`statementTimeoutMs`)",
  "22021": "a text holds U+0000 or half of a surrogate pair, which PostgreSQL cannot keep",
  "22P05": "a text holds a character that the database's encoding has not: make a database with ENCODING 'UTF8'",
  "25006": "the server is read-only: a standby?",
};
/** Words that a driver's own errors are told by: they hold no data. */
const LOST = /Connection terminated|Connection ended|connection timeout|timeout exceeded when trying to connect|Query read timeout|Client has encountered a connection error|not queryable|Cannot use a pool after calling end/i;
const TLS = /^(?:CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_(?:VERIFY|GET)|ERR_TLS|ERR_SSL|EPROTO)/;

/** An error in our words: nothing of the statement, its values or the row is in it. */
export function errorOf(thrown: unknown, place: string): PostgresError {
  if (thrown instanceof PostgresError) return thrown;
  const { code: given, message = "" } = (thrown ?? {}) as { code?: unknown; message?: string };
  const code = typeof given === "string" ? given : "";
  const say = (words: string, transient: boolean, name = code): PostgresError => new PostgresError(name || "UNKNOWN", `PostgreSQL ${place}: ${words}`, transient);
  if (TLS.test(code) || /certificate|altnames|SSL/i.test(message)) {
    return say(/does not support SSL/.test(message) ? "the server speaks no TLS" : `its certificate is not to be trusted (${code || "TLS"}): give the option tls.ca, or mend the server's`, false, code || "TLS");
  }
  if (/^E[A-Z]+$/.test(code)) return say(`it cannot be reached (${code})`, true);
  if (/^(?:08...|57P0.)$/.test(code)) return say(`it went away or is starting (${code})`, true);
  if (LOST.test(message)) return say("the connection was lost", true, "CONNECTION");
  if (/^(?:40001|40P01)$/.test(code)) return say(`it could not put it into an order (${code})`, true);
  if (/^[0-9A-Z]{5}$/.test(code)) return say(WORDS[code] ?? `it refused (SQLSTATE ${code})`, code === "53300" || code === "55P03");
  return say("something went wrong that it does not say in a code", false);
}

/** A pool of connections that knows whether the server is there. */
export class Connections {
  readonly notices = new Notices();
  readonly #place: string;
  readonly #patienceMs: number;
  readonly #pool: ClientPool;
  #stale = false;

  constructor(pool: ClientPool, place: string, patienceMs: number) {
    this.#pool = pool;
    this.#place = place;
    this.#patienceMs = patienceMs;
    // A connection that nobody uses was lost: the next one is another.
    pool.on("error", (error) => this.lost(error));
  }

  /**
   * One statement. Where the connection is lost it is tried again for a while, if it may be made twice: those that read, and
   * those that know themselves again.
   */
  async run(text: string, values: unknown[], again = true): Promise<Record<string, unknown>[]> {
    const until = performance.now() + this.#patienceMs;
    for (let pause = 20; ; pause = Math.min(500, pause * 2)) {
      try {
        const { rows } = await this.#pool.query(text, values);
        this.found();
        return rows;
      } catch (thrown) {
        const error = this.lost(thrown);
        if (!again || !error.transient || performance.now() + pause > until) throw error;
      }
      await sleep(pause * (0.5 + Math.random()));
    }
  }

  /** Several statements on one connection. */
  async together<T>(work: (query: Client["query"]) => Promise<T>): Promise<T> {
    let client: Awaited<ReturnType<ClientPool["connect"]>> | undefined;
    try {
      client = await this.#pool.connect();
      const used = client;
      const answer = await work((text, values) => used.query(text, values));
      client.release();
      return answer;
    } catch (thrown) {
      client?.release(true);
      throw this.lost(thrown);
    }
  }

  /** Something failed: where it is the server that is not there, this is told once. */
  lost(thrown: unknown): PostgresError {
    const error = errorOf(thrown, this.#place);
    if (error.transient && !/^(?:40|53300|55P03)/.test(error.code) && !this.#stale) {
      this.#stale = true;
      this.notices.tell({ kind: "stale", message: `${error.message}; what is known of it may be old until it is there again` });
    }
    return error;
  }

  /** It is there. */
  found(): void {
    if (!this.#stale) return;
    this.#stale = false;
    this.notices.tell({ kind: "current", message: `PostgreSQL ${this.#place}: it is there again` });
  }

  async end(): Promise<void> {
    await this.#pool.end().catch(() => undefined);
  }
}
