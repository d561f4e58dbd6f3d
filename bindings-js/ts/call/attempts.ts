// The attempts of one call: one credential after the other, as the engine says, within the bounds of the caller.
import type { Desk, Grant } from "../desk.js";
import type { Driver } from "../driver.js";
import type { OutcomeSource } from "../outcome.js";
import type { Asked, Refusal } from "../refusal.js";
import type { Report } from "../types.js";

/** One attempt of a call. */
export interface Attempt {
  /** From 1. */
  readonly number: number;
  readonly id?: number;
  readonly provider: string;
  readonly name: string;
  readonly model?: string;
  /** Absent where there was no answer. */
  readonly status?: number;
  /** `ok`, or why it failed. */
  readonly reason: string;
  /** Until when the credential, or a part of it, rests now. */
  readonly until?: number;
  /** Another attempt follows. */
  readonly retried: boolean;
  /** The request's body was too long to be kept: it could be sent only once. */
  readonly replayable: boolean;
}

/** How long and how often a call is tried. */
export interface AttemptOptions {
  /** How long a call may wait for credentials altogether; what the policy says where it is left out. */
  waitMs?: number | undefined;
  /** Fewer attempts than the policy allows. */
  attempts?: number | undefined;
  /** Is told of every attempt. */
  onAttempt?: ((attempt: Attempt) => void) | undefined;
}

export class Attempts {
  /** How many were made. */
  count = 0;
  /** Can the call be made again? */
  replayable = true;
  readonly #driver: Driver;
  readonly #desk: Desk;
  readonly #asked: Asked;
  readonly #options: AttemptOptions;
  readonly #signal: AbortSignal | undefined;
  #wait: number;
  #tried: number[] = [];
  #round = 0;
  /** Why the last one failed. */
  #after: string | undefined;
  /** Whose token was just renewed. */
  #prefer: number | undefined;
  /** Whose token was refused and renewed, or could not be: once in a call is enough. */
  readonly #renewed = new Set<number>();

  constructor(driver: Driver, desk: Desk, asked: Asked, options: AttemptOptions, signal: AbortSignal | undefined) {
    this.#driver = driver;
    this.#desk = desk;
    this.#asked = asked;
    this.#options = options;
    this.#signal = signal;
    this.#wait = options.waitMs ?? driver.fetchWait();
  }

  /** The model that was asked for. */
  get model(): string | undefined {
    return this.#asked.model;
  }

  /** The credential of the next attempt, waited for as long as the caller may still wait. */
  async next(): Promise<Grant | Refusal> {
    const began = this.#driver.host.mono();
    const prefer = this.#prefer;
    this.#prefer = undefined;
    const grant = await this.#desk.grant(this.#asked, { wait: this.#wait, tried: this.#tried, round: this.#round, after: this.#after, signal: this.#signal, ...(prefer !== undefined && { prefer }) });
    this.#wait = Math.max(0, this.#wait - (this.#driver.host.mono() - began));
    if (!grant.ok) return grant;
    // A further round: everybody may be tried again.
    this.#tried = grant.round > this.#round ? [grant.entry.handle] : [...this.#tried, grant.entry.handle];
    this.#round = grant.round;
    this.count += 1;
    return grant;
  }

  /** Where a report cannot be taken (the credential is gone, the pool is closed) nothing else is tried. */
  async report(grant: Grant, outcome: OutcomeSource, aside = false): Promise<Report> {
    try {
      const report = await this.#desk.report(grant.lease, outcome, this.count, this.#signal, aside, this.#renewed.has(grant.entry.handle));
      return report.action === "refresh" && this.replayable ? await this.#renew(grant, report) : report;
    } catch {
      return { reason: "unknown", scope: "request", level: 0, action: "stop" };
    }
  }

  /** A token was refused: it is renewed, and the same credential is tried once more; without a new one, another. */
  async #renew({ entry }: Grant, report: Report): Promise<Report> {
    this.#renewed.add(entry.handle);
    if (await this.#desk.renew(entry, this.#signal)) {
      this.#tried = this.#tried.filter((handle) => handle !== entry.handle);
      this.#prefer = entry.handle;
    }
    return { ...report, action: "rotate" };
  }

  /** Is there to be another attempt after this report? */
  again({ action, reason }: Report): boolean {
    this.#after = reason;
    return (action === "rotate" || action === "refresh") && this.replayable && this.count < (this.#options.attempts ?? Infinity);
  }

  /** Tells whoever wants to know of an attempt that has ended. */
  tell({ entry }: Grant, { reason, until }: Pick<Report, "reason" | "until">, status: number | undefined, retried: boolean): void {
    const { onAttempt } = this.#options;
    if (!onAttempt) return;
    const { id, provider, name } = entry;
    const { model } = this.#asked;
    const attempt: Attempt = {
      number: this.count,
      ...(id !== undefined && { id }),
      provider,
      name,
      ...(model !== undefined && { model }),
      ...(status !== undefined && { status }),
      reason,
      ...(until !== undefined && { until }),
      retried,
      replayable: this.replayable,
    };
    try {
      onAttempt(attempt);
    } catch (error) {
      this.#driver.host.log("credpool: onAttempt threw", error);
    }
  }
}
