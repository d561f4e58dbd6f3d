// What a store says of itself, kept until somebody listens.
import type { StoreNotice } from "./store.js";

/** So many are kept at most while nobody listens: the oldest go first. */
const KEPT = 100;

/** Listeners of one store. For those who write one. */
export class Notices {
  readonly #listeners = new Set<(notice: StoreNotice) => void>();
  #unheard: StoreNotice[] = [];

  /** Adds one; answers how to take it out. The first is told what nobody has heard. */
  add(told: (notice: StoreNotice) => void): () => void {
    const one = (notice: StoreNotice) => told(notice);
    this.#listeners.add(one);
    for (const notice of this.#unheard.splice(0)) one(notice);
    return () => void this.#listeners.delete(one);
  }

  tell(notice: StoreNotice): void {
    if (this.#listeners.size === 0) this.#unheard = [...this.#unheard, notice].slice(-KEPT);
    for (const told of [...this.#listeners]) {
      try {
        told(notice);
      } catch {
        // What a listener throws is nobody's.
      }
    }
  }
}
