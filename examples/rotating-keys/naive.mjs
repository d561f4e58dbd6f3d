// @ts-check
/**
 * The same load without a pool, measured: each client has a fresh server with the same eight keys
 * and the same limits. Where it has one key per provider, it has the best one.
 */
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import { eightKeys, startProviders } from "./keys.mjs";
import { sendAll } from "./load.mjs";

/** @typedef {{ name: string, rotate: boolean, maxRetries: number }} NaiveClient */

/** @type {NaiveClient[]} */
const NAIVE = [
  { name: "one key, no retries", rotate: false, maxRetries: 0 },
  { name: "one key, the SDK's 2 retries", rotate: false, maxRetries: 2 },
  { name: "all keys in turn, the SDK's 2 retries", rotate: true, maxRetries: 2 },
];

/**
 * Measures them side by side.
 *
 * @param {AbortSignal} signal
 * @param {(now: ({ name: string } & import("./load.mjs").Progress)[]) => void} onProgress
 */
export function measureNaive(signal, onProgress) {
  const now = NAIVE.map(({ name }) => ({ name, answered: 0, failed: 0 }));
  return Promise.all(
    NAIVE.map(async (client, n) => {
      const result = await measure(client, signal, (progress) => {
        Object.assign(now[n] ?? {}, progress);
        onProgress(now);
      });
      return { name: client.name, ...result };
    }),
  );
}

/**
 * @param {NaiveClient} naive
 * @param {AbortSignal} signal
 * @param {(progress: import("./load.mjs").Progress) => void} onProgress
 */
async function measure({ rotate, maxRetries }, signal, onProgress) {
  const keys = eightKeys();
  const { baseURL, close } = await startProviders(keys);
  const of = (/** @type {string} */ provider) => keys.filter((key) => key.provider === provider).slice(0, rotate ? undefined : 1);
  const openai = of("openai").map(({ key }) => new OpenAI({ apiKey: key, baseURL: baseURL.openai, maxRetries }));
  const anthropic = of("anthropic").map(({ key }) => new Anthropic({ apiKey: key, baseURL: baseURL.anthropic, maxRetries }));
  // Four requests are one of each sort (either provider, whole or streamed): then it is the next key's turn.
  const turn = (/** @type {number} */ n) => Math.floor(n / 4);
  const clients = (/** @type {number} */ n) => ({
    openai: /** @type {OpenAI} */ (openai[turn(n) % openai.length]),
    anthropic: /** @type {Anthropic} */ (anthropic[turn(n) % anthropic.length]),
  });
  try {
    return await sendAll(clients, signal, onProgress);
  } finally {
    await close();
  }
}
