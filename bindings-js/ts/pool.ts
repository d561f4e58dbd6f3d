/// <reference lib="esnext.disposable" preserve="true" />
// The pool as programs use it.
import { Execution } from "./call/execute.js";
import type { ExecuteOptions, Executor, StreamExecutor } from "./call/execute.js";
import { prepareRequest, sendOnce } from "./call/single.js";
import { Desk, failure, must } from "./desk.js";
import { Driver } from "./driver.js";
import { CredpoolError, quoted } from "./errors.js";
import type { EventKind, Listener } from "./events.js";
import { check } from "./health.js";
import type { CheckOptions, CredentialHealth } from "./health.js";
import { poolFetch } from "./fetch/fetch.js";
import type { FetchOptions } from "./fetch/fetch.js";
import type { FetchInit, FetchInput } from "./fetch/request.js";
import { completeHost, processVariable, randomSeed } from "./host.js";
import { Lease } from "./lease.js";
import { ready } from "./load/engine.js";
import { more } from "./load/more.js";
import { documentsOf } from "./load/presets.js";
import { login } from "./login/login.js";
import type { LoginOptions } from "./login/types.js";
import { headerPairs, transportOf } from "./outcome.js";
import type { HeaderSource, OutcomeSource } from "./outcome.js";
import type { ExplanationView, MemberView } from "./protocol.js";
import { References } from "./references.js";
import type { Refusal } from "./refusal.js";
import { listOf, redeem } from "./resets.js";
import type { AccountResets, ListResetsOptions, Redeemed, RedeemOptions } from "./resets.js";
import { Profiles } from "./profiles.js";
import { Providers } from "./providers.js";
import { changesInput, clientData, credentialInfo, credentialInput, instant, parseRef, providerFacts } from "./shapes.js";
import { memoryStore } from "./store/memory.js";
import type { SharedLimits } from "./shared-limits.js";
import type { CredentialStore, StoreNotice } from "./store/store.js";
import { giveUp, keep } from "./store/use.js";
import { StoreWatch } from "./store/watch.js";
import type { Entry } from "./table.js";
import { listCosts, listHistory } from "./history.js";
import type { RecordCostOptions, UsageCostEntry, UsageHistoryEntry, UsageHistoryOptions } from "./history.js";
import { knownUsage } from "./usage.js";
import type { AccountUsage, FetchUsageOptions, MarkedUsage, MarkUsageOptions, UsageReportInput } from "./usage.js";
import type { UsageProvider } from "./usage-host.js";
import type {
  AcquireOptions,
  CredentialChanges,
  CredentialInfo,
  CredentialRef,
  Explanation,
  Fallback,
  Introspection,
  NewCredential,
  NewProviderCredential,
  Origin,
  Overrides,
  Peeked,
  PoolOptions,
  RefreshOptions,
  Refreshed,
  Refresher,
  Renewal,
  Report,
  RouteOptions,
} from "./types.js";

/** A pause that only a hand ends: the last instant that a date can name. */
const BY_HAND = 8.64e15;

/** One pool for all keys and accounts of a program. */
export class CredentialPool implements AsyncDisposable {
  readonly #driver: Driver;
  readonly #desk: Desk;
  readonly #store: CredentialStore;
  /** What is known of providers; more may be registered. */
  readonly providers: Providers;
  /** Stored credentials as people handle them: `provider:name`. */
  readonly profiles: Profiles;
  #watch: StoreWatch | undefined;
  /** How to hear no more of what the store says of itself, and who shares limits. */
  #notices: (() => void) | undefined;
  #limits: SharedLimits | undefined;
  #closing: Promise<void> | undefined;

  private constructor(driver: Driver, desk: Desk, store: CredentialStore) {
    this.#driver = driver;
    this.#desk = desk;
    this.#store = store;
    this.providers = new Providers(driver, () => desk.forgetNames());
    this.profiles = new Profiles(this, driver, this.providers, store, desk);
  }

