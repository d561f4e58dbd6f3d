// What crosses between the driver and the WebAssembly as JSON: the twin of core/src/pool/protocol/. Nothing here is
// part of the public API.

export type Kind = "api_key" | "token" | "oauth";
export type Origin = "runtime" | "config" | "oauth" | "login" | "env" | "stored" | "fallback";
export type RowKind = "credential" | "health" | "usage" | "tie" | "refresh" | "report";
export type RowId = number | string;
export type TransportError = "timeout" | "connection" | "aborted" | "truncated";

export interface PoolConfig {
  policy?: unknown;
  /** Documents that the policy extends and that the engine does not have itself: names, and JSON. */
  documents?: [string, string][];
  seed?: number;
  providers?: ProviderFacts[];
  tellSelected?: boolean;
  /** Shares of limits are asked for. */
  sharedLimits?: boolean;
  /** The user's OAuth clients, by provider. */
  clients?: [string, ClientData][];
}

/** What the host's own code does for the accounts of a provider. */
export interface HostRenewal {
  refresh?: boolean;
  leads?: boolean;
  check?: number;
}

/** What the host's own code does for the usage of a provider's accounts. */
export interface HostUsage {
  asks: boolean;
  kinds: Kind[];
  says_nothing: boolean;
  ranks: boolean;
}

export interface ClientData {
  id: string;
  secret?: string;
  /** The key that the account's tokens are bound to, as a JWK. */
  dpop?: string;
}

/** One provider, as the registry has it. */
export interface ProviderFacts {
  name: string;
  label: string;
  aliases: string[];
  kinds: Kind[];
  environment: string[];
  keyPlacement: Placement;
  keyless?: boolean;
  tokenPlacement: Placement;
  headers: [string, string][];
  tokenHeaders: [string, string][];
  website: string;
  refreshLead?: number;
  consumerNotice?: string;
  oauth?: OAuthFacts;
}

/** How accounts of a provider log in: what a host is told, and (`OAuthDefinition`) what it may register. */
export interface OAuthFacts {
  flows: LoginFlow[];
  scopes: string[];
  redirect?: string;
  dpop?: boolean;
}

export type LoginFlow = "code" | "device" | "client_credentials";

export interface LoginInput {
  provider: string;
  flow?: LoginFlow;
  client?: ClientData;
  redirect?: string;
  scopes?: readonly string[];
  state: string;
  verifier: string;
  name?: string;
  priority?: number;
  proxyUrl?: string;
  /** A new key for its tokens, as a JWK: DPoP. */
  dpop?: string;
  wait?: number;
}

/** What `WasmPool.provider()` answers: the facts, and what is the same for all providers. */
export interface ProviderView {
  facts: ProviderFacts;
  stripHeaders: string[];
  stripQuery: string[];
  listHeaders: string[];
}

export type Placement = "bearer" | "none" | { header: string } | { query: string };

export interface SecretInput {
  key?: string;
  token?: string;
  access?: string;
  refresh?: string;
  /** An empty text takes it away. */
  proxyUrl?: string;
  headers?: [string, string][];
}

export interface IdentityData {
  email?: string;
  account_id?: string;
  org_id?: string;
  project_id?: string;
  enterprise_url?: string;
}

/** What of a credential may be used. */
export interface LimitsData {
  in_flight?: number;
  requests?: number;
  burst?: number;
  tokens?: number;
  budget?: { window: number; microdollars?: number; tokens?: number };
}

/** Another name for a model of the upstream. */
export interface AliasData {
  name: string;
  alias: string;
  fork?: boolean;
  force?: boolean;
}

export interface CredentialInput extends SecretInput {
  provider: string;
  name?: string;
  kind?: Kind;
  priority?: number;
  weight?: number;
  models?: readonly string[];
  excludedModels?: readonly string[];
  aliases?: readonly AliasData[];
  prefix?: string;
  limits?: LimitsData;
  enabled?: boolean;
  cooling?: boolean;
  source?: string;
  expires?: number;
  baseUrl?: string;
  tokenUrl?: string;
  retry?: number;
  identity?: IdentityData;
  client?: ClientData;
}

export interface Changes {
  name?: string;
  priority?: number;
  weight?: number;
  models?: readonly string[];
  excluded_models?: readonly string[];
  aliases?: readonly AliasData[];
  prefix?: string;
  limits?: LimitsData;
  enabled?: boolean;
  disabled_cause?: string;
  paused_until?: number;
  cooling?: boolean;
  expires?: number;
  base_url?: string;
  token_url?: string;
  retry?: number;
  identity?: IdentityData;
  source?: string;
}

