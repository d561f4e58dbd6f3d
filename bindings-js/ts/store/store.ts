// What a place for credentials must be able to do. Whoever writes one runs `storeConformance` on it.

/** A row's id: a number for what belongs to a credential, a text otherwise. */
export type RowId = number | string;

/** Something stored. */
export interface Row {
  /** What it is: `credential`, `health`, `usage`, `tie`. A store need not know the kinds. */
  kind: string;
  id: RowId;
  /** Grows with every change of the row; the first is 1. */
  version: number;
  /** The store's generation at its last change. */
  generation: number;
  /** Its content, JSON. Absent only among conflicts: the row is gone. */
  data?: string;
  /** Its secret, apart so that it can be sealed. */
  secret?: string;
}

/** A change of a row. */
export interface Mutation {
  kind: string;
  /** Absent: a new row, to which the store gives a positive integer that it never gives again. */
  id?: RowId;
  /** The version that the row must have; 0: it must not exist; absent: any will do. */
  expects?: number;
  /** The new content; absent: the row is deleted. */
  data?: string;
  /** The new secret; absent: it has none. */
  secret?: string;
}

/** A row by its name. */
export interface RowName {
  kind: string;
  id: RowId;
}

/** What a load gives. */
export interface StoreState {
  /** Grows with every commit. */
  generation: number;
  /** In order of their ids. */
  rows: Row[];
  /** Rows that are gone since the generation that was asked for. */
  removed: RowName[];
  /** These are all rows there are, whatever was asked for. */
  complete: boolean;
}

/** How a commit ended. Rows are in the order of the mutations; a deleted one has its last version. */
export type CommitResult =
  | { ok: true; generation: number; rows: { id: RowId; version: number }[] }
  /** Nothing was changed: these rows have other versions than the mutations expect. */
  | { ok: false; generation: number; conflicts: Row[] };

/** The right of one owner to do something, for a time. */
export interface StoreLease {
  key: string;
  owner: string;
  /** Grows each time the key changes hands: who holds an older one has lost it. */
  fence: number;
  /** Until when, in milliseconds since 1970. */
  expires: number;
}

/** An entry of a history. */
export interface LogEntry {
  /** When, in milliseconds since 1970. */
  at: number;
  /** JSON. */
  data: string;
}

/** Which entries of a history: those with `from <= at < to`, oldest first. */
export interface LogFilter {
  from?: number;
  to?: number;
  /** The newest so many. */
  limit?: number;
}

/** What a store says of itself. */
export interface StoreNotice {
  /**
   * `stale`: it cannot be reached, and what is known of it may be old; `current`: it is there again; `set-aside`: what it is kept
   * in was damaged; `migrated`: another program's was taken over; `sealed`: its secrets were open, and are no more;
   * `unreadable`: a secret cannot be opened.
   */
  kind: "stale" | "current" | "set-aside" | "migrated" | "sealed" | "unreadable";
  /** For people. Never a secret. */
  message: string;
}

/** A place for credentials. Calls may overlap. What throws or is rejected is told as the store's failure. */
export interface CredentialStore {
  /** All rows, or those that changed after a generation. */
  load(since?: number): Promise<StoreState>;
  /** Makes all the changes, durably, or none. */
  commit(mutations: readonly Mutation[]): Promise<CommitResult>;
  /** Takes the lease of a key, or takes it once more where the owner has it; `null` where another has it. */
  lease(key: string, owner: string, ttlMs: number): Promise<StoreLease | null>;
  /** Prolongs a lease; `null` where it was lost. */
  renew(lease: StoreLease, ttlMs: number): Promise<StoreLease | null>;
  /** Gives a lease back; nothing happens where it was lost. */
  release(lease: StoreLease): Promise<void>;
  /** Adds to a history. */
  append(log: string, entries: readonly LogEntry[]): Promise<void>;
  /** Reads a history, as far back as the store keeps it. */
  query(log: string, filter?: LogFilter): Promise<LogEntry[]>;
  /** What was kept under a key, until it expires. */
  cacheGet(key: string): Promise<string | undefined>;
  cacheSet(key: string, value: string, expiresAt: number): Promise<void>;
  /**
   * Calls back after a commit of anybody: another process, another pool, the one that watches, with its generation where
   * that is known. Answers how to stop it. Late is right, never is not: a second at most is what people expect.
   */
  watch?(changed: (generation?: number) => void): () => void;
  /**
   * Calls back with what the store has to say of itself; what was said while nobody listened comes first. Answers how to stop
   * it. A pool makes an event of each, `store`.
   */
  notices?(told: (notice: StoreNotice) => void): () => void;
  /** Frees what it holds; what is stored stays. A store may be used again afterwards. */
  close(): Promise<void>;
}

/** How much a store keeps of what only helps for a while. */
export interface Retention {
  /** Entries of a history older than this are dropped: 90 days. */
  logMaxAgeMs?: number;
  /** No history has more entries than this: 100,000. */
  logMaxEntries?: number;
  /** Names of rows that are gone are kept for `load(since)`, at most so many: 10,000. */
  tombstones?: number;
}

export const RETENTION: Required<Retention> = { logMaxAgeMs: 90 * 86_400_000, logMaxEntries: 100_000, tombstones: 10_000 };
