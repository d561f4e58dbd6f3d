// The host's own code around renewals, called for one account at a time. Leases, single flight and compare-and-swap are the
// engine's, as for any other refresh.
import { CredpoolError } from "./errors.js";
import type { WholeHost } from "./host.js";
import type { HostRenewal, PoolInput } from "./protocol.js";
import { instant } from "./shapes.js";
import type { Entry } from "./table.js";
import type { Refresher, Renewal, RenewedAccount } from "./types.js";

/** Who does not say within so many milliseconds whether to renew has nothing to say. */
const LONGEST_THOUGHT = 30_000;
/** Between two questions where nobody says: what CLIProxyAPI's service uses. */
const USUAL_CHECK = 15 * 60_000;

const FIELDS: readonly string[] = ["refresh", "leadMs", "shouldRefresh", "checkMs"];

interface Advise {
  op: number;
  decide: boolean;
  expires?: number;
  renewed?: number;
}

export class Renewals {
  /** By registry names of providers. */
  readonly #all = new Map<string, Renewal>();

  /** Keeps a provider's; answers what the engine must know of it. */
  set(provider: string, given: Refresher | Renewal | undefined): HostRenewal {
    const renewal: Renewal = typeof given === "function" ? { refresh: given } : (given ?? {});
    check(provider, renewal);
    if (given === undefined) this.#all.delete(provider);
    else this.#all.set(provider, renewal);
    const { refresh, leadMs, shouldRefresh, checkMs = USUAL_CHECK } = renewal;
    return { refresh: refresh !== undefined, leads: leadMs !== undefined, ...(shouldRefresh && { check: Math.floor(checkMs) }) };
  }

  /** Renews; answers what the engine is to be told. Never rejected, and without a word of what was thrown. */
  async refresh(op: number, refresh: string, entry: Entry | undefined): Promise<PoolInput> {
    const refresher = entry && this.#all.get(entry.provider)?.refresh;
    if (!entry || !refresher || entry.id === undefined) return { host_refresh_failed: { op, definitive: false, code: "no_refresher" } };
    const { id, provider, name, secret: access } = entry;
    try {
      const tokens = await refresher({ id, provider, name, access, refresh });
      if (typeof tokens?.access !== "string") return { host_refresh_failed: { op, definitive: false, code: "malformed" } };
      const expires = tokens.expires === undefined ? undefined : instant(tokens.expires);
      return {
        host_refreshed: {
          op,
          access: tokens.access,
          ...(typeof tokens.refresh === "string" && tokens.refresh !== "" && { refresh: tokens.refresh }),
          ...(expires !== undefined && { expires }),
        },
      };
    } catch (error) {
      const { definitive } = (error ?? {}) as { definitive?: unknown };
      return { host_refresh_failed: { op, definitive: definitive === true } };
    }
  }

  /** Asks when an account is to be renewed. Never rejected; what throws, or says nothing in time, has nothing to say. */
  async advise({ op, decide, expires, renewed }: Advise, entry: Entry | undefined, host: WholeHost): Promise<PoolInput> {
    const renewal = entry && this.#all.get(entry.provider);
    if (!entry || !renewal || entry.id === undefined) return { advised: { op, decided: decide } };
    const { id, provider, name, secret: access } = entry;
    const account: RenewedAccount = { id, provider, name, access, ...(expires !== undefined && { expires }), ...(renewed !== undefined && { renewed }) };
    const lead = await heard(() => renewal.leadMs?.(account), host);
    const renew = decide ? await heard(() => renewal.shouldRefresh?.(account), host) : undefined;
    const good = typeof lead === "number" && lead >= 0 && Number.isFinite(lead);
    return { advised: { op, decided: decide, ...(good && { lead: Math.min(Math.floor(lead), Number.MAX_SAFE_INTEGER) }), ...(typeof renew === "boolean" && { renew }) } };
  }
}

function check(provider: string, renewal: Renewal): void {
  const where = `refreshers.${provider}`;
  const unknown = Object.keys(renewal).find((field) => !FIELDS.includes(field));
  if (unknown !== undefined) throw new CredpoolError("invalid", `${where} has no field ${unknown}; there are: ${FIELDS.join(", ")}`);
  for (const field of ["refresh", "leadMs", "shouldRefresh"] as const) {
    if (renewal[field] !== undefined && typeof renewal[field] !== "function") throw new CredpoolError("invalid", `${where}.${field}: expected a function`);
  }
  const { checkMs } = renewal;
  if (checkMs !== undefined && !(Number.isFinite(checkMs) && checkMs >= 1000)) throw new CredpoolError("invalid", `${where}.checkMs: expected 1000 milliseconds or more`);
}

/** What the host's code says, in time; else nothing. */
async function heard<T>(ask: () => T | Promise<T>, host: WholeHost): Promise<T | undefined> {
  let timer: unknown;
  const late = new Promise<undefined>((resolve) => (timer = host.setTimer(() => resolve(undefined), LONGEST_THOUGHT, false)));
  try {
    return await Promise.race([Promise.resolve().then(ask), late]);
  } catch {
    return undefined;
  } finally {
    host.clearTimer(timer);
  }
}
