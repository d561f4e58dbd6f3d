// @ts-check
// Pools to measure: filled from a store, with as many credentials cooling down as is asked for.
import { CredentialPool } from "credpool";

/** @typedef {import("credpool").CredentialStore} CredentialStore */

export const PROVIDER = "openai";
export const MODEL = "gpt-5";
const HOUR = 3_600_000;

/** A credential's row. @param {number} id */
export function credentialRow(id) {
  const data = JSON.stringify({ uid: `u${id}`, provider: PROVIDER, name: `key-${id}`, kind: "api_key", created: 1, secret_version: 1 });
  return { kind: "credential", id, version: 1, generation: 1, data, secret: JSON.stringify({ key: secretOf(id) }) };
}

/** @param {number} id */
export const secretOf = (id) => `sk-bench-${String(id).padStart(8, "0")}-0123456789abcdef0123456789abcdef`;

/**
 * A store that has credentials, takes everything and keeps nothing of it: what is measured is the pool.
 * @param {number} size @returns {CredentialStore}
 */
export function givingStore(size) {
  let generation = 1;
  return {
    load: async () => ({ generation, rows: Array.from({ length: size }, (_, at) => credentialRow(at + 1)), removed: [], complete: true }),
    commit: async (mutations) => ({
      ok: true,
      generation: (generation += 1),
      rows: mutations.map(({ id = 0, expects = 0 }) => ({ id, version: expects + 1 })),
    }),
    lease: async () => null,
    renew: async () => null,
    release: async () => undefined,
    append: async () => undefined,
    query: async () => [],
    cacheGet: async () => undefined,
    cacheSet: async () => undefined,
    close: async () => undefined,
  };
}

/**
 * @typedef {object} PoolTerms
 * @property {string} [strategy] the default policy's own where it is left out
 * @property {boolean} [sessions] does the policy tie sessions?
 * @property {boolean} [usage] does every credential have a usage report?
 * @property {"none" | "most" | "all"} [cooling] "most": 99 of a hundred, and never all
 */

/** @param {number} size @param {PoolTerms} [terms] */
export async function makePool(size, { strategy, sessions = false, usage = false, cooling = "none" } = {}) {
  const policy = { extends: "default", ...(strategy && { strategy }), ...(!sessions && { affinity: { kind: "none" } }) };
  const pool = await CredentialPool.open({ store: givingStore(size), policy, env: false, seed: 1 });
  for (let id = 1; id <= size; id += 1) {
    if (!isOut(id, size, cooling)) continue;
    await pool.report(id, { status: 429, headers: { "retry-after": String(3_600 + (id % 3_600)) } }, { model: MODEL });
  }
  if (usage) for (let id = 1; id <= size; id += 1) await pool.setUsageReport(id, usageReport(id));
  return pool;
}

/** Five hours and a week, used and ending differently. @param {number} n */
function usageReport(n) {
  const limit = (/** @type {string} */ id, /** @type {number} */ hours, /** @type {number} */ used, /** @type {number} */ left) => ({
    id, scope: { shared: true }, window: { id, label: id, duration: hours * HOUR, resets_at: Date.now() + left * HOUR }, amount: { used_ppm: used * 10_000, unit: /** @type {const} */ ("percent") }, status: /** @type {const} */ ("ok"),
  });
  return { limits: [limit("5h", 5, (n * 37) % 80, 1 + (n % 4)), limit("7d", 168, (n * 61) % 95, 5 + (n % 160))] };
}

/** Who stays is spread over the pool. @param {number} id @param {number} size @param {PoolTerms["cooling"]} cooling */
function isOut(id, size, cooling) {
  if (cooling !== "most") return cooling === "all";
  return size < 100 ? id !== size >> 1 : id % 100 !== 50;
}
