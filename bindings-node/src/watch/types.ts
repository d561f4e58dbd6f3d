import type { Tool } from "credpool/import";

/** What became of a file, or of a credential in it. */
export interface WatchChange {
  /**
   * `added`, `changed`, `removed`: a credential; `applied`: rules; `failed`: a file cannot be read or taken over, and what it last said
   * still holds; `recovered`: it can again.
   */
  readonly kind: "added" | "changed" | "removed" | "applied" | "failed" | "recovered";
  readonly file: string;
  /** Of a credential: `provider:name`. */
  readonly name?: string;
  /** Why, for people. Never a secret. */
  readonly message?: string;
}

/** How a file or a folder is followed. */
export interface WatchOptions {
  /** Is told of what happens. */
  told?: ((change: WatchChange) => void) | undefined;
  /** It is looked at so often also where the system tells of no change: 2000 ms. Shares and containers tell of none. */
  everyMs?: number | undefined;
  /** A file is read when it has not changed for so long: 100 ms. Nobody reads a half-written one. */
  settleMs?: number | undefined;
  /** A file that is gone is missed for so long before it counts: 1000 ms. Editors take a file away to put a new one there. */
  goneMs?: number | undefined;
}

/** How a folder is followed. */
export interface FolderOptions extends WatchOptions {
  /** Whose files they are; what each looks like, where it is left out. */
  from?: Tool | undefined;
}

/** Something that is followed. It keeps no process alive. */
export interface Watching {
  /** Looks now, and takes over what has settled. */
  look(): Promise<void>;
  /** Follows it no longer. What was taken over stays. */
  close(): Promise<void>;
}
