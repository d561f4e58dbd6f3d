// Between the public API's spelling and the engine's.
import { CredpoolError, quoted } from "./errors.js";
import type { OAuthClient, OAuthDefinition } from "./login/types.js";
import type { Changes, ClientData, CredentialInput, IdentityData, LimitsData, MemberView, OAuthFacts, ProviderFacts, ProviderView, SecretInput } from "./protocol.js";
import type { CredentialChanges, CredentialInfo, CredentialRef, Identity, Limits, NewCredential, ProviderDefinition, ProviderInfo } from "./types.js";

/** The fields that are there. */
function given<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as { [K in keyof T]: Exclude<T[K], undefined> };
}

const CREDENTIAL_FIELDS: readonly string[] = [
  "provider", "kind", "key", "token", "access", "refresh", "name", "priority", "weight", "models", "excludedModels", "aliases", "prefix", "limits", "enabled", "cooling", "source", "expires", "baseUrl", "tokenUrl", "proxyUrl", "headers", "retry",
  "email", "accountId", "orgId", "projectId", "enterpriseUrl", "clientId", "clientSecret", "dpopKey",
];
const NO_CHANGES: readonly string[] = ["provider", "kind", "clientId", "clientSecret", "dpopKey"];

/** A field that is not known is an error, never ignored: it may be a secret under another name. */
function checkFields(what: string, value: object, known: readonly string[]): void {
  const unknown = Object.keys(value).find((field) => !known.includes(field));
  if (unknown !== undefined) throw new CredpoolError("invalid", `${what} has no field ${quoted(unknown)}; there are: ${known.join(", ")}`);
}

export function instant(value: number | Date | undefined, what = "expires"): number | undefined {
  const at = value instanceof Date ? value.getTime() : value;
  if (at !== undefined && !(at >= 0)) throw new CredpoolError("invalid", `${what}: expected a date, or milliseconds since 1970`);
  return at === undefined ? undefined : Math.floor(at);
}

function identityOf({ email, accountId, orgId, projectId, enterpriseUrl }: Identity): IdentityData {
  return given({ email, account_id: accountId, org_id: orgId, project_id: projectId, enterprise_url: enterpriseUrl }) as IdentityData;
}

const LIMIT_FIELDS: readonly string[] = ["inFlight", "requests", "burst", "tokens", "budget"];

function limitsOf(limits: Limits | undefined): LimitsData | undefined {
  if (!limits) return undefined;
  checkFields("limits", limits, LIMIT_FIELDS);
  const { inFlight, requests, burst, tokens, budget } = limits;
  if (budget) checkFields("limits.budget", budget, ["windowMs", "usd", "tokens"]);
  const spent = budget && given({ window: budget.windowMs, microdollars: microdollars(budget.usd), tokens: budget.tokens });
  return given({ in_flight: inFlight, requests, burst, tokens, budget: spent }) as LimitsData;
}

function shownLimits({ in_flight: inFlight, budget, ...rest }: LimitsData): Limits {
  const { window: windowMs, microdollars, tokens } = budget ?? {};
  const usd = microdollars === undefined ? undefined : microdollars / 1e6;
  return given({ inFlight, ...rest, budget: windowMs === undefined ? undefined : given({ windowMs, usd, tokens }) }) as Limits;
}

/** Millionths of a dollar: sums of them do not drift. */
export function microdollars(usd: number | undefined): number | undefined {
  return usd === undefined ? undefined : Math.round(usd * 1e6);
}

function pairs(headers: Readonly<Record<string, string>> | undefined): [string, string][] | undefined {
  return headers && Object.entries(headers);
}

export function credentialInput(provider: string, credential: NewCredential): CredentialInput {
  checkFields("a credential", credential, CREDENTIAL_FIELDS);
  const { kind, key, token, access, refresh, name, priority, weight, models, excludedModels, aliases, prefix, enabled, cooling, source, baseUrl, tokenUrl, proxyUrl, retry } = credential;
  const limits = limitsOf(credential.limits);
  const fields = { kind, key, token, access, refresh, name, priority, weight, models, excludedModels, aliases: aliases?.map(given), prefix, limits, enabled, cooling, source, baseUrl, tokenUrl, proxyUrl, headers: pairs(credential.headers), retry, expires: instant(credential.expires) };
  const { clientId, clientSecret, dpopKey: dpop } = credential;
  if (clientId === undefined && dpop !== undefined) throw new CredpoolError("invalid", "dpopKey: needs clientId: only that client may renew tokens that are bound to its key");
  const client = clientId !== undefined && { client: { ...clientData([provider, { clientId, clientSecret }])[1], ...given({ dpop }) } };
  return { ...given(fields), ...client, provider, identity: identityOf(credential) } as CredentialInput;
}

