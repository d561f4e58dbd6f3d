// What is left of accounts: reports, limits that are reached. A thin layer: the engine asks, ranks and decides.
import type { Driver } from "./driver.js";
import type { CredentialRef } from "./types.js";

/** What an amount counts. */
export type UsageUnit = "percent" | "tokens" | "requests" | "usd" | "minutes" | "bytes" | "unknown";

/** How a limit stands. A `warning` at 100 % is an account that is served all the same. */
export type UsageStatus = "ok" | "warning" | "exhausted" | "unknown";

/** The time that a limit is for. */
export interface UsageWindow {
  /** `5h`, `7d`, `monthly`. */
  readonly id: string;
  readonly label: string;
  /** How long it is, in milliseconds. */
  readonly duration?: number;
  /** When it begins anew, in milliseconds since 1970. */
  readonly resets_at?: number;
  /** When the next part of it comes back, where it fills up bit by bit. */
  readonly ticks_at?: number;
}

/** How much there is, in millionths of the unit; shares in parts per million. What a provider does not say is absent. */
export interface UsageAmount {
  readonly used?: number;
  readonly limit?: number;
  readonly remaining?: number;
  readonly used_ppm?: number;
  readonly remaining_ppm?: number;
  readonly unit: UsageUnit;
}

/** Whom and what a limit is for. */
export interface UsageScope {
  readonly account_id?: string;
  readonly project_id?: string;
  readonly org_id?: string;
  readonly model?: string;
  /** A class of models: `opus`, `fable`. */
  readonly tier?: string;
  /** A meter beside others of the account: `chat`, `spark`. */
  readonly meter?: string;
  /** It stands over all others of the account. */
  readonly shared?: boolean;
}

/** One limit. */
export interface UsageLimit {
  /** The same in every report: `anthropic:5h`. */
  readonly id: string;
  readonly label: string;
  readonly scope: UsageScope;
  readonly window?: UsageWindow;
  readonly amount: UsageAmount;
  readonly status: UsageStatus;
  readonly notes?: readonly string[];
}

/** What is used when the allowance is not enough. */
export interface UsageCredits {
  readonly has: boolean;
  readonly unlimited: boolean;
  readonly blocked: boolean;
  /** In millionths. */
  readonly balance?: number;
}

/** A usage report of one account. */
export interface UsageReport {
  readonly provider: string;
  /** When it was learned, in milliseconds since 1970. */
  readonly fetched_at: number;
  /** Where from: the provider was asked, an answer's headers, what was counted here, the program. */
  readonly origin: "probe" | "headers" | "local" | "host";
  /** When headers last changed it. */
  readonly headers_at?: number;
  /** The plan, as the provider calls it. */
  readonly plan?: string;
  readonly limits: readonly UsageLimit[];
  readonly credits?: UsageCredits;
  /** Saved resets: how many can be used. */
  readonly reset_credits?: { readonly available: number };
  readonly notes?: readonly string[];
}

/** What is known of one account. */
export interface AccountUsage {
  /** Its id in the store. */
  readonly id?: number;
  readonly provider: string;
  readonly name: string;
  /** What was reported last. */
  readonly report?: UsageReport;
  /** Windows that do not last until their reset at the rate until now, and when each will be empty. */
  readonly forecasts?: readonly { readonly limit: string; readonly lastsUntil: number }[];
  /** Why the last question had no answer, in one word. The report before it stays. */
  readonly trouble?: string;
}

/** A report of your own code, for a provider that nobody else can ask. */
export interface UsageReportInput {
  /** When it was learned; now, where it is left out. */
  readonly fetched_at?: number;
  readonly plan?: string;
  readonly limits: readonly (Pick<UsageLimit, "id" | "amount"> & Partial<UsageLimit>)[];
  readonly credits?: Partial<UsageCredits>;
}

/** Of whom reports are wanted, and how. */
export interface FetchUsageOptions {
  /** Of these providers; of all, where none is named. */
  readonly providers?: readonly string[] | undefined;
  /** Also where a report is fresh. */
  readonly force?: boolean | undefined;
  /** So long at most; what comes later is kept. 15 s, where it is left out. */
  readonly waitMs?: number | undefined;
  /** Giving up ends nobody else's question. */
  readonly signal?: AbortSignal | undefined;
}

/** Whose limit is reached. */
export interface MarkUsageOptions {
  /** The session whose credential it is. */
  readonly session?: string | undefined;
  /** The credential, where that is known. */
  readonly credential?: CredentialRef | undefined;
  readonly model?: string | undefined;
  /** When to come back, as far as the provider said. */
  readonly retryAfterMs?: number | undefined;
}

/** What came of it. */
export interface MarkedUsage {
  /** Is another credential of its kind free? */
  readonly switched: boolean;
  /** Else when the first of them is, in milliseconds since 1970. */
  readonly retryAt?: number;
  /** Until when the one that was marked rests. */
  readonly until?: number;
}

/** What is known of the accounts of a provider, or of all. */
export function knownUsage(driver: Driver, provider: string | undefined): (AccountUsage & { readonly handle: number })[] {
  return JSON.parse(driver.seldom(() => driver.wasm.usage(provider ?? ""))) as (AccountUsage & { readonly handle: number })[];
}
