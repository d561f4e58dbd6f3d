// credpool logout: the tokens are given back to the provider, the account leaves the pool.
import { oneOf } from "./account.js";
import type { Command } from "./command.js";
import { STORE_HELP, STORE_OPTIONS, withPool } from "./store.js";

export const logoutCommand: Command = {
  name: "logout",
  summary: "give an account's tokens back and take it out of the pool",
  help: `Usage: credpool logout ACCOUNT [OPTIONS]

ACCOUNT is provider:name, an id, or a provider that has only one account. Where the
provider takes tokens back (RFC 7009) it is asked to; the account leaves the pool
in any case.

Options:
${STORE_HELP}`,
  words: ["profile"],
  options: STORE_OPTIONS,
  run: (context, values, words) =>
    withPool(values, async (pool) => {
      const { id = 0, provider, name } = oneOf(pool, "logout", words);
      await pool.logout(id);
      context.out.line(values.json === true ? JSON.stringify({ id, provider, name }) : `logged out: ${provider}:${name}`);
      return 0;
    }),
};
