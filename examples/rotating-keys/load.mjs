// @ts-check
/** The load: questions through the providers' own SDKs, all at once, half of them streamed. */
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";

/** @typedef {import("./keys.mjs").Provider} Provider */
/** @typedef {{ openai: OpenAI, anthropic: Anthropic }} Clients */
/** @typedef {{ answered: number, failed: number }} Progress */
/** @typedef {{ answered: number, failures: unknown[], p50: number, p95: number, ms: number }} Result */

export const REQUESTS = 300;
export const MODELS = { openai: "gpt-5-mini", anthropic: "claude-sonnet-5" };

/**
 * Sends them all and waits for every one. An answer counts if it is the answer to its own question.
 *
 * @param {(n: number) => Clients} clients  which clients request `n` uses
 * @param {AbortSignal} signal
 * @param {(progress: Progress) => void} onProgress
 * @returns {Promise<Result>}
 */
export async function sendAll(clients, signal, onProgress) {
  const progress = { answered: 0, failed: 0 };
  /** @type {unknown[]} */
  const failures = [];
  /** @type {number[]} */
  const times = [];
  const start = performance.now();
  const one = async (/** @type {number} */ n) => {
    const question = `this is request ${n}`;
    try {
      const answer = await ask(clients(n), n % 2 ? "anthropic" : "openai", question, n % 4 > 1, signal);
      if (answer !== `You said: ${question}`) throw new Error(`request ${n} was answered with: ${answer}`);
      times.push(performance.now() - start);
      progress.answered += 1;
    } catch (error) {
      failures.push(error);
      progress.failed += 1;
    }
    onProgress(progress);
  };
  await Promise.all(Array.from({ length: REQUESTS }, (_, n) => one(n)));
  times.sort((a, b) => a - b);
  const at = (/** @type {number} */ share) => times[Math.ceil(times.length * share) - 1] ?? NaN;
  return { answered: progress.answered, failures, p50: at(0.5), p95: at(0.95), ms: performance.now() - start };
}

/**
 * @param {Clients} clients
 * @param {Provider} provider
 * @param {string} question
 * @param {boolean} streamed
 * @param {AbortSignal} signal
 */
function ask(clients, provider, question, streamed, signal) {
  const messages = [{ role: /** @type {const} */ ("user"), content: question }];
  return provider === "openai"
    ? askOpenAI(clients.openai, { model: MODELS.openai, messages }, streamed, signal)
    : askAnthropic(clients.anthropic, { model: MODELS.anthropic, messages, max_tokens: 100 }, streamed, signal);
}

/**
 * @param {OpenAI} client
 * @param {OpenAI.ChatCompletionCreateParamsNonStreaming} body
 * @param {boolean} streamed
 * @param {AbortSignal} signal
 */
async function askOpenAI(client, body, streamed, signal) {
  if (!streamed) return (await client.chat.completions.create(body, { signal })).choices[0]?.message.content;
  let text = "";
  const stream = await client.chat.completions.create({ ...body, stream: true }, { signal });
  for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? "";
  return text;
}

/**
 * @param {Anthropic} client
 * @param {Anthropic.MessageCreateParamsNonStreaming} body
 * @param {boolean} streamed
 * @param {AbortSignal} signal
 */
async function askAnthropic(client, body, streamed, signal) {
  if (!streamed) {
    const [block] = (await client.messages.create(body, { signal })).content;
    return block?.type === "text" ? block.text : undefined;
  }
  let text = "";
  const stream = await client.messages.create({ ...body, stream: true }, { signal });
  for await (const event of stream) {
    if (event.type === "content_block_delta" && event.delta.type === "text_delta") text += event.delta.text;
  }
  return text;
}