  /** Opens a pool and reads its store. */
  static async open(options: PoolOptions = {}): Promise<CredentialPool> {
    const { store = memoryStore(), env, policy = "default", providers = [], storeTimeoutMs = 30_000, limits } = options;
    const host = completeHost(options.host);
    const [documents] = await Promise.all([documentsOf(policy), ready()]);
    if (policy !== "default" || limits) await more();
    const clients = Object.entries(options.oauth ?? {}).map(clientData);
    const config = { policy, documents, providers: providers.map(providerFacts), seed: options.seed ?? randomSeed(host), clients, sharedLimits: limits !== undefined };
    const variable = (name: string) => (env === undefined ? processVariable(name) : env === false ? undefined : env[name]);
    const driver = new Driver(config, store, host, storeTimeoutMs, new References(host, variable, options.execSecrets === true), limits);
    const pool = new CredentialPool(driver, new Desk(driver, variable), store);
    keep(store);
    if (limits) keep(limits);
    pool.#limits = limits;
    const told = ({ kind, message }: StoreNotice) => driver.open && driver.events.emit({ kind: "store", at: host.now(), reason: kind, cause: message });
    const stops = [store.notices?.(told), limits?.notices?.(told)];
    pool.#notices = () => stops.forEach((stop) => stop?.());
    try {
      for (const [provider, refresher] of Object.entries(options.refreshers ?? {})) pool.setRefresher(provider, refresher);
      for (const [provider, usage] of Object.entries(options.usageProviders ?? {})) await pool.setUsageProvider(provider, usage);
      // First, so that no change falls between the two.
      pool.#watch = new StoreWatch(store, driver.known, host, () => pool.reload(), (generation, rows) => driver.tell({ changed: { generation, rows } }));
      await pool.reload();
    } catch (error) {
      pool.#watch?.stop();
      pool.#notices?.();
      driver.end(closed());
      for (const used of [store, limits]) if (used) await giveUp(used).catch(() => undefined);
      throw error;
    }
    return pool;
  }

  /** Stores a credential, or gives the one of the same name or secret a new one. Answers its id once it is durable. */
  async add(provider: string, credential: NewCredential): Promise<number> {
    const [id] = await this.#add([credentialInput(provider, credential)]);
    if (id === undefined) throw new CredpoolError("internal", "the engine stored a credential without an id: please report this");
    return id;
  }

  /** Stores many at once, all or none. */
  async addMany(credentials: readonly NewProviderCredential[]): Promise<number[]> {
    return this.#add(credentials.map((credential) => credentialInput(credential.provider, credential)));
  }

  /** A credential for one call, from the first provider that has one. Rejected with a `CredpoolError` where none has. */
  acquire(provider: string | readonly string[], options: AcquireOptions = {}): Promise<Lease> {
    if (typeof provider === "string" && !options.exclude?.length && !options.signal?.aborted) {
      // Where somebody is ready one promise is all.
      try {
        const lease = this.#desk.acquireNow(provider, options);
        if (lease) return Promise.resolve(lease);
      } catch (error) {
        return Promise.reject(error as Error);
      }
    }
    return this.#acquire(provider, options);
  }

  async #acquire(provider: string | readonly string[], options: AcquireOptions): Promise<Lease> {
    const { model, session, waitMs: wait = 0, signal, exclude } = options;
    const providers = typeof provider === "string" ? [provider] : provider;
    if (providers.length === 0) throw new CredpoolError("invalid", "acquire: name at least one provider");
    const handles = exclude?.flatMap((ref) => this.#find(ref)?.handle ?? []);
    const granted = await this.#desk.grant({ providers, model, session }, { wait, signal, ...(handles && { exclude: handles }) });
    if (!granted.ok) throw granted.toError();
    return this.#desk.lease(granted, model);
  }

