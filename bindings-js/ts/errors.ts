// One class of error with a stable `code`. Messages say what to do next; none holds a secret.

/** Why something was not done, in one word. */
export type ErrorCode =
  /** Every credential that could serve is out for a time that is known: see `retryAt`. */
  | "cooling_down"
  /** Some credential could serve, and for none is it known when. */
  | "unavailable"
  /** No such credential, or none that could serve this request even if nothing rested. */
  | "not_found"
  /** Neither the registry nor a credential knows the provider. */
  | "unknown_provider"
  /** Too many callers wait, or too many leases are open. */
  | "too_many"
  /** The caller gave up without a reason. A signal's own reason is thrown as it is. */
  | "aborted"
  /** The store failed. */
  | "store"
  /** Others kept changing the same credential. */
  | "conflict"
  /** An argument makes no sense; the message names its place. */
  | "invalid"
  /** The pool is closed. */
  | "closed"
  /** The engine broke. The host is alive; open the pool again. */
  | "internal"
  /** A secret is kept elsewhere and could not be looked up; the message names the reference. */
  | "unresolved"
  /** Something of the host took too long. */
  | "timeout"
  /** A stream ended before its first part, whoever was asked. */
  | "empty_stream"
  /** A login did not come to its end: see `reason`. */
  | "login";

const FACTS: Record<ErrorCode, { status: number; retryable: boolean }> = {
  cooling_down: { status: 429, retryable: true },
  unavailable: { status: 503, retryable: true },
  not_found: { status: 404, retryable: false },
  unknown_provider: { status: 404, retryable: false },
  too_many: { status: 429, retryable: true },
  aborted: { status: 499, retryable: false },
  store: { status: 503, retryable: true },
  conflict: { status: 409, retryable: true },
  invalid: { status: 400, retryable: false },
  closed: { status: 503, retryable: false },
  internal: { status: 500, retryable: false },
  unresolved: { status: 503, retryable: true },
  timeout: { status: 504, retryable: true },
  empty_stream: { status: 502, retryable: true },
  login: { status: 401, retryable: true },
};

/** Why one credential was not to be had. */
export interface OutCandidate {
  /** Its id in the store; absent where it is not stored. */
  readonly id?: number;
  readonly provider: string;
  readonly name: string;
  /** `ready` where it has come back meanwhile. */
  readonly reason: string;
  /** Until when, in milliseconds since 1970, where that is known. */
  readonly until?: number;
}

/** What an error knows beside its message. */
export interface ErrorDetails {
  readonly retryAt?: number | undefined;
  readonly reason?: string | undefined;
  readonly cause?: unknown;
  /** Reads the candidates when somebody asks for them. */
  readonly candidates?: (() => readonly OutCandidate[]) | undefined;
}

/** Whatever this package throws by itself. */
export class CredpoolError extends Error {
  /** Why, in one word. */
  readonly code: ErrorCode;
  /** When somebody is to be had again, in milliseconds since 1970; absent where that is not known. */
  declare readonly retryAt?: number;
  /** Why a login failed, in one word: the provider's own (`access_denied`) or ours (`timeout`, `network`, `malformed`). */
  declare readonly reason?: string;
  #candidates: readonly OutCandidate[] | (() => readonly OutCandidate[]);

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    if (details.retryAt !== undefined) this.retryAt = details.retryAt;
    if (details.reason !== undefined) this.reason = details.reason;
    this.#candidates = details.candidates ?? [];
  }

  /** May the same call succeed later? */
  get retryable(): boolean {
    return FACTS[this.code].retryable;
  }

  /** The HTTP status with which a gateway would answer. */
  get status(): number {
    return FACTS[this.code].status;
  }

  /** Every credential that was asked for, and why it is out. Read when it is asked for first. */
  get candidates(): readonly OutCandidate[] {
    if (typeof this.#candidates === "function") this.#candidates = this.#candidates();
    return this.#candidates;
  }
}
Object.defineProperty(CredpoolError.prototype, "name", { value: "CredpoolError", configurable: true, writable: true });

/** A text of the caller's for a message: quoted, and never long. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 64 ? `${text.slice(0, 64)}…` : text);
}

/** What is known of something that was thrown. */
export function messageOf(thrown: unknown): string {
  if (thrown instanceof Error) return thrown.message || thrown.name;
  return typeof thrown === "string" ? thrown : `something that is no error was thrown (${typeof thrown})`;
}
