// @ts-check
/** What is said after the measurements: who got how many answers, why a key was chosen, where to read on. */
import { existsSync } from "node:fs";
import { clock, length, progress, seconds, table } from "./table.mjs";

/** @typedef {import("./screen.mjs").Paint} Paint */
/** @typedef {import("./load.mjs").Result} Result */

/**
 * The clients without a pool while they run.
 *
 * @param {({ name: string } & import("./load.mjs").Progress)[]} clients
 * @param {{ total: number, width: number, paint: Paint }} view
 */
export function naiveFrame(clients, { total, width, paint }) {
  const longest = Math.max(...clients.map(({ name }) => name.length));
  return clients.map(({ name, answered, failed }) => {
    const text = `${String(answered).padStart(3)} of ${total}${failed ? `, ${failed} failed` : ""}`;
    if (width < longest + 32) return `  ${text.padEnd(23)}  ${name}`;
    const room = width - longest - 2 - ", 300 failed".length + Math.max(0, text.length - 10);
    return `  ${name.padEnd(longest)}${progress({ answered, failed, total }, text, room, paint)}`;
  });
}

/**
 * @param {{ naive: ({ name: string } & Result)[], pooled: Result, total: number, width: number, paint: Paint }} results
 */
export function resultTable({ naive, pooled, total, width, paint }) {
  const all = [...naive, { name: "the pool", ...pooled }];
  const longest = Math.max(...all.map(({ name }) => name.length));
  const rows = all.map(({ name, answered, p50, p95, ms }) => [
    { text: name },
    { text: `${answered} of ${total}`, colour: answered === total ? /** @type {const} */ ("green") : /** @type {const} */ ("red") },
    { text: seconds(p50) },
    { text: seconds(p95) },
    { text: seconds(ms) },
  ]);
  const columns = [
    { title: "", width: longest },
    { title: "answered", width: 12, align: /** @type {const} */ ("right") },
    { title: "p50", width: 8, align: /** @type {const} */ ("right"), spare: 2 },
    { title: "p95", width: 8, align: /** @type {const} */ ("right"), spare: 2 },
    { title: "all done", width: 10, align: /** @type {const} */ ("right"), spare: 1 },
  ];
  return table(columns, rows, width, paint);
}

const REFUSALS = /** @type {Record<string, string>} */ ({
  rate_limited: "rate limit",
  out_of_credit: "no credit left",
  revoked: "key revoked",
  overloaded: "overloaded",
});

/** What the providers refused and the pool sent again, as the server counted it. @param {Record<string, number>} faults */
export function retries(faults) {
  const count = Object.values(faults).reduce((sum, some) => sum + some, 0);
  return { count, reasons: Object.entries(faults).map(([kind, some]) => `${some} × ${REFUSALS[kind] ?? kind}`).join(", ") };
}

/**
 * @param {{ name: string, verdict: string, until?: number | undefined }[]} candidates
 * @param {{ now: number, width: number, paint: Paint }} view
 */
export function explainTable(candidates, { now, width, paint }) {
  const rows = candidates.map(({ name, verdict, until }) => [
    { text: name },
    { text: verdict.replaceAll("_", " "), colour: verdict === "picked" ? /** @type {const} */ ("green") : undefined },
    { text: until === undefined ? "" : `until ${clock(until)}, in ${length(until - now)}` },
  ]);
  return table([{ title: "", width: 15 }, { title: "", width: 24 }, { title: "", width: 28, spare: 1 }], rows, width, paint).slice(1);
}

/** Each sort of failure once, with its cause, and how often it came. @param {unknown[]} failures */
export function failureLines(failures) {
  const counts = /** @type {Map<string, number>} */ (new Map());
  for (const failure of failures) {
    const cause = failure instanceof Error && failure.cause ? ` (${failure.cause})` : "";
    const text = `${failure}${cause}`;
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  return [...counts].map(([text, count]) => `  ${count} × ${text}`);
}

/** Files that exist, seen from the folder where the program was started. */
export function whereNext() {
  const root = new URL("../../", import.meta.url);
  const pages = [
    ["examples/rotating-keys/main.mjs", "this program"],
    ["README.md", "what else a pool does"],
    ["docs/architecture.md", "how it is built"],
    ["docs/defaults.md", "every constant, and why it is what it is"],
    ["docs/failures-of-others.md", "what goes wrong in other pools, and what excludes it here"],
    ["examples/README.md", "more examples"],
  ];
  return pages.flatMap(([path = "", what]) => (existsSync(new URL(path, root)) ? [`  ${path.padEnd(32)}${what}`] : []));
}
