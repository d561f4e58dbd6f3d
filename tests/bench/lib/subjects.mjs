// @ts-check
// The loops that are timed. Each is one function for all pools, so that the compiler sees the same shapes everywhere.
import { MODEL, PROVIDER, secretOf } from "./pools.mjs";
import { seen } from "./measure.mjs";
import { Ring } from "./ring.mjs";

/** @typedef {import("credpool").CredentialPool} CredentialPool */
/** @typedef {import("./measure.mjs").Subject} Subject */

/** Operations a round: enough for more than one write-behind where every credential is used. */
export const COUNT = 20_000;
export const SESSIONS = Array.from({ length: 1_000 }, (_, at) => `session-${at}`);

/** @returns {Subject} */
export function ringSubject() {
  const ring = new Ring(Array.from({ length: 1_000 }, (_, at) => secretOf(at)));
  return {
    key: "ring",
    count: COUNT,
    run: (count) => {
      for (let n = 0; n < count; n += 1) seen[n & 1023] = ring.pick();
    },
  };
}

/** @param {string} key @param {CredentialPool} pool @returns {Subject} */
export const tryAcquire = (key, pool) => ({ key, count: COUNT, run: (count) => tryAcquireLoop(pool, count) });

/** @param {CredentialPool} pool @param {number} count */
function tryAcquireLoop(pool, count) {
  for (let n = 0; n < count; n += 1) {
    const lease = pool.tryAcquire(PROVIDER, { model: MODEL });
    if (lease.ok) lease.release();
    seen[n & 1023] = lease;
  }
}

/** @param {string} key @param {CredentialPool} pool @returns {Subject} */
export const tryAcquireWithSession = (key, pool) => ({ key, count: COUNT, run: (count) => sessionLoop(pool, count) });

/** @param {CredentialPool} pool @param {number} count */
function sessionLoop(pool, count) {
  for (let n = 0, at = 0; n < count; n += 1) {
    const lease = pool.tryAcquire(PROVIDER, { model: MODEL, session: SESSIONS[at] });
    if (lease.ok) lease.release();
    seen[n & 1023] = lease;
    at = at + 1 === SESSIONS.length ? 0 : at + 1;
  }
}

/** @param {string} key @param {CredentialPool} pool @returns {Subject} */
export const acquire = (key, pool) => ({ key, count: COUNT, run: (count) => acquireLoop(pool, count) });

/** @param {CredentialPool} pool @param {number} count */
async function acquireLoop(pool, count) {
  for (let n = 0; n < count; n += 1) {
    const lease = await pool.acquire(PROVIDER, { model: MODEL });
    lease.release();
    seen[n & 1023] = lease;
  }
}
