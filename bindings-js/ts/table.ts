// The host's table of secrets, by handle. The driver keeps it in step with the engine before it does anything else, so
// that whoever is given a handle finds the right secret here.
import { authParts } from "./auth.js";
import type { AuthParts } from "./auth.js";
import type { Kind, Origin, ProviderView, SecretChange, SecretEntry } from "./protocol.js";

/** A credential in use. Replaced, never changed: a lease goes on with the version that it was given. */
export class Entry implements SecretEntry {
  declare readonly id?: number;
  readonly handle: number;
  readonly provider: string;
  readonly name: string;
  readonly kind: Kind;
  readonly origin: Origin;
  readonly version: number;
  readonly secret: string;
  declare readonly baseUrl?: string;
  declare readonly proxyUrl?: string;
  /** Sends its requests: made when it is needed first. */
  transport: typeof globalThis.fetch | undefined;
  readonly #view: (provider: string) => ProviderView;
  #parts: AuthParts | undefined;

  constructor(handle: number, entry: SecretEntry, view: (provider: string) => ProviderView) {
    if (entry.id !== undefined) this.id = entry.id;
    this.handle = handle;
    this.provider = entry.provider;
    this.name = entry.name;
    this.kind = entry.kind;
    this.origin = entry.origin;
    this.version = entry.version;
    this.secret = entry.secret;
    if (entry.baseUrl !== undefined) this.baseUrl = entry.baseUrl;
    if (entry.proxyUrl !== undefined) this.proxyUrl = entry.proxyUrl;
    this.#view = view;
  }

  /** Headers and query that carry the secret: made when they are needed first. */
  get parts(): AuthParts {
    return (this.#parts ??= authParts(this.view, this.kind, this.secret, this.name));
  }

  get view(): ProviderView {
    return this.#view(this.provider);
  }
}

export class Table {
  readonly #entries: (Entry | undefined)[] = [];
  readonly #handles = new Map<number, number>();
  readonly #view: (provider: string) => ProviderView;

  constructor(view: (provider: string) => ProviderView) {
    this.#view = view;
  }

  apply({ handle, entry }: SecretChange): void {
    const old = this.#entries[handle];
    if (old?.id !== undefined && this.#handles.get(old.id) === handle) this.#handles.delete(old.id);
    this.#entries[handle] = entry && new Entry(handle, entry, this.#view);
    if (entry?.id !== undefined) this.#handles.set(entry.id, handle);
  }

  /** What is known of providers has changed: where secrets go is asked anew. */
  renew(): void {
    this.#entries.forEach((entry, handle) => entry && (this.#entries[handle] = new Entry(handle, entry, this.#view)));
  }

  at(handle: number): Entry | undefined {
    return this.#entries[handle];
  }

  byId(id: number): Entry | undefined {
    const handle = this.#handles.get(id);
    return handle === undefined ? undefined : this.#entries[handle];
  }

  /** By the provider's registry name and the credential's own; a stored one before one that is not. */
  byName(provider: string, name: string): Entry | undefined {
    const found = this.#entries.filter((entry) => entry?.provider === provider && entry.name === name);
    return found.find((entry) => entry?.id !== undefined) ?? found[0];
  }

  /** The key of a leg that is not stored. */
  unstored(provider: string, origin: Origin): Entry | undefined {
    return this.#entries.find((entry) => entry?.provider === provider && entry.origin === origin && entry.id === undefined);
  }

  /** All secrets, to be searched for in what is about to be said. */
  *secrets(): Iterable<string> {
    for (const entry of this.#entries) if (entry) yield entry.secret;
  }

  clear(): void {
    this.#entries.length = 0;
    this.#handles.clear();
  }
}
