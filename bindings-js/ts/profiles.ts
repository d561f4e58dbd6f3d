// Profiles: stored credentials by `provider:name`, as people handle them (DevClaw's profile tools and Resolver).
import { defaultProfiles } from "./default-profiles.js";
import type { DefaultProfile } from "./default-profiles.js";
import { CredpoolError, quoted } from "./errors.js";
import { processVariable } from "./host.js";
import type { Desk } from "./desk.js";
import type { Driver } from "./driver.js";
import type { Kind, MemberView } from "./protocol.js";
import type { Providers } from "./providers.js";
import { credentialInfo } from "./shapes.js";
import type { CredentialStore } from "./store/store.js";
import type { CredentialChanges, CredentialInfo, NewCredential, ProviderInfo } from "./types.js";

/** By what profiles are tried: `default` (that name, then priority), `valid` (priority, last used first), `recent`, `type` (OAuth, tokens, keys). */
export type Preference = "default" | "valid" | "recent" | "type";

/** A profile as it is listed. */
export interface Profile {
  /** `provider:name`. */
  readonly id: string;
  readonly provider: string;
  readonly name: string;
  readonly kind: Kind;
  readonly enabled: boolean;
  /** Enabled, and its secret has not expired. */
  readonly valid: boolean;
  readonly expired: boolean;
  readonly email?: string;
  readonly priority: number;
  /** When it was last given out. */
  readonly lastUsed?: number;
  /** Why the last of its calls failed that failed by its fault. */
  readonly lastError?: string;
}

/** How a profile is looked for. */
export interface ResolveOptions {
  /** Try the one of this name first. */
  preferred?: string | undefined;
  /** `valid` where it is left out. */
  preference?: Preference | undefined;
  /** Only one that is enabled and has not expired: yes. */
  requireValid?: boolean | undefined;
  /** Only of this kind. */
  kind?: Kind | undefined;
}

/** A profile that was found. Its secret is not shown when it is printed. */
export interface Resolution {
  readonly profile: Profile;
  readonly secret: string;
  readonly baseUrl?: string;
  /** The profiles that were looked at, in order, this one last. */
  readonly attempted: readonly string[];
  /** The answer was remembered. */
  readonly cached: boolean;
}

/** A profile outside of the pool. Holds the secret. */
export interface ExportedProfile extends NewCredential {
  provider: string;
  name: string;
}

interface Remembered {
  readonly resolution: Resolution;
  readonly provider: string;
  readonly until: number;
}

/** So long an answer is remembered; any change of its provider's credentials ends it sooner. */
const REMEMBERED = 3_600_000;
const LAST_GOOD = "last-good:";
const MARKS = { disabled: "⊘", expired: "⚠", ready: "✓" } as const;

/** What profiles need of their pool. */
export interface ProfilePool {
  add(provider: string, credential: NewCredential): Promise<number>;
  update(ref: string, changes: CredentialChanges): Promise<void>;
  remove(ref: string): Promise<void>;
  get(ref: string): CredentialInfo | undefined;
}

export class Profiles {
  readonly #pool: ProfilePool;
  readonly #driver: Driver;
  readonly #providers: Providers;
  readonly #store: CredentialStore;
  readonly #desk: Desk;
  readonly #remembered = new Map<string, Remembered>();
  readonly #lastGood = new Map<string, string>();

  /** @internal */
  constructor(pool: ProfilePool, driver: Driver, providers: Providers, store: CredentialStore, desk: Desk) {
    this.#pool = pool;
    this.#driver = driver;
    this.#providers = providers;
    this.#store = store;
    this.#desk = desk;
    // Whatever happens to a credential of a provider may change who is found there.
    driver.events.observe(({ kind, provider }) => {
      if (kind !== "result" && kind !== "selected") this.invalidate(provider);
    });
  }

  /** Profiles of a provider, or of all, in the order in which they are tried. */
  list({ provider, kind, enabled, preference = "default" }: { provider?: string; kind?: Kind; enabled?: boolean; preference?: Preference } = {}): Profile[] {
    const wanted = this.#ordered(provider, preference).filter((info) => info.id !== undefined && (kind === undefined || info.kind === kind) && (enabled === undefined || info.enabled === enabled));
    return wanted.map(profileOf);
  }

  /** The list for people, by provider; a sentence where there is none. */
  format(profiles: readonly Profile[] = this.list()): string {
    if (profiles.length === 0) return "no profiles: credpool add PROVIDER stores one";
    const lines = [`${profiles.length} profile${profiles.length === 1 ? "" : "s"}`];
    for (const provider of new Set(profiles.map((profile) => profile.provider))) {
      lines.push("", `${this.#providers.get(provider)?.label ?? provider}:`);
      for (const profile of profiles) if (profile.provider === provider) lines.push(`  ${line(profile)}`);
    }
    return lines.join("\n");
  }

