// Columns for people. Programs ask for --json.
import { stripVTControlCharacters } from "node:util";

/** Rows in columns, as wide as their widest cell; what is empty everywhere is left out. */
export function columns(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const used = head.map((_, at) => rows.some((row) => (row[at] ?? "") !== ""));
  const widths = head.map((title, at) => Math.max(...[title, ...rows.map((row) => row[at] ?? "")].map(width)));
  const line = (row: readonly string[]) => row.map((cell, at) => (used[at] ? cell + " ".repeat((widths[at] ?? 0) - width(cell)) : undefined)).filter((cell) => cell !== undefined).join("  ").trimEnd();
  return [line(head), ...rows.map(line)];
}

function width(text: string): number {
  return stripVTControlCharacters(text).length;
}

/** `in 3 min`, `2 h ago`: an instant as seen from now. */
export function fromNow(at: number, now: number = Date.now()): string {
  const gap = Math.abs(at - now);
  const units = [["d", 86_400_000], ["h", 3_600_000], ["min", 60_000], ["s", 1000]] as const;
  const [unit, size] = units.find(([, size]) => gap >= size) ?? units[3];
  const text = `${Math.round(gap / size)} ${unit}`;
  return at >= now ? `in ${text}` : `${text} ago`;
}