/** How a call ended, as it came. */
export interface Outcome {
  ok?: boolean;
  status?: number;
  headers?: [string, string][];
  body?: string;
  transport?: TransportError;
  /** A stream, answered with a 200, that came to its end: its first and last bytes, or all of it as `tail`; `binary`: as base64. */
  stream?: { head?: string; tail: string; binary?: boolean };
  aside?: boolean;
  usage?: { tokens?: number; microdollars?: number };
}

export interface RowData {
  kind: RowKind;
  id: RowId;
  version: number;
  data?: string;
  secret?: string;
}

export interface AcquireInput {
  request: number;
  providers: readonly string[];
  model?: string;
  session?: string;
  knownAs?: string;
  exclude?: readonly number[];
  tried?: readonly number[];
  prefer?: number;
  now?: boolean;
  round?: number;
  after?: string;
  wait?: number;
}

export interface ReportInput {
  request: number;
  lease?: number;
  handle?: number;
  model?: string;
  session?: string;
  outcome: Outcome;
  attempts?: number;
  refreshed?: boolean;
}

export interface OverrideInput {
  request: number;
  provider: string;
  origin: Origin;
  kind?: Kind;
  secret?: SecretInput;
  name?: string;
}

export type PoolInput =
  | { tick: Record<string, never> }
  | { load: { request: number } }
  | { acquire: AcquireInput }
  | { cancel: { request: number } }
  | { report: ReportInput }
  | { add: { request: number; credentials: CredentialInput[] } }
  | { update: { request: number; id: number; changes?: Changes; secret?: SecretInput } }
  | { remove: { request: number; id: number } }
  | { override: OverrideInput }
  | { untie: { request: number; session: string } }
  | { reset: { request: number; handle?: number; provider?: string; model?: string } }
  | { drain: { request: number; handle: number } }
  | { policy: { request: number; policy: unknown; documents: [string, string][] } }
  | { flush: { request: number } }
  | { login: { request: number; login: LoginInput } }
  | { callback: { request: number; login: number; text: string; pasted?: boolean } }
  | { logout: { request: number; id: number } }
  | { answered: { op: number; status: number; headers: [string, string][]; body: string } }
  | { refresh: { request: number; id: number; force?: boolean; failed?: number; wait?: number } }
  | { introspect: { request: number; id: number } }
  | { usage: { request: number; handle: number; report: object } }
  | { usage_headers: { request: number; handle: number; headers: [string, string][]; status?: number | undefined } }
  | { fetch_usage: { request: number; providers: readonly string[]; force: boolean; wait: number } }
  | { mark_usage: { request: number; provider: string; session?: string | undefined; handle?: number | undefined; model?: string | undefined; retryAfter?: number | undefined } }
  | { cost: { request: number; provider: string; session?: string; handle?: number; usage: { tokens?: number; microdollars?: number }; at?: number } }
  | { host_usage: { op: number; report?: object; code?: string; refused?: boolean } }
  | { ranked: { op: number; rank?: number } }
  | { appended: { op: number } }
  | { errand: { request: number; handle: number; wait: number; resets?: boolean; redemption?: string; credit?: string } }
  | { auto_refresh: { request: number; enabled: boolean; interval?: number } }
  | { loaded: { op: number; generation: number; rows: RowData[] } }
  | { changed: { generation: number; rows: RowData[] } }
  | { leased: { op: number; fence: number } }
  | { busy: { op: number } }
  | { unanswered: { op: number; sent: boolean } }
  | { advised: { op: number; lead?: number; renew?: boolean; decided?: boolean } }
  | { shared: { op: number; slots: number; passes: number; members: number; retry: number } }
  | { host_refreshed: { op: number; access: string; refresh?: string; expires?: number; identity?: object } }
  | { host_refresh_failed: { op: number; definitive: boolean; code?: string; retry_after?: number } }
  | { committed: { op: number; generation: number; rows: [RowId, number][] } }
  | { conflict: { op: number; rows: RowData[] } }
  | { failed: { op: number; message: string } };

export interface PoolStep {
  /** Handles whose entries no longer hold. */
  changed?: number[];
  effects?: HostEffect[];
  events?: EventData[];
  deadline?: { at: number; cause: string };
}

export interface SecretEntry {
  id?: number;
  provider: string;
  name: string;
  kind: Kind;
  origin: Origin;
  version: number;
  secret: string;
  baseUrl?: string;
  proxyUrl?: string;
  headers?: [string, string][];
  /** The key that its token is bound to, as a JWK: each request needs a proof. */
  dpop?: string;
  /** Its upstream may call models otherwise than callers do. */
  maps?: boolean;
}

export interface MutationData {
  kind: RowKind;
  id?: RowId;
  expects?: number;
  data?: string;
  secret?: string;
}

