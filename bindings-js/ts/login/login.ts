// One login, the same on every host: who opens the browser and who receives it is the host's business, everything else the
// engine's.
import { must } from "../desk.js";
import { newDpopKey } from "../dpop.js";
import type { Driver } from "../driver.js";
import { CredpoolError, messageOf } from "../errors.js";
import { more } from "../load/more.js";
import type { LoginInput, PromptEffect, ProviderView } from "../protocol.js";
import { transportFor } from "../transport.js";
import type { CallbackReceiver, CallbackResult, LoginFlow, LoginOptions, LoginPrompt } from "./types.js";

/** How its accounts log in, too. */
function factsOf(driver: Driver, provider: string): ProviderView["facts"] {
  const json = driver.seldom(() => driver.wasm.provider(provider));
  return json === "" ? driver.view(provider).facts : (JSON.parse(json) as ProviderView).facts;
}

/** Logs in; answers the id of the account, once it is durable. */
export async function login(driver: Driver, provider: string, options: LoginOptions): Promise<number> {
  await more();
  const facts = factsOf(driver, provider);
  const { signal } = options;
  signal?.throwIfAborted();
  if (facts.consumerNotice !== undefined && options.notice && (await options.notice(facts.consumerNotice)) === false) {
    throw new CredpoolError("aborted", "the login was not begun: the notice was declined");
  }
  const { name = "", proxyUrl } = options;
  if (proxyUrl !== undefined && !URL.canParse(proxyUrl)) throw new CredpoolError("invalid", "proxyUrl: expected an address such as http://user:password@host:3128");
  const way = proxyUrl === undefined ? undefined : transportFor(driver.host, { provider: facts.name, name, proxyUrl });
  const flow = options.flow ?? facts.oauth?.flows[0];
  const registered = options.redirectUri ?? facts.oauth?.redirect ?? "http://127.0.0.1:0/callback";
  const receiver = flow === "code" ? await options.callback?.(registered) : undefined;
  const over = new AbortController();
  try {
    // Bound before the URL is made, so that it holds the real port.
    const running = new Running(driver, facts.name, flow ?? "code", options, receiver, over.signal, way);
    const bound = options.dpop ?? facts.oauth?.dpop === true;
    const input = loginInput(driver, provider, options, receiver?.redirectUri ?? (flow === "code" ? registered : undefined));
    return await running.run(bound ? { ...input, dpop: await newDpopKey() } : input);
  } finally {
    over.abort();
    await receiver?.close();
  }
}

function loginInput(driver: Driver, provider: string, options: LoginOptions, redirect: string | undefined): LoginInput {
  const { flow, clientId, clientSecret, scopes, name, priority, proxyUrl, timeoutMs } = options;
  return {
    provider,
    state: randomText(driver, 24),
    verifier: randomText(driver, 48),
    ...(flow && { flow }),
    ...(clientId !== undefined && { client: { id: clientId, ...(clientSecret !== undefined && { secret: clientSecret }) } }),
    ...(redirect !== undefined && { redirect }),
    ...(scopes && { scopes }),
    ...(name !== undefined && { name }),
    ...(priority !== undefined && { priority }),
    ...(proxyUrl !== undefined && { proxyUrl }),
    ...(timeoutMs !== undefined && { wait: Math.max(1, Math.floor(timeoutMs)) }),
  };
}

/** Secret randomness as base64url: so many bytes, a multiple of 3. */
function randomText(driver: Driver, bytes: number): string {
  const drawn = new Uint8Array(bytes);
  driver.host.random(drawn);
  return btoa(String.fromCharCode(...drawn)).replaceAll("+", "-").replaceAll("/", "_");
}

