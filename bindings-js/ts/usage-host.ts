// The host's own code that learns what is left of accounts, or ranks them. When it is asked, what rests and who is first stay the engine's.
import { sendOnce } from "./call/single.js";
import type { Driver } from "./driver.js";
import { CredpoolError } from "./errors.js";
import type { FetchInit, FetchInput } from "./fetch/request.js";
import type { WholeHost } from "./host.js";
import type { HostUsage, Kind, PoolInput } from "./protocol.js";
import type { Entry } from "./table.js";
import type { UsageReport, UsageReportInput } from "./usage.js";

/** Who has not answered by then has no report. */
const LONGEST_MS = 60_000;
const RANKS = 2 ** 31;

/** An account that is asked about. */
export interface UsageAccount {
  /** Its id in the store; absent where it is not stored. */
  readonly id?: number;
  readonly provider: string;
  readonly name: string;
  readonly kind: Kind;
  /** The key, or the access token. */
  readonly secret: string;
  readonly baseUrl?: string;
  /** Sends one request with this credential in it, the way its requests go. */
  readonly fetch: (input: FetchInput, init?: FetchInit) => Promise<Response>;
  /** Ends after a minute. */
  readonly signal: AbortSignal;
}

/** Your own code for what is left of a provider's accounts. */
export interface UsageProvider {
  /**
   * Learns what is left of an account, in place of what credpool does for that provider. Nothing: nobody knows. What it throws is an
   * outage; with `refused: true` on it, the provider would not have the credential, which rests.
   */
  readonly fetch?: ((account: UsageAccount) => Promise<UsageReportInput | null | undefined>) | undefined;
  /** Of these kinds; of all, where it is left out. */
  readonly kinds?: readonly Kind[] | undefined;
  /** `false`: an answer says nothing of whether the credential is good. */
  readonly validatesCredentials?: boolean | undefined;
  /**
   * Ranks an account by its report: a whole number, the higher the better, from -2,147,483,648 to 2,147,483,647. It takes the place of
   * credpool's own order under the strategy `usage`; equals take turns, and what is exhausted rests all the same.
   */
  readonly rank?: ((report: UsageReport, account: Pick<UsageAccount, "id" | "provider" | "name" | "kind">) => number) | undefined;
}

const FIELDS: readonly string[] = ["fetch", "kinds", "validatesCredentials", "rank"];

export class UsageHosts {
  /** By registry names of providers. */
  readonly #all = new Map<string, UsageProvider>();

  /** Keeps a provider's; answers what the engine must know of it. */
  set(provider: string, given: UsageProvider | UsageProvider["fetch"]): HostUsage {
    const usage: UsageProvider = typeof given === "function" ? { fetch: given } : (given ?? {});
    check(provider, usage);
    if (given === undefined) this.#all.delete(provider);
    else this.#all.set(provider, usage);
    const { fetch, kinds, validatesCredentials, rank } = usage;
    return { asks: fetch !== undefined, kinds: [...(kinds ?? [])], says_nothing: validatesCredentials === false, ranks: rank !== undefined };
  }

  /** Asks; answers what the engine is to be told. Never rejected, and without a word of what was thrown. */
  async fetch(op: number, known: Entry | undefined, driver: Driver): Promise<PoolInput> {
    const { host } = driver;
    const ask = known && this.#all.get(known.provider)?.fetch;
    if (!known || !ask) return { host_usage: { op, code: "no_host" } };
    const time = new AbortController();
    const timer = host.setTimer(() => time.abort(new CredpoolError("timeout", "no answer within a minute")), LONGEST_MS, false);
    try {
      const entry = known.unresolved ? driver.table.resolved(known, await driver.references.resolve(known.reference ?? "", known)) : known;
      const { id, provider, name, kind, secret, baseUrl } = entry;
      const send = (input: FetchInput, init?: FetchInit) => sendOnce(driver, entry, input, { ...init, signal: init?.signal ? AbortSignal.any([init.signal, time.signal]) : time.signal });
      const late = new Promise<never>((_, reject) => time.signal.addEventListener("abort", () => reject(time.signal.reason as Error), { once: true }));
      const report = await Promise.race([ask({ ...(id !== undefined && { id }), provider, name, kind, secret, ...(baseUrl !== undefined && { baseUrl }), fetch: send, signal: time.signal }), late]);
      if (report === null || report === undefined) return { host_usage: { op, code: "no_report" } };
      if (typeof report !== "object" || !Array.isArray(report.limits)) return { host_usage: { op, code: "malformed" } };
      return { host_usage: { op, report: { fetched_at: Math.floor(host.now()), ...report, provider } } };
    } catch (error) {
      if (time.signal.aborted) return { host_usage: { op, code: "timeout" } };
      const { refused } = (error ?? {}) as { refused?: unknown };
      host.log("credpool: a usage provider of yours failed", error);
      return { host_usage: { op, code: "host", refused: refused === true } };
    } finally {
      host.clearTimer(timer);
    }
  }

  /** Ranks a report. What throws, or is no rank, has none. */
  rank(op: number, known: Entry | undefined, report: string, host: WholeHost): PoolInput {
    const rank = known && this.#all.get(known.provider)?.rank;
    if (!known || !rank) return { ranked: { op } };
    const { id, provider, name, kind } = known;
    try {
      const given = rank(JSON.parse(report) as UsageReport, { ...(id !== undefined && { id }), provider, name, kind });
      if (Number.isInteger(given) && given >= -RANKS && given < RANKS) return { ranked: { op, rank: given } };
      throw new CredpoolError("invalid", `usageProviders.${provider}.rank: expected a whole number of 32 bits`);
    } catch (error) {
      host.log("credpool: a ranking of yours failed", error);
      return { ranked: { op } };
    }
  }
}

function check(provider: string, usage: UsageProvider): void {
  const where = `usageProviders.${provider}`;
  const unknown = Object.keys(usage).find((field) => !FIELDS.includes(field));
  if (unknown !== undefined) throw new CredpoolError("invalid", `${where} has no field ${unknown}; there are: ${FIELDS.join(", ")}`);
  for (const field of ["fetch", "rank"] as const) {
    if (usage[field] !== undefined && typeof usage[field] !== "function") throw new CredpoolError("invalid", `${where}.${field}: expected a function`);
  }
  const kinds = usage.kinds ?? [];
  if (!Array.isArray(kinds) || kinds.some((kind) => !["api_key", "token", "oauth"].includes(kind as string))) throw new CredpoolError("invalid", `${where}.kinds: expected a list of api_key, token, oauth`);
}