  /** Stores a profile of a known provider. Its name is `default` where it is left out; one that is there is kept unless `replace` says otherwise. */
  async add(provider: string, credential: NewCredential & { replace?: boolean | undefined }): Promise<Profile> {
    const { replace = false, name = "default", ...rest } = credential;
    const { name: known } = this.#known(provider);
    const kind = rest.kind ?? (rest.token !== undefined ? "token" : rest.access !== undefined ? "oauth" : "api_key");
    if (!this.#providers.supports(known, kind)) {
      throw new CredpoolError("invalid", `${known} takes no credential of kind ${kind}: ${this.#known(known).kinds.join(", ")}`);
    }
    const id = `${known}:${name}`;
    if (!replace && this.#pool.get(id)) throw new CredpoolError("conflict", `there is a profile ${quoted(id)} already: choose another name, or replace it`);
    await this.#pool.add(known, { ...rest, kind, name });
    return this.#get(id);
  }

  async delete(id: string): Promise<void> {
    this.#get(id);
    await this.#pool.remove(id);
  }

  async enable(id: string, enabled = true): Promise<void> {
    this.#get(id);
    await this.#pool.update(id, { enabled });
  }

  async setPriority(id: string, priority: number): Promise<void> {
    this.#get(id);
    await this.#pool.update(id, { priority });
  }

  /** What can be said of a profile without asking anybody. */
  test(id: string): Profile & { expiresInMs?: number } {
    const profile = this.#get(id);
    const expires = this.#pool.get(id)?.expires;
    return { ...profile, ...(expires !== undefined && { expiresInMs: expires - this.#driver.host.now() }) };
  }

  /** The profile with its secret, to be imported elsewhere. */
  export(id: string): ExportedProfile {
    const info = this.#stored(id);
    const { provider, name, kind, priority, weight, models, excludedModels, aliases, prefix, limits, enabled, cooling, expires, baseUrl, retry, identity } = info;
    const secret = JSON.parse(this.#driver.seldom(() => this.#driver.wasm.exportSecret(info.id as number))) as Pick<NewCredential, "key" | "token" | "access" | "refresh" | "proxyUrl"> & { headers?: [string, string][]; client?: { id: string; secret?: string; dpop?: string } };
    const { headers, client, key, ...rest } = secret;
    const clientParts = client && { clientId: client.id, ...(client.secret !== undefined && { clientSecret: client.secret }), ...(client.dpop !== undefined && { dpopKey: client.dpop }) };
    const parts = { ...rest, ...(key !== undefined && key !== "" && { key }), ...(headers && { headers: Object.fromEntries(headers) }), ...clientParts };
    const given = { ...(priority !== 0 && { priority }), ...(weight !== 1 && { weight }), ...(models.length > 0 && { models }), ...(!enabled && { enabled }), ...(cooling !== undefined && { cooling }) };
    const rules = { ...(excludedModels && { excludedModels }), ...(aliases && { aliases }), ...(prefix !== undefined && { prefix }), ...(limits && { limits }) };
    return { provider, name, kind, ...parts, ...given, ...rules, ...(retry !== undefined && { retry }), ...(expires !== undefined && { expires }), ...(baseUrl !== undefined && { baseUrl }), ...identity };
  }

  /** Stores what `export` gave, under the same rules as `add`. */
  async import({ provider, ...credential }: ExportedProfile & { replace?: boolean }): Promise<Profile> {
    return this.add(provider, credential);
  }

  /** Profiles to begin with, those of the preset `code-buddy`: of the keys that the environment has, and a local server, disabled. `pool.addMany` stores them. */
  defaults(env?: Readonly<Record<string, string | undefined>>): Promise<DefaultProfile[]> {
    return defaultProfiles("code-buddy", env ? (name) => env[name] : processVariable);
  }

  /** The providers that profiles may be of. */
  providers(): ProviderInfo[] {
    return this.#providers.list().flatMap((name) => this.#providers.get(name) ?? []);
  }

  /** Names that people give: `default`, `work`, `personal`; those that are taken are left out. */
  suggestedNames(provider: string): string[] {
    const taken = new Set(this.list({ provider }).map(({ name }) => name));
    const names = this.#providers.isValid(provider) ? ["default", "work", "personal"] : ["default"];
    return names.filter((name) => !taken.has(name));
  }

  /** The profile that was found last, if it is still there. */
  async lastGood(provider: string): Promise<string | undefined> {
    const { name } = this.#driver.view(provider).facts;
    const id = this.#lastGood.get(name) ?? (await this.#store.cacheGet(LAST_GOOD + name).catch(() => undefined));
    if (id !== undefined) this.#lastGood.set(name, id);
    return id !== undefined && this.#pool.get(id) ? id : undefined;
  }

  /** Notes that a profile works: it is tried first among those that are ready. */
  async markGood(id: string): Promise<void> {
    const { provider } = this.#get(id);
    if (this.#lastGood.get(provider) === id) return;
    this.#lastGood.set(provider, id);
    // A wish, not a fact: where the store cannot keep it, this pool does.
    await this.#store.cacheSet(LAST_GOOD + provider, id, this.#driver.host.now() + 365 * 86_400_000).catch(() => undefined);
  }

  /**
   * A profile's secret: of the preferred one, of the last good one, or of the first by preference; those that rest come
   * last. The same question is answered from memory until something happens to the provider's credentials.
   */
  async resolve(provider: string, options: ResolveOptions = {}): Promise<Resolution> {
    const { preferred, preference = "valid", requireValid = true, kind } = options;
    const { name } = this.#driver.view(provider).facts;
    this.#desk.meet(name);
    this.#driver.tick();
    const key = JSON.stringify([name, preferred, preference, requireValid, kind]);
    const known = this.#remembered.get(key);
    if (known && known.until > this.#driver.host.now()) return { ...known.resolution, cached: true };
    const lastGood = await this.lastGood(name);
    const infos = this.#ordered(name, preference);
    const ready = infos.filter((info) => !rests(info));
    const first = [preferred !== undefined && infos.find((info) => info.name === preferred), ready.find((info) => profileOf(info).id === lastGood)];
    const attempted: string[] = [];
    for (const info of new Set([...first, ...infos])) {
      if (!info) continue;
      const profile = profileOf(info);
      attempted.push(profile.id);
      if ((kind !== undefined && info.kind !== kind) || (requireValid && !profile.valid)) continue;
      const entry = this.#driver.table.byName(name, info.name);
      if (!entry) continue;
      const { secret, baseUrl } = await this.#desk.resolved(entry);
      const resolution: Resolution = { profile, secret, ...(baseUrl !== undefined && { baseUrl }), attempted, cached: false };
      Object.defineProperty(resolution, "toJSON", { value: () => ({ profile, attempted }) });
      const until = Math.min(this.#driver.host.now() + REMEMBERED, info.expires ?? Infinity);
      this.#remembered.set(key, { resolution, provider: name, until });
      if (info.id !== undefined) await this.markGood(profile.id);
      return resolution;
    }
    throw new CredpoolError("not_found", `no profile of ${name} can be used${attempted.length > 0 ? `: ${attempted.join(", ")} were looked at (pool.explain(${quoted(name)}) says why not)` : `: credpool add ${name} stores one`}`);
  }

  /** Forgets answers: of a provider, or all. */
  invalidate(provider?: string): void {
    for (const [key, { provider: of }] of this.#remembered) if (provider === undefined || of === provider) this.#remembered.delete(key);
  }

  /** How many answers are remembered, and how many of these still hold. */
  cacheStats(): { total: number; valid: number; expired: number } {
    const now = this.#driver.host.now();
    const valid = [...this.#remembered.values()].filter(({ until }) => until > now).length;
    return { total: this.#remembered.size, valid, expired: this.#remembered.size - valid };
  }

  #ordered(provider: string | undefined, preference: Preference): CredentialInfo[] {
    this.#driver.tick();
    const names = provider === undefined ? [...new Set((JSON.parse(this.#driver.run(() => this.#driver.wasm.list(""))) as MemberView[]).map((view) => view.provider))].sort() : [provider];
    return names.flatMap((name) => (JSON.parse(this.#driver.seldom(() => this.#driver.wasm.profiles(name, preference))) as MemberView[]).map(credentialInfo));
  }

  #known(provider: string): ProviderInfo {
    const known = this.#providers.get(provider);
    if (!known) throw new CredpoolError("unknown_provider", `unknown provider ${quoted(provider)}: pool.providers.list() shows those that are known, pool.providers.register() adds one`);
    return known;
  }

  #stored(id: string): CredentialInfo {
    const info = this.#pool.get(id);
    if (!info || info.id === undefined) throw new CredpoolError("not_found", `there is no profile ${quoted(id)}: pool.profiles.list() shows those that there are`);
    return info;
  }

  #get(id: string): Profile {
    return profileOf(this.#stored(id));
  }
}

function profileOf({ provider, name, kind, enabled, status, identity: { email }, priority, lastUsed, lastError }: CredentialInfo): Profile {
  const expired = status === "expired";
  return {
    id: `${provider}:${name}`, provider, name, kind, enabled, valid: enabled && !expired, expired, priority,
    ...(email !== undefined && { email }), ...(lastUsed !== undefined && { lastUsed }), ...(lastError !== undefined && { lastError }),
  };
}

function rests({ cooldowns }: CredentialInfo): boolean {
  return cooldowns.some(({ scope }) => scope === "credential");
}

function line({ name, kind, enabled, expired, email, lastError, priority }: Profile): string {
  const mark = !enabled ? MARKS.disabled : expired ? MARKS.expired : MARKS.ready;
  const parts = [`(${kind})`, email !== undefined && `- ${email}`, lastError !== undefined && `[error: ${lastError}]`, priority > 0 && `[priority:${priority}]`];
  return [mark, name, ...parts.filter((part) => part !== false)].join(" ");
}
