// The account that a command is about.
import type { CredentialInfo, CredentialPool } from "credpool";
import { UsageError } from "./command.js";

/** The one credential that a word names: `provider:name`, an id, or a provider that has only one account. */
export function oneOf(pool: CredentialPool, command: string, words: readonly string[]): CredentialInfo {
  const [word, more] = words;
  if (word === undefined || more !== undefined) throw new UsageError(`${command}: name one account, as provider:name or by its id`);
  const ref = /^[1-9][0-9]*$/.test(word) ? Number(word) : word;
  if (typeof ref === "number" || ref.includes(":")) {
    const found = pool.get(ref);
    if (!found) throw new Error(`there is no account ${word}: credpool accounts lists those that there are`);
    return found;
  }
  const accounts = pool.list(ref).filter(({ kind, id }) => kind === "oauth" && id !== undefined);
  const [only] = accounts;
  if (!only) throw new Error(`there is no account of ${word}`);
  if (accounts.length > 1) throw new Error(`${word} has ${accounts.length} accounts: say which: ${accounts.map(({ provider, name }) => `${provider}:${name}`).join(", ")}`);
  return only;
}
