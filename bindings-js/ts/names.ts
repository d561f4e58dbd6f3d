// Texts become numbers once: what crosses into the engine on the hot path are numbers only.
import type { Driver } from "./driver.js";

/** So many routes are remembered; beyond that all are forgotten and found again, at the price of a slow call each. */
const MAX_ROUTES = 20_000;
/** So many sessions are remembered in each of two generations. */
const MAX_SESSIONS = 16_384;

interface ProviderRoutes {
  bare: number;
  models: Map<string, number>;
}

export class Names {
  readonly #driver: Driver;
  /** Is called before a provider is used for the first time. */
  readonly #met: (provider: string) => void;
  readonly #providers = new Map<string, ProviderRoutes>();
  #routes = 0;
  #young = new Map<string, number>();
  #old = new Map<string, number>();

  constructor(driver: Driver, met: (provider: string) => void) {
    this.#driver = driver;
    this.#met = met;
  }

  /** The number of a provider, by name or alias, and a model. */
  route(provider: string, model: string | undefined): number {
    const routes = this.#providers.get(provider);
    if (routes === undefined) return this.#learnProvider(provider, model);
    if (model === undefined || model === "") return routes.bare;
    return routes.models.get(model) ?? this.#learnModel(provider, routes, model);
  }

  /** The number of a session; 0 is none. */
  session(name: string | undefined): number {
    if (name === undefined || name === "") return 0;
    return this.#young.get(name) ?? this.#learnSession(name);
  }

  /** The engine forgets sessions that are not used; what was remembered of this one may be out of date. */
  forgetSession(name: string | undefined): void {
    if (name === undefined) return;
    this.#young.delete(name);
    this.#old.delete(name);
  }

  /** A provider that nobody knew may be known now. */
  forgetProviders(): void {
    this.#providers.clear();
  }

  /** Of all sessions: other rules may tie what was not tied, or nothing. */
  forgetSessions(): void {
    this.#young.clear();
    this.#old.clear();
  }

  #learnProvider(provider: string, model: string | undefined): number {
    this.#driver.view(provider); // Throws for what cannot be a name.
    this.#met(provider);
    const routes = { bare: this.#learn(provider, ""), models: new Map<string, number>() };
    this.#providers.set(provider, routes);
    return model === undefined || model === "" ? routes.bare : this.#learnModel(provider, routes, model);
  }

  #learnModel(provider: string, routes: ProviderRoutes, model: string): number {
    const route = this.#learn(provider, model);
    routes.models.set(model, route);
    return route;
  }

  #learn(provider: string, model: string): number {
    if (this.#routes >= MAX_ROUTES) {
      for (const routes of this.#providers.values()) routes.models.clear();
      this.#routes = 0;
    }
    this.#routes += 1;
    return this.#driver.run(() => this.#driver.wasm.route(provider, model));
  }

  #learnSession(name: string): number {
    const known = this.#old.get(name);
    const session = known ?? this.#driver.run(() => this.#driver.wasm.session(name));
    if (this.#young.size >= MAX_SESSIONS) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(name, session);
    return session;
  }
}
