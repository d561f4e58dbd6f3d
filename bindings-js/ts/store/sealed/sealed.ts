// Secrets sealed at rest, around any store: what the store below keeps of them nobody can read or change unseen.
import { Notices } from "../notices.js";
import type { CommitResult, CredentialStore, LogEntry, LogFilter, Mutation, Row, RowId, StoreLease, StoreNotice, StoreState } from "../store.js";
import { isSealed, keyNumber, seal, unseal } from "./envelope.js";
import type { Bound } from "./envelope.js";
import { SealError } from "./error.js";
import type { SealingKey } from "./keys.js";
import { KEYS_ID, KEYS_KIND, Ring } from "./ring.js";

/** Rows of this kind hold the place of an id until its row is there: a secret is bound to its row's id. */
const RESERVED = "sealed-id";
/** So many secrets are opened or sealed between two turns of the event loop. */
const AT_ONCE = 256;

/** A store whose secrets are sealed. */
export interface SealedStore extends CredentialStore {
  /** From now on another key opens the store: its own key is wrapped anew, no secret is touched. */
  changeKey(key: SealingKey): Promise<void>;
  /** The store gets a new key of its own, and every secret is sealed by it. Others may go on meanwhile. */
  rotate(): Promise<void>;
}

/**
 * A store around another: what it is given as a secret is sealed by AES-256-GCM. Open secrets that are there already are sealed
 * when it is used first. Names, e-mail addresses and cooldowns stay readable.
 */
export function sealed(store: CredentialStore, key: SealingKey): SealedStore {
  return new Sealed(store, key);
}

class Sealed implements SealedStore {
  readonly #store: CredentialStore;
  readonly #notices = new Notices();
  #key: SealingKey;
  #opening: Promise<Ring> | undefined;
  /** Rows that could not be opened, told once for each version. */
  readonly #told = new Set<string>();

