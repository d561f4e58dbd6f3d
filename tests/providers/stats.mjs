// @ts-check
/**
 * What the server saw: by key and status, and the last requests one by one.
 *
 * @typedef {object} KeyStats
 * @property {string} [name]
 * @property {number} total                     requests that carried this key
 * @property {Record<string, number>} byStatus  a stream that broke midway counts as what it began with
 * @property {Record<string, number>} faults    the same by what went wrong
 * @property {number} dropped                   connections that the server cut
 * @property {number} aborted                   answers that the client did not wait for
 * @property {Record<string, number>} places    where the key was
 * @property {number} inFlight
 * @property {number} maxInFlight
 *
 * @typedef {object} Stats
 * @property {number} total
 * @property {Record<string, number>} byStatus
 * @property {Record<string, number>} faults
 * @property {number} misplaced  requests with no key, with one in the wrong place, or with two
 * @property {number} unknown    requests with a key that no one gave out
 * @property {Record<string, KeyStats>} keys
 *
 * @typedef {object} Seen  one request, as it was read
 * @property {number} at
 * @property {string} key
 * @property {string} operation
 * @property {string} model
 * @property {boolean} stream
 * @property {number} status  0: cut without an answer
 * @property {Record<string, string | string[] | undefined>} headers
 */

const KEEP = 10_000;

export class Recorder {
  /** @type {Stats} */
  #stats = { total: 0, byStatus: {}, faults: {}, misplaced: 0, unknown: 0, keys: {} };
  /** @type {Seen[]} */
  #seen = [];

  /** @param {string} secret @param {string} [name] @returns {KeyStats} */
  key(secret, name) {
    return (this.#stats.keys[secret] ??= {
      ...(name !== undefined && { name }),
      total: 0,
      byStatus: {},
      faults: {},
      dropped: 0,
      aborted: 0,
      places: {},
      inFlight: 0,
      maxInFlight: 0,
    });
  }

  /** @param {"misplaced" | "unknown"} what */
  stray(what) {
    this.#stats[what] += 1;
  }

  request() {
    this.#stats.total += 1;
  }

  /** @param {KeyStats} key @param {string} place */
  begin(key, place) {
    key.total += 1;
    key.places[place] = (key.places[place] ?? 0) + 1;
    key.inFlight += 1;
    key.maxInFlight = Math.max(key.maxInFlight, key.inFlight);
  }

  /** @param {number} status @param {KeyStats} [key] */
  status(status, key) {
    for (const { byStatus } of key ? [this.#stats, key] : [this.#stats]) byStatus[status] = (byStatus[status] ?? 0) + 1;
  }

  /** @param {string} kind @param {KeyStats} key */
  fault(kind, key) {
    for (const { faults } of [this.#stats, key]) faults[kind] = (faults[kind] ?? 0) + 1;
  }

  /** @param {Seen} seen */
  remember(seen) {
    this.#seen.push(seen);
    if (this.#seen.length > KEEP) this.#seen.shift();
  }

  /** @returns {Stats} a copy */
  stats() {
    return structuredClone(this.#stats);
  }

  /** The last requests, oldest first. @returns {Seen[]} */
  requests() {
    return this.#seen.map((seen) => ({ ...seen }));
  }
}
