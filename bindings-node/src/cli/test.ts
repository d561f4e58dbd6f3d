// credpool test: are stored credentials good? Their providers are asked; nobody is disabled by what they say.
import type { CredentialHealth, CredentialPool, Profiles } from "credpool";
import { UsageError } from "./command.js";
import type { Command, Context } from "./command.js";
import { STORE_HELP, STORE_OPTIONS, withPool } from "./store.js";
import { fromNow } from "./table.js";

type Tested = ReturnType<Profiles["test"]>;

/** Why nobody can say, in words. */
const UNSAID: Readonly<Record<string, string>> = {
  no_probe: "its provider cannot be asked",
  kind: "its provider cannot be asked about this kind",
  host: "it goes to another address than its provider's, where nobody is asked",
  timeout: "no answer in time",
  network: "its provider cannot be reached",
};

export const testCommand: Command = {
  name: "test",
  summary: "ask providers whether stored credentials are good",
  help: `Usage: credpool test [PROFILE...] [OPTIONS]

Asks about one after the other; without a PROFILE (PROVIDER:NAME) about all. An account
whose token has expired is renewed first. Nobody is disabled by what comes of it: an
account whose grant turns out dead rests, and its next use decides.

  ✓ its provider answered     ✗ its provider would not have it, or it cannot be used
  ? nobody can say, for example because its provider has nothing to be asked

Options:
  --offline       ask nobody: only what can be said without
  --timeout SECS  for each, else 10
${STORE_HELP}

Exit code: 0, or 1 if one is not good.`,
  words: ["profile", "..."],
  options: { ...STORE_OPTIONS, offline: { type: "boolean" }, timeout: { type: "string" } },
  async run(context, values, ids) {
    const seconds = values.timeout === undefined ? 10 : Number(values.timeout);
    if (!(seconds > 0 && seconds <= 3600)) throw new UsageError("test: --timeout wants a number of seconds");
    return withPool(values, async (pool) => {
      const tested = (ids.length > 0 ? [...ids] : pool.profiles.list().map(({ id }) => id)).map((id) => pool.profiles.test(id));
      const all = [];
      for (const one of tested) {
        // A token that has expired may be renewed; what is disabled is not asked about.
        const [health] = values.offline === true || !one.enabled ? [] : await pool.checkCredentials({ credentials: [one.id], timeoutMs: seconds * 1000 });
        all.push({ ...(health ? pool.profiles.test(one.id) : one), ...(health && { ok: health.ok, ...(health.reason !== undefined && { reason: health.reason }), ...(health.report && { report: health.report }) }) });
        if (values.json !== true) print(context, pool, one, health);
      }
      if (values.json === true) context.out.line(JSON.stringify(all));
      return all.every(({ valid, ok }) => (ok ?? valid) === true) ? 0 : 1;
    });
  },
};

function print({ out }: Context, pool: CredentialPool, before: Tested, health: CredentialHealth | undefined): void {
  const { id, valid, expired, enabled, email, lastError, expiresInMs } = health ? pool.profiles.test(before.id) : before;
  const mark = !enabled || health?.ok === false || (health?.ok !== true && !valid) ? out.paint("red", "✗") : health?.ok === null ? out.paint("yellow", "?") : out.paint("green", "✓");
  const cause = enabled ? undefined : (pool.get(id)?.disabledCause ?? "by hand");
  const parts = [
    id,
    email,
    health && words(health),
    !enabled && `disabled: ${cause}`,
    expired && "expired",
    expiresInMs !== undefined && !expired && `expires ${fromNow(Date.now() + expiresInMs)}`,
    lastError !== undefined && `last error: ${lastError}`,
  ];
  out.line(`${mark} ${parts.filter((part) => typeof part === "string").join("  ")}`);
}

function words({ ok, reason = "" }: CredentialHealth): string {
  if (ok === true) return "answered";
  if (ok === null) return UNSAID[reason] ?? reason.replaceAll("_", " ");
  return reason.startsWith("refresh-") ? `cannot be renewed: ${reason.slice("refresh-".length).replaceAll("_", " ")}` : reason.replaceAll("_", " ");
}
