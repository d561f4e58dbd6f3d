// The words of the public API. Times are milliseconds, instants are milliseconds since 1970.
import type { SharedLimits } from "./shared-limits.js";
import type { Host } from "./host.js";
import type { LoginFlow, OAuthClient, OAuthDefinition } from "./login/types.js";
import type { CredentialState, CredentialStatus, Kind, Origin, Placement } from "./protocol.js";
import type { CredentialStore } from "./store/store.js";
import type { UsageProvider } from "./usage-host.js";

export type { CredentialState, CredentialStatus, Kind, Origin, Placement } from "./protocol.js";

/** How a pool is opened. */
export interface PoolOptions {
  /** Where credentials and cooldowns are kept; `memoryStore()` where it is left out. */
  store?: CredentialStore | undefined;
  /** A preset's name, or a document such as `{ extends: "default", strategy: "round-robin" }`. */
  policy?: string | object | undefined;
  /** Providers beside those of the registry. */
  providers?: readonly ProviderDefinition[] | undefined;
  /** Environment variables for keys; `false` for none. The process's own where it is left out. */
  env?: Readonly<Record<string, string | undefined>> | false | undefined;
  /** Your OAuth clients, by provider: logins and refreshes need one, and none is built in. */
  oauth?: Readonly<Record<string, OAuthClient>> | undefined;
  /** Your own code to renew tokens, by provider: in place of a request to its token endpoint, or to say when. */
  refreshers?: Readonly<Record<string, Refresher | Renewal>> | undefined;
  /** Your own code for what is left of accounts, by provider: in place of what credpool asks, or to rank them. */
  usageProviders?: Readonly<Record<string, UsageProvider | NonNullable<UsageProvider["fetch"]>>> | undefined;
  /** May a secret be the output of a command (`exec:…`)? No: whoever could write the store could run anything. */
  execSecrets?: boolean | undefined;
  /**
   * Who keeps limits (requests a minute, leases at once) that hold for many processes together, such as `valkeyLimits()` of
   * `credpool/valkey`. Each process counts for itself where it is left out.
   */
  limits?: SharedLimits | undefined;
  /** What draws grow from (below 2^53); the same seed repeats a history. Random where it is left out. */
  seed?: number | undefined;
  /** Clocks, timers and network in place of the runtime's own. */
  host?: Host | undefined;
  /** How long a call of the store may take: 30 s. */
  storeTimeoutMs?: number | undefined;
}

/** Renews an account's tokens. What it throws counts as an outage; with `definitive: true` on it, the account is given up. */
export type Refresher = (account: RefreshedAccount) => Promise<RefreshedTokens>;

/**
 * Your own code around the renewal of a provider's accounts. Whatever it says, one renewal runs at a time for an account, in one
 * process or in many, and nobody overwrites newer tokens. What it throws says nothing.
 */
export interface Renewal {
  /** Renews, in place of a request to the token endpoint. */
  refresh?: Refresher | undefined;
  /** How long before its expiry a token is renewed by itself, in milliseconds: asked once for each token. 0: never; `undefined`: as the policy says. */
  leadMs?: ((account: RenewedAccount) => number | undefined) | undefined;
  /**
   * Is the account to be renewed now? Asked every `checkMs`, and when the policy would renew it; `undefined`: as the policy says.
   * Without an answer within 30 s it has none.
   */
  shouldRefresh?: ((account: RenewedAccount) => boolean | undefined | Promise<boolean | undefined>) | undefined;
  /** Between two questions of `shouldRefresh`: 15 min, at least 1 s. */
  checkMs?: number | undefined;
}

/** An account whose renewal is thought about. */
export interface RenewedAccount {
  readonly id: number;
  readonly provider: string;
  readonly name: string;
  /** The access token that it has. */
  readonly access: string;
  /** When that expires. */
  readonly expires?: number;
  /** When it was renewed last. */
  readonly renewed?: number;
}

/** What a provider says of an account's tokens (RFC 7662). */
export interface Introspection {
  /** Are they good? Absent: it did not say. */
  readonly active?: boolean;
  /** Until when, where it says. */
  readonly expires?: number;
  /** Why nothing is known, in one word. */
  readonly cause?: string;
}

/** Whose tokens are to be renewed. */
export interface RefreshedAccount {
  readonly id: number;
  readonly provider: string;
  readonly name: string;
  /** The access token that it has. */
  readonly access: string;
  /** What renews it; empty where there is nothing. */
  readonly refresh: string;
}

