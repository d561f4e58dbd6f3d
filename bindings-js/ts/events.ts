// Who listens to what. A listener that throws harms nobody; what nobody may miss waits for the first listener.
import type { EventData } from "./protocol.js";

/** What an event tells. */
export type EventKind =
  | "added"
  | "updated"
  | "removed"
  /** Kept until somebody listens. */
  | "disabled"
  | "cooled"
  | "recovered"
  /** A circuit opened, is half-open or closed: the cause says which. With scope `upstream` it is the provider's. */
  | "circuit"
  | "expired"
  /** New tokens are in use, and durable. */
  | "refreshed"
  /** Tokens could not be renewed; `cause` is a code. */
  | "refresh-failed"
  /** An account's tokens cannot be renewed any more, and nobody knows whether they were: log in again. */
  | "needs-login"
  | "persist-failed"
  | "selected"
  | "failover"
  | "result"
  | "generation"
  | "stale-completion"
  | "clock"
  | "login-started"
  | "logged-in"
  /** `cause` is one word: `access_denied`, `timeout`, … */
  | "login-failed"
  /** The store says something of itself: `reason` is one word (`stale`, `current`, `set-aside`, …), `cause` a sentence. Kept until somebody listens. */
  | "store"
  /** A usage report came, or headers that say as much. */
  | "usage";

/** Something that happened. Which fields are there depends on the kind; none is ever a secret. */
export interface PoolEvent {
  readonly kind: EventKind;
  /** When, in milliseconds since 1970. */
  readonly at: number;
  /** The credential's id in the store. */
  readonly id?: number;
  readonly name?: string;
  readonly provider?: string;
  readonly model?: string;
  /** What a cooldown covers. */
  readonly scope?: string;
  /** Why: a reason of the taxonomy. */
  readonly reason?: string;
  readonly until?: number;
  /** Why, in words. */
  readonly cause?: string;
  /** A number: how far the clock jumped, for example. */
  readonly count?: number;
}

export type Listener = (event: PoolEvent) => void;

/** Kinds that are kept until somebody listens. */
const KEEP: readonly string[] = ["disabled", "store"];
/** So many events that nobody may miss are kept at most. */
const KEPT = 1000;

export class Events {
  readonly #listeners = new Map<string, Set<Listener>>();
  readonly #observers: Listener[] = [];
  readonly #log: (message: string, error: unknown) => void;
  /** Events that nobody may miss and nobody has heard. */
  #unheard: PoolEvent[] = [];
  /** Is told when somebody begins or ceases to listen. */
  readonly #changed: () => void;

  constructor(log: (message: string, error: unknown) => void, changed: () => void) {
    this.#log = log;
    this.#changed = changed;
  }

  on(kind: EventKind | "*", listener: Listener): () => void {
    const own: Listener = (event) => listener(event); // The same function may be added twice and taken back once.
    const listeners = this.#listeners.get(kind) ?? new Set();
    this.#listeners.set(kind, listeners.add(own));
    this.#changed();
    if (KEEP.includes(kind) || kind === "*") {
      const unheard = this.#unheard.filter((event) => kind === "*" || event.kind === kind);
      this.#unheard = this.#unheard.filter((event) => !unheard.includes(event));
      for (const event of unheard) this.#tell(own, event);
    }
    return () => {
      if (listeners.delete(own)) this.#changed();
    };
  }

  /** For the pool's own parts: hears everything, and counts as nobody. */
  observe(observer: Listener): void {
    this.#observers.push(observer);
  }

  emit(event: EventData): void {
    const told = event as PoolEvent;
    for (const observer of this.#observers) observer(told);
    const listeners = [...(this.#listeners.get(event.kind) ?? []), ...(this.#listeners.get("*") ?? [])];
    if (listeners.length === 0 && KEEP.includes(event.kind) && this.#unheard.length < KEPT) this.#unheard.push(told);
    for (const listener of listeners) this.#tell(listener, told);
  }

  wants(kind: EventKind): boolean {
    return Boolean(this.#listeners.get(kind)?.size || this.#listeners.get("*")?.size);
  }

  #tell(listener: Listener, event: PoolEvent): void {
    const failed = (error: unknown) => this.#log(`credpool: a listener of "${event.kind}" threw`, error);
    try {
      const answer: unknown = listener(event);
      if (answer instanceof Promise) answer.catch(failed);
    } catch (error) {
      failed(error);
    }
  }
}
