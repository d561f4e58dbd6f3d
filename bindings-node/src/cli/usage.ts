// credpool usage: what is left of every account.
import { setTimeout as sleep } from "node:timers/promises";
import type { AccountUsage, CredentialPool } from "credpool";
import { UsageError } from "./command.js";
import type { Command, Context } from "./command.js";
import { STORE_HELP, STORE_OPTIONS, withPool } from "./store.js";
import { draw, lines } from "./usage-draw.js";

/** With --watch, where nothing else is said. Providers are asked about every five minutes all the same. */
const USUAL_SECONDS = 30;

export const usageCommand: Command = {
  name: "usage",
  summary: "what is left of every account, and how long it lasts",
  help: `Usage: credpool usage [PROVIDER…] [OPTIONS]

A bar for each window of each account: how much of it is used, when it begins anew,
and when it will be empty at this rate, where that comes before. Providers are asked
where what is known is older than about five minutes.

In a pipe, one line for each limit, separated by tabs: account, limit, per cent used,
status, used, limit, left, unit, reset, empty at this rate, learned.

Options:
  --watch        draw again every ${USUAL_SECONDS} seconds, until Ctrl-C
  --every SECS   with --watch: every so many seconds
  --fresh        ask also where something is known
  --draw         in a pipe too
  --wait SECS    wait for answers so long at most; else 15 seconds
${STORE_HELP}

Exit code: 0, or 1 if nothing is known of anybody.`,
  words: ["provider", "..."],
  options: { ...STORE_OPTIONS, watch: { type: "boolean" }, every: { type: "string" }, fresh: { type: "boolean" }, draw: { type: "boolean" }, wait: { type: "string" } },
  run: (context, values, providers) => {
    const every = seconds(values.every, "every") ?? USUAL_SECONDS;
    const waitMs = (seconds(values.wait, "wait") ?? 15) * 1000;
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
  const clear = again && out.isTerminal ? "\u001b[2J\u001b[H" : "";
  const drawn = draw(known, out);
  if (drawn.length > 0) out.line(clear + drawn.join("\n"));
  else err.line(pool.list().some(({ id }) => id !== undefined) ? "none of the stored accounts can be asked what is left of it" : "nothing is stored: credpool login PROVIDER, or credpool add PROVIDER");
  if (again) out.line(out.paint("dim", `\n${new Date().toLocaleTimeString()}  Ctrl-C ends it`));
}
