// Are credentials good? Each is asked about by itself, one after the other; what an answer means the engine says.
import { orAbort } from "./abort.js";
import { sendOnce } from "./call/single.js";
import { failure } from "./desk.js";
import type { Desk } from "./desk.js";
import type { Driver } from "./driver.js";
import { CredpoolError, messageOf } from "./errors.js";
import type { FetchInit, FetchInput } from "./fetch/request.js";
import type { Kind, MemberView } from "./protocol.js";
import type { Entry } from "./table.js";
import type { CredentialRef } from "./types.js";
import { knownUsage } from "./usage.js";
import type { UsageReport } from "./usage.js";

/** What is said of one credential. */
export interface CredentialHealth {
  /** Its id in the store. */
  readonly id: number;
  readonly provider: string;
  readonly name: string;
  readonly kind: Kind;
  readonly email?: string;
  readonly accountId?: string;
  /** `true`: its provider answered. `false`: its provider would not have it, or its token cannot be renewed. `null`: nobody can say. */
  readonly ok: boolean | null;
  /**
   * Why it is not good (`http-401`, `refresh-invalid_grant`, `expired`, `needs_login`), or why nobody can say (`no_probe`: its provider
   * cannot be asked; `kind`: not about this kind; `host`: it goes to another address than its provider's; `timeout`, `http-503`, `network`).
   */
  readonly reason?: string;
  /** What its provider says is left of it. */
  readonly report?: UsageReport;
  /** What came of a call of yours with it, where you gave one. */
  readonly completion?: CompletionHealth;
}

/** What came of a call of your own with a credential. */
export interface CompletionHealth {
  readonly ok: boolean | null;
  readonly reason?: string;
  /** How long it took. */
  readonly latencyMs?: number;
}

/** A credential that a call of your own is to be made with. */
export interface ProbedCredential {
  readonly id: number;
  readonly provider: string;
  readonly name: string;
  readonly kind: Kind;
  readonly email?: string;
  readonly accountId?: string;
  /** The key, or the access token, renewed if it had expired. */
  readonly secret: string;
  readonly baseUrl?: string;
  /** Sends one request with this credential in it, the way its requests go. */
  readonly fetch: (input: FetchInput, init?: FetchInit) => Promise<Response>;
  /** Ends when the time is up. */
  readonly signal: AbortSignal;
}

/** Makes a real call with a credential, a short completion for example. `false` and what it throws: it did not work. */
export type CompletionProbe = (credential: ProbedCredential) => Promise<boolean | CompletionHealth | void>;

/** Which credentials are checked, and how. */
export interface CheckOptions {
  /** Of these providers; of all, where none is named. */
  readonly providers?: readonly string[] | undefined;
  /** These, also disabled ones; else all that are stored and enabled. */
  readonly credentials?: readonly CredentialRef[] | undefined;
  /** For each: 10 s. */
  readonly timeoutMs?: number | undefined;
  /** A call of your own with each whose secret may be shown, whatever its provider said of it. */
  readonly completionProbe?: CompletionProbe | undefined;
  /** For each such call; as `timeoutMs`, where it is left out. */
  readonly completionTimeoutMs?: number | undefined;
  /** Giving up ends the check, and nobody's question. */
  readonly signal?: AbortSignal | undefined;
}

/** Time for one credential. */
export const USUAL_TIMEOUT = 10_000;

/** Asks about one after the other. */
export async function check(driver: Driver, desk: Desk, views: readonly MemberView[], options: CheckOptions): Promise<CredentialHealth[]> {
  const { timeoutMs = USUAL_TIMEOUT, completionProbe, completionTimeoutMs = timeoutMs, signal } = options;
  const all: CredentialHealth[] = [];
  for (const { handle, id, provider, name, kind, identity } of views) {
    signal?.throwIfAborted();
    if (id === undefined) continue;
    const answer = await driver.request((request) => ({ errand: { request, handle, wait: whole(timeoutMs) } }), signal);
    // Removed while others were asked about.
    if (answer.failed?.code === "not_found") continue;
    const { checked } = answer;
    if (!checked) throw failure(answer);
    const { ok = null, reason, usable } = checked;
    const whose = { id, provider, name, kind, ...(identity.email !== undefined && { email: identity.email }), ...(identity.account_id !== undefined && { accountId: identity.account_id }) };
    const report = ok === true ? knownUsage(driver, provider).find((known) => known.handle === handle)?.report : undefined;
    const completion = completionProbe && usable ? await complete(driver, desk, handle, whose, completionProbe, whole(completionTimeoutMs), signal) : undefined;
    all.push({ ...whose, ok, ...(reason !== undefined && { reason }), ...(report && { report }), ...(completion && { completion }) });
  }
  return all;
}

type Whose = Pick<ProbedCredential, "id" | "provider" | "name" | "kind" | "email" | "accountId">;

/** The caller's own call, in its time. Nothing that it throws reaches anybody but as a word without secrets. */
async function complete(driver: Driver, desk: Desk, handle: number, whose: Whose, probe: CompletionProbe, timeoutMs: number, signal: AbortSignal | undefined): Promise<CompletionHealth> {
  const known = driver.table.at(handle);
  if (known?.id !== whose.id) return { ok: null, reason: "gone" };
  let entry: Entry;
  try {
    entry = await orAbort(desk.resolved(known), signal);
  } catch (error) {
    signal?.throwIfAborted();
    return { ok: null, reason: said(driver, error) };
  }
  if (entry.secret === "") return { ok: null, reason: "no_secret" };
  const { host } = driver;
  const time = new AbortController();
  const timer = host.setTimer(() => time.abort(new CredpoolError("timeout", `no answer within ${timeoutMs / 1000} s`)), timeoutMs, true);
  const both = signal ? AbortSignal.any([signal, time.signal]) : time.signal;
  const began = host.mono();
  const latency = () => ({ latencyMs: Math.round(host.mono() - began) });
  const send = (input: FetchInput, init?: FetchInit) => sendOnce(driver, entry, input, { ...init, signal: init?.signal ? AbortSignal.any([init.signal, both]) : both });
  try {
    const told = await orAbort(probe({ ...whose, secret: entry.secret, ...(entry.baseUrl !== undefined && { baseUrl: entry.baseUrl }), fetch: send, signal: both }), both);
    if (typeof told !== "object") return { ok: told ?? true, ...latency() };
    return { ok: told.ok, ...(told.reason !== undefined && { reason: said(driver, told.reason) }), ...latency(), ...(told.latencyMs !== undefined && { latencyMs: told.latencyMs }) };
  } catch (error) {
    signal?.throwIfAborted();
    return { ok: false, reason: time.signal.aborted ? "timeout" : said(driver, error), ...latency() };
  } finally {
    host.clearTimer(timer);
  }
}

/** An error of somebody else's, without any secret of the pool, cut to a line. */
function said(driver: Driver, error: unknown): string {
  const text = (typeof error === "string" ? error : messageOf(error)).replace(/\s+/g, " ").slice(0, 4096);
  return driver.run(() => driver.wasm.withoutSecrets(text)).slice(0, 300);
}

function whole(ms: number): number {
  return Math.min(Math.max(0, Math.floor(ms)), 2 ** 31);
}
