/** Callbacks of a store that tells of its commits: for those who write one. */
export class Watchers {
  readonly #all = new Set<(generation?: number) => void>();

  get size(): number {
    return this.#all.size;
  }

  /** Adds one; answers how to take it out. The same callback may be added twice. */
  add(changed: (generation?: number) => void): () => void {
    const one = (generation?: number) => changed(generation);
    this.#all.add(one);
    return () => void this.#all.delete(one);
  }

  tell(generation: number): void {
    for (const changed of [...this.#all]) {
      try {
        changed(generation);
      } catch {
        // It was made, and the others want to know: what one of them throws is nobody's.
      }
    }
  }
}
