// @ts-check
// A pool on a host that stands still, and what most tests do with one.
import assert from "node:assert/strict";
import { CredentialPool } from "credpool";
import { ManualHost } from "./host.mjs";

/** @param {import("credpool").PoolOptions} [options] */
export async function open(options = {}) {
  const host = new ManualHost();
  const pool = await CredentialPool.open({ env: false, ...options, host: options.host ?? host });
  return { pool, host };
}

/** @param {CredentialPool} pool @param {...string} names */
export const addKeys = (pool, ...names) => pool.addMany(names.map((name) => ({ provider: "openai", key: `sk-${name}`, name })));

/** @param {import("credpool").Lease | import("credpool").Refusal} got */
export function leased(got) {
  assert.ok(got.ok, "refused");
  return got;
}

/** @param {import("credpool").Lease | import("credpool").Refusal} got */
export function refused(got) {
  assert.ok(!got.ok, "leased");
  return got;
}

/** An answer after which a model of the credential rests for a minute. */
export const LIMITED = { status: 429, headers: { "retry-after": "60" } };
