// credpool refresh: new tokens now, by the protocol by which the pool renews them by itself.
import { fromNow } from "./table.js";
import { oneOf } from "./account.js";
import { UsageError } from "./command.js";
import type { Command } from "./command.js";
import { STORE_HELP, STORE_OPTIONS, withPool } from "./store.js";

export const refreshCommand: Command = {
  name: "refresh",
  summary: "renew the tokens of accounts",
  help: `Usage: credpool refresh ACCOUNT [OPTIONS]
       credpool refresh --all [OPTIONS]

ACCOUNT is provider:name, an id, or a provider that has only one account. Tokens that
are fresh are left alone. It is safe beside programs that use the same store: whoever
renews does it once, and the others take what came of it.

Options:
  --all          every account
  --force        even if they are fresh
${STORE_HELP}

Exit code: 0 if all are fresh now, 1 if one is not.`,
  words: ["profile"],
  options: { ...STORE_OPTIONS, all: { type: "boolean" }, force: { type: "boolean" } },
  run: ({ out }, values, words) =>
    withPool(values, async (pool) => {
      if (values.all === true && words.length > 0) throw new UsageError("refresh: name an account or say --all, not both");
      const accounts = values.all === true ? pool.list().filter(({ kind, id }) => kind === "oauth" && id !== undefined) : [oneOf(pool, "refresh", words)];
      const done = await Promise.all(
        accounts.map(async ({ id = 0, provider, name }) => {
          const { ok, ...more } = await pool.refresh(id, { force: values.force === true });
          return { id, account: `${provider}:${name}`, ok, ...more };
        }),
      );
      if (values.json === true) out.line(JSON.stringify(done));
      else for (const one of done) out.line(line(one, out.paint));
      return done.every(({ ok }) => ok) ? 0 : 1;
    }),
};

type Paint = (colour: "green" | "red", text: string) => string;

function line(one: { account: string; ok: boolean; expires?: number; definitive?: boolean; cause?: string }, paint: Paint): string {
  if (one.ok) return `${paint("green", "fresh")} ${one.account}${one.expires === undefined ? "" : `, expires ${fromNow(one.expires)}`}`;
  return `${paint("red", "failed")} ${one.account}: ${one.cause ?? "unknown"}${one.definitive === true ? ` (log in again: credpool login ${one.account.split(":")[0]})` : ""}`;
}
