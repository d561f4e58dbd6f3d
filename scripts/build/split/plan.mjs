// @ts-check
// What goes into a part that is loaded later: every function that an everyday program does not run (everyday.mjs, record.mjs),
// and the constants that only such functions read.
import { readObject } from "./object.mjs";

/**
 * @typedef {object} Plan
 * @property {Set<string>} moved  functions of the part
 * @property {Set<string>} doors  those of them that the first module, or who calls it, may call
 * @property {Set<string>} copied functions of the first module that the part calls, so small that it has them too
 * @property {Set<string>} needed the others that it calls
 * @property {{ at: number, size: number }[]} constants where in memory is what only the part reads
 */

/** Smaller functions are in both modules: an export and an import have a price too, and each call between the two. */
const worthACall = 150;

/**
 * What a part is made of.
 * @param {Buffer} compiled  linked with --emit-relocs
 * @param {(label: string, exported: readonly string[]) => boolean} stays is this function of the first module?
 * @returns {Plan}
 */
export function planned(compiled, stays) {
  const { items, exported, constants, where } = readObject(compiled);
  /** @type {Map<number, string[]>} */
  const exportedAs = new Map();
  for (const [name, item] of exported) exportedAs.set(item, [...(exportedAs.get(item) ?? []), name]);
  const isConstant = (/** @type {number} */ item) => where.has(item);
  // What calls JavaScript stays: wasm-bindgen puts functions of its own between the two.
  const callsOut = (/** @type {import("./object.mjs").Item} */ { calls }) => [...calls].some((used) => items[used]?.defined === false);
  const inFirst = items.map((item, index) => !isConstant(index) && (!item.defined || callsOut(item) || stays(item.label, exportedAs.get(index) ?? [])));
  const first = [...items.keys()].filter((item) => inFirst[item]);
  const moved = [...items.keys()].filter((item) => !isConstant(item) && !inFirst[item]);
  // What the first module names, its constants included: functions of the part that are among it are doors.
  const held = new Set(first);
  for (const item of held) for (const used of items[item]?.uses ?? []) if (isConstant(used) || inFirst[used]) held.add(used);
  const named = new Set([...held].flatMap((item) => [...(items[item]?.uses ?? [])]));
  // What the part calls of the first module, itself and by what it has copied.
  const callers = new Set(moved);
  const called = new Set();
  for (const item of callers) {
    for (const used of items[item]?.calls ?? []) {
      if (!inFirst[used]) continue;
      const { size = 0, defined = false } = items[used] ?? {};
      const isSmall = defined && size <= worthACall && !callsOut(must(items[used])) && !exportedAs.has(used);
      (isSmall ? callers : called).add(used);
    }
  }
  const names = (/** @type {number[]} */ list) => new Set(list.map((item) => items[item]?.label ?? ""));
  const places = (/** @type {number[]} */ list) => list.map((item) => where.get(item) ?? { at: 0, size: 0 });
  // A byte that two constants share stays with the one that stays.
  const kept = joined(places(constants.filter((item) => held.has(item))));
  return {
    moved: names(moved),
    doors: names(moved.filter((item) => named.has(item) || exportedAs.has(item))),
    copied: names(first.filter((item) => callers.has(item))),
    needed: names(first.filter((item) => called.has(item))),
    constants: without(joined(places(constants.filter((item) => !held.has(item)))), kept),
  };
}

/** @template T @param {T | undefined} value @returns {T} */
function must(value) {
  if (value === undefined) throw new Error("something is missing that was there");
  return value;
}

/** @typedef {{ at: number, size: number }} Range */

/** In their order; those that touch become one. @param {Range[]} ranges @returns {Range[]} */
export function joined(ranges) {
  /** @type {Range[]} */
  const runs = [];
  for (const { at, size } of [...ranges].sort((a, b) => a.at - b.at)) {
    const last = runs.at(-1);
    if (last && at <= last.at + last.size) last.size = Math.max(last.size, at + size - last.at);
    else runs.push({ at, size });
  }
  return runs;
}

/** What of the first is not in the second; both are in order and do not touch each other. @param {Range[]} ranges @param {Range[]} taken @returns {Range[]} */
export function without(ranges, taken) {
  return ranges.flatMap(({ at, size }) => {
    /** @type {Range[]} */
    const left = [];
    let from = at;
    for (const hole of taken) {
      if (hole.at + hole.size <= from || hole.at >= at + size) continue;
      if (hole.at > from) left.push({ at: from, size: hole.at - from });
      from = hole.at + hole.size;
    }
    if (from < at + size) left.push({ at: from, size: at + size - from });
    return left;
  });
}
