// The host's own code to renew tokens, called for one account at a time. Leases, single flight and compare-and-swap are the
// engine's, as for any other refresh.
import type { PoolInput } from "./protocol.js";
import { instant } from "./shapes.js";
import type { Entry } from "./table.js";
import type { Refresher } from "./types.js";

/** By registry names of providers. */
export type Refreshers = ReadonlyMap<string, Refresher>;

/** Calls it; answers what the engine is to be told. Never rejected, and without a word of what was thrown. */
export async function refreshByHost(op: number, refresh: string, entry: Entry | undefined, refreshers: Refreshers): Promise<PoolInput> {
  const refresher = entry && refreshers.get(entry.provider);
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
