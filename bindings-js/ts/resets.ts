// Saved resets: windows that an account may begin anew when it likes. The engine asks, chooses and says what came of it.
import { failure } from "./desk.js";
import type { Driver } from "./driver.js";
import { CredpoolError } from "./errors.js";
import type { WholeHost } from "./host.js";
import type { Answer } from "./protocol.js";
import type { CredentialRef } from "./types.js";

/** One saved reset. */
export interface ResetCredit {
  /** What is given to use it. */
  readonly id?: string;
  readonly grantedAt?: number;
  /** Until when it can be used, in milliseconds since 1970. */
  readonly expiresAt?: number;
  /** The provider's word: `available`, `redeemed`. */
  readonly status?: string;
}

/** The saved resets of one account. */
export interface AccountResets {
  readonly id: number;
  readonly provider: string;
  readonly name: string;
  /** How many can be used now. */
  readonly available: number;
  readonly credits: readonly ResetCredit[];
  /** Is it the account of the session that was named? */
  readonly active?: boolean;
  /** Why they are not known, in one word. */
  readonly error?: string;
}

/** Whose saved resets are wanted. */
export interface ListResetsOptions {
  /** Of this provider's accounts; of all that may have some, where none is named. */
  readonly provider?: string | undefined;
  /** The account that serves this session is marked as `active`. */
  readonly session?: string | undefined;
  /** For each: 15 s. */
  readonly waitMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Which saved reset is used. */
export interface RedeemOptions {
  /** The account: its id, or `provider:name`. */
  readonly target: CredentialRef;
  /** This one; else the one that ends first. */
  readonly creditId?: string | undefined;
  /** The same for every try of one redemption, so that it is used once; a new one where it is left out. */
  readonly redemptionId?: string | undefined;
  /** 30 s. */
  readonly waitMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * What came of it. `reset`: a window was begun anew. `already_redeemed`, `no_credit`, `nothing_to_reset`: the provider's word.
 * `no_account`: its provider has no saved resets. `account_unavailable`: its token cannot be renewed. `credit_list_failed`: try again.
 * `http_503` and the like: something else. `timeout`, `unanswered`: try again with the same `redemptionId`.
 */
export type RedeemCode = "reset" | "already_redeemed" | "no_credit" | "nothing_to_reset" | "no_account" | "account_unavailable" | "credit_list_failed" | "timeout" | "unanswered" | (string & {});

/** How a redemption ended. */
export interface Redeemed {
  /** A window was begun anew. */
  readonly ok: boolean;
  readonly code: RedeemCode;
  /** May it be tried again, with the same `redemptionId`? */
  readonly retryable: boolean;
  /** The one that was used, or was to be. */
  readonly creditId?: string;
  readonly redemptionId: string;
}

const RETRYABLE: readonly string[] = ["credit_list_failed", "timeout", "unanswered", "busy"];

/** Asks about one account. */
export async function listOf(driver: Driver, handle: number, wait: number, signal: AbortSignal | undefined): Promise<Pick<AccountResets, "available" | "credits" | "error">> {
  const { list, code } = told(await driver.request((request) => ({ errand: { request, handle, wait, resets: true } }), signal));
  if (!list) return { available: 0, credits: [], error: code };
  const credits = (list.credits ?? []).map(({ id, granted_at, expires_at, status }) => ({
    ...(id !== undefined && { id }),
    ...(granted_at !== undefined && { grantedAt: granted_at }),
    ...(expires_at !== undefined && { expiresAt: expires_at }),
    ...(status !== undefined && { status }),
  }));
  return { available: list.available, credits };
}

/** Uses one. */
export async function redeem(driver: Driver, handle: number, { creditId, redemptionId = newId(driver.host), waitMs = 30_000, signal }: Omit<RedeemOptions, "target">): Promise<Redeemed> {
  if (!/^[\x21-\x7e]{1,128}$/.test(redemptionId)) throw new CredpoolError("invalid", "redeemResetCredit: redemptionId wants 1 to 128 visible characters of ASCII");
  const wait = Math.max(0, Math.floor(waitMs));
  const { code, credit } = told(await driver.request((request) => ({ errand: { request, handle, wait, resets: true, redemption: redemptionId, ...(creditId !== undefined && { credit: creditId }) } }), signal));
  return { ok: code === "reset", code, retryable: RETRYABLE.includes(code) || /^http_(5|429)/.test(code), ...(credit !== undefined && { creditId: credit }), redemptionId };
}

function told(answer: Answer): NonNullable<Answer["resets"]> {
  if (answer.resets) return answer.resets;
  throw failure(answer);
}

/** A random UUID (RFC 9562 §5.4). */
function newId(host: WholeHost): string {
  const bytes = new Uint8Array(16);
  host.random(bytes);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
