// What the stores of the browser share: rows as they are kept, with tombstones among them, what a batch makes of them, and
// whose a lease is. Where it is kept, and how a batch is written whole, is each store's own.
import type { Mutation, Row, RowId, RowName, StoreLease, StoreState } from "./store.js";

/** A row as it is kept; without data it is a tombstone. */
export interface KeptRow {
  kind: string;
  id: RowId;
  version: number;
  generation: number;
  data?: string;
  secret?: string;
}

/** What a store counts. */
export interface Counters {
  generation: number;
  /** The largest number that was given as an id. */
  lastId: number;
  /** Tombstones up to this generation have been dropped. */
  forgotten: number;
}

/** One change of a batch, made: what was there before it, and what is there then; nothing where nothing was to be deleted. */
export interface Change<T extends KeptRow> {
  before: T | undefined;
  after: KeptRow | undefined;
}

/** A row's name as one text. */
export function nameOf({ kind, id }: RowName): string {
  return `${kind}/${typeof id === "number" ? "n" : "t"}/${id}`;
}

/** The rows that a batch names, each once. */
export function namedBy(mutations: readonly Mutation[]): Map<string, RowName> {
  const names = new Map<string, RowName>();
  for (const { kind, id } of mutations) if (id !== undefined) names.set(nameOf({ kind, id }), { kind, id });
  return names;
}

/** The changes whose expectation does not hold, each with the row as it is, if it is. */
export function conflictsOf<T extends KeptRow>(mutations: readonly Mutation[], rows: ReadonlyMap<string, T>): { name: RowName; living: T | undefined }[] {
  return mutations.flatMap(({ kind, id, expects }) => {
    if (expects === undefined) return [];
    const row = id === undefined ? undefined : rows.get(nameOf({ kind, id }));
    const living = row?.data === undefined ? undefined : row;
    return expects === versionOf(living) ? [] : [{ name: { kind, id: id ?? 0 }, living }];
  });
}

/** Makes the changes of a batch, in their order, to the rows that it names; `rows` and `counters` are brought up to date. */
export function changesOf<T extends KeptRow>(mutations: readonly Mutation[], rows: Map<string, T | KeptRow>, counters: Counters): { made: { id: RowId; version: number }[]; changes: Change<T | KeptRow>[] } {
  const made: { id: RowId; version: number }[] = [];
  const changes: Change<T | KeptRow>[] = [];
  counters.generation += 1;
  const { generation } = counters;
  for (const { kind, id: given, data, secret } of mutations) {
    const id = given ?? counters.lastId + 1;
    if (typeof id === "number") counters.lastId = Math.max(counters.lastId, id);
    const name = nameOf({ kind, id });
    const before = given === undefined ? undefined : rows.get(name);
    let after: KeptRow | undefined;
    if (data !== undefined) after = { kind, id, version: versionOf(before) + 1, generation, data, ...(secret !== undefined && { secret }) };
    else if (before?.data !== undefined) after = { kind, id, version: versionOf(before), generation };
    if (after) rows.set(name, after);
    made.push({ id, version: after?.version ?? versionOf(before) });
    changes.push({ before, after });
  }
  return { made, changes };
}

/** Must all rows be read, because what was asked for cannot be told from what was forgotten? */
export function isComplete(since: number, { generation, forgotten }: Counters): boolean {
  return since <= 0 || since < forgotten || since > generation;
}

/** What a load answers, of the rows that were found. */
export function stateOf<T extends KeptRow>(found: T[], generation: number, complete: boolean, rowOf: (row: T) => Row): StoreState {
  found.sort(byName);
  return {
    generation,
    rows: found.filter(({ data }) => data !== undefined).map(rowOf),
    removed: complete ? [] : found.filter(({ data }) => data === undefined).map(({ kind, id }) => ({ kind, id })),
    complete,
  };
}

/** A row as it is answered. What is no text is damaged, and is given as a text that nobody takes for JSON. */
export function plainRow({ kind, id, version, generation, data, secret }: KeptRow): Row {
  const text = (value: unknown) => (typeof value === "string" ? value : "damaged");
  return { kind, id, version: Number(version) || 0, generation: Number(generation) || 0, data: text(data), ...(secret !== undefined && { secret: text(secret) }) };
}

/** The lease of who asks for it, where it may have it: nobody has it, or it has ended, or is its own. */
export function leaseTaken(held: StoreLease | undefined, key: string, owner: string, now: number, ttlMs: number): StoreLease | undefined {
  const lives = held !== undefined && held.expires > now;
  if (lives && held.owner !== owner) return undefined;
  return { key, owner, fence: lives ? held.fence : (held?.fence ?? 0) + 1, expires: now + ttlMs };
}

/** Is it still this lease, ended or not? */
export function isHeld(held: StoreLease | undefined, { owner, fence }: StoreLease): held is StoreLease {
  return held?.owner === owner && held.fence === fence;
}

/** The lease, prolonged where it has not ended. */
export function leaseRenewed(held: StoreLease | undefined, lease: StoreLease, now: number, ttlMs: number): StoreLease | undefined {
  return isHeld(held, lease) && held.expires > now ? { ...held, expires: now + ttlMs } : undefined;
}

/** The lease, given back. Its fence stays: the next owner's is larger. */
export function leaseEnded(held: StoreLease | undefined, lease: StoreLease): StoreLease | undefined {
  return isHeld(held, lease) ? { ...held, expires: 0 } : undefined;
}

/** The order in which rows are answered. */
export function byName(one: RowName, other: RowName): number {
  if (one.kind !== other.kind) return one.kind < other.kind ? -1 : 1;
  if (typeof one.id !== typeof other.id) return typeof one.id === "number" ? -1 : 1;
  return one.id < other.id ? -1 : 1;
}

/** The version of a row that may be damaged, or not there. */
function versionOf(row: KeptRow | undefined): number {
  return Number(row?.version) || 0;
}