  constructor(store: CredentialStore, key: SealingKey) {
    this.#store = store;
    this.#key = key;
    store.notices?.((notice) => this.#notices.tell(notice));
    if (!store.watch) Object.defineProperty(this, "watch", { value: undefined });
  }

  async load(since = 0): Promise<StoreState> {
    await this.#ring();
    const state = await this.#store.load(since);
    return {
      ...state,
      rows: await this.#opened(state.rows),
      removed: state.removed.filter(({ kind }) => !OURS.includes(kind)),
    };
  }

  async commit(mutations: readonly Mutation[]): Promise<CommitResult> {
    const ring = await this.#ring();
    if (mutations.length === 0) return this.#store.commit([]);
    const fresh = mutations.filter(({ id, secret, data }) => id === undefined && secret !== undefined && data !== undefined);
    const ids = await this.#reserve(fresh);
    const below: Mutation[] = [];
    for (const mutation of mutations) {
      const { data, secret } = mutation;
      const given = mutation.id ?? ids.get(mutation);
      if (secret === undefined || data === undefined) below.push(mutation);
      else below.push({ ...mutation, ...(given !== undefined && { id: given }), secret: await seal(ring.current, ring.store, { kind: mutation.kind, id: given ?? 0, data }, secret) });
    }
    // In the same commit, so that none is left where it is made.
    const result = await this.#store.commit([...below, ...[...ids.values()].map((id) => ({ kind: RESERVED, id }))]);
    if (result.ok) return { ...result, rows: result.rows.slice(0, mutations.length) };
    if (ids.size > 0) await this.#store.commit([...ids.values()].map((id) => ({ kind: RESERVED, id }))).catch(() => undefined);
    return { ...result, conflicts: await this.#opened(result.conflicts) };
  }

  /** Ids for new rows, given by the store below. A crash leaves names of rows that are nobody's. */
  async #reserve(fresh: readonly Mutation[]): Promise<Map<Mutation, RowId>> {
    if (fresh.length === 0) return new Map();
    const result = await this.#store.commit(fresh.map(() => ({ kind: RESERVED, expects: 0, data: "{}" })));
    if (!result.ok) throw new Error("sealed store: the store below refuses new rows");
    return new Map(fresh.map((mutation, at) => [mutation, result.rows[at]?.id ?? 0]));
  }

  /** Rows with their secrets open. One that does not open is given with a text that is no secret, and told. */
  async #opened(rows: readonly Row[]): Promise<Row[]> {
    const wanted = rows.filter(({ kind }) => !OURS.includes(kind));
    const answer: Row[] = [];
    for (let from = 0; from < wanted.length; from += AT_ONCE) answer.push(...(await Promise.all(wanted.slice(from, from + AT_ONCE).map((row) => this.#open(row)))));
    return answer;
  }

  async #open(row: Row): Promise<Row> {
    const { secret, data } = row;
    if (secret === undefined || data === undefined) return row;
    const number = keyNumber(secret);
    let ring = await this.#ring();
    let key = number === undefined ? undefined : ring.keys.get(number);
    if (number !== undefined && !key) {
      ring = await this.#again(); // Another process has made a new key.
      key = ring.keys.get(number);
    }
    const open = number !== undefined && key ? await unseal({ number, key }, ring.store, boundOf(row, data), secret) : undefined;
    if (open !== undefined) return { ...row, secret: open };
    const name = `${row.kind}/${row.id}/${row.version}`;
    if (!this.#told.has(name)) {
      this.#told.add(name);
      const why = number === undefined ? "it is not sealed" : key ? "it, or the row that it belongs to, was changed or moved by somebody else" : "it was sealed by a key that the store no longer has";
      this.#notices.tell({ kind: "unreadable", message: `the secret of ${row.kind} ${row.id} cannot be opened: ${why}` });
    }
    return { ...row, secret: "unreadable" };
  }

  #ring(): Promise<Ring> {
    if (this.#opening) return this.#opening;
    const opening = this.#begin();
    this.#opening = opening;
    opening.catch(() => {
      if (this.#opening === opening) this.#opening = undefined;
    });
    return opening;
  }

  #again(): Promise<Ring> {
    this.#opening = undefined;
    return this.#ring();
  }

  async #begin(): Promise<Ring> {
    const state = await this.#store.load();
    const row = state.rows.find(({ kind, id }) => kind === KEYS_KIND && id === KEYS_ID);
    if (row) {
      const ring = await Ring.open(row, this.#key);
      if (!ring.whole) await this.#sealAll(ring, state);
      return ring;
    }
    const { ring, data } = await Ring.create(this.#key);
    const result = await this.#store.commit([{ kind: KEYS_KIND, id: KEYS_ID, expects: 0, data }]);
    // Another process was faster: its key is the store's.
    if (!result.ok) return this.#begin();
    await this.#sealAll(ring, state);
    return ring;
  }

  /** Seals what is open, or by an older key. Others that write meanwhile are not overwritten: it is begun again. */
  async #sealAll(ring: Ring, state: StoreState): Promise<void> {
    let [found, sealedNow] = [state, 0];
    for (let again = true; again; found = await this.#store.load()) {
      again = false;
      const mutations: Mutation[] = [];
      for (const row of found.rows) {
        const { kind, id, version, data, secret } = row;
        if (OURS.includes(kind) || secret === undefined || data === undefined) continue;
        const number = keyNumber(secret);
        if (number === ring.current.number) continue;
        const key = number === undefined ? undefined : ring.keys.get(number);
        const open = !isSealed(secret) ? secret : number !== undefined && key ? await unseal({ number, key }, ring.store, boundOf(row, data), secret) : undefined;
        // One that does not open stays as it is, and its key stays.
        if (open !== undefined) mutations.push({ kind, id, expects: version, data, secret: await seal(ring.current, ring.store, boundOf(row, data), open) });
      }
      for (let from = 0; from < mutations.length; from += AT_ONCE) {
        const result = await this.#store.commit(mutations.slice(from, from + AT_ONCE));
        if (result.ok) sealedNow += result.rows.length;
        else again = true;
      }
    }
    await this.#change((data) => ring.settled(data, found));
    if (sealedNow > 0) this.#notices.tell({ kind: "sealed", message: `${sealedNow} secrets were sealed` });
  }

  async changeKey(key: SealingKey): Promise<void> {
    const ring = await this.#ring();
    const wrapped = await ring.wrappedBy(key);
    await this.#change((data) => ring.rewrapped(data, wrapped));
    this.#key = key;
    await this.#again();
  }

  async rotate(): Promise<void> {
    const ring = await this.#ring();
    await this.#change((data) => ring.extended(data));
    const next = await this.#again();
    await this.#sealAll(next, await this.#store.load());
    await this.#again();
  }

  /** Changes the row of keys by compare-and-swap. */
  async #change(changed: (data: string) => Promise<string> | string): Promise<void> {
    for (let tries = 0; tries < 20; tries += 1) {
      const row = (await this.#store.load()).rows.find(({ kind, id }) => kind === KEYS_KIND && id === KEYS_ID);
      if (row?.data === undefined) throw new SealError("damaged", "its row of keys is gone");
      const result = await this.#store.commit([{ kind: KEYS_KIND, id: KEYS_ID, expects: row.version, data: await changed(row.data) }]);
      if (result.ok) return;
    }
    throw new Error("sealed store: others keep changing its keys");
  }

  watch(changed: (generation?: number) => void): () => void {
    return this.#store.watch?.(changed) ?? (() => undefined);
  }

  notices(told: (notice: StoreNotice) => void): () => void {
    return this.#notices.add(told);
  }

  async close(): Promise<void> {
    this.#opening = undefined;
    await this.#store.close();
  }

  lease(key: string, owner: string, ttlMs: number): Promise<StoreLease | null> {
    return this.#store.lease(key, owner, ttlMs);
  }

  renew(lease: StoreLease, ttlMs: number): Promise<StoreLease | null> {
    return this.#store.renew(lease, ttlMs);
  }

  release(lease: StoreLease): Promise<void> {
    return this.#store.release(lease);
  }

  append(log: string, entries: readonly LogEntry[]): Promise<void> {
    return this.#store.append(log, entries);
  }

  query(log: string, filter?: LogFilter): Promise<LogEntry[]> {
    return this.#store.query(log, filter);
  }

  cacheGet(key: string): Promise<string | undefined> {
    return this.#store.cacheGet(key);
  }

  cacheSet(key: string, value: string, expiresAt: number): Promise<void> {
    return this.#store.cacheSet(key, value, expiresAt);
  }
}

const OURS: readonly string[] = [KEYS_KIND, RESERVED];

const boundOf = ({ kind, id }: Row, data: string): Bound => ({ kind, id, data });