export function changesInput(changes: CredentialChanges): { changes: Changes; secret?: SecretInput } {
  checkFields("a change", changes, [...CREDENTIAL_FIELDS.filter((field) => !NO_CHANGES.includes(field)), "disabledCause"]);
  const { key, token, access, refresh, name, priority, weight, models, excludedModels, aliases, prefix, enabled, cooling, source, baseUrl, tokenUrl, proxyUrl, retry, disabledCause } = changes;
  const identity = identityOf(changes);
  const secret = given({ key, token, access, refresh, proxyUrl, headers: pairs(changes.headers) }) as SecretInput;
  const limits = limitsOf(changes.limits);
  const record = { name, priority, weight, models, excluded_models: excludedModels, aliases: aliases?.map(given), prefix, limits, enabled, cooling, source, base_url: baseUrl, token_url: tokenUrl, retry, disabled_cause: disabledCause, expires: instant(changes.expires) };
  return {
    changes: { ...given(record), ...(Object.keys(identity).length > 0 && { identity }) } as Changes,
    ...(Object.keys(secret).length > 0 && { secret }),
  };
}

export function credentialInfo(view: MemberView): CredentialInfo {
  const { handle: _handle, identity, success, failure, recent = [], cooldowns, limits, ...rest } = view;
  const { email, account_id: accountId, org_id: orgId, project_id: projectId, enterprise_url: enterpriseUrl } = identity;
  return {
    ...rest,
    ...given({ message: messageOf(view), limits: limits && shownLimits(limits) }),
    recent,
    identity: given({ email, accountId, orgId, projectId, enterpriseUrl }),
    counters: { success, failure },
    cooldowns: cooldowns
      .filter(({ active }) => active)
      .map(({ scope, model, reason = "unknown", until, level, source, circuit = "closed" }) => ({ scope, ...(model !== undefined && { model }), reason, until, level, source, circuit })),
  } as CredentialInfo;
}

/** Why it is not ready: what disabled it, the reason of the rest that ends last, or its status. */
function messageOf({ status, disabledCause, cooldowns }: MemberView): string | undefined {
  if (status === "ready") return undefined;
  const resting = cooldowns.filter(({ active }) => status === "cooling" && active).sort((one, other) => other.until - one.until);
  return (status === "disabled" ? disabledCause : resting[0]?.reason) ?? status;
}

/** An OAuth client of a provider. */
export function clientData([provider, client]: [string, OAuthClient]): [string, ClientData] {
  checkFields("an OAuth client", client, ["clientId", "clientSecret"]);
  const { clientId: id, clientSecret: secret } = client;
  if (typeof id !== "string" || id.trim() === "") throw new CredpoolError("invalid", `oauth.${provider}.clientId: expected a text`);
  return [provider, { id, ...given({ secret }) } as ClientData];
}

const OAUTH_FIELDS: readonly string[] = [
  "flows", "issuer", "authorize", "token", "device", "revoke", "introspect", "userinfo", "scopes", "body", "clientAuth", "redirect", "params", "headers",
  "identity", "lifeMs", "graceMs", "orgScoped", "stateInToken", "devicePkce", "dpop",
];

function oauthFacts(definition: OAuthDefinition): OAuthFacts {
  checkFields("oauth", definition, OAUTH_FIELDS);
  const { lifeMs: life, graceMs: grace, params, headers, ...rest } = definition;
  const pairs = { params: params && Object.entries(params), headers: headers && Object.entries(headers) };
  return given({ ...rest, ...pairs, life, grace }) as unknown as OAuthFacts;
}

export function providerFacts(definition: ProviderDefinition): ProviderFacts {
  checkFields("a provider", definition, PROVIDER_FIELDS);
  const { name, label = name, aliases = [], kinds = ["api_key", "token", "oauth"], environment = [], headers = {}, tokenHeaders = {} } = definition;
  const { keyPlacement = "bearer", tokenPlacement = "bearer", website = "", refreshLeadMs: refreshLead, consumerNotice } = definition;
  return {
    name,
    label,
    aliases: [...aliases],
    kinds: [...kinds],
    environment: [...environment],
    keyPlacement,
    keyless: definition.keyless === true,
    tokenPlacement,
    headers: Object.entries(headers),
    tokenHeaders: Object.entries(tokenHeaders),
    website,
    ...given({ refreshLead, consumerNotice, oauth: definition.oauth && oauthFacts(definition.oauth) }),
  };
}

const PROVIDER_FIELDS: readonly string[] = [
  "name", "label", "aliases", "kinds", "environment", "keyPlacement", "keyless", "tokenPlacement", "headers", "tokenHeaders", "website", "refreshLeadMs", "consumerNotice",
  "oauth",
];

export function providerInfo({ facts }: ProviderView): ProviderInfo {
  const { headers, tokenHeaders, refreshLead: refreshLeadMs, oauth, ...rest } = facts;
  return { ...rest, ...given({ logins: oauth?.flows, scopes: oauth?.scopes }), headers: Object.fromEntries(headers), tokenHeaders: Object.fromEntries(tokenHeaders), ...given({ refreshLeadMs }) };
}

/** `provider:name` in its parts; an id is a positive whole number. */
export function parseRef(ref: CredentialRef): number | { provider: string; name: string } {
  if (typeof ref === "number" && Number.isSafeInteger(ref) && ref > 0) return ref;
  const colon = typeof ref === "string" ? ref.indexOf(":") : -1;
  if (typeof ref !== "string" || colon < 1 || colon === ref.length - 1) {
    throw new CredpoolError("invalid", 'a credential is named by its id (a positive whole number) or as "provider:name"');
  }
  return { provider: ref.slice(0, colon), name: ref.slice(colon + 1) };
}
