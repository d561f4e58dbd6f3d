// @ts-check
import { atLeast } from "../lib/rows.mjs";

/** @typedef {import("../lib/measure.mjs").Figure} Figure */

/**
 * Two rows for each size: theirs, where it was asked, and ours with how many times as fast it is.
 * @param {string} name @param {readonly string[]} lines JSON: size, ours, theirs @param {Readonly<Record<number, number>>} bars by size
 * @param {string} [own] what ours is called
 * @returns {import("../lib/rows.mjs").Row[]}
 */
export function peerRows(name, lines, bars, own = "credpool tryAcquire + release") {
  return lines.flatMap((line) => {
    const { size, ours, theirs } = /** @type {{ size: number, ours: Figure, theirs?: Figure }} */ (JSON.parse(line));
    if (!theirs) return [{ name: own, size, figure: ours }];
    const ratio = theirs.min / ours.min;
    const bar = bars[size];
    return [
      { name, size, figure: theirs },
      { name: own, size, figure: ours, ratio, bars: bar === undefined ? [] : [atLeast(`>= ${bar.toLocaleString("en")}x`, ratio, bar)] },
    ];
  });
}
