// credpool usage: what is left of every account.
import { setTimeout as sleep } from "node:timers/promises";
import type { AccountUsage, CredentialPool } from "credpool";
import { UsageError } from "./command.js";
import type { Command, Context } from "./command.js";
import { STORE_HELP, STORE_OPTIONS, withPool } from "./store.js";
import { draw, lines } from "./usage-draw.js";
import { drawHistory, historyLines, spanOf } from "./usage-history.js";

/** With --watch, where nothing else is said. Providers are asked about every five minutes all the same. */
const USUAL_SECONDS = 30;
/** Clears the screen, and puts the cursor into its corner. */
const CLEAR = "\u001b[2J\u001b[H";

export const usageCommand: Command = {
  name: "usage",
  summary: "what is left of every account, and how long it lasts",
  help: `Usage: credpool usage [PROVIDER…] [OPTIONS]

A bar for each window of each account: how much of it is used, when it begins anew,
and when it will be empty at this rate, where that comes before. Providers are asked
where what is known is older than about five minutes.

In a pipe, one line for each limit, separated by tabs: account, limit, per cent used,
status, used, limit, left, unit, reset, empty at this rate, learned.

With --history: what was left of them, and what calls cost, as far as the store remembers
it; nobody is asked. In a pipe: when, account, limit or cost, per cent used or dollars,
status, reset.

Options:
  --history      the trend of the last days instead
  --days N       with --history: so many; else 7
  --watch        draw again every ${USUAL_SECONDS} seconds, until Ctrl-C
  --every SECS   with --watch: every so many seconds
  --fresh        ask also where something is known
  --draw         in a pipe too
  --wait SECS    wait for answers so long at most; else 15 seconds
${STORE_HELP}

Exit code: 0, or 1 if nothing is known of anybody.`,
  words: ["provider", "..."],
  options: { ...STORE_OPTIONS, watch: { type: "boolean" }, every: { type: "string" }, fresh: { type: "boolean" }, draw: { type: "boolean" }, wait: { type: "string" }, history: { type: "boolean" }, days: { type: "string" } },
  run: (context, values, providers) => {
    const every = seconds(values.every, "every") ?? USUAL_SECONDS;
    const waitMs = (seconds(values.wait, "wait") ?? 15) * 1000;
    const days = values.days === undefined ? 7 : Number(values.days);
    if (!(days > 0 && days <= 366)) throw new UsageError("usage: --days wants a number of days, at most 366");
    if (values.history === true) return history(context, values, providers, days, every);
    return withPool(values, async (pool) => {
      let force = values.fresh === true;
      for (;;) {
        const known = await pool.fetchUsageReports({ providers, force, waitMs });
        if (values.json === true) context.out.line(JSON.stringify(known));
        else print(context, pool, known, values);
        if (values.watch !== true) return known.some(({ report }) => report) ? 0 : 1;
        force = false;
        await sleep(every * 1000);
      }
    });
  },
};

/** The trend of the last days, drawn once or again and again. */
function history({ out, err }: Context, values: Readonly<Record<string, unknown>>, providers: readonly string[], days: number, every: number): Promise<number> {
  return withPool(values, async (pool) => {
    for (;;) {
      const span = spanOf(days);
      const of = await Promise.all((providers.length > 0 ? providers : [undefined]).map(async (provider) => [await pool.listUsageHistory({ provider, ...span }), await pool.listUsageCosts({ provider, ...span })] as const));
      const entries = of.flatMap(([entries]) => entries);
      const costs = of.flatMap(([, costs]) => costs);
      if (values.json === true) out.line(JSON.stringify({ usage: entries, costs }));
      else if (!out.isTerminal && values.draw !== true) historyLines(entries, costs).forEach((line) => out.line(line));
      else {
        const drawn = drawHistory(entries, costs, span, out);
        if (drawn.length > 0) out.line((values.watch === true && out.isTerminal ? CLEAR : "") + drawn.join("\n"));
        else err.line("nothing is remembered: credpool usage asks, and remembers what it learns");
      }
      if (values.watch !== true) return entries.length + costs.length > 0 ? 0 : 1;
      await sleep(every * 1000);
    }
  });
}

function seconds(value: unknown, name: string): number | undefined {
  if (typeof value !== "string") return undefined;
  const found = Number(value);
  if (!(found > 0 && found <= 86_400)) throw new UsageError(`usage: --${name} wants a number of seconds`);
  return found;
}

function print({ out, err }: Context, pool: CredentialPool, known: readonly AccountUsage[], values: Readonly<Record<string, unknown>>): void {
  if (!out.isTerminal && values.draw !== true) return lines(known).forEach((line) => out.line(line));
  // Where it is drawn again the old picture goes: clear the screen, and the cursor to its corner.
  const again = values.watch === true;
  const clear = again && out.isTerminal ? CLEAR : "";
  const drawn = draw(known, out);
  if (drawn.length > 0) out.line(clear + drawn.join("\n"));
  else err.line(pool.list().some(({ id }) => id !== undefined) ? "none of the stored accounts can be asked what is left of it" : "nothing is stored: credpool login PROVIDER, or credpool add PROVIDER");
  if (again) out.line(out.paint("dim", `\n${new Date().toLocaleTimeString()}  Ctrl-C ends it`));
}
