// @ts-check
/**
 * Eight keys, 300 requests at once, one pool.
 *
 * Keys run into their limits, one is revoked, one has no credit left, one meets an overloaded
 * provider. The program below does not notice: it uses the SDKs as it always did, with one more
 * option, `fetch`. The providers are played by a server on this machine (keys.mjs).
 */
import { setMaxListeners } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Anthropic from "@anthropic-ai/sdk";
import { CredentialPool } from "credpool";
import { sqliteStore } from "credpool/node";
import OpenAI from "openai";
import { eightKeys, startProviders, WINDOW_MS } from "./keys.mjs";
import { MODELS, REQUESTS, sendAll } from "./load.mjs";
import { measureNaive } from "./naive.mjs";
import { explainTable, failureLines, naiveFrame, resultTable, retries, whereNext } from "./report.mjs";
import { Screen } from "./screen.mjs";
import { keysFrame, keysLine } from "./table.mjs";

const screen = new Screen();
const { paint } = screen;
const stop = new AbortController();
setMaxListeners(0, stop.signal);
for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM"])) {
  process.on(signal, () => (stop.signal.aborted ? process.exit(130) : stop.abort()));
}
const leave = () => {
  screen.print("", "Stopped.");
  process.exit(130);
};

screen.print(
  "",
  `${paint("bold", "credpool")}  ${REQUESTS} requests at once, half of them streamed, through the official SDKs`,
  paint("dim", `          8 keys at 2 providers, on this machine; a provider's minute lasts ${WINDOW_MS / 1000} s here`),
);

// --- Without a pool: measured in the same run, each client against a fresh server ----------------

screen.print("", paint("bold", "Without a pool"), "");
let clients = /** @type {Parameters<typeof naiveFrame>[0]} */ ([]);
screen.begin(
  () => naiveFrame(clients, { total: REQUESTS, width: screen.width, paint }),
  () => clients.map(({ name, answered, failed }) => `  ${name}: ${answered} answered, ${failed} failed`).join("\n"),
);
const naive = await measureNaive(stop.signal, (now) => (clients = now));
screen.finish();
if (stop.signal.aborted) leave();

// --- With a pool: this is all that your program needs --------------------------------------------

const keys = eightKeys();
const providers = await startProviders(keys);
const folder = await mkdtemp(join(tmpdir(), "credpool-"));
const pool = await CredentialPool.open({ store: sqliteStore(join(folder, "keys.db")), policy: "default" });
await pool.addMany(keys.map(({ provider, key, name }) => ({ provider, kind: "api_key", key, name })));

const { baseURL } = providers;
const openai = new OpenAI({ apiKey: "pool", baseURL: baseURL.openai, maxRetries: 0, fetch: pool.fetch("openai") });
const anthropic = new Anthropic({ apiKey: "pool", baseURL: baseURL.anthropic, maxRetries: 0, fetch: pool.fetch("anthropic") });

// --- The same load, and a look at the pool while it works ----------------------------------------

screen.print("", paint("bold", "With a pool"), "");
const start = performance.now();
let answered = 0;
let explained = /** @type {ReturnType<typeof explainNow> | undefined} */ (undefined);
const explainNow = () => ({ now: Date.now(), ...pool.explain("openai", { model: MODELS.openai }) });
const view = () => ({ entries: pool.list(), answered, total: REQUESTS, ms: performance.now() - start, width: screen.width, now: Date.now(), paint });
screen.begin(
  () => keysFrame(view()),
  () => keysLine(view()),
);
const pooled = await sendAll(() => ({ openai, anthropic }), stop.signal, (progress) => {
  answered = progress.answered;
  if (answered >= REQUESTS / 2 && !explained?.picked) explained = explainNow();
});
screen.finish();

// --- What came of it -----------------------------------------------------------------------------

const behind = retries(providers.stats().faults);
await pool.close();
await providers.close();
await rm(folder, { recursive: true, force: true });
if (stop.signal.aborted) leave();

const all = answered === REQUESTS;
screen.print("", paint("bold", paint(all ? "green" : "red", `${answered} of ${REQUESTS} answered`)), "");
screen.print(...resultTable({ naive, pooled, total: REQUESTS, width: screen.width, paint }));
screen.print(paint("dim", "  times: from the start of the load to an answer; the first three ran side by side"));
screen.print("", `The pool tried again ${behind.count} times behind the scenes; the program saw none of it:`, `  ${behind.reasons}`);
if (explained) {
  screen.print("", `Which key, and why not the others? ${paint("cyan", `pool.explain("openai", { model: "${MODELS.openai}" })`)}, asked half way:`);
  screen.print(...explainTable(explained.candidates, { now: explained.now, width: screen.width, paint }));
}
screen.print("", "Where to look next", ...whereNext(), "");
for (const line of failureLines(pooled.failures)) screen.print(paint("red", line));
process.exitCode = all ? 0 : 1;
