// A drop-in `fetch`: it puts a credential into each request, tries others as the engine says, and reports.
import { anyOf } from "../abort.js";
import type { Desk, Grant } from "../desk.js";
import type { Driver } from "../driver.js";
import { transportOf } from "../outcome.js";
import type { OutcomeSource } from "../outcome.js";
import type { Report } from "../types.js";
import { modelOf } from "./model.js";
import { whenBodyEnds } from "./observe.js";
import { signalOf, template, withCredential } from "./request.js";
import type { FetchInit, FetchInput } from "./request.js";

/** How `pool.fetch` works. */
export interface FetchOptions {
  /** Calls of one session stay with one credential, where the policy says so. */
  session?: string | undefined;
  /** The model; read from each request where it is left out. */
  model?: string | undefined;
  /** How long a call may wait for credentials altogether; what the policy says where it is left out. */
  waitMs?: number | undefined;
  /** Ends every call; a request's own signal counts too. */
  signal?: AbortSignal | undefined;
  /** A request body that is a stream is kept in memory up to this size, to be sent again: 4 MiB. A longer one is sent once. */
  maxBodyBytes?: number | undefined;
  /** Fewer attempts than the policy allows. */
  attempts?: number | undefined;
  /** Is told of every attempt. */
  onAttempt?: ((attempt: Attempt) => void) | undefined;
}

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

/** A body of these types is handed on while it comes; its lease ends with it. */
const STREAMED = /^(text\/event-stream|application\/(x-ndjson|jsonl|stream\+json|vnd\.amazon\.eventstream))\b/i;
const MAX_BODY = 4 * 1024 * 1024;

export function poolFetch(driver: Driver, desk: Desk, providers: readonly string[], options: FetchOptions): typeof globalThis.fetch {
  return (input: FetchInput, init?: FetchInit) => new Call(driver, desk, providers, options).send(input, init);
}

class Call {
  readonly #driver: Driver;
  readonly #desk: Desk;
  readonly #providers: readonly string[];
  readonly #options: FetchOptions;
  #signal: AbortSignal | undefined;
  #model: string | undefined;
  #replayable = true;
  #attempts = 0;
  /** The answer of the last attempt: the caller's, if no further one comes. */
  #last: Response | undefined;

  constructor(driver: Driver, desk: Desk, providers: readonly string[], options: FetchOptions) {
    this.#driver = driver;
    this.#desk = desk;
    this.#providers = providers;
    this.#options = options;
  }

