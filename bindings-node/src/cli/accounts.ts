// credpool accounts: who is logged in, and how long the tokens are good.
import type { CredentialInfo, CredentialPool, Introspection } from "credpool";
import type { Command, Context } from "./command.js";
import { STORE_HELP, STORE_OPTIONS, withPool } from "./store.js";
import { columns, fromNow } from "./table.js";
import type { Colour } from "./terminal.js";

/** What will pass by itself is yellow; what is not listed here was meant by somebody. */
const COLOURS: Readonly<Partial<Record<CredentialInfo["status"], Colour>>> = { ready: "green", cooling: "yellow", half_open: "yellow", limited: "yellow", expired: "red", needs_login: "red" };

export const accountsCommand: Command = {
  name: "accounts",
  summary: "the accounts that are logged in",
  help: `Usage: credpool accounts [PROVIDER] [OPTIONS]

One line for each account: how it stands, whose it is, until when its token is good,
and why it is out where it is. In a pipe the columns are separated by tabs, without
a head, and instants are written out.

Options:
  --check        ask each provider whether the tokens are good (RFC 7662): good, dead,
                 or ? where it does not say. It decides nothing: an account whose grant
                 is dead rests for a while, and stays
${STORE_HELP}

Exit code: 0, or 1 if one of them is dead.`,
  words: ["provider"],
  options: { ...STORE_OPTIONS, check: { type: "boolean" } },
  run: (context, values, [provider]) =>
    withPool(values, async (pool) => {
      const list = () => pool.list(provider).filter(({ id, kind }) => id !== undefined && kind === "oauth");
      const said = values.check === true ? new Map(await Promise.all(list().map(async ({ id = 0 }): Promise<[number, Introspection]> => [id, await ask(pool, id)]))) : undefined;
      const accounts: Account[] = list().map((account) => ({ ...account, ...(said && { check: said.get(account.id ?? 0) ?? {} }) }));
      if (values.json === true) context.out.line(JSON.stringify(accounts));
      else print(context, accounts);
      return accounts.some(({ check }) => check?.active === false) ? 1 : 0;
    }),
};

type Account = CredentialInfo & { readonly check?: Introspection };

/** What the provider says; where it cannot be asked, why not. */
async function ask(pool: CredentialPool, id: number): Promise<Introspection> {
  try {
    return await pool.introspect(id);
  } catch (error) {
    return { cause: (error as { code?: string }).code === "invalid" ? "not_offered" : "unknown" };
  }
}

function print({ out, err }: Context, accounts: readonly Account[]): void {
  if (accounts.length === 0) return err.line("nobody is logged in: credpool login PROVIDER");
  const instant = (at: number) => (out.isTerminal ? fromNow(at) : new Date(at).toISOString());
  const rows = accounts.map((account) => {
    const { status, provider, name, expires } = account;
    const checked = account.check && [account.check.active === undefined ? `? ${account.check.cause ?? ""}`.trim() : account.check.active ? out.paint("green", "good") : out.paint("red", "dead")];
    return [out.paint(COLOURS[status] ?? "dim", status.replaceAll("_", " ")), `${provider}:${name}`, whose(account), expires === undefined ? "" : instant(expires), ...(checked ?? []), why(account, instant)];
  });
  if (out.isTerminal) for (const line of columns(["NOW", "ACCOUNT", "OF", "TOKEN EXPIRES", ...(accounts.some(({ check }) => check) ? ["SAYS THE PROVIDER"] : []), ""], rows)) out.line(line);
  else for (const row of rows) out.line(row.join("\t"));
}

function whose({ identity: { email, accountId, orgId } }: CredentialInfo): string {
  return [email ?? accountId, orgId].filter(Boolean).join(" in ");
}

function why({ disabledCause, status, fault, cooldowns: [cooldown] }: CredentialInfo, instant: (at: number) => string): string {
  if (disabledCause !== undefined) return disabledCause;
  if (status === "needs_login") return fault?.cause ?? "";
  return cooldown ? `${cooldown.reason} (${cooldown.model ?? cooldown.scope}) until ${instant(cooldown.until)}` : "";
}
