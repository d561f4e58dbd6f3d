// Where credentials are handed out and taken back: the hot path in numbers, everything else by the driver.
import { orAbort } from "./abort.js";
import { proofFor, sawAnswer } from "./dpop.js";
import type { Driver } from "./driver.js";
import { CredpoolError, messageOf } from "./errors.js";
import type { ErrorCode, OutCandidate } from "./errors.js";
import { loginError } from "./login/error.js";
import { Lease } from "./lease.js";
import type { LeaseKeeper } from "./lease.js";
import { Names } from "./names.js";
import { NOTHING_WANTED, readOutcome } from "./outcome.js";
import type { OutcomeSource, Wanted } from "./outcome.js";
import type { Answer, ExplanationView, Origin, Outcome, RefusalCode, Reported } from "./protocol.js";
import { Refusal } from "./refusal.js";
import type { Asked } from "./refusal.js";
import type { Entry } from "./table.js";
import type { Fallback, Report, RouteOptions } from "./types.js";
import type { WasmModelNames } from "./wasm/glue.js";

/** What the hot path answers below zero. */
const CODES: Readonly<Record<number, RefusalCode>> = { [-2]: "cooling_down", [-3]: "unavailable", [-4]: "not_found", [-5]: "unknown_provider", [-6]: "too_many" };
/** A lease's number has the credential's handle above its lower 31 bits. */
const HANDLE = 2 ** 31;
const NOTHING: RouteOptions = {};

/** A credential that was handed out, for those who count attempts themselves. */
export interface Grant {
  readonly ok: true;
  readonly lease: number;
  readonly entry: Entry;
  readonly forced: boolean;
  readonly round: number;
}