/** New tokens. */
export interface RefreshedTokens {
  access: string;
  /** Absent: the old one stays. */
  refresh?: string | undefined;
  /** When the access token expires: milliseconds since 1970, or a date. */
  expires?: number | Date | undefined;
}

/** How tokens are renewed on demand. */
export interface RefreshOptions {
  /** Even if they are fresh. */
  force?: boolean | undefined;
  /** The version that was refused (`lease.version`): where there is a newer one already, that is the answer. */
  failedVersion?: number | undefined;
  /** Gives up; the refresh goes on. */
  signal?: AbortSignal | undefined;
}

/** What came of it. */
export type Refreshed = { readonly ok: true; readonly version: number; readonly expires?: number } | { readonly ok: false; readonly definitive: boolean; readonly cause: string };

/** A provider that the registry does not know. */
export interface ProviderDefinition {
  name: string;
  /** The name for people. */
  label?: string | undefined;
  aliases?: readonly string[] | undefined;
  /** The kinds of credential it takes, the preferred first: all where it is left out. */
  kinds?: readonly Kind[] | undefined;
  /** Environment variables that may hold a key; the first that is set wins. */
  environment?: readonly string[] | undefined;
  /** Where an API key goes: `"bearer"` where it is left out. */
  keyPlacement?: Placement | undefined;
  /** May a credential have no key, only the address of its server? No. */
  keyless?: boolean | undefined;
  /** Where a token goes: `"bearer"` where it is left out. */
  tokenPlacement?: Placement | undefined;
  /** Headers of every request. */
  headers?: Readonly<Record<string, string>> | undefined;
  /** Headers of requests with a token, beside those. */
  tokenHeaders?: Readonly<Record<string, string>> | undefined;
  website?: string | undefined;
  refreshLeadMs?: number | undefined;
  consumerNotice?: string | undefined;
  /** How its accounts log in. */
  oauth?: OAuthDefinition | undefined;
}

/** What is known of a provider. */
export interface ProviderInfo {
  readonly name: string;
  readonly label: string;
  readonly aliases: string[];
  readonly kinds: Kind[];
  readonly environment: string[];
  readonly keyPlacement: Placement;
  /** A credential may have no key, only the address of its server. */
  readonly keyless?: boolean;
  readonly tokenPlacement: Placement;
  readonly headers: Readonly<Record<string, string>>;
  readonly tokenHeaders: Readonly<Record<string, string>>;
  /** Where keys are made. */
  readonly website: string;
  readonly refreshLeadMs?: number;
  /** What the provider's terms say of consumer accounts in other programs; to be shown when one is added. */
  readonly consumerNotice?: string;
  /** The ways to log in to an account, the preferred first. */
  readonly logins?: LoginFlow[];
  /** What a login asks for. */
  readonly scopes?: string[];
}

/** Whose account it is. */
export interface Identity {
  email?: string | undefined;
  accountId?: string | undefined;
  orgId?: string | undefined;
  projectId?: string | undefined;
  enterpriseUrl?: string | undefined;
}

/** What of a credential may be used; 0 takes a limit away that the policy has. */
export interface Limits {
  /** Leases open at once. */
  inFlight?: number | undefined;
  /** Requests a minute. */
  requests?: number | undefined;
  /** Requests at once, where that is less than a minute's worth. */
  burst?: number | undefined;
  /** Tokens a minute, of prompts and answers together. */
  tokens?: number | undefined;
  /** What may be spent in a window of time, as reports say it. */
  budget?: { windowMs: number; usd?: number | undefined; tokens?: number | undefined } | undefined;
}

/** Another name for a model of the upstream. */
export interface ModelAlias {
  /** What the upstream calls it. */
  name: string;
  /** What callers call it. */
  alias: string;
  /** Is it served under its own name too? No. */
  fork?: boolean | undefined;
  /** Do answers name the alias in the place of the upstream's model? No. */
  force?: boolean | undefined;
}

