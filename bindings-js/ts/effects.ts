// Calls of the store on the engine's behalf. A store may throw, be rejected, never answer or answer rubbish: each of
// these becomes a sentence that names the call, and never a secret.
import { messageOf } from "./errors.js";
import type { WholeHost } from "./host.js";
import type { MutationData, PoolInput, RowId } from "./protocol.js";
import { changedRows, checked, count, list, record, rowId, rowsOf, Rubbish } from "./rows.js";
import type { LoadedRows } from "./rows.js";
import type { CredentialStore, StoreLease } from "./store/store.js";

/** A message of a store is cut at so many characters. */
const LONGEST_MESSAGE = 300;

export class StoreCalls {
  readonly #store: CredentialStore;
  readonly #host: WholeHost;
  readonly #timeoutMs: number;
  /** Takes out of a message every secret that is in use. */
  readonly #clean: (text: string) => string;
  /** Who we are for leases: another name for each pool. */
  readonly #owner: string;
  readonly #leases = new Map<string, StoreLease>();

  constructor(store: CredentialStore, host: WholeHost, timeoutMs: number, clean: (text: string) => string) {
    this.#store = store;
    this.#host = host;
    this.#timeoutMs = timeoutMs;
    this.#clean = clean;
    const random = new Uint8Array(16);
    host.random(random);
    this.#owner = [...random].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  /** Performs `store.load()`; answers its rows, or what the engine is to be told. Never rejected. */
  async load(op: number, since: number): Promise<LoadedRows | PoolInput> {
    try {
      const state: unknown = await this.#inTime(since > 0 ? this.#store.load(since) : this.#store.load());
      const { generation, rows, removed, complete } = record(state, "store.load()");
      if (since <= 0 || complete !== false) return { generation: count(generation, "generation"), rows: checked(rows) };
      return { loaded: { op, generation: count(generation, "generation"), rows: changedRows(rows, removed) } };
    } catch (error) {
      return { failed: { op, message: this.#say("load", error, []) } };
    }
  }

  /** The same for `store.commit()`. */
  async commit(op: number, mutations: MutationData[]): Promise<PoolInput> {
    try {
      const result: unknown = await this.#inTime(this.#store.commit(mutations));
      const { ok, generation, rows, conflicts } = record(result, "store.commit()");
      if (ok === false) return { conflict: { op, rows: rowsOf(conflicts, "conflicts") } };
      if (ok !== true) throw new Rubbish("ok is neither true nor false");
      const versions = list(rows, "rows").map((row, at): [RowId, number] => {
        const { id, version } = record(row, `rows[${at}]`);
        return [rowId(id, `rows[${at}].id`), count(version, `rows[${at}].version`)];
      });
      if (versions.length !== mutations.length) throw new Rubbish(`rows has ${versions.length} entries for ${mutations.length} mutations`);
      return { committed: { op, generation: count(generation, "generation"), rows: versions } };
    } catch (error) {
      return { failed: { op, message: this.#say("commit", error, mutations) } };
    }
  }

  /** The same for `store.append()`. */
  async append(op: number, log: string, entries: readonly [at: number, data: string][]): Promise<PoolInput> {
    try {
      await this.#inTime(this.#store.append(log, entries.map(([at, data]) => ({ at, data }))));
      return { appended: { op } };
    } catch (error) {
      return { failed: { op, message: this.#say("append", error, []) } };
    }
  }

  /** The same for `store.lease()`: the lease is remembered until it is given back. */
  async lease(op: number, key: string, ttl: number): Promise<PoolInput> {
    try {
      return this.#leased(op, key, await this.#inTime(this.#store.lease(key, this.#owner, ttl)));
    } catch (error) {
      return { failed: { op, message: this.#say("lease", error, []) } };
    }
  }

  /** The same for `store.renew()`. */
  async renew(op: number, key: string, fence: number, ttl: number): Promise<PoolInput> {
    try {
      const held = this.#leases.get(key);
      return held?.fence === fence ? this.#leased(op, key, await this.#inTime(this.#store.renew(held, ttl))) : { busy: { op } };
    } catch (error) {
      return { failed: { op, message: this.#say("renew", error, []) } };
    }
  }

  /** Gives a lease back. Where that fails it ends by itself. */
  async release(key: string, fence: number): Promise<void> {
    const held = this.#leases.get(key);
    if (held?.fence !== fence) return;
    this.#leases.delete(key);
    await this.#inTime(this.#store.release(held)).catch(() => undefined);
  }

  #leased(op: number, key: string, lease: StoreLease | null): PoolInput {
    if (lease === null) {
      this.#leases.delete(key);
      return { busy: { op } };
    }
    const { fence } = record(lease, "store.lease()");
    this.#leases.set(key, lease);
    return { leased: { op, fence: count(fence, "fence") } };
  }

  /** What may be said of an error: one line, no secret. */
  #say(method: string, error: unknown, mutations: readonly MutationData[]): string {
    if (error instanceof Late) return `store.${method}() took longer than ${this.#timeoutMs / 1000} s; whether it was done a reload will show`;
    if (error instanceof Rubbish) return `store.${method}() answered with something that is no answer: ${error.message}`;
    let text = messageOf(error).replace(/\s+/g, " ");
    for (const { secret } of mutations) if (secret !== undefined) for (const part of textsIn(secret)) text = without(text, part);
    return `store.${method}() failed: ${this.#clean(text).slice(0, LONGEST_MESSAGE)}`;
  }

  #inTime<T>(answer: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = this.#host.setTimer(() => reject(new Late()), this.#timeoutMs, true);
      // Resolving also takes in a store that answers without a promise.
      Promise.resolve(answer)
        .then(resolve, reject)
        .finally(() => this.#host.clearTimer(timer));
    });
  }
}

class Late extends Error {}

/** A stored secret, and each text in it. */
function textsIn(secret: string): string[] {
  const texts = [secret];
  try {
    JSON.parse(secret, (_, value: unknown) => {
      if (typeof value === "string") texts.push(value);
      return value;
    });
  } catch {
    // Not JSON: it is one text.
  }
  return texts;
}

function without(text: string, secret: string): string {
  return secret.length > 3 ? text.replaceAll(secret, "…") : text;
}
