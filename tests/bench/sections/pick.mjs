// @ts-check
// The hot path through the public API: `tryAcquire` and `release`, and `await acquire`.
import { measure } from "../lib/measure.mjs";
import { makePool } from "../lib/pools.mjs";
import { SIZES, sizeRows } from "../lib/rows.mjs";
import { acquire, ringSubject, tryAcquire, tryAcquireWithSession } from "../lib/subjects.mjs";

/** @typedef {import("../lib/rows.mjs").Row} Row */
/** @typedef {import("../lib/measure.mjs").Subject} Subject */
/** @typedef {import("../lib/pools.mjs").PoolTerms} PoolTerms */
/** @typedef {import("../run.mjs").Context} Context */

/**
 * Pools of every size and state beside the ring.
 * @param {Context} context
 * @param {{ name: string, terms: PoolTerms, subject: (key: string, pool: import("credpool").CredentialPool) => Subject, times?: number, quiet?: number }[]} kinds
 * @returns {Promise<Row[]>}
 */
async function beside({ progress, rounds }, kinds) {
  const ring = ringSubject();
  const subjects = [ring];
  const pools = [];
  for (const { name, terms, subject } of kinds) {
    for (const size of SIZES) {
      progress(`${name}: filling a pool with ${size.toLocaleString("en")} credentials`);
      const pool = await makePool(size, terms);
      pools.push(pool);
      subjects.push(subject(`${name}/${size}`, pool));
    }
  }
  const figures = await measure(subjects, { rounds, progress });
  for (const pool of pools) await pool.close();
  const yardstick = figures.get(ring.key) ?? { min: NaN, median: NaN };
  return [
    { name: "yardstick: a JavaScript ring", size: 1_000, figure: yardstick, ratio: 1 },
    ...kinds.flatMap(({ name, times, quiet }) =>
      sizeRows(name, figures, (size) => `${name}/${size}`, { yardstick, ...(times !== undefined && { times }), ...(quiet !== undefined && { quiet }) }),
    ),
  ];
}

/** @param {string} strategy */
const ofStrategy = (strategy) => (/** @type {Context} */ context) =>
  beside(context, [
    { name: strategy, terms: { strategy }, subject: tryAcquire, times: 10, quiet: 250 },
    { name: `${strategy}, 99 % cooling`, terms: { strategy, cooling: "most" }, subject: tryAcquire, times: 10, quiet: 250 },
  ]);

export const pickRoundRobin = ofStrategy("round-robin");
export const pickFillFirst = ofStrategy("fill-first");
export const pickLeastRecentlyUsed = ofStrategy("least-recently-used");

/** Every account has a report of two windows. */
export const pickByUsage = (/** @type {Context} */ context) => beside(context, [{ name: "usage", terms: { usage: true }, subject: tryAcquire, times: 10, quiet: 250 }]);

/** @param {Context} context */
export const pickWithSession = (context) =>
  beside(context, [
    { name: "with a session", terms: { sessions: true }, subject: tryAcquireWithSession, times: 15, quiet: 250 },
    { name: "with a session, 99 % cooling", terms: { sessions: true, cooling: "most" }, subject: tryAcquireWithSession, times: 15, quiet: 250 },
  ]);

/** @param {Context} context */
export const awaitAcquire = (context) =>
  beside(context, [{ name: "await acquire, then release", terms: { strategy: "round-robin" }, subject: acquire, quiet: 400 }]);

/** @param {Context} context */
export async function nobodyEligible(context) {
  const rows = await beside(context, [
    { name: "nobody eligible", terms: { cooling: "all" }, subject: tryAcquire },
    { name: "nobody eligible, with a session", terms: { cooling: "all", sessions: true }, subject: tryAcquireWithSession },
  ]);
  for (const row of rows) {
    if (row.figure && row.name.startsWith("nobody")) row.bars = [{ what: "<= 500 ns", value: row.figure.min, limit: 500, ok: row.figure.min <= 500 }, ...(row.bars ?? [])];
  }
  return rows;
}
