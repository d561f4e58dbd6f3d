// The driver: gives inputs to the engine, and does what the engine asks for. One timer. No rule lives here.
import { StoreCalls } from "./effects.js";
import { CredpoolError, messageOf } from "./errors.js";
import { Events } from "./events.js";
import type { WholeHost } from "./host.js";
import { sendRequest } from "./login/http.js";
import { Renewals } from "./refresh.js";
import type { Answer, HostEffect, HttpEffect, PoolConfig, PoolInput, PoolStep, PromptEffect, ProviderView } from "./protocol.js";
import { packed } from "./rows.js";
import type { LoadedRows } from "./rows.js";
import { ShareCalls } from "./shared-limits.js";
import type { SharedLimits } from "./shared-limits.js";
import type { CredentialStore } from "./store/store.js";
import { restoreStack } from "./load/engine.js";
import { ClosedDoor, hasMore, isSeldomRow, more, need, needsMore } from "./load/more.js";
import { Known } from "./store/watch.js";
import type { References } from "./references.js";
import { Table } from "./table.js";
import type { Entry } from "./table.js";
import { transportFor } from "./transport.js";
import { UsageHosts } from "./usage-host.js";
import { takePanic, WasmPool } from "./wasm/glue.js";

/** After use of the hot path the engine is called at most so much later, so that what it notes there is drained. */
const DRAIN_AFTER = 500;
/** Timers of more than 2^31 ms fire at once in most runtimes. */
const LONGEST_TIMER = 2 ** 30;
/** The two clocks are read one after the other: a smaller difference than this is no jump. */
const CLOCK_NOISE = 20;

interface Pending {
  resolve: (answer: Answer) => void;
  reject: (error: unknown) => void;
}

export class Driver {
  readonly wasm: WasmPool;
  readonly table: Table;
  readonly events: Events;
  readonly host: WholeHost;
  /** What has been read of the store, and what was written by this pool. */
  readonly known = new Known();
  /** Who shows what a login asks for, by its request. */
  readonly prompts = new Map<number, (prompt: PromptEffect) => void>();
  /** Secrets that are kept elsewhere. */
  readonly references: References;
  /** The host's own code around renewals. */
  readonly renewals = new Renewals();
  /** What sends the requests of a login that has a way of its own, by its request. */
  readonly ways = new Map<number, typeof globalThis.fetch>();
  /** The host's own code for what is left of accounts. */
  readonly usageHosts = new UsageHosts();
  /** Entries of histories on their way to the store. */
  readonly #writing = new Set<Promise<void>>();
  /** Those who share limits. */
  readonly shares: ShareCalls;
  readonly #calls: StoreCalls;
  readonly #views = new Map<string, ProviderView>();
  readonly #pending = new Map<number, Pending>();
  #limitHeaders: readonly string[] | undefined;
  #lastRequest = 0;
  #deadline = Infinity;
  #drainAt = Infinity;
  /** The wall clock less the monotonic one. */
  #offset = NaN;
  #timer: { at: number; keepAlive: boolean; handle: unknown } | undefined;
  /** Why nothing can be done any more. */
  #ended: CredpoolError | undefined;

