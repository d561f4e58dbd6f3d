// A drop-in `fetch`: it puts a credential into each request, tries others as the engine says, and reports.
import { anyOf } from "../abort.js";
import { answered } from "../call/answered.js";
import { Attempts } from "../call/attempts.js";
import type { AttemptOptions } from "../call/attempts.js";
import { renamed } from "../call/renamed.js";
import type { Desk, Grant } from "../desk.js";
import { sendProven } from "../dpop.js";
import type { Driver } from "../driver.js";
import { isAnswered, mayHoldError, readOutcome, transportOf } from "../outcome.js";
import type { OutcomeSource, Wanted } from "../outcome.js";
import { modelOf, withModel } from "./model.js";
import { sessionOf } from "./session.js";
import { signalOf, template, withCredential } from "./request.js";
import type { FetchInit, FetchInput, Template } from "./request.js";

/** How `pool.fetch` works. */
export interface FetchOptions extends AttemptOptions {
  /** Calls of one session stay with one credential, where the policy says so; it may also say that it is read off the request. */
  session?: string | undefined;
  /** The model; read from each request where it is left out. */
  model?: string | undefined;
  /** Where a credential's upstream has another name for the model, is that name put into the request? Yes. It is put where the model was found: in the path, or in a body that is JSON or a form. `false` leaves answers as they are too. */
  rewriteModel?: boolean | undefined;
  /** Ends every call; a request's own signal counts too. */
  signal?: AbortSignal | undefined;
  /** A request body that is a stream is kept in memory up to this size, to be sent again: 4 MiB. A longer one is sent once. */
  maxBodyBytes?: number | undefined;
}

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
  /** The answer of the last attempt: the caller's, if no further one comes. */
  #last: Response | undefined;

  constructor(driver: Driver, desk: Desk, providers: readonly string[], options: FetchOptions) {
    this.#driver = driver;
    this.#desk = desk;
    this.#providers = providers;
    this.#options = options;
  }

  async send(input: FetchInput, init: FetchInit | undefined): Promise<Response> {
    const { maxBodyBytes = MAX_BODY } = this.#options;
    const signal = (this.#signal = anyOf(signalOf(input, init), this.#options.signal));
    signal?.throwIfAborted();
    const view = this.#driver.view(this.#providers[0] ?? "");
    const request = await template(input, init, view, maxBodyBytes, signal);
    const model = this.#options.model ?? modelOf(request.url, request.body.content);
    const [session, knownAs] = this.#options.session === undefined ? sessionOf(this.#driver, request) : [this.#options.session];
    const attempts = new Attempts(this.#driver, this.#desk, { providers: this.#providers, model, session, knownAs }, this.#options, signal);
    attempts.replayable = request.body.replayable;
    let failure: unknown;
    try {
      for (;;) {
        const grant = await attempts.next();
        if (!grant.ok) {
          if (this.#last) return this.#handOver();
          throw failure ?? grant.toError();
        }
        const made = () => withCredential(this.#forUpstream(request, grant, model), grant.entry, signal);
        const sent = withAbandon(this.#desk, grant, made);
        let answer: Response;
        try {
          answer = await (grant.entry.dpop === undefined ? this.#driver.transport(grant.entry)(...sent) : sendProven(this.#driver, grant.entry, sent, request.body.replayable ? made : undefined));
        } catch (error) {
          failure = error;
          if (!(await this.#failed(attempts, grant, error))) throw error;
          continue;
        }
        this.#drop();
        this.#last = answer;
        failure = undefined;
        const { error, body } = await lookInto(answer, signal);
        if (!error) return this.#succeeded(attempts, grant, answer, body);
        if (!(await this.#refused(attempts, grant, answer.status, error))) return this.#handOver();
        signal?.throwIfAborted();
      }
    } finally {
      this.#drop();
    }
  }

  /** The request with the model as the upstream of this credential calls it. */
  #forUpstream(request: Template, { lease, entry }: Grant, model: string | undefined): Template {
    if (!entry.maps || model === undefined || this.#options.rewriteModel === false) return request;
    const upstream = this.#desk.upstreamModel(lease, entry, model);
    return upstream === undefined || upstream === model ? request : withModel(request, upstream);
  }

  /** The call was answered: the lease ends now, or with the body. */
  #succeeded(attempts: Attempts, grant: Grant, answer: Response, body: string | undefined): Response {
    this.#last = undefined;
    attempts.tell(grant, { reason: "ok" }, answer.status, false);
    const report = (outcome: OutcomeSource) => attempts.report(grant, outcome);
    const names = this.#options.rewriteModel === false ? undefined : this.#desk.modelNames(grant.lease, grant.entry, answer);
    answered({ desk: this.#desk, report, aborted: () => this.#signal?.aborted === true }, grant.lease, answer, body);
    return renamed(answer, names);
  }

  /** An answer that is an error. True: try another. */
  async #refused(attempts: Attempts, grant: Grant, status: number, error: OutcomeSource): Promise<boolean> {
    const report = await attempts.report(grant, error);
    const again = attempts.again(report);
    attempts.tell(grant, report, status, again);
    return again;
  }

  /** No answer. True: try another. */
  async #failed(attempts: Attempts, grant: Grant, error: unknown): Promise<boolean> {
    const transport = this.#signal?.aborted ? "aborted" : transportOf(error);
    if (transport === undefined) {
      // Not the network: the request itself could not be made.
      this.#desk.abandon(grant.lease);
      return false;
    }
    const report = await attempts.report(grant, { transport });
    const again = transport !== "aborted" && attempts.again(report);
    attempts.tell(grant, report, undefined, again);
    return again;
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

const WHOLE: Wanted = { headers: [], usage: true };

/** An answer that is an error, or holds one where an answer should stand. Only small JSON is looked into; the engine says what it is. */
async function lookInto(answer: Response, signal: AbortSignal | undefined): Promise<{ error?: OutcomeSource; body?: string | undefined }> {
  if (!isAnswered(answer)) return { error: answer };
  if (!mayHoldError(answer)) return {};
  const outcome = await readOutcome(answer, signal, WHOLE);
  return outcome.ok ? { body: outcome.body } : { error: outcome };
}

function withAbandon<T>(desk: Desk, { lease }: Grant, work: () => T): T {
  try {
    return work();
  } catch (error) {
    desk.abandon(lease);
    throw error;
  }
}