  /**
   * One credential of each of several providers, all asked at once: a lease, or why there is none. End every lease; those
   * that are not needed with `abandon`.
   */
  async resolveMany(providers: readonly string[], options: AcquireOptions = {}): Promise<Map<string, Lease | CredpoolError>> {
    const one = async (provider: string): Promise<[string, Lease | CredpoolError]> => {
      try {
        return [provider, await this.acquire(provider, options)];
      } catch (error) {
        if (error instanceof CredpoolError) return [provider, error];
        throw error;
      }
    };
    const settled = await Promise.allSettled([...new Set(providers)].map(one));
    const failed = settled.find((each) => each.status === "rejected");
    if (failed) {
      // The caller gave up: what was handed out meanwhile goes back.
      for (const each of settled) if (each.status === "fulfilled" && each.value[1] instanceof Lease) each.value[1].abandon();
      throw failed.reason;
    }
    return new Map(settled.flatMap((each) => (each.status === "fulfilled" ? [each.value] : [])));
  }

  /**
   * A credential at once, or why there is none: look at `ok`. The cheapest way to one; it never waits and does not throw
   * where nobody is to be had.
   */
  tryAcquire(provider: string, options?: RouteOptions): Lease | Refusal {
    return this.#desk.tryAcquire(provider, options);
  }

  /** Tells how a call ended that was made without a lease. */
  async report(ref: CredentialRef, outcome: OutcomeSource, options: RouteOptions = {}): Promise<Report> {
    return this.#desk.reportUse(this.#get(ref).handle, outcome, options);
  }