/** A credential to be stored. One of `key`, `token` and `access` is its secret; a local server may do with its `baseUrl`. */
export interface NewCredential extends Identity {
  /** Told by the secret's field where it is left out. */
  kind?: Kind | undefined;
  /** Of an API key; or the name of one that is kept elsewhere: `env:NAME`, `file:PATH`, `exec:COMMAND`, `vault://…` (docs/secrets.md). */
  key?: string | undefined;
  /** Of a token; or the name of one, as for a key. */
  token?: string | undefined;
  /** Of an OAuth account. */
  access?: string | undefined;
  /** Of an OAuth account. */
  refresh?: string | undefined;
  /** The OAuth client that the account was logged in by: only that one may renew it. */
  clientId?: string | undefined;
  clientSecret?: string | undefined;
  /** The key that its tokens are bound to (DPoP): a JWK with its private part, as JSON. As `export` gives it; a login makes its own. */
  dpopKey?: string | undefined;
  /** Where its tokens are renewed, in place of the provider's own address: `https`, or `http` on a loopback host. An empty text takes it away. */
  tokenUrl?: string | undefined;
  /** Unique for the provider; given where it is left out. Who is named like a stored one takes its place. */
  name?: string | undefined;
  /** Higher is tried first: 0. */
  priority?: number | undefined;
  /** Its share under `weighted`: 1. */
  weight?: number | undefined;
  /** The models that it serves, with `*` for any text; all where it is left out. */
  models?: readonly string[] | undefined;
  /** The models that it does not serve, though `models` may name them. */
  excludedModels?: readonly string[] | undefined;
  /** Other names for its models; several entries of one alias are a pool, whose models take turns. */
  aliases?: readonly ModelAlias[] | undefined;
  /** The namespace of its models: `prefix/model` is asked of those with this prefix only. */
  prefix?: string | undefined;
  /** What of it may be used; where it says nothing, the policy does. */
  limits?: Limits | undefined;
  /** May it be used? Yes. */
  enabled?: boolean | undefined;
  /** Does anything of it rest? As the policy says, where it is left out. */
  cooling?: boolean | undefined;
  /** Where it comes from, in words of one's own; `login` where it came from one. */
  source?: string | undefined;
  /** When the secret expires. */
  expires?: number | Date | undefined;
  /** Where its requests go instead: `pool.fetch` puts it before the request's path. */
  baseUrl?: string | undefined;
  /**
   * The proxy that its requests must take: `http`, `https` or `socks5`, with user and password where it wants them. Kept with the
   * secret; an empty text takes it away. Needs `host.transport` (`proxyTransport()` of `credpool/node`).
   */
  proxyUrl?: string | undefined;
  /** Headers of its requests beside the credential's own, which they never replace. Kept with the secret; `{}` takes them away. */
  headers?: Readonly<Record<string, string>> | undefined;
  /** So many further rounds of a call it takes part in (0 to 255), where that is not as the policy's `retry.rounds` says. */
  retry?: number | undefined;
}

/** A credential to be stored among others. */
export interface NewProviderCredential extends NewCredential {
  provider: string;
}

/** What is to change; what is left out stays. */
export interface CredentialChanges extends Omit<NewCredential, "kind" | "clientId" | "clientSecret" | "dpopKey"> {
  disabledCause?: string | undefined;
}

/** A credential, by its id in the store or by `provider:name`. */
export type CredentialRef = number | string;

