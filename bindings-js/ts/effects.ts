// Calls of the store on the engine's behalf. A store may throw, be rejected, never answer or answer rubbish: each of
// these becomes a sentence that names the call, and never a secret.
import { messageOf } from "./errors.js";
import type { WholeHost } from "./host.js";
import type { MutationData, PoolInput, RowData, RowId, RowKind } from "./protocol.js";
import type { CredentialStore } from "./store/store.js";

/** A message of a store is cut at so many characters. */
const LONGEST_MESSAGE = 300;

/** Other kinds belong to a newer version, and are left alone. */
const KINDS: readonly string[] = ["credential", "health", "usage", "tie"] satisfies RowKind[];

export class StoreCalls {
  readonly #store: CredentialStore;
  readonly #host: WholeHost;
  readonly #timeoutMs: number;
  /** Secrets that are in use: none of them may be in a message. */
  readonly #secrets: () => Iterable<string>;

  constructor(store: CredentialStore, host: WholeHost, timeoutMs: number, secrets: () => Iterable<string>) {
    this.#store = store;
    this.#host = host;
    this.#timeoutMs = timeoutMs;
    this.#secrets = secrets;
  }

  /** Performs `store.load()`; answers what the engine is to be told. Never rejected. */
  async load(op: number): Promise<PoolInput> {
    try {
      const state: unknown = await this.#inTime(this.#store.load());
      const { generation, rows } = record(state, "store.load()");
      return { loaded: { op, generation: count(generation, "generation"), rows: rowsOf(rows, "rows") } };
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

  /** What may be said of an error: one line, no secret. */
  #say(method: string, error: unknown, mutations: readonly MutationData[]): string {
    if (error instanceof Late) return `store.${method}() took longer than ${this.#timeoutMs / 1000} s; whether it was done a reload will show`;
    if (error instanceof Rubbish) return `store.${method}() answered with something that is no answer: ${error.message}`;
    let text = messageOf(error).replace(/\s+/g, " ");
    for (const { secret } of mutations) if (secret !== undefined) for (const part of textsIn(secret)) text = without(text, part);
    for (const secret of this.#secrets()) text = without(text, secret);
    return `store.${method}() failed: ${text.slice(0, LONGEST_MESSAGE)}`;
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
class Rubbish extends Error {}

function record(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null) throw new Rubbish(`${what} is ${value === null ? "null" : `of type ${typeof value}`}`);
  return value as Record<string, unknown>;
}

function list(value: unknown, what: string): unknown[] {
  if (!Array.isArray(value)) throw new Rubbish(`${what} is no array`);
  return value;
}

function count(value: unknown, what: string): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw new Rubbish(`${what} is no whole number`);
  return value as number;
}

function rowId(value: unknown, what: string): RowId {
  if (typeof value === "string" && value !== "") return value;
  if (Number.isSafeInteger(value) && (value as number) > 0) return value as number;
  throw new Rubbish(`${what} is neither a positive whole number nor a text`);
}

function text(value: unknown, what: string): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "string") throw new Rubbish(`${what} is no text`);
  return value;
}

function rowsOf(value: unknown, what: string): RowData[] {
  const found: RowData[] = [];
  for (const [at, item] of list(value, what).entries()) {
    const place = `${what}[${at}]`;
    const row = record(item, place);
    if (typeof row.kind !== "string") throw new Rubbish(`${place}.kind is no text`);
    if (!KINDS.includes(row.kind)) continue;
    const data = text(row.data, `${place}.data`);
    const secret = text(row.secret, `${place}.secret`);
    found.push({
      kind: row.kind as RowKind,
      id: rowId(row.id, `${place}.id`),
      version: count(row.version, `${place}.version`),
      ...(data !== undefined && { data }),
      ...(secret !== undefined && { secret }),
    });
  }
  return found;
}

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
