// What was left of accounts, and what calls cost: read from the store's histories. What is remembered, and when, the engine says.
import type { CredentialStore, LogEntry } from "./store/store.js";
import type { CredentialRef } from "./types.js";
import type { UsageStatus } from "./usage.js";

const HOUR = 3_600_000;

/** What of a history is wanted. */
export interface UsageHistoryOptions {
  readonly provider?: string | undefined;
  readonly credential?: CredentialRef | undefined;
  /** From this instant on, in milliseconds since 1970. */
  readonly from?: number | Date | undefined;
  /** Before this one. */
  readonly to?: number | Date | undefined;
  /** So long is one bucket: an hour; 0: nothing is put together. */
  readonly bucketMs?: number | undefined;
}

/** How a limit of an account stood. */
export interface UsageHistoryEntry {
  /** When, in milliseconds since 1970. */
  readonly at: number;
  readonly id: number;
  readonly provider: string;
  readonly name: string;
  readonly plan?: string;
  /** The same in every report: `anthropic:5h`. */
  readonly limit: string;
  /** The share that was used, in parts per million; absent where nobody said. */
  readonly used_ppm?: number;
  readonly resets_at?: number;
  readonly status: UsageStatus;
}

/** What calls cost. */
export interface UsageCostEntry {
  /** When; of a sum, when its bucket begins. */
  readonly at: number;
  /** Absent of a key that is not stored. */
  readonly id?: number;
  readonly provider: string;
  readonly name: string;
  readonly usd: number;
  readonly tokens: number;
  /** So many were put together. */
  readonly count: number;
}

/** Whose cost it is. */
export interface RecordCostOptions {
  readonly session?: string | undefined;
  readonly credential?: CredentialRef | undefined;
  /** What it took beside, for a budget of tokens. */
  readonly tokens?: number | undefined;
  readonly recordedAt?: number | Date | undefined;
}

interface Whose {
  provider?: string;
  id?: number;
  name?: string;
}

interface Line {
  id?: number;
  provider: string;
  name: string;
  plan?: string;
  limits?: unknown;
  microdollars?: number;
  tokens?: number;
}

export async function listHistory(store: CredentialStore, options: UsageHistoryOptions, whose: Whose): Promise<UsageHistoryEntry[]> {
  const last = new Map<string, UsageHistoryEntry>();
  const all: UsageHistoryEntry[] = [];
  const bucket = bucketOf(options);
  for (const { at, line } of await lines(store, "usage", options, whose)) {
    const { id = 0, provider, name, plan } = line;
    for (const given of Array.isArray(line.limits) ? (line.limits as unknown[]) : []) {
      const { id: limit, used, resets, status } = (given ?? {}) as { id?: unknown; used?: unknown; resets?: unknown; status?: unknown };
      if (typeof limit !== "string") continue;
      const entry: UsageHistoryEntry = {
        at, id, provider, name, limit,
        ...(typeof plan === "string" && { plan }),
        ...(typeof used === "number" && { used_ppm: used }),
        ...(typeof resets === "number" && { resets_at: resets }),
        status: status === "ok" || status === "warning" || status === "exhausted" ? status : "unknown",
      };
      if (bucket === 0) all.push(entry);
      // Entries come in order: the last one of a bucket stays.
      else last.set(`${Math.floor(at / bucket)} ${id} ${limit}`, entry);
    }
  }
  return bucket === 0 ? all : [...last.values()].sort((one, other) => one.at - other.at);
}

export async function listCosts(store: CredentialStore, options: UsageHistoryOptions, whose: Whose): Promise<UsageCostEntry[]> {
  const sums = new Map<string, UsageCostEntry>();
  const bucket = bucketOf(options);
  let number = 0;
  for (const { at, line } of await lines(store, "cost", options, whose)) {
    const { id, provider, name, microdollars = 0, tokens = 0 } = line;
    const key = bucket === 0 ? String((number += 1)) : `${Math.floor(at / bucket)} ${provider} ${id ?? name}`;
    const sum = sums.get(key);
    sums.set(key, {
      at: bucket === 0 ? at : Math.floor(at / bucket) * bucket,
      ...(id !== undefined && { id }),
      provider,
      name,
      // Whole millionths are added, so that no sum is off by a rounding.
      usd: (Math.round((sum?.usd ?? 0) * 1e6) + microdollars) / 1e6,
      tokens: (sum?.tokens ?? 0) + tokens,
      count: (sum?.count ?? 0) + 1,
    });
  }
  return [...sums.values()];
}

async function lines(store: CredentialStore, log: string, { from, to }: UsageHistoryOptions, whose: Whose): Promise<{ at: number; line: Line }[]> {
  const entries = await store.query(log, { ...(from !== undefined && { from: Number(from) }), ...(to !== undefined && { to: Number(to) }) });
  return entries.flatMap((entry) => {
    const line = read(entry);
    if (!line || (whose.id !== undefined && line.id !== whose.id) || (whose.provider !== undefined && line.provider !== whose.provider) || (whose.name !== undefined && line.name !== whose.name)) return [];
    return [{ at: entry.at, line }];
  });
}

/** An entry; nothing of one that cannot be read: a history that was damaged in one place is one of which something is missing. */
function read({ data }: LogEntry): Line | undefined {
  try {
    const line = JSON.parse(data) as Partial<Line> | null;
    return typeof line?.provider === "string" && typeof line.name === "string" ? (line as Line) : undefined;
  } catch {
    return undefined;
  }
}

function bucketOf({ bucketMs = HOUR }: UsageHistoryOptions): number {
  return Math.max(0, Math.floor(bucketMs));
}
