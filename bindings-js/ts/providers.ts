// What the registry knows of providers, and those that a program adds.
import type { Driver } from "./driver.js";
import type { Kind, ProviderView } from "./protocol.js";
import { providerFacts, providerInfo } from "./shapes.js";
import type { ProviderDefinition, ProviderInfo } from "./types.js";

/** The providers that a pool knows. Every name may be an alias, in any case. */
export class Providers {
  readonly #driver: Driver;
  /** Is told when what was known of a name may be out of date. */
  readonly #changed: () => void;

  /** @internal */
  constructor(driver: Driver, changed: () => void) {
    this.#driver = driver;
    this.#changed = changed;
  }

  /** All names, or those of providers that take this kind of credential. */
  list(kind?: Kind): string[] {
    const names = JSON.parse(this.#driver.seldom(() => this.#driver.wasm.providers())) as string[];
    return kind === undefined ? names : names.filter((name) => this.supports(name, kind));
  }

  /** What is known of one; `undefined` where it is unknown. */
  get(name: string): ProviderInfo | undefined {
    const json = this.#driver.seldom(() => this.#driver.wasm.provider(name));
    return json === "" ? undefined : providerInfo(JSON.parse(json) as ProviderView);
  }

  /** Is it known? Others may be used all the same: they are treated as what most of them are. */
  isValid(name: string): boolean {
    return this.get(name) !== undefined;
  }

  /** Does it take this kind of credential? */
  supports(name: string, kind: Kind): boolean {
    return this.get(name)?.kinds.includes(kind) === true;
  }

  /** Adds a provider for as long as the pool is open. Throws where its name, or an alias, is known already. */
  register(definition: ProviderDefinition): void {
    this.#driver.seldom(() => this.#driver.wasm.register(JSON.stringify(providerFacts(definition))));
    this.#changed();
  }
}
