// credpool resets: saved resets of accounts, and using one.
import { confirmed } from "./confirm.js";
import { UsageError } from "./command.js";
import type { Command } from "./command.js";
import { STORE_HELP, STORE_OPTIONS, withPool } from "./store.js";
import { columns, fromNow } from "./table.js";

export const resetsCommand: Command = {
  name: "resets",
  summary: "saved resets of accounts, and using one",
  help: `Usage: credpool resets [PROVIDER] [OPTIONS]
       credpool resets use PROVIDER:NAME [OPTIONS]

ChatGPT's plans save up resets: each begins the windows of its account anew, once. The
first form lists them; the second uses one, the one that ends first, after asking.

Options:
  --credit ID       use this one
  --redemption ID   the id that a try before was told with: so it is used once
  --yes             do not ask
${STORE_HELP}

Exit code: 0; 1 if none is known, or none was used.`,
  words: [["use"], "profile"],
  options: { ...STORE_OPTIONS, credit: { type: "string" }, redemption: { type: "string" }, yes: { type: "boolean" } },
  async run(context, values, words) {
    const { out } = context;
    if (words[0] === "use") {
      const [, target, surplus] = words;
      if (target === undefined || surplus !== undefined) throw new UsageError("resets: name one account, as PROVIDER:NAME");
      if (values.yes !== true && !(await confirmed(context, `Use a saved reset of ${target}? It is used up by it.`, "resets: nobody can be asked here: --yes uses it"))) return 1;
      return withPool(values, async (pool) => {
        const redeemed = await pool.redeemResetCredit({ target, creditId: values.credit as string | undefined, redemptionId: values.redemption as string | undefined });
        const { ok, code, retryable, redemptionId } = redeemed;
        if (values.json === true) out.line(JSON.stringify(redeemed));
        else out.line(ok ? `${out.paint("green", "begun anew")} ${target}` : `${out.paint("red", code.replaceAll("_", " "))} ${target}${retryable ? `: try again with --redemption ${redemptionId}` : ""}`);
        return ok ? 0 : 1;
      });
    }
    const [provider, surplus] = words;
    if (surplus !== undefined) throw new UsageError("resets: name one provider, or none");
    return withPool(values, async (pool) => {
      const accounts = await pool.listResetCredits({ provider });
      if (values.json === true) out.line(JSON.stringify(accounts));
      else if (accounts.length === 0) out.line("none of the stored accounts can have saved resets");
      else {
        const rows = accounts.map(({ provider, name, available, credits, error }) => {
          const ends = credits.flatMap(({ expiresAt, status }) => (expiresAt !== undefined && (status ?? "available") === "available" ? [expiresAt] : []));
          return [`${provider}:${name}`, error === undefined ? String(available) : "?", ends.length > 0 ? fromNow(Math.min(...ends)) : "", error?.replaceAll("_", " ") ?? ""];
        });
        for (const line of columns(["ACCOUNT", "RESETS", "THE FIRST ENDS", "WHY NOT"], rows)) out.line(line);
      }
      return accounts.some(({ available }) => available > 0) ? 0 : 1;
    });
  },
};
