// @ts-check
// The yardstick: what somebody writes who needs a pool and has ten minutes. A ring over typed arrays, which reads the
// clock, skips those that cool down, and answers with an object.

export class Ring {
  /** Until when each one rests, in milliseconds since 1970. */
  until;
  /** @type {string[]} */
  keys;
  #next = 0;

  /** @param {readonly string[]} keys */
  constructor(keys) {
    this.keys = [...keys];
    this.until = new Float64Array(keys.length);
  }

  pick() {
    const now = Date.now();
    const { length } = this.until;
    for (let tried = 0; tried < length; tried += 1) {
      const at = this.#next;
      this.#next = at + 1 === length ? 0 : at + 1;
      if (/** @type {number} */ (this.until[at]) <= now) return { index: at, key: /** @type {string} */ (this.keys[at]) };
    }
    return undefined;
  }
}

/** What most pools in the field do: all that can be used, by last use. @param {readonly { until: number, used: number, key: string }[]} all */
export function filterAndSort(all) {
  const now = Date.now();
  const [first] = all.filter((one) => one.until <= now).sort((one, other) => one.used - other.used);
  if (first) first.used = now;
  return first;
}