class Running {
  readonly #driver: Driver;
  readonly #provider: string;
  readonly #flow: LoginFlow;
  readonly #options: LoginOptions;
  readonly #receiver: CallbackReceiver | undefined;
  readonly #over: AbortSignal;
  /** What sends its requests, where that is not the host. */
  readonly #way: typeof globalThis.fetch | undefined;
  #request = 0;
  #done: Promise<number[]> | undefined;
  /** Of the host's own: a browser that cannot be opened, a question that cannot be asked. */
  readonly #stop = new AbortController();

  constructor(driver: Driver, provider: string, flow: LoginFlow, options: LoginOptions, receiver: CallbackReceiver | undefined, over: AbortSignal, way: typeof globalThis.fetch | undefined) {
    this.#driver = driver;
    this.#provider = provider;
    this.#flow = flow;
    this.#options = options;
    this.#receiver = receiver;
    this.#over = over;
    this.#way = way;
  }

  async run(login: LoginInput): Promise<number> {
    const { signal } = this.#options;
    const forward = () => this.#stop.abort(signal?.reason);
    signal?.addEventListener("abort", forward);
    try {
      const answer = this.#driver.request((request) => {
        this.#request = request;
        this.#driver.prompts.set(request, (prompt) => void Promise.resolve(prompt).then((prompt) => this.#show(prompt)));
        if (this.#way) this.#driver.ways.set(request, this.#way);
        return { login: { request, login } };
      }, this.#stop.signal);
      this.#done = answer.then(must);
      this.#receiver?.listen((url) => this.#receive(url, false));
      const [id] = await this.#done;
      if (id === undefined) throw new CredpoolError("internal", "the engine logged in to nothing: please report this");
      return id;
    } finally {
      this.#driver.prompts.delete(this.#request);
      this.#driver.ways.delete(this.#request);
      signal?.removeEventListener("abort", forward);
    }
  }

  #show({ url, code, until }: PromptEffect): void {
    const redirectUri = this.#flow === "code" ? this.#receiver?.redirectUri : undefined;
    const prompt: LoginPrompt = {
      provider: this.#provider,
      flow: this.#flow,
      url,
      ...(code !== undefined && { code }),
      ...(until !== undefined && { expiresAt: until }),
      ...(redirectUri !== undefined && { redirectUri }),
    };
    const { openUrl, prompt: ask } = this.#options;
    const fail = (error: unknown) => this.#stop.abort(error);
    if (!openUrl && !ask) return fail(new CredpoolError("invalid", "login: give openUrl or prompt, or nobody learns where to go"));
    Promise.resolve(prompt)
      .then((prompt) => openUrl?.(url, prompt))
      .catch(fail);
    if (ask && this.#flow === "code") this.#ask(ask, prompt).catch(fail);
    if (this.#flow === "code" && !ask && !this.#receiver) fail(new CredpoolError("invalid", "login: give callback or prompt, or no answer can come back"));
  }

  async #ask(ask: NonNullable<LoginOptions["prompt"]>, prompt: LoginPrompt): Promise<void> {
    for (let problem: string | undefined; !this.#over.aborted; ) {
      const text = await ask(prompt, problem, this.#over);
      if (this.#over.aborted) return;
      if (text === undefined) {
        // Nobody is left who could answer.
        if (!this.#receiver) throw new CredpoolError("aborted", "the login was given up");
        return;
      }
      const result = await this.#receive(text, true);
      if (result.ok || result.final) return;
      problem = result.code;
    }
  }

  /** A callback, or what a person pasted. */
  async #receive(text: string, pasted: boolean): Promise<CallbackResult> {
    const taken = await this.#driver.request((request) => ({ callback: { request, login: this.#request, text, pasted } }));
    // Not ours, or not readable: the login goes on waiting. Or it has had its answer.
    if (taken.failed) return { ok: false, final: taken.failed.code === "not_found", code: taken.failed.message.split(":")[0] ?? "" };
    try {
      await this.#done;
      return { ok: true };
    } catch (error) {
      return { ok: false, final: true, code: error instanceof CredpoolError ? (error.reason ?? error.code) : messageOf(error) };
    }
  }
}