/** How a credential is asked for, in handles. */
export interface Terms {
  readonly wait?: number;
  readonly exclude?: readonly number[];
  readonly tried?: readonly number[];
  /** This one, if it is ready. */
  readonly prefer?: number;
  readonly round?: number;
  /** Why the last attempt failed. */
  readonly after?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export class Desk implements LeaseKeeper {
  readonly #driver: Driver;
  readonly #names: Names;
  readonly #variable: (name: string) => string | undefined;
  /** Providers whose environment was looked at. */
  readonly #met = new Set<string>();
  #fallback: Fallback | undefined;
  /** Fallbacks that are being asked. */
  readonly #asking = new Map<string, Promise<boolean>>();
  readonly #explain = (asked: Asked): readonly OutCandidate[] => this.candidates(asked);

  constructor(driver: Driver, variable: (name: string) => string | undefined) {
    this.#driver = driver;
    this.#variable = variable;
    this.#names = new Names(driver, (provider) => this.meet(provider));
  }

  /** Other rules may tie sessions that were not tied. */
  forgetSessions(): void {
    this.#names.forgetSessions();
  }

  /** The hot path. Only numbers cross, unless the engine asks for more. */
  tryAcquire(provider: string, { model, session }: RouteOptions = NOTHING): Lease | Refusal {
    const route = this.#names.route(provider, model);
    const number = this.#pick(route, session);
    const asked = { providers: [provider], model, session };
    if (number >= 0) {
      const entry = this.#entry(number);
      return entry.unresolved ? this.#another({ ok: true, lease: number, entry, forced: false, round: 0 }, asked, model) : this.#leaseOf(number, entry, model);
    }
    const refusal = number === -1 ? this.#grantNow(asked) : this.#refusal(number, route, asked);
    if (refusal.ok) return refusal.entry.unresolved ? this.#another(refusal, asked, model) : this.lease(refusal, model);
    if (!this.#fallback || !this.#fallsBack(refusal)) return refusal;
    // A fallback that answers at once serves this call, one that does not serves the next.
    const added = this.#askNow(provider, refusal);
    const again = added ? this.#grantNow(asked) : refusal;
    return again.ok ? this.lease(again, model) : again;
  }

  /** The hot path alone: `undefined` where it has nobody at hand. */
  acquireNow(provider: string, { model, session }: RouteOptions): Lease | undefined {
    const number = this.#pick(this.#names.route(provider, model), session);
    if (number < 0) return undefined;
    const entry = this.#entry(number);
    if (!entry.unresolved) return this.#leaseOf(number, entry, model);
    this.abandon(number);
    return undefined;
  }

  /**
   * Hands one out, waits for one as long as the terms say, or says why there is none. Where a secret is kept elsewhere it is
   * looked up first; whose cannot be is reported as refused, and another is asked for.
   */
  async grant(asked: Asked, terms: Terms): Promise<Grant | Refusal> {
    let cause: CredpoolError | undefined;
    for (let exclude = terms.exclude ?? []; ; ) {
      const granted = await this.#grant(asked, { ...terms, exclude });
      if (!granted.ok) return granted.because(cause);
      if (!granted.entry.unresolved) return granted;
      try {
        return { ...granted, entry: await orAbort(this.resolved(granted.entry), terms.signal) };
      } catch (error) {
        if (terms.signal?.aborted || !(error instanceof CredpoolError)) {
          this.abandon(granted.lease);
          throw error;
        }
        cause = error;
        this.#unresolved(granted.lease, granted.entry, error);
        exclude = [...exclude, granted.entry.handle];
      }
    }
  }

  /** The entry with its secret, looked up where that is kept elsewhere. Rejected where it cannot be. */
  async resolved(entry: Entry): Promise<Entry> {
    if (entry.reference === undefined || !entry.unresolved) return entry;
    return this.#driver.table.resolved(entry, await this.#driver.references.resolve(entry.reference, entry));
  }

  /** It counts as refused by its provider: it alone rests, as the policy says of that. */
  #unresolved(lease: number, { provider, name }: Entry, error: CredpoolError): void {
    this.#driver.host.log(`credpool: ${provider}:${name} cannot be used`, error.message);
    this.#driver.call((request) => ({ report: { request, lease, outcome: { status: 401 } } }));
  }

  /** At once, so without those whose secret is not known yet: it is looked up for the next call. */
  #another(first: Grant, asked: Asked, model: string | undefined): Lease | Refusal {
    const exclude: number[] = [];
    for (let granted: Grant | Refusal = first; ; ) {
      if (!granted.ok) return granted;
      const { entry, lease } = granted;
      if (!entry.unresolved) return this.lease(granted, model);
      const known = this.#knownNow(entry, lease);
      if (known) return this.lease({ ...granted, entry: known }, model);
      exclude.push(entry.handle);
      granted = this.#grantNow(asked, { exclude });
    }
  }