  constructor(config: PoolConfig, store: CredentialStore, host: WholeHost, storeTimeoutMs: number, references: References, limits?: SharedLimits) {
    this.host = host;
    this.shares = new ShareCalls(limits, host);
    this.references = references;
    this.table = new Table({
      view: (provider) => this.view(provider),
      entry: (handle) => this.run(() => this.wasm.entry(handle)),
      find: (id) => this.run(() => this.wasm.find(id)),
      lookUp: (reference, whose) => this.lookUp(reference, whose),
      findNamed: (provider, name) => this.run(() => this.wasm.findNamed(provider, name)),
    });
    this.events = new Events(host.log, () => this.run(() => this.wasm.tellSelected(this.events.wants("selected"))));
    this.#calls = new StoreCalls(store, host, storeTimeoutMs, (text) => (this.open ? this.run(() => this.wasm.withoutSecrets(text)) : ""));
    this.wasm = this.run(() => new WasmPool(JSON.stringify(config), ...this.#now()));
  }

  get open(): boolean {
    return this.#ended === undefined;
  }

  /** What happened goes in; what is to be done is done. Throws where the input is refused, or the engine is gone. */
  handle(input: PoolInput): void {
    const json = JSON.stringify(input);
    this.#follow(this.run(() => this.wasm.handle(...this.#now(), json)));
  }

  /** The same for what is in no hurry and may need what is not loaded yet. */
  async tell(input: PoolInput): Promise<void> {
    if (needsMore(input)) await more();
    if (this.open) this.handle(input);
  }

  /** Does what a step asks for. */
  #follow(json: string): void {
    const step = JSON.parse(json) as PoolStep;
    // First of all: whoever is given a handle below finds its secret.
    for (const handle of step.changed ?? []) this.table.forget(handle);
    this.#deadline = step.deadline?.at ?? Infinity;
    for (const effect of step.effects ?? []) this.#perform(effect);
    this.#arm();
    for (const event of step.events ?? []) this.events.emit(event);
  }

  /**
   * Both clocks at one moment. Rounded to milliseconds each by itself they would differ by one now and then, and so would
   * every instant that the engine tells twice: the difference is kept while it hardly changes.
   */
  #now(): [wall: number, mono: number] {
    const mono = Math.floor(this.host.mono());
    const wall = Math.floor(this.host.now());
    if (!(Math.abs(wall - mono - this.#offset) <= CLOCK_NOISE)) this.#offset = wall - mono;
    return [mono + this.#offset, mono];
  }

  /** Lets time pass, so that what is due is done before somebody looks. */
  tick(): void {
    this.handle({ tick: {} });
  }

  /** Gives a command; its answer comes when it is done. */
  request(command: (request: number) => PoolInput, signal?: AbortSignal): Promise<Answer> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const request = (this.#lastRequest += 1);
      const giveUp = () => {
        const pending = this.#pending.get(request);
        if (!pending) return;
        this.#pending.delete(request);
        pending.reject(signal?.reason);
        if (this.open) this.handle({ cancel: { request } });
      };
      const settle = () => signal?.removeEventListener("abort", giveUp);
      this.#pending.set(request, {
        resolve: (answer) => (settle(), resolve(answer)),
        reject: (error) => (settle(), reject(error)),
      });
      signal?.addEventListener("abort", giveUp);
      const fail = (error: unknown) => {
        this.#pending.delete(request);
        settle();
        reject(error);
      };
      try {
        const input = command(request);
        const coming = needsMore(input) ? more() : undefined;
        if (!coming) return this.handle(input);
        // Who gave up meanwhile has had his answer.
        coming.then(() => this.#pending.has(request) && this.handle(input)).catch(fail);
      } catch (error) {
        fail(error);
      }
    });
  }

  /** Gives a command that is answered in the same step. */
  call(command: (request: number) => PoolInput): Answer {
    let answer: Answer | undefined;
    const request = (this.#lastRequest += 1);
    this.#pending.set(request, { resolve: (given) => (answer = given), reject: () => undefined });
    try {
      this.handle(command(request));
    } finally {
      this.#pending.delete(request);
    }
    if (!answer) throw new CredpoolError("internal", "the engine did not answer at once: please report this");
    return answer;
  }

  /** The hot path was used: it is drained soon. */
  touch(): void {
    if (this.#drainAt !== Infinity) return;
    this.#drainAt = this.host.mono() + DRAIN_AFTER;
    this.#arm();
  }

  /** What the registry says of calls to a provider; an unknown one is treated like any other. */
  view(provider: string): ProviderView {
    let view = this.#views.get(provider);
    if (!view) {
      const json = this.run(() => this.wasm.providerOrDefault(provider));
      if (json === "") throw new CredpoolError("unknown_provider", "a provider's name has 1 to 64 letters, digits, `-`, `_` and `.`: pool.providers.list() shows those that are known");
      view = JSON.parse(json) as ProviderView;
      if (this.#views.size < 4096) this.#views.set(provider, view);
    }
    return view;
  }

  forgetViews(): void {
    this.#views.clear();
  }

  /** The secret behind a reference, where it is known at once; why not, whoever waits for it is told. */
  lookUp(reference: string, whose: { readonly provider: string; readonly name: string }): string | undefined {
    try {
      return this.references.now(reference, whose);
    } catch {
      return undefined;
    }
  }

  /** What sends this credential's requests: a transport of its own where the host gives one. */
  transport(entry: Entry): typeof globalThis.fetch {
    return (entry.transport ??= transportFor(this.host, entry));
  }

  /** What sends a request to a token endpoint: as all requests of its account go, or of its login. */
  #wayOf({ handle, login }: HttpEffect): typeof globalThis.fetch {
    if (handle === undefined) return (login !== undefined && this.ways.get(login)) || this.host.fetch;
    const entry = this.table.at(handle);
    if (!entry) throw new CredpoolError("not_found", "the account is gone");
    return this.transport(entry);
  }

  /** How the names of the headers of limits begin. */
  limitHeaders(): readonly string[] {
    return (this.#limitHeaders ??= JSON.parse(this.run(() => WasmPool.limitHeaders())) as string[]);
  }

  /** How long `fetch` waits where the caller does not say: the policy's word. */
  fetchWait(): number {
    return this.run(() => this.wasm.fetchWait());
  }

  /** Calls the engine. A trap in it ends this pool, and nothing else. */
  run<T>(work: () => T): T {
    if (this.#ended) throw this.#ended;
    try {
      return work();
    } catch (thrown) {
      throw this.understand(thrown);
    }
  }

  /** Settled when the store has what histories were given to it. */
  async written(): Promise<void> {
    await Promise.all(this.#writing);
  }

  /** The same for what is in the second part as a rule: without it nothing has begun, and the pool goes on. */
  seldom<T>(work: () => T): T {
    if (!this.#ended) need();
    return this.run(work);
  }

  /** Ends it: whoever waits is told why. */
  end(why: CredpoolError): void {
    if (this.#ended) return;
    this.#ended = why;
    this.#deadline = this.#drainAt = Infinity;
    this.#arm();
    for (const pending of [...this.#pending.values()]) pending.reject(why);
    this.#pending.clear();
    this.table.clear();
    // What trapped may not be entered once more, not even to be freed.
    if (why.code !== "internal") this.wasm.free();
  }

  /** What a call of the engine threw, in our words. */
  understand(thrown: unknown): unknown {
    if (this.#ended) return this.#ended;
    const closed = thrown instanceof ClosedDoor;
    if (thrown instanceof CredpoolError && !closed) return thrown;
    // Too deep a recursion is a RangeError in most runtimes.
    const trapped = closed || thrown instanceof WebAssembly.RuntimeError || thrown instanceof RangeError;
    if (!trapped) return new CredpoolError("invalid", messageOf(thrown));
    restoreStack();
    // Panics are put into words by what is in the second part.
    const panic = (hasMore() && takePanic()) || messageOf(thrown);
    const message = `the engine broke: ${panic}. Open the pool again: everything durable is in the store${closed ? "" : ". Please report this"}`;
    const error = new CredpoolError("internal", message, { cause: thrown });
    this.end(error);
    return error;
  }

  /** Sends a request of the engine's. Where a key is kept elsewhere the engine knows its name alone: the key is put in here. */
  async #send(effect: HttpEffect): Promise<PoolInput> {
    const entry = effect.handle === undefined ? undefined : this.table.at(effect.handle);
    let whole = effect;
    if (entry?.reference !== undefined) {
      const { reference } = entry;
      try {
        const secret = await this.references.resolve(reference, entry);
        const put = (text: string) => text.replaceAll(reference, () => secret);
        whole = { ...effect, headers: effect.headers.map(([name, value]) => [name, put(value)]), ...(effect.body !== undefined && { body: put(effect.body) }) };
      } catch {
        return { unanswered: { op: effect.op, sent: false } };
      }
    }
    return sendRequest(whole, this.host, () => this.#wayOf(whole));
  }

  #perform(effect: HostEffect): void {
    if ("reply" in effect) {
      const { request, answer } = effect.reply;
      const pending = this.#pending.get(request);
      this.#pending.delete(request);
      pending?.resolve(answer);
    } else if ("http" in effect) {
      void this.#send(effect.http).then((done) => this.#complete(done));
    } else if ("prompt" in effect) {
      this.prompts.get(effect.prompt.login)?.(effect.prompt);
    } else if ("load" in effect) {
      const { op, since } = effect.load;
      void this.#calls.load(op, since).then((answer) => {
        if ("rows" in answer) return this.#loaded(op, answer);
        if ("loaded" in answer) this.known.loaded(answer.loaded.generation);
        return this.#complete(answer);
      });
    } else if ("lease" in effect) {
      const { op, key, ttl } = effect.lease;
      void this.#calls.lease(op, key, ttl).then((done) => this.#complete(done));
    } else if ("renew" in effect) {
      const { op, key, fence, ttl } = effect.renew;
      void this.#calls.renew(op, key, fence, ttl).then((done) => this.#complete(done));
    } else if ("release" in effect) {
      void this.#calls.release(effect.release.key, effect.release.fence);
    } else if ("refresh_by_host" in effect) {
      const { op, handle, refresh } = effect.refresh_by_host;
      void this.renewals.refresh(op, refresh, this.table.at(handle)).then((done) => this.#complete(done));
    } else if ("usage_by_host" in effect) {
      const { op, handle } = effect.usage_by_host;
      void this.usageHosts.fetch(op, this.table.at(handle), this).then((done) => this.#complete(done));
    } else if ("rank_by_host" in effect) {
      const { op, handle, report } = effect.rank_by_host;
      // Not within the step that asks: the engine is not entered twice.
      void Promise.resolve().then(() => this.#complete(this.usageHosts.rank(op, this.table.at(handle), report, this.host)));
    } else if ("append" in effect) {
      const { op, log, entries } = effect.append;
      const written = this.#calls.append(op, log, entries).then((done) => this.#complete(done));
      this.#writing.add(written);
      void written.finally(() => this.#writing.delete(written));
    } else if ("advise" in effect) {
      const { handle } = effect.advise;
      void this.renewals.advise(effect.advise, this.table.at(handle), this.host).then((done) => this.#complete(done));
    } else if ("share" in effect) {
      void this.shares.take(effect.share).then((done) => this.#complete(done));
    } else {
      const { op, mutations } = effect.commit;
      this.known.began();
      void this.#calls.commit(op, mutations).then((done) => {
        this.known.ended("committed" in done ? done.committed.generation : undefined);
        void this.#complete(done);
      });
    }
  }

  /** Gives the engine what was loaded, piece by piece: its memory never shrinks, so no text of everything is put into it. */
  async #loaded(op: number, { generation, rows }: LoadedRows): Promise<void> {
    if (!this.open) return;
    try {
      if (!hasMore() && rows.some(isSeldomRow)) await more();
      if (!this.open) return;
      this.known.loaded(generation);
      for (const { numbers, text } of packed(rows)) {
        const step = this.run(() => this.wasm.takeRows(...this.#now(), op, numbers, text));
        if (step === "") throw new CredpoolError("internal", "a piece of it does not fit together: please report this");
        this.#follow(step);
      }
      void this.#complete({ loaded: { op, generation, rows: [] } });
    } catch (error) {
      if (this.open) void this.#complete({ failed: { op, message: `the store's answer cannot be read: ${messageOf(error)}` } });
    }
  }

  /** Tells the engine how an effect ended; there is nobody here to whom an error could be thrown. */
  async #complete(done: PoolInput): Promise<void> {
    if (!this.open) return;
    try {
      if (!hasMore() && needsMore(done)) {
        await more();
        if (!this.open) return;
      }
      this.handle(done);
    } catch (error) {
      // Of a row that the engine cannot read it is told in its own words. A trap has told everybody who waits.
      const op = "loaded" in done ? done.loaded.op : "conflict" in done ? done.conflict.op : undefined;
      if (this.open && op !== undefined) void this.#complete({ failed: { op, message: `the store's answer cannot be read: ${messageOf(error)}` } });
    }
  }

  /** Sets the one timer. While somebody waits for an answer the process stays alive for it. */
  #arm(): void {
    const at = Math.min(this.#deadline, this.#drainAt);
    const keepAlive = this.#pending.size > 0;
    if (this.#timer?.at === at && this.#timer.keepAlive === keepAlive) return;
    if (this.#timer) this.host.clearTimer(this.#timer.handle);
    this.#timer = undefined;
    if (at === Infinity) return;
    const delay = Math.min(LONGEST_TIMER, Math.max(0, Math.ceil(at - this.host.mono())));
    this.#timer = { at, keepAlive, handle: this.host.setTimer(() => this.#due(), delay, keepAlive) };
  }

  #due(): void {
    this.#timer = undefined;
    this.#drainAt = Infinity;
    if (!this.open) return;
    try {
      this.tick();
    } catch {
      // A trap: whoever waits was told, and the next caller will be.
    }
  }
}