  /** A `fetch` for any SDK: it puts in a credential, tries others where one fails, and reports. */
  fetch(provider: string | readonly string[], options: FetchOptions = {}): typeof globalThis.fetch {
    const providers = typeof provider === "string" ? [provider] : [...provider];
    if (providers.length === 0) throw new CredpoolError("invalid", "fetch: name at least one provider");
    return poolFetch(this.#driver, this.#desk, providers, options);
  }

  /**
   * Makes a call of any kind: `work` makes it once with the credential it is given; where that fails by the credential's or
   * the upstream's fault, another is tried as the policy says. Rejected with what the last attempt threw, or a `CredpoolError`.
   */
  execute<T>(provider: string | readonly string[], options: ExecuteOptions, work: Executor<T>): Promise<T> {
    return this.#execution("execute", provider, options).run(work);
  }

  /** As `execute`, for an answer in parts. Settled with its first part: what fails after it is thrown to whoever reads. */
  executeStream<T>(provider: string | readonly string[], options: ExecuteOptions, work: StreamExecutor<T>): Promise<AsyncGenerator<T, void, undefined>> {
    return this.#execution("executeStream", provider, options).stream(work);
  }

  /** As `execute`, for a question beside the call, such as counting tokens: where the endpoint is missing (404) nothing rests for it. */
  executeCount<T>(provider: string | readonly string[], options: ExecuteOptions, work: Executor<T>): Promise<T> {
    return this.#execution("executeCount", provider, options, true).run(work);
  }

  /** A request with this credential in it, every other taken out. Nothing is sent. */
  async prepareRequest(ref: CredentialRef, input: FetchInput, init?: FetchInit): Promise<Request> {
    return prepareRequest(await this.#desk.resolved(this.#get(ref)), input, init);
  }

  /** Sends one request with this credential: no other is tried, nothing is reported. */
  async send(ref: CredentialRef, input: FetchInput, init?: FetchInit): Promise<Response> {
    return sendOnce(this.#driver, await this.#desk.resolved(this.#get(ref)), input, init);
  }

  /**
   * Asks with this credential alone, whatever state it is in, and reports what came: an answer ends its rests as the policy says,
   * and enables it where a failure had disabled it. Rejected with the connection's error where no answer comes; that is reported too.
   */
  async probe(ref: CredentialRef, input: FetchInput, init?: FetchInit, options: RouteOptions = {}): Promise<{ response: Response; report: Report }> {
    let response: Response;
    try {
      response = await this.send(ref, input, init);
    } catch (error) {
      if (transportOf(error) !== undefined) await this.report(ref, error as Error, options);
      throw error;
    }
    return { response, report: await this.report(ref, response, options) };
  }

  /** Who would be picked now, and why the others would not. Changes nothing. As a table: `formatExplanation`. */
  explain(provider: string, options: RouteOptions = {}): Explanation {
    const { model = "", session = "" } = options;
    this.#look(provider);
    const { picked, candidates } = JSON.parse(this.#driver.seldom(() => this.#driver.wasm.explain(provider, model, session))) as ExplanationView;
    return { ...(picked !== undefined && { picked }), candidates: candidates.map(({ handle: _handle, ...candidate }) => candidate) };
  }

  /** Who would be picked now. Changes nothing. */
  peek(provider: string, options: RouteOptions = {}): Peeked | undefined {
    const { model = "", session = "" } = options;
    this.#look(provider);
    const handle = this.#driver.seldom(() => this.#driver.wasm.peek(provider, model, session));
    const entry = this.#driver.table.at(handle);
    return entry && { ...(entry.id !== undefined && { id: entry.id }), provider: entry.provider, name: entry.name, kind: entry.kind, origin: entry.origin };
  }

  /** Which leg of the cascade would give a provider's credential now; for the environment, by which variable. */
  origin(provider: string): { origin: Origin; env?: string } | undefined {
    const peeked = this.peek(provider);
    return peeked && { origin: peeked.origin, ...(peeked.origin === "env" && { env: peeked.name }) };
  }

  /** Every credential of a provider, or of all, without secrets. */
  list(provider?: string): CredentialInfo[] {
    this.#look(provider);
    const views = JSON.parse(this.#driver.run(() => this.#driver.wasm.list(provider ?? ""))) as MemberView[];
    return views.map(credentialInfo);
  }

  /** One credential; `undefined` where there is none. */
  get(ref: CredentialRef): CredentialInfo | undefined {
    const entry = this.#find(ref);
    return entry && this.list(entry.provider).find(({ id, name, origin }) => (entry.id === undefined ? name === entry.name && origin === entry.origin : id === entry.id));
  }

  /** Changes a stored credential. Cooldowns stay, unless a new secret ends those that the old one earned. */
  async update(ref: CredentialRef, changes: CredentialChanges): Promise<void> {
    const id = this.#stored(ref);
    const input = changesInput(changes);
    must(await this.#driver.request((request) => ({ update: { request, id, ...input } })));
  }

  async enable(ref: CredentialRef): Promise<void> {
    await this.update(ref, { enabled: true });
  }

  /** Takes a credential out of use; it stays in the store. */
  async disable(ref: CredentialRef, cause?: string): Promise<void> {
    await this.update(ref, { enabled: false, disabledCause: cause });
  }

  /**
   * Logs in to an account of a provider: in a browser, or by a code that is typed in on any device. A login of an account
   * that is there already renews it and nothing else. Answers its id once it is durable.
   */
  async login(provider: string, options: LoginOptions = {}): Promise<number> {
    return login(this.#driver, provider, options);
  }

  /** Gives an account's tokens back to its provider, where it takes them, and takes the account out of the store. */
  async logout(ref: CredentialRef): Promise<void> {
    const id = this.#stored(ref);
    must(await this.#driver.request((request) => ({ logout: { request, id } })));
  }

  /**
   * Renews an account's tokens and answers when they are durable. Fresh ones are left alone, unless `force` says otherwise.
   * Whoever asks for the same account meanwhile, here or in another process, gets the same new tokens.
   */
  async refresh(ref: CredentialRef, { force = false, failedVersion, signal }: RefreshOptions = {}): Promise<Refreshed> {
    const id = this.#stored(ref);
    const failed = failedVersion !== undefined && { failed: failedVersion };
    const answer = await this.#driver.request((request) => ({ refresh: { request, id, force, ...failed } }), signal);
    const { refreshed, refresh_failed: not } = answer;
    if (refreshed) return { ok: true, version: refreshed.version, ...(refreshed.expires !== undefined && { expires: refreshed.expires }) };
    if (not) return { ok: false, definitive: not.definitive, cause: not.cause };
    throw failure(answer);
  }

  /**
   * Asks the provider whether an account's tokens are good (RFC 7662). Nothing is decided by it: an account whose grant is dead rests as
   * after a refused call, and is never disabled. Rejected where the provider has no such endpoint.
   */
  async introspect(ref: CredentialRef, { signal }: { signal?: AbortSignal | undefined } = {}): Promise<Introspection> {
    const id = this.#stored(ref);
    const answer = await this.#driver.request((request) => ({ introspect: { request, id } }), signal);
    if (answer.introspected) return answer.introspected;
    throw failure(answer);
  }

  /** Your own code to renew a provider's accounts, or to say when, from now on; `undefined` takes it back. */
  setRefresher(provider: string, refresher: Refresher | Renewal | undefined): void {
    const { name } = this.#driver.view(provider).facts;
    const renewal = this.#driver.renewals.set(name, refresher);
    this.#driver.seldom(() => this.#driver.wasm.renewByHost(name, JSON.stringify(renewal)));
    this.#driver.tick();
  }

  /**
   * Asks providers what is left of accounts, and answers what is known when all have answered or the wait is over. One question an account at a
   * time, whoever asks; a report is fresh for about five minutes, and the last good one stays where none comes.
   */
  async fetchUsageReports({ providers = [], force = false, waitMs = 15_000, signal }: FetchUsageOptions = {}): Promise<AccountUsage[]> {
    for (const provider of providers) this.#desk.meet(provider);
    const wait = Math.max(0, Math.floor(waitMs));
    must(await this.#driver.request((request) => ({ fetch_usage: { request, providers, force, wait } }), signal));
    const wanted = new Set(providers.map((provider) => this.#driver.view(provider).facts.name));
    return this.usage().filter(({ provider }) => wanted.size === 0 || wanted.has(provider));
  }

  /** What is known of what is left of the accounts of a provider, or of all. Asks nobody. */
  usage(provider?: string): AccountUsage[] {
    this.#look(provider);
    return knownUsage(this.#driver, provider).map(({ handle: _handle, ...known }) => known);
  }

  /** What is known of what is left of one account; `undefined` where nothing is. Asks nobody. */
  getUsageReport(ref: CredentialRef): AccountUsage | undefined {
    const { handle, provider } = this.#get(ref);
    const found = knownUsage(this.#driver, provider).find((known) => known.handle === handle);
    if (!found) return undefined;
    const { handle: _handle, ...known } = found;
    return known;
  }

  /** A report of your own code. It ranks the account, and what it shows as exhausted rests. */
  async setUsageReport(ref: CredentialRef, report: UsageReportInput): Promise<void> {
    const { handle, provider } = this.#get(ref);
    const whole = { provider, fetched_at: this.#driver.host.now(), ...report };
    must(await this.#driver.request((request) => ({ usage: { request, handle, report: whole } })));
  }

  /** What the headers of an answer say is left of an account. Were they taken in? At most once a minute, unless they show that nothing is left. */
  async ingestUsageHeaders(ref: CredentialRef, headers: HeaderSource, { status }: { status?: number | undefined } = {}): Promise<boolean> {
    const { handle } = this.#get(ref);
    const pairs = headerPairs(headers);
    const answer = await this.#driver.request((request) => ({ usage_headers: { request, handle, headers: pairs, ...(status !== undefined && { status }) } }));
    if (answer.ingested) return answer.ingested.ingested;
    throw failure(answer);
  }

  /**
   * Asks, one after the other, whether credentials are good, and answers what is known of each. It decides nothing: a grant that turns out
   * dead rests, nobody is disabled, and the next real use decides.
   */
  async checkCredentials(options: CheckOptions = {}): Promise<CredentialHealth[]> {
    const { providers = [], credentials } = options;
    for (const provider of providers) this.#desk.meet(provider);
    const wanted = new Set(providers.map((provider) => this.#driver.view(provider).facts.name));
    const named = credentials && new Set(credentials.map((ref) => this.#get(ref).handle));
    this.#look(undefined);
    const views = JSON.parse(this.#driver.run(() => this.#driver.wasm.list(""))) as MemberView[];
    const chosen = views.filter(({ handle, provider, id, enabled }) => id !== undefined && (wanted.size === 0 || wanted.has(provider)) && (named ? named.has(handle) : enabled));
    return check(this.#driver, this.#desk, chosen, options);
  }

  /** The saved resets of accounts that may have some (ChatGPT's plans), asked for now. */
  async listResetCredits({ provider, session, waitMs = 15_000, signal }: ListResetsOptions = {}): Promise<AccountResets[]> {
    const wait = Math.max(0, Math.floor(waitMs));
    const all = this.list(provider).filter(({ id, enabled }) => id !== undefined && enabled);
    const one = async ({ id = 0, provider, name }: CredentialInfo): Promise<AccountResets> => {
      const listed = await listOf(this.#driver, this.#get(id).handle, wait, signal);
      return { id, provider, name, ...listed, ...(session !== undefined && { active: this.peek(provider, { session })?.id === id }) };
    };
    return (await Promise.all(all.map(one))).filter(({ error }) => error !== "no_resets");
  }

  /** Uses a saved reset of an account: its windows begin anew, and what rests of it for want of quota is back. Look at `code`. */
  async redeemResetCredit({ target, ...options }: RedeemOptions): Promise<Redeemed> {
    return redeem(this.#driver, this.#get(target).handle, options);
  }

  /** Your own code for what is left of a provider's accounts, or to rank them, from now on; `undefined` takes it back. */
  async setUsageProvider(provider: string, usage: UsageProvider | UsageProvider["fetch"]): Promise<void> {
    await more();
    const { name } = this.#driver.view(provider).facts;
    const told = this.#driver.usageHosts.set(name, usage);
    this.#driver.seldom(() => this.#driver.wasm.usageByHost(name, JSON.stringify(told)));
    this.#driver.tick();
  }

  /**
   * What was left of accounts, oldest first: one entry for each limit of each account and hour, its last of that hour, or for each change that
   * was remembered (`bucketMs: 0`). As far back as the store keeps it: 90 days, where nothing else was said to it.
   */
  async listUsageHistory(options: UsageHistoryOptions = {}): Promise<UsageHistoryEntry[]> {
    return listHistory(this.#store, options, this.#whose(options));
  }

  /** What calls cost, oldest first: a sum for each credential and hour, or each entry (`bucketMs: 0`). */
  async listUsageCosts(options: UsageHistoryOptions = {}): Promise<UsageCostEntry[]> {
    return listCosts(this.#store, options, this.#whose(options));
  }

  /**
   * What a call cost, where no report says it: it is counted in the credential's budget, and remembered. Whose: the credential that is
   * named, else the session's, else the only one of the provider. Was there one?
   */
  async recordUsageCost(provider: string, usd: number, { session, credential, tokens, recordedAt }: RecordCostOptions = {}): Promise<boolean> {
    const microdollars = Math.round(usd * 1e6);
    if (!(usd > 0 && Number.isSafeInteger(microdollars))) return false;
    this.#desk.meet(provider);
    const handle = credential === undefined ? undefined : this.#get(credential).handle;
    const at = instant(recordedAt, "recordedAt");
    const usage = { microdollars, ...(tokens !== undefined && { tokens: Math.max(0, Math.floor(tokens)) }) };
    const answer = await this.#driver.request((request) => ({
      cost: { request, provider, usage, ...(session !== undefined && { session }), ...(handle !== undefined && { handle }), ...(at !== undefined && { at }) },
    }));
    if (answer.ingested) return answer.ingested.ingested;
    throw failure(answer);
  }

  #whose({ provider, credential }: UsageHistoryOptions): { provider?: string; id?: number; name?: string } {
    if (credential !== undefined) {
      // One that is gone has a history too.
      const known = this.#find(credential);
      const ref = parseRef(credential);
      return known?.id !== undefined ? { id: known.id } : typeof ref === "number" ? { id: ref } : { provider: this.#driver.view(ref.provider).facts.name, name: ref.name };
    }
    return provider === undefined ? {} : { provider: this.#driver.view(provider).facts.name };
  }

  /** An account's usage limit is reached: it rests as long as its provider said, or its report says where that is longer. */
  async markUsageLimitReached(provider: string, { session, credential, model, retryAfterMs }: MarkUsageOptions = {}): Promise<MarkedUsage> {
    this.#desk.meet(provider);
    const handle = credential === undefined ? undefined : this.#get(credential).handle;
    const retryAfter = retryAfterMs === undefined ? undefined : Math.max(0, Math.floor(retryAfterMs));
    const answer = await this.#driver.request((request) => ({ mark_usage: { request, provider, session, handle, model, retryAfter } }));
    if (answer.marked) return answer.marked;
    throw failure(answer);
  }

  /** Renews tokens by themselves before they expire (as from the start), or no longer; with an interval only at its multiples. */
  async autoRefresh(enabled: boolean, { intervalMs = 0 }: { intervalMs?: number | undefined } = {}): Promise<void> {
    const interval = Math.max(0, Math.floor(intervalMs));
    must(await this.#driver.request((request) => ({ auto_refresh: { request, enabled, interval } })));
  }

  /** The scopes that a login asks for; of one service of the provider, where the registry has `provider-service`. */
  getOAuthScopes(provider: string, service = ""): string[] {
    const json = this.#driver.seldom(() => this.#driver.wasm.oauthScopes(provider, service));
    if (json === "") throw new CredpoolError("not_found", `${quoted(provider)} has no scopes: it is unknown, or its logins need none`);
    return JSON.parse(json) as string[];
  }

  /** Not used until an instant, or until `resume`; a restart changes nothing of it. Calls that are under way end. */
  async pause(ref: CredentialRef, options: { until?: number | Date | undefined } = {}): Promise<void> {
    await this.#pauseUntil(ref, instant(options.until, "until") ?? BY_HAND);
  }

  /** Ends a pause, or a drain. */
  async resume(ref: CredentialRef): Promise<void> {
    await this.#pauseUntil(ref, 0);
  }

  /** No new work for a credential: resolved when its last call has ended. `resume` gives it work again, and so does a restart. */
  async drain(ref: CredentialRef): Promise<void> {
    const { handle } = this.#get(ref);
    must(await this.#driver.request((request) => ({ drain: { request, handle } })));
  }

  /** Ends rests by hand, ladders and circuits with them: of a credential, or of all; for one model, or for all. */
  async reset(ref?: CredentialRef, options: { model?: string | undefined } = {}): Promise<void> {
    const { model } = options;
    const handle = ref === undefined ? undefined : this.#get(ref).handle;
    must(await this.#driver.request((request) => ({ reset: { request, ...(handle !== undefined && { handle }), ...(model !== undefined && { model }) } })));
  }

  /** Other rules from now on: a preset's name, or a document. All state stays: cooldowns, ladders, ties, leases. */
  async setPolicy(policy: string | object): Promise<void> {
    const documents = await documentsOf(policy);
    must(await this.#driver.request((request) => ({ policy: { request, policy, documents } })));
    this.#desk.forgetSessions();
  }

  /** Takes a credential out of the store. */
  async remove(ref: CredentialRef): Promise<void> {
    const id = this.#stored(ref);
    must(await this.#driver.request((request) => ({ remove: { request, id } })));
  }

  /**
   * Sets a session free: its next call may go to anybody, and stays there. Answers the ids of the credentials that it was
   * tied to. Sessions that are not tied, under a policy that gives them a place by their name, stay where they are.
   */
  async forgetSession(session: string): Promise<number[]> {
    return must(await this.#driver.request((request) => ({ untie: { request, session } })));
  }

  /** Reads the store again: what other processes have changed. */
  async reload(): Promise<void> {
    must(await this.#driver.request((request) => ({ load: { request } })));
  }

  /** Sets keys that are not stored, or takes them back. */
  override(provider: string, overrides: Overrides): void {
    for (const origin of ["runtime", "config"] as const) {
      const key = overrides[origin];
      if (key !== undefined) this.#desk.override(provider, origin, key);
    }
  }

  /**
   * Gives keys where nobody else can: called when a provider has nobody to give. A key that it gave before keeps its
   * cooldowns. `tryAcquire` uses it at once only where it answers without a promise.
   */
  setFallback(fallback: Fallback | undefined): void {
    this.#desk.setFallback(fallback);
  }

  /** The engine's whole state, without secrets: for a bug report. */
  state(): unknown {
    this.#driver.tick();
    return JSON.parse(this.#driver.seldom(() => this.#driver.wasm.state()));
  }

  /** Calls back for each event of a kind, or (`"*"`) of all kinds. Answers how to stop that. */
  on(kind: EventKind | "*", listener: Listener): () => void {
    return this.#driver.events.on(kind, listener);
  }

  /** Writes what is not in the store yet, and closes the store unless another pool uses it. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.#watch?.stop();
    try {
      if (this.#driver.open) must(await this.#driver.request((request) => ({ flush: { request } })));
      await this.#driver.written();
    } finally {
      this.#notices?.();
      this.#driver.end(closed());
      await this.#driver.shares.leave();
      if (this.#limits) await giveUp(this.#limits).catch(() => undefined);
      await giveUp(this.#store);
    }
  }

  async #add(credentials: ReturnType<typeof credentialInput>[]): Promise<number[]> {
    return must(await this.#driver.request((request) => ({ add: { request, credentials } })));
  }

  #execution(what: string, provider: string | readonly string[], options: ExecuteOptions, aside = false): Execution {
    const providers = typeof provider === "string" ? [provider] : [...provider];
    if (providers.length === 0) throw new CredpoolError("invalid", `${what}: name at least one provider`);
    return new Execution(this.#driver, this.#desk, providers, options, aside);
  }

  /** What is due is done before somebody looks, and the environment is looked at. */
  #look(provider: string | undefined): void {
    this.#driver.tick();
    if (provider !== undefined) this.#desk.meet(provider);
  }

  async #pauseUntil(ref: CredentialRef, until: number): Promise<void> {
    const id = this.#stored(ref);
    must(await this.#driver.request((request) => ({ update: { request, id, changes: { paused_until: until } } })));
  }

  #find(ref: CredentialRef): Entry | undefined {
    const parsed = parseRef(ref);
    const { table } = this.#driver;
    return typeof parsed === "number" ? table.byId(parsed) : table.byName(parsed.provider, parsed.name);
  }

  #get(ref: CredentialRef): Entry {
    const entry = this.#find(ref);
    if (!entry) throw new CredpoolError("not_found", `there is no credential ${quoted(String(ref))}: pool.list() shows those that there are; pool.reload() reads what other processes have added`);
    return entry;
  }

  #stored(ref: CredentialRef): number {
    const { id } = this.#get(ref);
    if (id === undefined) throw new CredpoolError("invalid", `${quoted(String(ref))} is not stored: only pool.override() or its environment variable changes it`);
    return id;
  }
}

function closed(): CredpoolError {
  return new CredpoolError("closed", "the pool is closed: open another one with CredentialPool.open()");
}