export type HostEffect =
  | { load: { op: number; since: number } }
  | { lease: { op: number; key: string; ttl: number } }
  | { renew: { op: number; key: string; fence: number; ttl: number } }
  | { release: { key: string; fence: number } }
  | { refresh_by_host: { op: number; handle: number; refresh: string } }
  | { advise: { op: number; handle: number; decide: boolean; expires?: number; renewed?: number } }
  | { usage_by_host: { op: number; handle: number } }
  | { rank_by_host: { op: number; handle: number; report: string } }
  | { append: { op: number; log: string; entries: [at: number, data: string][] } }
  | { share: ShareEffect }
  | { commit: { op: number; mutations: MutationData[] } }
  | { http: HttpEffect }
  | { prompt: PromptEffect }
  | { reply: { request: number; answer: Answer } };

/** To be asked of those who share a credential's limits: `ShareRequest` has what is what. */
export interface ShareEffect {
  op: number;
  key: string;
  used: number;
  held: number;
  slots: number;
  passes: number;
  most: number;
  rate: number;
  bucket: number;
  ttl: number;
}

/** To be sent, no redirect followed. */
export interface HttpEffect {
  op: number;
  /** The account that it is about. */
  handle?: number;
  /** The login that it is of. */
  login?: number;
  method: string;
  url: string;
  headers: [string, string][];
  /** Signs what the header `dpop` holds: a JWK. */
  key?: string;
  body?: string;
}

/** To be shown by the host of a login. */
export interface PromptEffect {
  login: number;
  url: string;
  code?: string;
  until?: number;
}

export type RefusalCode = "cooling_down" | "unavailable" | "not_found" | "unknown_provider" | "aborted" | "too_many";
export type FailedCode = "store" | "conflict" | "invalid" | "not_found" | "login";
export type NextAction = "none" | "refresh" | "rotate" | "stop";

export interface Leased {
  lease: number;
  handle: number;
  origin: Origin;
  forced: boolean;
  round: number;
}

export interface Reported {
  reason: string;
  scope: string;
  until?: number;
  level: number;
  action: NextAction;
  handle: number;
  message?: string;
}

export interface ResetCreditData {
  id?: string;
  granted_at?: number;
  expires_at?: number;
  status?: string;
}

export interface Answer {
  leased?: Leased;
  refused?: { code: RefusalCode; retryAt?: number };
  reported?: Reported;
  refreshed?: { handle: number; version: number; expires?: number };
  refresh_failed?: { definitive: boolean; cause: string };
  introspected?: { active?: boolean; expires?: number; cause?: string };
  checked?: { ok?: boolean; reason?: string; usable: boolean };
  resets?: { code: string; list?: { available: number; credits?: ResetCreditData[] }; credit?: string };
  marked?: { switched: boolean; retryAt?: number; until?: number };
  ingested?: { ingested: boolean };
  done?: { ids: number[] };
  failed?: { code: FailedCode; message: string };
}

export interface EventData {
  kind: string;
  at: number;
  id?: number;
  name?: string;
  provider?: string;
  model?: string;
  scope?: string;
  reason?: string;
  until?: number;
  cause?: string;
  count?: number;
}

/** CLIProxyAPI's word for a status. */
export type CredentialState = "unknown" | "active" | "pending" | "refreshing" | "error" | "disabled";

export type CredentialStatus = "ready" | "half_open" | "cooling" | "limited" | "paused" | "draining" | "disabled" | "expired" | "needs_login" | "not_in_cascade";

/** A credential without its secret, as `WasmPool.list()` gives it. */
export interface MemberView {
  handle: number;
  id?: number;
  index: string;
  provider: string;
  name: string;
  kind: Kind;
  origin: Origin;
  priority: number;
  weight: number;
  models: string[];
  excludedModels?: string[];
  aliases?: AliasData[];
  prefix?: string;
  limits?: LimitsData;
  enabled: boolean;
  disabledCause?: string;
  fault?: { cause: string; at: number };
  pausedUntil?: number;
  cooling?: boolean;
  expires?: number;
  baseUrl?: string;
  proxyUrl?: string;
  headers?: string[];
  retry?: number;
  identity: IdentityData;
  state: CredentialState;
  status: CredentialStatus;
  inFlight: number;
  lastUsed?: number;
  success: number;
  failure: number;
  lastError?: string;
  lastErrorAt?: number;
  nextRetry?: number;
  nextRefresh?: number;
  recent?: { from: number; success: number; failure: number }[];
  cooldowns: CooldownView[];
}

export interface CooldownView {
  scope: string;
  model?: string;
  active: boolean;
  reason?: string;
  until: number;
  level: number;
  source: "hint" | "ladder" | "default" | "hand" | "circuit" | "report";
  circuit?: "open" | "half-open";
  failures?: Record<string, number>;
}

export interface ExplanationView {
  picked?: string;
  candidates: CandidateView[];
}

export interface CandidateView {
  handle: number;
  id?: number;
  name: string;
  origin: Origin;
  verdict: string;
  until?: number;
}