  async send(input: FetchInput, init: FetchInit | undefined): Promise<Response> {
    const { session, maxBodyBytes = MAX_BODY } = this.#options;
    const signal = (this.#signal = anyOf(signalOf(input, init), this.#options.signal));
    signal?.throwIfAborted();
    const view = this.#driver.view(this.#providers[0] ?? "");
    const request = await template(input, init, view, maxBodyBytes, signal);
    this.#model = this.#options.model ?? modelOf(request.url, request.body.content);
    this.#replayable = request.body.replayable;
    const asked = { providers: this.#providers, model: this.#model, session };
    let wait = this.#options.waitMs ?? this.#driver.fetchWait();
    let failure: unknown;
    let tried: number[] = [];
    let round = 0;
    try {
      for (;;) {
        const began = this.#driver.host.mono();
        const grant = await this.#desk.grant(asked, { wait, tried, round, signal });
        wait = Math.max(0, wait - (this.#driver.host.mono() - began));
        if (!grant.ok) {
          if (this.#last) return this.#handOver();
          throw failure ?? grant.toError();
        }
        // A further round: everybody may be tried again.
        tried = grant.round > round ? [grant.entry.handle] : [...tried, grant.entry.handle];
        round = grant.round;
        this.#attempts += 1;
        const sent = withAbandon(this.#desk, grant, () => withCredential(request, grant.entry, signal));
        let answer: Response;
        try {
          answer = await this.#driver.host.fetch(...sent);
        } catch (error) {
          failure = error;
          if (!(await this.#failed(grant, error))) throw error;
          continue;
        }
        this.#drop();
        this.#last = answer;
        failure = undefined;
        if (isAnswered(answer)) return this.#succeeded(grant, answer);
        if (!(await this.#refused(grant, answer))) return this.#handOver();
        signal?.throwIfAborted();
      }
    } finally {
      this.#drop();
    }
  }

  /** The call was answered: the lease ends now, or with the stream. */
  #succeeded(grant: Grant, answer: Response): Response {
    this.#last = undefined;
    this.#tell(grant, { reason: "ok" }, answer.status, false);
    if (!answer.body || !STREAMED.test(answer.headers.get("content-type") ?? "")) {
      this.#desk.release(grant.lease);
      return answer;
    }
    whenBodyEnds(answer, (error) => {
      const transport = error === undefined || this.#signal?.aborted ? undefined : (transportOf(error) ?? "connection");
      // The caller's own abort says nothing against the credential.
      if (transport === undefined || transport === "aborted") quietly(() => this.#desk.release(grant.lease));
      else void this.#report(grant, { transport });
    });
    return answer;
  }

  /** An answer that is an error. True: try another. */
  async #refused(grant: Grant, answer: Response): Promise<boolean> {
    const report = await this.#report(grant, answer);
    const again = this.#again(report);
    this.#tell(grant, report, answer.status, again);
    return again;
  }

  /** No answer. True: try another. */
  async #failed(grant: Grant, error: unknown): Promise<boolean> {
    const transport = this.#signal?.aborted ? "aborted" : transportOf(error);
    if (transport === undefined) {
      // Not the network: the request itself could not be made.
      this.#desk.abandon(grant.lease);
      return false;
    }
    const report = await this.#report(grant, { transport });
    const again = transport !== "aborted" && this.#again(report);
    this.#tell(grant, report, undefined, again);
    return again;
  }

  #again({ action }: Report): boolean {
    return action === "rotate" && this.#replayable && this.#attempts < (this.#options.attempts ?? Infinity);
  }

  /** Where a report cannot be taken (the credential is gone, the pool is closed) nothing else is tried. */
  async #report(grant: Grant, outcome: OutcomeSource): Promise<Report> {
    try {
      return await this.#desk.report(grant.lease, outcome, this.#attempts, this.#signal);
    } catch {
      return { reason: "unknown", scope: "request", level: 0, action: "stop" };
    }
  }

  #tell({ entry }: Grant, { reason, until }: Pick<Report, "reason" | "until">, status: number | undefined, retried: boolean): void {
    const { onAttempt } = this.#options;
    if (!onAttempt) return;
    const { id, provider, name } = entry;
    const attempt: Attempt = {
      number: this.#attempts,
      ...(id !== undefined && { id }),
      provider,
      name,
      ...(this.#model !== undefined && { model: this.#model }),
      ...(status !== undefined && { status }),
      reason,
      ...(until !== undefined && { until }),
      retried,
      replayable: this.#replayable,
    };
    try {
      onAttempt(attempt);
    } catch (error) {
      this.#driver.host.log("credpool: onAttempt threw", error);
    }
  }

  /** The last answer becomes the caller's. */
  #handOver(): Response {
    const answer = this.#last as Response;
    this.#last = undefined;
    return answer;
  }

  /** An answer that nobody will read: its connection becomes free. */
  #drop(): void {
    const answer = this.#last;
    this.#last = undefined;
    answer?.body?.cancel().catch(() => undefined);
  }
}

/** A redirect that the caller wants to see, and what is not modified, are answers too. */
function isAnswered({ ok, status, type }: Response): boolean {
  return ok || (status > 0 && status < 400) || type === "opaqueredirect" || type === "opaque";
}

function withAbandon<T>(desk: Desk, { lease }: Grant, work: () => T): T {
  try {
    return work();
  } catch (error) {
    desk.abandon(lease);
    throw error;
  }
}

function quietly(work: () => void): void {
  try {
    work();
  } catch {
    // The engine is gone; whoever uses the pool next is told.
  }
}