  /** Looked up meanwhile, or once more. Where it cannot be the lease has ended. */
  #knownNow(entry: Entry, lease: number): Entry | undefined {
    try {
      const secret = this.#driver.references.now(entry.reference ?? "", entry);
      if (secret !== undefined) return this.#driver.table.resolved(entry, secret);
      this.abandon(lease);
    } catch (error) {
      this.#unresolved(lease, entry, error as CredpoolError);
    }
    return undefined;
  }

  async #grant(asked: Asked, terms: Terms): Promise<Grant | Refusal> {
    terms.signal?.throwIfAborted();
    const [provider, other] = asked.providers;
    if (provider !== undefined && other === undefined && !terms.tried?.length && !terms.exclude?.length && terms.prefer === undefined) {
      const number = this.#pick(this.#names.route(provider, asked.model), asked.session);
      if (number >= 0) return { ok: true, lease: number, entry: this.#entry(number), forced: false, round: terms.round ?? 0 };
    }
    for (const name of asked.providers) this.#names.route(name, undefined);
    if (this.#fallback) {
      const first = this.#grantNow(asked, terms);
      if (first.ok) return first;
      const added = this.#fallsBack(first) ? await orAbort(this.#askAll(asked.providers, first), terms.signal) : false;
      if (!added && !terms.wait) return first;
    }
    const answer = await this.#driver.request((request) => this.#input(request, asked, terms), terms.signal);
    return this.#granted(answer, asked);
  }

  lease({ lease, entry, forced }: Grant, model: string | undefined): Lease {
    return new Lease(this, lease, entry, forced, this.upstreamModel(lease, entry, model), this.#answerModel(lease, entry));
  }

  /** What the upstream of a lease calls the model that its caller named. */
  upstreamModel(lease: number, { maps }: Entry, model: string | undefined): string | undefined {
    if (!maps || model === undefined) return model;
    return this.#driver.seldom(() => this.#driver.wasm.upstreamModel(lease, model)) || model;
  }

  /** What rewrites the answer to a lease's call, where it is to name another model than the upstream's. To be asked while the lease is open. */
  modelNames(lease: number, { maps }: Entry, { headers }: Response): WasmModelNames | undefined {
    const driver = this.#driver;
    if (!maps || !driver.open) return undefined;
    return driver.seldom(() => driver.wasm.modelNames(lease, headers.get("content-type") ?? ""));
  }

  #answerModel(lease: number, { maps }: Entry): string | undefined {
    return maps ? this.#driver.seldom(() => this.#driver.wasm.answerModel(lease)) || undefined : undefined;
  }

  #leaseOf(number: number, entry: Entry, model: string | undefined): Lease {
    return new Lease(this, number, entry, false, this.upstreamModel(number, entry, model), this.#answerModel(number, entry));
  }

  release(lease: number): void {
    const driver = this.#driver;
    if (!driver.open) return;
    let done: boolean;
    try {
      done = driver.wasm.release(driver.host.mono(), lease);
    } catch (error) {
      throw driver.understand(error);
    }
    if (!done) driver.call((request) => ({ report: { request, lease, outcome: { ok: true } } }));
    else driver.touch();
  }

  /** What somebody wants to know of the answer to this lease's call, if it succeeds. */
  wanted(lease: number): Wanted {
    const driver = this.#driver;
    const bits = driver.open ? driver.run(() => driver.wasm.wanted(lease)) : 0;
    return bits === 0 ? NOTHING_WANTED : { headers: bits % 2 === 1 ? driver.limitHeaders() : [], usage: bits > 1 };
  }

  /** A success: in the hot path, unless its answer says something of limits. */
  succeed(lease: number, outcome: Outcome): void {
    if (!outcome.headers && outcome.body === undefined) return this.release(lease);
    // As with `release`: where it cannot be taken, there is nobody to be told.
    if (this.#driver.open) this.#driver.call((request) => ({ report: { request, lease, outcome } }));
  }

  abandon(lease: number): void {
    if (this.#driver.open && !this.#driver.run(() => this.#driver.wasm.abandon(lease))) this.#driver.tick();
  }

  async proof(entry: Entry, method: string, url: string, after: Response | undefined): Promise<Record<string, string>> {
    if (entry.dpop === undefined) return {};
    if (after) sawAnswer(this.#driver, url, after);
    return { dpop: await proofFor(this.#driver, entry, method, url) };
  }

  async report(lease: number, outcome: OutcomeSource, attempts: number, signal?: AbortSignal, aside = false, refreshed = false): Promise<Report> {
    if (lease < 0) throw new CredpoolError("not_found", "this lease has ended already: report, release or abandon it once");
    const read = { ...(await readOutcome(outcome, signal, this.wanted(lease))), ...(aside && { aside }) };
    const entry = this.#driver.open ? this.#driver.table.at(Math.floor(lease / HANDLE)) : undefined;
    const report = reportOf(this.#driver.call((request) => ({ report: { request, lease, outcome: read, attempts, ...(refreshed && { refreshed }) } })));
    return entry?.reference !== undefined && report.reason.startsWith("auth") && (await this.#changed(entry)) ? { ...report, action: "refresh" } : report;
  }

  /** A secret that is kept elsewhere was refused: it may be another one by now. Then its rests have ended, as they do with a new secret. */
  async #changed(entry: Entry): Promise<boolean> {
    try {
      const secret = await this.#driver.references.resolve(entry.reference ?? "", entry, true);
      if (secret === entry.secret || !this.#driver.open) return false;
      this.#driver.table.resolved(entry, secret);
      await this.#driver.request((request) => ({ reset: { request, handle: entry.handle } }));
      return true;
    } catch {
      return false; // It rests, and whoever uses it next is told why.
    }
  }

  /** Renews the token that a call was refused with. Settled when that is over, one way or the other. */
  async renew({ id, version, reference }: Entry, signal: AbortSignal | undefined): Promise<boolean> {
    if (reference !== undefined) return true; // Looked up once more with the report.
    if (id === undefined) return false;
    const answer = await this.#driver.request((request) => ({ refresh: { request, id, force: true, failed: version } }), signal);
    return answer.refreshed !== undefined;
  }

  /** A call ended of which no lease is known. */
  async reportUse(handle: number, outcome: OutcomeSource, { model, session }: RouteOptions): Promise<Report> {
    const read = await readOutcome(outcome, undefined, this.wanted(handle * HANDLE));
    return reportOf(this.#driver.call((request) => ({ report: { request, handle, outcome: read, ...named(model, session) } })));
  }

  /** Sets or takes back a key that is not stored. */
  override(provider: string, origin: Origin, key: string | null, name?: string): void {
    const secret = key === null ? {} : { secret: { key } };
    must(this.#driver.call((request) => ({ override: { request, provider, origin, ...secret, ...(name !== undefined && { name }) } })));
  }

  /** What was known of providers may be out of date. */
  forgetNames(): void {
    this.#driver.forgetViews();
    this.#driver.table.renew();
    this.#names.forgetProviders();
    this.#met.clear();
  }

  setFallback(fallback: Fallback | undefined): void {
    this.#fallback = fallback;
  }

  /** Looks once at the environment of a provider. */
  meet(provider: string): void {
    const { name, environment } = this.#driver.view(provider).facts;
    if (this.#met.has(name)) return;
    this.#met.add(name);
    for (const variable of environment) {
      const key = this.#variable(variable)?.trim();
      if (!key) continue;
      try {
        this.override(name, "env", key, variable);
      } catch (error) {
        // Not a key, or the policy has no place for the environment's.
        if (messageOf(error).startsWith("key:")) this.#driver.host.log(`credpool: ${variable} is not used: its value`, messageOf(error).slice("key:".length).trim());
      }
      return;
    }
  }

  /** Every credential that was asked for, and why it is out. */
  candidates({ providers, model, session }: Asked): OutCandidate[] {
    const driver = this.#driver;
    if (!driver.open) return [];
    return providers.flatMap((provider) => {
      const { candidates } = JSON.parse(driver.seldom(() => driver.wasm.explain(provider, model ?? "", session ?? ""))) as ExplanationView;
      return candidates.map(({ id, name, verdict, until }) => ({
        ...(id !== undefined && { id }),
        provider: driver.view(provider).facts.name,
        name,
        reason: verdict === "picked" ? "ready" : verdict,
        ...(until !== undefined && { until }),
      }));
    });
  }

  #pick(route: number, session: string | undefined): number {
    const driver = this.#driver;
    const tie = session === undefined ? 0 : this.#names.session(session);
    let number: number;
    try {
      number = driver.wasm.tryAcquire(driver.host.mono(), route, tie);
    } catch (error) {
      throw driver.understand(error);
    }
    if (number >= 0) driver.touch();
    else if (number === -1) this.#names.forgetSession(session);
    return number;
  }

  #refusal(number: number, route: number, asked: Asked): Refusal {
    const code = CODES[number];
    if (!code) throw new CredpoolError("internal", `the engine answered ${number}: please report this`);
    const at = code === "cooling_down" ? this.#driver.run(() => this.#driver.wasm.soonest(route)) : -1;
    return new Refusal(code, at < 0 ? undefined : at, asked, this.#explain);
  }

  #grantNow(asked: Asked, terms: Terms = {}): Grant | Refusal {
    return this.#granted(this.#driver.call((request) => this.#input(request, asked, { ...terms, wait: 0 }, true)), asked);
  }

  #input(request: number, { providers, model, session, knownAs }: Asked, { wait = 0, exclude = [], tried = [], round = 0, after, prefer }: Terms, now = false) {
    return { acquire: { request, providers, ...named(model, session), ...(knownAs !== undefined && { knownAs }), exclude, tried, round, ...(after !== undefined && { after }), wait: Math.max(0, Math.floor(wait)), ...(prefer !== undefined && { prefer }), ...(now && { now }) } };
  }

  #granted(answer: Answer, asked: Asked): Grant | Refusal {
    const { leased, refused } = answer;
    if (leased) return { ok: true, lease: leased.lease, entry: this.#entry(leased.lease), forced: leased.forced, round: leased.round };
    if (refused) return new Refusal(refused.code, refused.retryAt, asked, this.#explain);
    throw failure(answer);
  }

  #entry(lease: number): Entry {
    const entry = this.#driver.table.at(Math.floor(lease / HANDLE));
    if (!entry) throw new CredpoolError("internal", "the engine handed out a credential that the host does not know: please report this");
    return entry;
  }

  /** The key that the fallback gave for a provider before. */
  #given(provider: string): string | undefined {
    return this.#driver.table.at(this.#driver.run(() => this.#driver.wasm.findFallback(provider)))?.secret;
  }

  #fallsBack({ code }: Refusal): boolean {
    return code !== "too_many" && code !== "aborted";
  }

  /** Asks the fallback for each provider in turn, until one has a new key. */
  async #askAll(providers: readonly string[], refusal: Refusal): Promise<boolean> {
    try {
      for (const provider of providers) if (await this.#ask(provider)) return true;
      return false;
    } catch (error) {
      throw refusal.toError(error);
    }
  }

  #askNow(provider: string, refusal: Refusal): boolean {
    try {
      const added = this.#ask(provider);
      if (typeof added === "boolean") return added;
      added.catch(() => undefined); // Whoever waits for it is told.
      return false;
    } catch (error) {
      throw refusal.toError(error);
    }
  }

  /** Asks the fallback for a key. True where it gave one that was not there before. */
  #ask(provider: string): boolean | Promise<boolean> {
    const { name } = this.#driver.view(provider).facts;
    const asking = this.#asking.get(name);
    if (asking) return asking;
    const take = (key: string | null | undefined): boolean => {
      // The same key again keeps its cooldowns.
      if (!key || !this.#driver.open || this.#given(name) === key.trim()) return false;
      this.override(name, "fallback", key);
      return true;
    };
    const key = this.#fallback?.(name);
    if (typeof key !== "object" || key === null) return take(key);
    const asked = Promise.resolve(key).then(take).finally(() => this.#asking.delete(name));
    this.#asking.set(name, asked);
    return asked;
  }
}

/** The answer of a command that is done or not. */
export function must(answer: Answer): number[] {
  if (answer.done) return answer.done.ids;
  throw failure(answer);
}

export function failure({ failed }: Answer): CredpoolError {
  if (!failed) return new CredpoolError("internal", "the engine gave an answer of another kind: please report this");
  if (failed.code === "login") return loginError(failed.message);
  return new CredpoolError(failed.code satisfies ErrorCode, failed.message);
}

function reportOf(answer: Answer): Report {
  const reported: Reported | undefined = answer.reported;
  if (!reported) throw failure(answer);
  const { reason, scope, until, level, action, message } = reported;
  return { reason, scope, ...(until !== undefined && { until }), level, action, ...(message !== undefined && { message }) };
}

function named(model: string | undefined, session: string | undefined): { model?: string; session?: string } {
  return { ...(model !== undefined && { model }), ...(session !== undefined && { session }) };
}
