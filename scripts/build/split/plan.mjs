// @ts-check
// What goes into a part that is loaded later: all that is reached through its functions alone.
import { pathOf, readObject } from "./object.mjs";

/**
 * @typedef {object} Plan
 * @property {Set<string>} moved  functions of the part
 * @property {Set<string>} doors  those of them that the first module calls
 * @property {Set<string>} needed functions of the first module that the part calls
 * @property {{ at: number, size: number }[]} constants where in memory is what only the part reads
 */

/**
 * What a part is made of.
 * @param {Buffer} compiled  linked with --emit-relocs
 * @param {readonly string[]} listed how the paths of the part's functions begin
 * @param {(name: string) => boolean} isRoot is it called from outside?
 * @returns {Plan}
 */
export function planned(compiled, listed, isRoot) {
  const { items, exported, constants, where } = readObject(compiled);
  const paths = items.map(({ name }, item) => (where.has(item) ? "" : pathOf(name)));
  const isListed = paths.map((path) => listed.some((start) => path.startsWith(start)));
  const stale = listed.find((start) => !paths.some((path) => path.startsWith(start)));
  if (stale !== undefined) throw new Error(`no function's path begins with ${stale}: take it out of the list`);
  const roots = [...exported].filter(([name]) => isRoot(name)).map(([, item]) => item);
  const all = reached(roots, () => false);
  const first = reached(roots, (item) => isListed[item] ?? false);
  const moved = [...all].filter((item) => !first.has(item));
  const isMoved = new Set(moved);
  const isFunction = (/** @type {number} */ item) => !where.has(item);
  const usedBy = (/** @type {Iterable<number>} */ users) => new Set([...users].flatMap((item) => [...(items[item]?.uses ?? [])]).filter(isFunction));
  const names = (/** @type {Iterable<number>} */ list) => new Set([...list].map((item) => items[item]?.label ?? ""));
  // A byte that two constants share moves with both.
  const held = constants.filter((item) => !isMoved.has(item)).map((item) => where.get(item) ?? { at: 0, size: 0 });
  const free = constants.filter((item) => isMoved.has(item)).map((item) => where.get(item) ?? { at: 0, size: 0 });
  return {
    moved: names(moved.filter(isFunction)),
    doors: names([...usedBy(first)].filter((item) => isMoved.has(item))),
    needed: names([...usedBy(moved)].filter((item) => !isMoved.has(item))),
    constants: free.filter((one) => !held.some((other) => one.at < other.at + other.size && other.at < one.at + one.size)),
  };

  /** @param {Iterable<number>} from @param {(item: number) => boolean} stop */
  function reached(from, stop) {
    const seen = new Set([...from].filter((item) => !stop(item)));
    for (const item of seen) for (const used of items[item]?.uses ?? []) if (!stop(used)) seen.add(used);
    return seen;
  }
}
