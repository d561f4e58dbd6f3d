// Nobody is to be had: an answer of `tryAcquire`, and the error of everything that waits.
import { CredpoolError, quoted } from "./errors.js";
import type { OutCandidate } from "./errors.js";
import type { RefusalCode } from "./protocol.js";

/** Who was asked for what, and who can say why each one is out. */
export interface Asked {
  readonly providers: readonly string[];
  readonly model: string | undefined;
  readonly session: string | undefined;
  /** Another name of the session, by which it may be known from before. */
  readonly knownAs?: string | undefined;
}

/** Nobody is to be had now. Cheap to make: the reasons are read when somebody asks for them. */
export class Refusal {
  /** Why, in one word. */
  readonly code: RefusalCode;
  /** When the first comes back, in milliseconds since 1970; absent where that is not known. */
  declare readonly retryAt?: number;
  readonly #asked: Asked;
  readonly #explain: (asked: Asked) => readonly OutCandidate[];
  #cause: CredpoolError | undefined;

  /** @internal */
  constructor(code: RefusalCode, retryAt: number | undefined, asked: Asked, explain: (asked: Asked) => readonly OutCandidate[]) {
    this.code = code;
    if (retryAt !== undefined) this.retryAt = retryAt;
    this.#asked = asked;
    this.#explain = explain;
  }

  /** `false`: a refusal, not a lease. */
  get ok(): false {
    return false;
  }

  /** Every credential that was asked for, and why it is out now. */
  get candidates(): readonly OutCandidate[] {
    return this.#explain(this.#asked);
  }

  /** @internal Of those who are out one is so for this. */
  because(cause: CredpoolError | undefined): this {
    this.#cause = cause ?? this.#cause;
    return this;
  }

  /** The same as an error, to be thrown. */
  toError(cause: unknown = this.#cause): CredpoolError {
    const candidates = () => this.#explain(this.#asked);
    const more = this.#cause ? ` (${this.#cause.message})` : "";
    return new CredpoolError(this.code, sentence(this.code, this.retryAt, this.#asked) + more, { retryAt: this.retryAt, candidates, cause });
  }
}

function sentence(code: RefusalCode, retryAt: number | undefined, { providers, model }: Asked): string {
  const of = providers.map(quoted).join(" or ");
  const whom = model === undefined ? of : `${of} for the model ${quoted(model)}`;
  switch (code) {
    case "cooling_down":
      return `every credential of ${whom} rests${retryAt === undefined ? "" : `; the first is back at ${instant(retryAt)}`}: wait until then (waitMs does), or add another; the error's candidates say why each one is out`;
    case "unavailable":
      return `no credential of ${whom} can be had now, and none says when: try again later, or add another; the error's candidates say why each one is out`;
    case "not_found":
      return `no enabled credential of ${whom}: add one with pool.add(), enable one with pool.enable(), or set the provider's environment variable`;
    case "unknown_provider":
      return `nobody knows the provider ${of}: pool.providers.list() shows those that are known, open({ providers }) describes another, and pool.add() takes any`;
    case "too_many":
      return "too many leases are open or too many callers wait: end every lease with report(), release() or abandon(), and ask for fewer at once";
    case "aborted":
      return "the caller gave up";
  }
}

function instant(at: number): string {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? String(at) : date.toISOString();
}
