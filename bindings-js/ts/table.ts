// The host's table of secrets, by handle. The driver forgets what has changed before it does anything else, so that whoever
// is given a handle finds the right secret here.
import { authParts } from "./auth.js";
import type { AuthParts } from "./auth.js";
import type { Kind, Origin, ProviderView, SecretEntry } from "./protocol.js";
import { isReference } from "./references.js";

/** A credential in use. Replaced, never changed: a lease goes on with the version that it was given. */
export class Entry implements SecretEntry {
  declare readonly id?: number;
  readonly handle: number;
  readonly provider: string;
  readonly name: string;
  readonly kind: Kind;
  readonly origin: Origin;
  readonly version: number;
  /** What goes into requests; empty while what it refers to is not known. */
  readonly secret: string;
  /** The name of the secret, where that is kept elsewhere. */
  readonly reference: string | undefined;
  /** Its upstream may call models otherwise than callers do. */
  readonly maps: boolean;
  declare readonly baseUrl?: string;
  declare readonly proxyUrl?: string;
  declare readonly headers?: [string, string][];
  declare readonly dpop?: string;
  /** Sends its requests: made when it is needed first. */
  transport: typeof globalThis.fetch | undefined;
  /** Its key, ready to sign (a `CryptoKey`, which not all runtimes have a type for): made when it is needed first. */
  signer: Promise<unknown> | undefined;
  readonly #view: (provider: string) => ProviderView;
  #parts: AuthParts | undefined;

  constructor(handle: number, entry: SecretEntry, view: (provider: string) => ProviderView, reference: string | undefined, secret = entry.secret) {
    if (entry.id !== undefined) this.id = entry.id;
    this.handle = handle;
    this.provider = entry.provider;
    this.name = entry.name;
    this.kind = entry.kind;
    this.origin = entry.origin;
    this.version = entry.version;
    this.secret = secret;
    this.reference = reference;
    this.maps = entry.maps === true;
    if (entry.baseUrl !== undefined) this.baseUrl = entry.baseUrl;
    if (entry.proxyUrl !== undefined) this.proxyUrl = entry.proxyUrl;
    if (entry.headers !== undefined) this.headers = entry.headers;
    if (entry.dpop !== undefined) this.dpop = entry.dpop;
    this.#view = view;
  }

  /** Its secret is kept elsewhere, and not known yet. */
  get unresolved(): boolean {
    return this.reference !== undefined && this.secret === "";
  }

  /** Headers and query that carry the secret: made when they are needed first. */
  get parts(): AuthParts {
    return (this.#parts ??= authParts(this.view, this));
  }

  get view(): ProviderView {
    return this.#view(this.provider);
  }
}

/** What the table asks the engine, and who looks up secrets that are kept elsewhere. */
export interface TableSource {
  view(provider: string): ProviderView;
  /** An entry as JSON; empty where nobody is there. */
  entry(handle: number): string;
  /** The handle of a stored credential; below zero where there is none. */
  find(id: number): number;
  findNamed(provider: string, name: string): number;
  /** The secret behind a reference, where it is known. */
  lookUp(reference: string, whose: Entry | SecretEntry): string | undefined;
}

/**
 * Entries are taken from the engine when they are first used: of 10,000 credentials most never are. What it has taken the
 * engine knows, and names it when it no longer holds.
 */
export class Table {
  readonly #entries: (Entry | undefined)[] = [];
  readonly #source: TableSource;

  constructor(source: TableSource) {
    this.#source = source;
  }

  forget(handle: number): void {
    this.#entries[handle] = undefined;
  }

  /** What is known of providers has changed: where secrets go is asked anew. */
  renew(): void {
    this.#entries.forEach((entry, handle) => entry && (this.#entries[handle] = this.#made(handle, entry)));
  }

  at(handle: number): Entry | undefined {
    return this.#entries[handle] ?? this.#take(handle);
  }

  byId(id: number): Entry | undefined {
    return this.at(this.#source.find(id));
  }

  /** By the provider, its name or an alias, and the credential's own name; a stored one before one that is not. */
  byName(provider: string, name: string): Entry | undefined {
    return this.at(this.#source.findNamed(provider, name));
  }

  #take(handle: number): Entry | undefined {
    const json = handle < 0 ? "" : this.#source.entry(handle);
    if (json === "") return undefined;
    return (this.#entries[handle] = this.#made(handle, JSON.parse(json) as SecretEntry));
  }

  /** The secret of an entry became known, or another. A lease keeps the one that it was given. */
  resolved(entry: Entry, secret: string): Entry {
    const known = new Entry(entry.handle, entry, this.#view, entry.reference, secret);
    if (this.#entries[entry.handle] === entry || this.#entries[entry.handle]?.reference === entry.reference) this.#entries[entry.handle] = known;
    return known;
  }

  #made(handle: number, entry: SecretEntry | Entry): Entry {
    if (entry instanceof Entry) return new Entry(handle, entry, this.#view, entry.reference);
    if (!isReference(entry)) return new Entry(handle, entry, this.#view, undefined);
    return new Entry(handle, entry, this.#view, entry.secret, this.#source.lookUp(entry.secret, entry) ?? "");
  }

  readonly #view = (provider: string): ProviderView => this.#source.view(provider);

  clear(): void {
    this.#entries.length = 0;
  }
}
