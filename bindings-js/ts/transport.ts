// Who sends a credential's requests: the host's fetch, or a transport that the host makes for this credential alone.
import { CredpoolError } from "./errors.js";
import type { WholeHost } from "./host.js";
import type { Entry } from "./table.js";

/** For whom a transport is wanted. */
export interface TransportTarget {
  readonly id?: number;
  readonly provider: string;
  readonly name: string;
  /** Where its requests go instead of the provider's own address. */
  readonly baseUrl?: string;
  /** The proxy that its requests must take: `http`, `https` or `socks5`. May hold a password: never to be logged. */
  readonly proxyUrl?: string;
}

/** Makes what sends a credential's requests; `undefined` for the host's `fetch`. Asked once for each version of a credential. */
export type TransportFactory = (credential: TransportTarget) => typeof globalThis.fetch | undefined;

/** Asks the host. Throws where a proxy is wanted and the host knows no way through one. */
export function transportFor(host: WholeHost, { id, provider, name, baseUrl, proxyUrl }: Pick<Entry, keyof TransportTarget>): typeof globalThis.fetch {
  const target = { ...(id !== undefined && { id }), provider, name, ...(baseUrl !== undefined && { baseUrl }), ...(proxyUrl !== undefined && { proxyUrl }) };
  const own = host.transport(target);
  if (own) return own;
  // Around its proxy nothing is sent: its owner wants the account seen from there only.
  if (proxyUrl !== undefined) {
    throw new CredpoolError("invalid", `${provider}${name === "" ? "" : ":"}${name} has a proxy, and this host knows no way through one: give host.transport (proxyTransport() of credpool/node)`);
  }
  return host.fetch;
}
