/// <reference lib="esnext.disposable" preserve="true" />
// One use of a credential, from acquire to report.
import type { OutcomeSource } from "./outcome.js";
import type { Kind, Origin } from "./protocol.js";
import type { Entry } from "./table.js";
import type { Report } from "./types.js";

/** What a lease needs of its pool. */
export interface LeaseKeeper {
  /** A success, in the hot path. */
  release(lease: number): void;
  abandon(lease: number): void;
  report(lease: number, outcome: OutcomeSource, attempts: number): Promise<Report>;
  /** The proof for one request, where the token is bound to a key. `after`: the answer that asked for a nonce. */
  proof(entry: Entry, method: string, url: string, after: Response | undefined): Promise<Record<string, string>>;
}

/** The right to use a credential for one call. It ends with `report`, `release` or `abandon`, or by itself after a time. */
export class Lease implements Disposable {
  readonly #keeper: LeaseKeeper;
  readonly #entry: Entry;
  readonly #forced: boolean;
  readonly #model: string | undefined;
  readonly #answerModel: string | undefined;
  /** -1 once it has ended. */
  #number: number;

  /** @internal */
  constructor(keeper: LeaseKeeper, number: number, entry: Entry, forced: boolean, model: string | undefined, answerModel: string | undefined) {
    this.#keeper = keeper;
    this.#number = number;
    this.#entry = entry;
    this.#forced = forced;
    this.#model = model;
    this.#answerModel = answerModel;
  }

  /** `true`: a lease, not a refusal. */
  get ok(): true {
    return true;
  }

  /** The credential's id in the store; absent where it is not stored. */
  get id(): number | undefined {
    return this.#entry.id;
  }

  get name(): string {
    return this.#entry.name;
  }

  get provider(): string {
    return this.#entry.provider;
  }

  get kind(): Kind {
    return this.#entry.kind;
  }

  /** Which leg of the cascade gave it. */
  get origin(): Origin {
    return this.#entry.origin;
  }

  /** The key or token. Not shown when a lease is printed. */
  get secret(): string {
    return this.#entry.secret;
  }

  /** Grows with the credential's secret. The lease keeps the one that it was given. */
  get version(): number {
    return this.#entry.version;
  }

  /** Where its requests go instead of the provider's own address. */
  get baseUrl(): string | undefined {
    return this.#entry.baseUrl;
  }

  /** What the upstream calls the model that was asked for: by the credential's aliases, and without its prefix. */
  get model(): string | undefined {
    return this.#model;
  }

  /** What the answer is to call its model: the alias that was asked for, where it says so (`force`). Absent: what the upstream calls it. */
  get answerModel(): string | undefined {
    return this.#answerModel;
  }

  /** It rests in truth: the policy gives it all the same, so that the caller sees the provider's own error. */
  get forced(): boolean {
    return this.#forced;
  }

  /** It was reported, released or abandoned. */
  get ended(): boolean {
    return this.#number < 0;
  }

  /** Headers that put the credential into a request, names in lower case. */
  headers(): Record<string, string> {
    return Object.fromEntries(this.#entry.parts.headers);
  }

  /**
   * The same for one request, with the proof that a token wants that is bound to a key (DPoP): it is good for this method and address,
   * once. Where the answer is a 401 that asks for a nonce, ask again with that answer as `after`, before you report.
   */
  async headersFor(url: string | URL, { method = "GET", after }: { method?: string; after?: Response } = {}): Promise<Record<string, string>> {
    return { ...this.headers(), ...(await this.#keeper.proof(this.#entry, method, String(url), after)) };
  }

  /** A query parameter that puts it there, for the few providers that want it so. */
  query(): Record<string, string> {
    const { query } = this.#entry.parts;
    return query ? { [query[0]]: query[1] } : {};
  }

  /** Tells how the call ended, and ends the lease. The answer says what the policy would do next. */
  async report(outcome: OutcomeSource): Promise<Report> {
    const number = this.#number;
    this.#number = -1;
    return this.#keeper.report(number, outcome, 0);
  }

  /** The call succeeded: the cheapest way to say so. */
  release(): void {
    const number = this.#number;
    if (number < 0) return;
    this.#number = -1;
    this.#keeper.release(number);
  }

  /** The call was not made, or nothing is known of it. */
  abandon(): void {
    const number = this.#number;
    if (number < 0) return;
    this.#number = -1;
    this.#keeper.abandon(number);
  }

  /** @internal Others have ended it. */
  forget(): void {
    this.#number = -1;
  }

  /** As `abandon`, if it has not ended. */
  [Symbol.dispose](): void {
    this.abandon();
  }

  /** What may be shown of it. */
  toJSON(): { id?: number; provider: string; name: string; kind: Kind; origin: Origin; version: number } {
    const { id, provider, name, kind, origin, version } = this.#entry;
    return { ...(id !== undefined && { id }), provider, name, kind, origin, version };
  }
}
