// What is left of accounts, drawn: a bar for each window, when it begins anew, and whether it lasts until then.
import type { AccountUsage, UsageLimit } from "credpool";
import { columns, fromNow } from "./table.js";
import type { Colour, Terminal } from "./terminal.js";

/** So many cells a bar is wide. */
const WIDTH = 24;
/** A cell that is filled by an eighth, two, … */
const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
const COLOURS: Readonly<Record<UsageLimit["status"], Colour>> = { ok: "green", warning: "yellow", exhausted: "red", unknown: "dim" };

/** The share of a limit that is used, in per cent: what is said; else used of the limit; else what is not left. */
export function percentUsed({ amount: { used, limit, remaining, used_ppm, remaining_ppm, unit } }: UsageLimit): number | undefined {
  const percent =
    used_ppm !== undefined ? used_ppm / 10_000
    : used !== undefined && limit !== undefined && limit > 0 ? (used / limit) * 100
    : used !== undefined && unit === "percent" ? used / 1_000_000
    : remaining_ppm !== undefined ? 100 - remaining_ppm / 10_000
    : remaining !== undefined && limit !== undefined && limit > 0 ? 100 - (remaining / limit) * 100
    : undefined;
  return percent === undefined ? undefined : Math.max(0, percent);
}

/** A bar of {@link WIDTH} cells, to an eighth of a cell. */
export function bar(percent: number, width: number = WIDTH): string {
  const eighths = Math.round((Math.min(100, Math.max(0, percent)) / 100) * width * 8);
  // What is used at all is seen, and what is not all used is not full.
  const shown = percent > 0 && eighths === 0 ? 1 : percent < 100 && eighths === width * 8 ? eighths - 1 : eighths;
  const whole = Math.floor(shown / 8);
  const part = EIGHTHS[shown % 8] ?? "";
  return "█".repeat(whole) + part + "░".repeat(width - whole - (part === "" ? 0 : 1));
}

/** Accounts for people: a line for whom, and one for each window. */
export function draw(accounts: readonly AccountUsage[], out: Pick<Terminal, "paint">, now: number = Date.now()): string[] {
  const rows: string[][] = [];
  const heads = new Map<number, string>();
  for (const account of accounts) {
    heads.set(rows.length, head(account, out, now));
    rows.push([]);
    for (const limit of account.report?.limits ?? []) rows.push(line(account, limit, out, now));
    for (const text of remarks(account)) {
      heads.set(rows.length, `  ${out.paint("dim", text)}`);
      rows.push([]);
    }
  }
  const [, ...drawn] = columns(["", "", "", "", ""], rows);
  return drawn.map((text, at) => heads.get(at) ?? `  ${text}`);
}

function head({ provider, name, report, trouble }: AccountUsage, out: Pick<Terminal, "paint">, now: number): string {
  const parts = [out.paint("bold", `${provider}:${name}`)];
  if (report?.plan) parts.push(report.plan);
  if (report) parts.push(out.paint("dim", `${report.origin === "headers" ? "by headers, " : ""}${fromNow(report.fetched_at, now)}`));
  if (trouble !== undefined) parts.push(out.paint("red", `${report ? "not answered since" : "no answer"}: ${trouble.replaceAll("_", " ")}`));
  return parts.join("  ");
}

function line({ forecasts }: AccountUsage, limit: UsageLimit, out: Pick<Terminal, "paint">, now: number): string[] {
  const percent = percentUsed(limit);
  const { window, status } = limit;
  const empty = forecasts?.find((forecast) => forecast.limit === limit.id)?.lastsUntil;
  const again = window?.resets_at !== undefined ? (window.resets_at > now ? fromNow(window.resets_at, now) : "begun anew") : window?.ticks_at !== undefined ? `more ${fromNow(window.ticks_at, now)}` : "";
  return [
    limit.label,
    percent === undefined ? "" : out.paint(COLOURS[status], bar(percent)),
    percent === undefined ? "" : `${percent > 0 && percent < 1 ? "<1" : String(Math.floor(percent))} %`.padStart(5),
    amounts(limit),
    [again, status === "exhausted" ? out.paint("red", "spent") : empty !== undefined ? out.paint("yellow", `empty ${fromNow(empty, now)}`) : ""].filter((part) => part !== "").join("  "),
  ];
}

/** `$12.50 of $20.00`, where more is known than a share. */
function amounts({ amount: { used, limit, remaining, unit } }: UsageLimit): string {
  if (unit === "percent") return "";
  const text = (millionths: number) => (unit === "usd" ? `$${(millionths / 1_000_000).toFixed(2)}` : compact(millionths / 1_000_000));
  const what = unit === "usd" || unit === "unknown" ? "" : ` ${unit}`;
  if (used !== undefined) return `${text(used)}${limit === undefined ? "" : ` of ${text(limit)}`}${what}`;
  return remaining === undefined ? "" : `${text(remaining)}${what} left`;
}

/** `1.2 M`, `760 k`, `42`. */
function compact(count: number): string {
  for (const [size, letter] of [[1_000_000_000, "G"], [1_000_000, "M"], [10_000, "k"]] as const) {
    if (count >= size) return `${Number((count / (letter === "k" ? 1000 : size)).toPrecision(3))} ${letter}`;
  }
  return String(Number(count.toFixed(2)));
}

function remarks({ report }: AccountUsage): string[] {
  if (!report) return [];
  const said: string[] = [];
  const { credits, limits, reset_credits: resets } = report;
  if (limits.length === 0) said.push("nothing is said of limits");
  if (credits && (credits.has || credits.unlimited)) {
    said.push(`credits: ${credits.unlimited ? "without end" : credits.balance === undefined ? "there are some" : `${compact(credits.balance / 1_000_000)} left`}${credits.blocked ? ", and none may be used any more" : ""}`);
  }
  if (resets !== undefined && resets.available > 0) said.push(`saved resets: ${resets.available}`);
  return [...said, ...(report.notes ?? [])];
}

/** Accounts for programs that read lines: one a limit, separated by tabs; instants written out, shares in per cent. */
export function lines(accounts: readonly AccountUsage[]): string[] {
  const made: string[] = [];
  const instant = (at: number | undefined) => (at === undefined ? "" : new Date(at).toISOString());
  const plain = (millionths: number | undefined) => (millionths === undefined ? "" : String(millionths / 1_000_000));
  for (const { provider, name, report, trouble, forecasts } of accounts) {
    const who = `${provider}:${name}`;
    if (!report || report.limits.length === 0) made.push([who, "", "", trouble ?? "", "", "", "", "", "", "", instant(report?.fetched_at)].join("\t"));
    for (const limit of report?.limits ?? []) {
      const percent = percentUsed(limit);
      const { used, limit: size, remaining, unit } = limit.amount;
      const empty = forecasts?.find((forecast) => forecast.limit === limit.id)?.lastsUntil;
      made.push(
        [who, limit.id, percent === undefined ? "" : String(Number(percent.toFixed(4))), limit.status, plain(used), plain(size), plain(remaining), unit, instant(limit.window?.resets_at), instant(empty), instant(report?.fetched_at)].join("\t"),
      );
    }
  }
  return made;
}