/** A credential as the pool sees it, without its secret. */
export interface CredentialInfo {
  /** Its id in the store; absent where it is not stored. */
  readonly id?: number;
  /** A public handle that reveals nothing. */
  readonly index: string;
  readonly provider: string;
  readonly name: string;
  readonly kind: Kind;
  /** Which leg of the cascade it belongs to. */
  readonly origin: Origin;
  readonly priority: number;
  readonly weight: number;
  readonly models: string[];
  readonly excludedModels?: readonly string[];
  readonly aliases?: readonly ModelAlias[];
  readonly prefix?: string;
  /** What of it may be used, where it says so itself. */
  readonly limits?: Limits;
  readonly enabled: boolean;
  readonly disabledCause?: string;
  /** What took it out of use by itself last, and when: kept for 30 days after it came back. */
  readonly fault?: { readonly cause: string; readonly at: number };
  /** Where it came from, as whoever stored it said: `login`; `watched:FILE#PLACE` of a folder that is followed. */
  readonly source?: string;
  readonly expires?: number;
  readonly baseUrl?: string;
  /** The proxy of its requests, without user and password. */
  readonly proxyUrl?: string;
  /** Names of the headers of its own. */
  readonly headers?: readonly string[];
  readonly retry?: number;
  readonly identity: Readonly<Identity>;
  readonly status: CredentialStatus;
  /** The same in CLIProxyAPI's words: `error` while something fails, `pending` while it waits for something else. */
  readonly state: CredentialState;
  /** Why it is not ready; absent where it is. */
  readonly message?: string;
  /** Until when it is paused; 8.64e15 where only `resume` ends it. */
  readonly pausedUntil?: number;
  /** Does anything of it rest? Absent: as the policy says. */
  readonly cooling?: boolean;
  /** Leases that are open. */
  readonly inFlight: number;
  readonly lastUsed?: number;
  /** Calls since it was added: those that succeeded, and those that failed by its fault. */
  readonly counters: { readonly success: number; readonly failure: number };
  /** Why the last of these failed. */
  readonly lastError?: string;
  /** When it did. */
  readonly lastErrorAt?: number;
  /** When the first of what rests, or is paused or at its limit, comes back. */
  readonly nextRetry?: number;
  /** When its tokens are renewed by themselves. */
  readonly nextRefresh?: number;
  /** Calls of the last 200 minutes, by ten minutes, oldest first: of this pool, since it was opened; where there were none is left out. */
  readonly recent: readonly { readonly from: number; readonly success: number; readonly failure: number }[];
  /** What of it rests now. */
  readonly cooldowns: CooldownInfo[];
}

/** Something of a credential that rests. */
export interface CooldownInfo {
  /** `credential`, `model` or `meter:<name>`. */
  readonly scope: string;
  readonly model?: string;
  readonly reason: string;
  readonly until: number;
  /** How far its ladder has climbed. */
  readonly level: number;
  /** Who chose the end. */
  readonly source: "hint" | "ladder" | "default" | "hand" | "circuit" | "report";
  /** `open`, where too many failures in a row opened it. */
  readonly circuit: "open" | "half-open" | "closed";
}

/** For what a credential is wanted. */
export interface RouteOptions {
  model?: string | undefined;
  /** Calls of one session stay with one credential, where the policy says so. */
  session?: string | undefined;
}

/** How a credential is asked for. */
export interface AcquireOptions extends RouteOptions {
  /** How long to wait for one to come back: 0. */
  waitMs?: number | undefined;
  /** Gives up; the promise is then rejected with the signal's reason. */
  signal?: AbortSignal | undefined;
  /** Never one of these. */
  exclude?: readonly CredentialRef[] | undefined;
}

/** What a report led to. */
export interface Report {
  /** `ok`, or why the call failed: a reason of the taxonomy. */
  readonly reason: string;
  /** What that covers: `request`, `model`, `meter:<name>`, `credential` or `upstream`. */
  readonly scope: string;
  /** Until when that rests now; absent where it does not. */
  readonly until?: number;
  readonly level: number;
  /** What the policy says next: `none`, `refresh` the same account and try it once more, `rotate` to another, or `stop`. */
  readonly action: "none" | "refresh" | "rotate" | "stop";
  /** What the rule that decided tells people, where it does. */
  readonly message?: string;
}

/** Why one credential would be picked, and why the others would not. */
export interface Explanation {
  /** The name of the one that would be picked. */
  readonly picked?: string;
  /** Every candidate, in stored order. */
  readonly candidates: Candidate[];
}

export interface Candidate {
  readonly id?: number;
  readonly name: string;
  readonly origin: Origin;
  /** `picked`, `ready`, or the reason it is out. */
  readonly verdict: string;
  readonly until?: number;
  /** Its place in the order in which they would be picked; 1 would be picked now. Absent where it is out. */
  readonly rank?: number;
  /** What its upstream calls the model, where that is another name. */
  readonly model?: string;
}

/** Who would be picked. */
export interface Peeked {
  readonly id?: number;
  readonly provider: string;
  readonly name: string;
  readonly kind: Kind;
  readonly origin: Origin;
}

/** Keys of a provider that are not stored: a text sets one, `null` takes it back, what is left out stays. */
export interface Overrides {
  /** Before all others: a command line option, for example. */
  runtime?: string | null | undefined;
  /** Before all that is stored: the program's configuration. */
  config?: string | null | undefined;
}

/** Gives a provider's key where nobody else can; `undefined` for none. */
export type Fallback = (provider: string) => string | undefined | null | Promise<string | undefined | null>;
