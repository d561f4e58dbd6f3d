// A call of any kind under the pool's rules: the caller makes it, the pool gives credentials, tries others where one
// fails, and reports (CLIProxyAPI's Execute, ExecuteStream and ExecuteCount).
import type { Desk, Grant } from "../desk.js";
import type { Driver } from "../driver.js";
import { CredpoolError } from "../errors.js";
import type { Lease } from "../lease.js";
import { isAnswered, isResponse, saysHowItEnded, transportOf } from "../outcome.js";
import type { OutcomeSource } from "../outcome.js";
import type { Report, RouteOptions } from "../types.js";
import { answered } from "./answered.js";
import { Attempts } from "./attempts.js";
import type { AttemptOptions } from "./attempts.js";
import { renamed } from "./renamed.js";

/** How `pool.execute` works. */
export interface ExecuteOptions extends RouteOptions, AttemptOptions {
  /** Ends the call: no further attempt is made, and whoever waits is told the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** What one attempt is given beside its lease. */
export interface ExecuteContext {
  /** From 1. */
  readonly attempt: number;
  /** The caller's. */
  readonly signal: AbortSignal | undefined;
}

/**
 * Makes the call once with one credential. What it throws is reported if it is an upstream's answer or the connection's
 * end, and then another credential may be tried; anything else it throws is its own mistake and is thrown on at once. A
 * Response that is an error counts as a failure too. Whoever reports the lease by hand has the last word.
 */
export type Executor<T> = (lease: Lease, context: ExecuteContext) => T | Promise<T>;

/** As `Executor`, for an answer that comes in parts. */
export type StreamExecutor<T> = (lease: Lease, context: ExecuteContext) => AsyncIterable<T> | Promise<AsyncIterable<T>>;

interface Failed {
  readonly error?: unknown;
  /** The answer itself, where it was one. */
  readonly response?: Response;
}

export class Execution {
  readonly #desk: Desk;
  readonly #attempts: Attempts;
  readonly #signal: AbortSignal | undefined;
  /** A question beside the call proper, such as counting tokens: an endpoint that is missing says nothing of the credential. */
  readonly #aside: boolean;

  constructor(driver: Driver, desk: Desk, providers: readonly string[], options: ExecuteOptions, aside = false) {
    const { model, session, signal } = options;
    this.#desk = desk;
    this.#signal = signal;
    this.#aside = aside;
    this.#attempts = new Attempts(driver, desk, { providers, model, session }, options, signal);
  }

  async run<T>(work: Executor<T>): Promise<T> {
    return this.#each(async (lease, context, grant) => {
      const value = await work(lease, context);
      if (lease.ended || !isResponse(value)) {
        lease.release();
        return { value };
      }
      if (!isAnswered(value)) return { failed: { response: value }, value };
      lease.forget();
      const report = (outcome: OutcomeSource) => this.#attempts.report(grant, outcome, this.#aside);
      const names = value instanceof Response ? this.#desk.modelNames(grant.lease, grant.entry, value) : undefined;
      answered({ desk: this.#desk, report, aborted: () => this.#signal?.aborted === true }, grant.lease, value);
      return { value: renamed(value, names) as T };
    });
  }

  /** Settled with the first part: what fails before it is tried elsewhere, what fails after it is the caller's. */
  async stream<T>(work: StreamExecutor<T>): Promise<AsyncGenerator<T, void, undefined>> {
    return this.#each(async (lease, context) => {
      const parts = (await work(lease, context))[Symbol.asyncIterator]();
      const ahead: T[] = [];
      for (;;) {
        const { done, value } = await parts.next();
        if (done === true) {
          // Nothing came: the connection ended before the answer.
          const error = new CredpoolError("empty_stream", "the answer's stream ended before its first part");
          return { failed: { error }, outcome: { transport: "connection" } };
        }
        ahead.push(value);
        if (!isEmpty(value)) break;
      }
      return { value: this.#handOn(lease, parts, ahead) };
    });
  }

  async #each<T>(attempt: (lease: Lease, context: ExecuteContext, grant: Grant) => Promise<{ value: T; failed?: Failed } | { failed: Failed; outcome: OutcomeSource }>): Promise<T> {
    const attempts = this.#attempts;
    let last: { value: T } | { error: unknown } | undefined;
    for (;;) {
      this.#signal?.throwIfAborted();
      const grant = await attempts.next();
      if (!grant.ok) {
        if (last && "value" in last) return last.value;
        throw last ? last.error : grant.toError();
      }
      const lease = this.#desk.lease(grant, attempts.model);
      let again: boolean;
      try {
        const ended = await attempt(lease, { attempt: attempts.count, signal: this.#signal }, grant);
        if (!ended.failed) {
          attempts.tell(grant, { reason: "ok" }, undefined, false);
          return (ended as { value: T }).value;
        }
        discard(last);
        last = "value" in ended ? { value: ended.value } : { error: ended.failed.error };
        again = await this.#failed(grant, lease, "outcome" in ended ? ended.outcome : (ended.failed.response as Response));
      } catch (error) {
        discard(last);
        last = { error };
        again = await this.#threw(grant, lease, error);
      }
      if (again) continue;
      if ("value" in last) return last.value;
      throw last.error;
    }
  }

  async #threw(grant: Grant, lease: Lease, error: unknown): Promise<boolean> {
    if (lease.ended) return false;
    const source = error as OutcomeSource;
    if (this.#signal?.aborted) {
      lease.abandon();
      return false;
    }
    // A mistake in the caller's own code says nothing of the credential.
    if (!saysHowItEnded(error) && transportOf(error) === undefined) {
      lease.abandon();
      return false;
    }
    return this.#failed(grant, lease, source);
  }

  async #failed(grant: Grant, lease: Lease, outcome: OutcomeSource): Promise<boolean> {
    if (lease.ended) return false;
    const report: Report = await this.#attempts.report(grant, outcome, this.#aside);
    lease.forget();
    const again = this.#attempts.again(report);
    this.#attempts.tell(grant, report, statusOf(outcome), again);
    return again;
  }

  async *#handOn<T>(lease: Lease, parts: AsyncIterator<T>, ahead: readonly T[]): AsyncGenerator<T, void, undefined> {
    let whole = false;
    try {
      yield* ahead;
      for (let part = await parts.next(); part.done !== true; part = await parts.next()) yield part.value;
      whole = true;
    } catch (error) {
      whole = true;
      if (!lease.ended) {
        if (this.#signal?.aborted || transportOf(error) === "aborted") lease.abandon();
        else await lease.report(saysHowItEnded(error) ? (error as OutcomeSource) : { transport: transportOf(error) ?? "connection" }).catch(() => undefined);
      }
      throw error;
    } finally {
      // Whoever has read enough has been answered.
      lease.release();
      if (!whole) await parts.return?.();
    }
  }
}

function isEmpty(part: unknown): boolean {
  return part === undefined || part === null || part === "" || (part instanceof Uint8Array && part.byteLength === 0);
}

function statusOf(outcome: OutcomeSource): number | undefined {
  const status: unknown = typeof outcome === "object" ? (outcome as { status?: unknown }).status : undefined;
  return typeof status === "number" ? status : undefined;
}

/** An answer that nobody will read: its connection becomes free. */
function discard(last: { value: unknown } | { error: unknown } | undefined): void {
  if (last && "value" in last && isResponse(last.value)) last.value.body?.cancel().catch(() => undefined);
}
