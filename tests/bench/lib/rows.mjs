// @ts-check
// What a benchmark finds: rows of figures, and whether they reach their bars.

/** @typedef {import("./measure.mjs").Figure} Figure */

/**
 * @typedef {object} Row
 * @property {string} name
 * @property {number} [size] credentials
 * @property {Figure} [figure] in `unit`
 * @property {"ns" | "us" | "ms" | "bytes" | "times"} [unit] "ns" unless told
 * @property {number} [ratio] to the yardstick of the same rounds, or of two sizes
 * @property {Bar[]} [bars]
 * @property {string} [note]
 */

/**
 * @typedef {object} Bar
 * @property {string} what for example "<= 10x"
 * @property {number} value what was measured
 * @property {number} limit
 * @property {"atMost" | "atLeast"} [sense]
 * @property {boolean} ok
 * @property {boolean} [quiet] an absolute time: it holds on a quiet machine only and is printed beside, not judged
 */

/** @param {string} what @param {number} value @param {number} limit @returns {Bar} */
export const atMost = (what, value, limit) => ({ what, value, limit, ok: value <= limit });
/** @param {string} what @param {number} value @param {number} limit @returns {Bar} */
export const atLeast = (what, value, limit) => ({ what, value, limit, sense: "atLeast", ok: value >= limit });
/** A time on the clock, of a machine that does nothing else. @param {number} nanoseconds @param {number} limit @returns {Bar} */
export const onQuietMachine = (nanoseconds, limit) => ({ ...atMost(`<= ${limit} ns when quiet`, nanoseconds, limit), quiet: true });

/** The sizes that every pick is measured at. */
export const SIZES = /** @type {const} */ ([10, 1_000, 10_000, 100_000]);

/**
 * A row for each size, each against the yardstick, and whether the cost stays flat.
 * @param {string} name @param {Map<string, Figure>} figures @param {(size: number) => string} key
 * @param {{ yardstick: Figure, times?: number, quiet?: number, note?: string }} terms
 * @returns {Row[]}
 */
export function sizeRows(name, figures, key, { yardstick, times, quiet, note }) {
  const at = (/** @type {number} */ size) => figures.get(key(size));
  const rows = [];
  for (const size of SIZES) {
    const figure = at(size);
    if (!figure) continue;
    const ratio = figure.min / yardstick.min;
    const bars = [];
    if (times !== undefined) bars.push(atMost(`<= ${times}x`, ratio, times));
    if (quiet !== undefined) bars.push(onQuietMachine(figure.min, quiet));
    if (size === 100_000) bars.push(...flatness(at(10), at(1_000), figure));
    rows.push({ name, size, figure, ratio, bars, ...(note !== undefined && { note }) });
  }
  return rows;
}

/** @param {Figure | undefined} ten @param {Figure | undefined} thousand @param {Figure} most */
export function flatness(ten, thousand, most) {
  const bars = [];
  if (thousand) bars.push(atMost("100k/1k <= 1.5", most.min / thousand.min, 1.5));
  if (ten) bars.push(atMost("100k/10 <= 2.5", most.min / ten.min, 2.5));
  return bars;
}
