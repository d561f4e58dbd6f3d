// A decision as a table for people: every credential, in or out, why, until when, its place in the order.
import type { Explanation } from "./types.js";

/** The table that `pool.explain()` makes, one line for each credential; a sentence where there is none. Instants are written in UTC. */
export function formatExplanation({ candidates }: Explanation): string {
  if (candidates.length === 0) return "nobody: no credential of this provider is there";
  const rows = candidates.map(({ name, origin, verdict, until, rank, model }) => [
    verdict === "picked" ? "→" : verdict === "ready" ? "" : "✗",
    rank === undefined ? "" : String(rank),
    name,
    origin,
    verdict.replaceAll("_", " "),
    until === undefined ? "" : new Date(Math.min(until, 8.64e15)).toISOString(),
    model ?? "",
  ]);
  const all = [["", "RANK", "NAME", "FROM", "NOW", "UNTIL", "MODEL"], ...rows];
  const used = (all[0] ?? []).map((_, at) => rows.some((row) => row[at] !== ""));
  const widths = used.map((_, at) => Math.max(...all.map((row) => row[at]?.length ?? 0)));
  return all.map((row) => row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).filter((_, at) => used[at]).join("  ").trimEnd()).join("\n");
}
