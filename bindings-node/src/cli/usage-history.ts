// What was left of accounts, drawn over time: a line for each limit, a column for each stretch of it.
import type { UsageCostEntry, UsageHistoryEntry } from "credpool";
import { columns } from "./table.js";
import type { Colour, Terminal } from "./terminal.js";

/** So many columns at most. */
const WIDTH = 48;
const HOUR = 3_600_000;
const LEVELS = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
/** A stretch of which nothing is remembered. */
const NOTHING = "·";

/** How far back it goes, and how long one column is. */
export interface Span {
  readonly from: number;
  readonly to: number;
  readonly step: number;
}

/** Whole hours, so many of them in a column that all columns fit. */
export function spanOf(days: number, now: number = Date.now(), width: number = WIDTH): Span {
  const step = Math.max(1, Math.ceil((days * 24) / width)) * HOUR;
  const to = (Math.floor(now / HOUR) + 1) * HOUR;
  return { from: to - Math.ceil((days * 24 * HOUR) / step) * step, to, step };
}

/** A line of columns for each limit of each account: the highest share of each stretch. */
export function drawHistory(entries: readonly UsageHistoryEntry[], costs: readonly UsageCostEntry[], span: Span, out: Pick<Terminal, "paint">): string[] {
  const rows: string[][] = [];
  const heads = new Map<number, string>();
  for (const [who, limits] of grouped(entries)) {
    heads.set(rows.length, out.paint("bold", who));
    rows.push([]);
    for (const [limit, of] of limits) {
      const used = of.flatMap(({ used_ppm }) => (used_ppm === undefined ? [] : [used_ppm / 10_000]));
      if (used.length === 0) continue;
      const [last = 0] = used.slice(-1);
      rows.push([limit, trend(of, span, out), `${whole(last)} %`.padStart(5), `peak ${whole(Math.max(...used))} %`]);
    }
  }
  for (const [who, of] of groupedCosts(costs)) {
    heads.set(rows.length, out.paint("bold", who));
    rows.push([]);
    const total = of.reduce((sum, { usd }) => sum + usd, 0);
    rows.push(["cost", costTrend(of, span, out), `$${total.toFixed(2)}`, ""]);
  }
  if (rows.length === 0) return [];
  const [, ...drawn] = columns(["", "", "", ""], rows);
  const scale = `${new Date(span.from).toLocaleString()} to ${new Date(span.to).toLocaleString()}, ${span.step === HOUR ? "an hour" : `${span.step / HOUR} hours`} a column`;
  return [...drawn.map((text, at) => heads.get(at) ?? `  ${text}`), out.paint("dim", scale)];
}

function trend(entries: readonly UsageHistoryEntry[], span: Span, out: Pick<Terminal, "paint">): string {
  const tops = stretches(span);
  for (const { at, used_ppm } of entries) {
    const column = columnOf(at, span);
    if (used_ppm !== undefined && column in tops) tops[column] = Math.max(tops[column] ?? 0, used_ppm / 10_000);
  }
  return tops.map((percent) => (percent === undefined ? out.paint("dim", NOTHING) : out.paint(colour(percent), level(percent / 100)))).join("");
}

function costTrend(entries: readonly UsageCostEntry[], span: Span, out: Pick<Terminal, "paint">): string {
  const sums = stretches(span);
  for (const { at, usd } of entries) {
    const column = columnOf(at, span);
    if (column in sums) sums[column] = (sums[column] ?? 0) + usd;
  }
  const most = Math.max(...sums.map((sum) => sum ?? 0));
  return sums.map((sum) => (sum === undefined ? out.paint("dim", NOTHING) : level(most > 0 ? sum / most : 0))).join("");
}

function stretches({ from, to, step }: Span): (number | undefined)[] {
  return new Array<number | undefined>(Math.round((to - from) / step)).fill(undefined);
}

function columnOf(at: number, { from, step }: Span): number {
  return Math.floor((at - from) / step);
}

/** From the lowest column to the full one: that is all, and nothing less is. */
function level(share: number): string {
  const top = LEVELS.length - 1;
  return LEVELS[share >= 1 ? top : Math.max(0, Math.min(top - 1, Math.floor(share * LEVELS.length)))] ?? "";
}

function colour(percent: number): Colour {
  return percent >= 100 ? "red" : percent >= 85 ? "yellow" : "green";
}

function whole(percent: number): string {
  return percent > 0 && percent < 1 ? "<1" : String(Math.floor(percent));
}

function grouped(entries: readonly UsageHistoryEntry[]): Map<string, Map<string, UsageHistoryEntry[]>> {
  const all = new Map<string, Map<string, UsageHistoryEntry[]>>();
  for (const entry of entries) {
    const who = `${entry.provider}:${entry.name}`;
    const limits = all.get(who) ?? new Map<string, UsageHistoryEntry[]>();
    all.set(who, limits.set(entry.limit, [...(limits.get(entry.limit) ?? []), entry]));
  }
  return all;
}

function groupedCosts(costs: readonly UsageCostEntry[]): Map<string, UsageCostEntry[]> {
  const all = new Map<string, UsageCostEntry[]>();
  for (const entry of costs) {
    const who = `${entry.provider}:${entry.name}`;
    all.set(who, [...(all.get(who) ?? []), entry]);
  }
  return all;
}

/** For programs that read lines, separated by tabs: when, account, limit or `cost`, per cent or dollars, status, reset. */
export function historyLines(entries: readonly UsageHistoryEntry[], costs: readonly UsageCostEntry[]): string[] {
  const instant = (at: number | undefined) => (at === undefined ? "" : new Date(at).toISOString());
  const lines: [number, string][] = [
    ...entries.map(({ at, provider, name, limit, used_ppm, status, resets_at }): [number, string] => [at, [instant(at), `${provider}:${name}`, limit, used_ppm === undefined ? "" : String(used_ppm / 10_000), status, instant(resets_at)].join("\t")]),
    ...costs.map(({ at, provider, name, usd }): [number, string] => [at, [instant(at), `${provider}:${name}`, "cost", String(usd), "", ""].join("\t")]),
  ];
  return lines.sort(([one], [other]) => one - other).map(([, line]) => line);
}
