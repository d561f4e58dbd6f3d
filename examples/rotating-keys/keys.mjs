// @ts-check
/**
 * Eight keys as people have them: four that work within their limits, one whose account ran out of
 * credit, one that was revoked, one that meets an overloaded region, and a small spare one.
 *
 * The keys are made up anew in every run, and the server beside this program is the only one that
 * knows them. A provider's minute lasts two seconds here, so that nobody has to wait for it.
 */
import { canaryKey } from "../../tests/providers/key.mjs";
import { startProviderServer } from "../../tests/providers/server.mjs";

/** @typedef {"openai" | "anthropic"} Provider */
/** @typedef {{ provider: Provider, name: string, key: string, behaviour: import("../../tests/providers/key.mjs").KeySpec }} OwnedKey */

export const WINDOW_MS = 2000;

/** @param {number} requestsPerWindow */
const limited = (requestsPerWindow) => ({ requestsPerWindow, windowMs: WINDOW_MS });

/** @type {[Provider, string, import("../../tests/providers/key.mjs").KeySpec][]} */
const EIGHT = [
  ["openai", "work", limited(24)],
  ["openai", "home", limited(16)],
  ["openai", "trial", { fault: "out_of_credit" }],
  ["openai", "intern", { fault: "revoked" }],
  ["anthropic", "main", limited(24)],
  ["anthropic", "team", limited(16)],
  ["anthropic", "eu", { ...limited(24), fault: { kind: "overloaded", forMs: 3000 } }],
  ["anthropic", "spare", limited(8)],
];

/** @returns {OwnedKey[]} */
export function eightKeys() {
  return EIGHT.map(([provider, name, behaviour]) => ({ provider, name, key: canaryKey(provider), behaviour }));
}

/**
 * The two providers, played by a server on this machine that has seen nothing yet.
 *
 * @param {OwnedKey[]} keys
 */
export async function startProviders(keys) {
  const server = await startProviderServer({
    keys: Object.fromEntries(keys.map(({ key, name, behaviour }) => [key, { name, ...behaviour }])),
    latencyMs: 120,
    refusalMs: 25,
    chunkMs: 10,
  });
  return { ...server, baseURL: { openai: `${server.url}/v1`, anthropic: server.url } };
}
