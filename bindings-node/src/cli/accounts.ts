// credpool accounts: who is logged in, and how long the tokens are good.
import type { CredentialInfo } from "credpool";
import type { Command, Context } from "./command.js";
import { STORE_HELP, STORE_OPTIONS, withPool } from "./store.js";
import { columns, fromNow } from "./table.js";
import type { Colour } from "./terminal.js";

/** What will pass by itself is yellow; what is not listed here was meant by somebody. */
const COLOURS: Readonly<Partial<Record<CredentialInfo["status"], Colour>>> = { ready: "green", cooling: "yellow", half_open: "yellow", limited: "yellow", expired: "red" };

export const accountsCommand: Command = {
  name: "accounts",
  summary: "the accounts that are logged in",
  help: `Usage: credpool accounts [PROVIDER] [OPTIONS]

One line for each account: how it stands, whose it is, until when its token is good,
and why it is out where it is. In a pipe the columns are separated by tabs, without
a head, and instants are written out.

Options:
${STORE_HELP}`,
  options: STORE_OPTIONS,
  run: (context, values, [provider]) =>
    withPool(values, (pool) => {
      const accounts = pool.list(provider).filter(({ id, kind }) => id !== undefined && kind === "oauth");
      if (values.json === true) context.out.line(JSON.stringify(accounts));
      else print(context, accounts);
      return 0;
    }),
};

function print({ out, err }: Context, accounts: readonly CredentialInfo[]): void {
  if (accounts.length === 0) return err.line("nobody is logged in: credpool login PROVIDER");
  const instant = (at: number) => (out.isTerminal ? fromNow(at) : new Date(at).toISOString());
  const rows = accounts.map((account) => {
    const { status, provider, name, expires } = account;
    return [out.paint(COLOURS[status] ?? "dim", status.replaceAll("_", " ")), `${provider}:${name}`, whose(account), expires === undefined ? "" : instant(expires), why(account, instant)];
  });
  if (out.isTerminal) for (const line of columns(["NOW", "ACCOUNT", "OF", "TOKEN EXPIRES", ""], rows)) out.line(line);
  else for (const row of rows) out.line(row.join("\t"));
}

function whose({ identity: { email, accountId, orgId } }: CredentialInfo): string {
  return [email ?? accountId, orgId].filter(Boolean).join(" in ");
}

function why({ disabledCause, cooldowns: [cooldown] }: CredentialInfo, instant: (at: number) => string): string {
  if (disabledCause !== undefined) return disabledCause;
  return cooldown ? `${cooldown.reason} (${cooldown.model ?? cooldown.scope}) until ${instant(cooldown.until)}` : "";
}
