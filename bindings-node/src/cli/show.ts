// credpool list, names, providers, explain: what is there, and what would be done. Nothing is changed, nobody is asked.
import type { CredentialInfo, Profile } from "credpool";
import { UsageError } from "./command.js";
import type { Command } from "./command.js";
import { STORE_HELP, STORE_OPTIONS, withPool } from "./store.js";
import { columns, fromNow } from "./table.js";

export const listCommand: Command = {
  name: "list",
  summary: "what is stored",
  help: `Usage: credpool list [PROVIDER] [OPTIONS]

Options:
  --kind KIND    only api_key, token or oauth
  --long         a table: how each stands, its calls, when it is used, renewed and back
${STORE_HELP}`,
  words: ["provider"],
  values: { kind: ["api_key", "token", "oauth"] },
  options: { ...STORE_OPTIONS, kind: { type: "string" }, long: { type: "boolean" } },
  async run({ out }, values, [provider]) {
    return withPool(values, (pool) => {
      const kind = ["api_key", "token", "oauth"].find((kind) => kind === values.kind) as Profile["kind"] | undefined;
      if (values.kind !== undefined && kind === undefined) throw new UsageError("list: --kind is one of api_key, token, oauth");
      if (values.long === true) {
        const infos = pool.list(provider).filter((info) => info.id !== undefined && (kind === undefined || info.kind === kind));
        if (values.json === true) out.line(JSON.stringify(infos));
        else if (infos.length === 0) out.line(pool.profiles.format([]));
        else for (const line of columns(LONG, infos.map(longRow))) out.line(line);
        return 0;
      }
      const profiles = pool.profiles.list({ ...(provider !== undefined && { provider }), ...(kind !== undefined && { kind }) });
      if (values.json === true) out.line(JSON.stringify(profiles));
      else out.line(pool.profiles.format(profiles));
      return 0;
    });
  },
};

const LONG = ["PROFILE", "KIND", "STATE", "WHY", "CALLS", "FAILED", "USED", "BACK", "RENEWED", "LAST ERROR"];

function longRow({ provider, name, kind, state, message, counters, lastUsed, nextRetry, nextRefresh, lastError, lastErrorAt }: CredentialInfo): string[] {
  const instant = (at: number | undefined) => (at === undefined ? "" : fromNow(at));
  const error = lastError === undefined ? "" : `${lastError.replaceAll("_", " ")} ${instant(lastErrorAt)}`.trimEnd();
  return [`${provider}:${name}`, kind, state, message?.replaceAll("_", " ") ?? "", String(counters.success), String(counters.failure), instant(lastUsed), instant(nextRetry), instant(nextRefresh), error];
}

export const namesCommand: Command = {
  name: "names",
  summary: "names for another credential of a provider",
  help: `Usage: credpool names PROVIDER [OPTIONS]

Options:
${STORE_HELP}`,
  words: ["provider"],
  options: STORE_OPTIONS,
  async run({ out }, values, [provider]) {
    if (provider === undefined) throw new UsageError("names: name the provider");
    return withPool(values, (pool) => {
      const names = pool.profiles.suggestedNames(provider);
      if (values.json === true) out.line(JSON.stringify(names));
      else for (const name of names) out.line(name);
      return 0;
    });
  },
};

export const providersCommand: Command = {
  name: "providers",
  summary: "the providers that are known",
  help: `Usage: credpool providers [OPTIONS]

Options:
${STORE_HELP}`,
  options: STORE_OPTIONS,
  async run({ out }, values) {
    return withPool({ ...values, store: ":memory:" }, (pool) => {
      const providers = pool.profiles.providers();
      if (values.json === true) {
        out.line(JSON.stringify(providers));
        return 0;
      }
      const rows = providers.map(({ name, label, kinds, environment, website }) => [name, label, kinds.join(", "), environment[0] ?? "", website]);
      for (const line of columns(["NAME", "PROVIDER", "TAKES", "VARIABLE", "KEYS ARE MADE AT"], rows)) out.line(line);
      return 0;
    });
  },
};

export const explainCommand: Command = {
  name: "explain",
  summary: "who would be picked now, and why the others would not",
  help: `Usage: credpool explain PROVIDER [OPTIONS]

Options:
  --model MODEL     for this model
  --session NAME    for this session
${STORE_HELP}`,
  words: ["provider"],
  options: { ...STORE_OPTIONS, model: { type: "string" }, session: { type: "string" } },
  async run({ out }, values, [provider]) {
    if (provider === undefined) throw new UsageError("explain: name the provider");
    return withPool(values, (pool) => {
      const explanation = pool.explain(provider, { model: values.model as string | undefined, session: values.session as string | undefined });
      if (values.json === true) {
        out.line(JSON.stringify(explanation));
        return 0;
      }
      if (explanation.candidates.length === 0) out.line(`nobody: credpool add ${provider} stores a key`);
      const rows = explanation.candidates.map(({ name, origin, verdict, until }) => {
        const mark = verdict === "picked" ? out.paint("green", "→") : verdict === "ready" ? " " : out.paint("red", "✗");
        return [mark, name, origin, verdict.replaceAll("_", " "), until === undefined ? "" : fromNow(until)];
      });
      if (rows.length > 0) for (const line of columns(["", "NAME", "FROM", "NOW", "UNTIL"], rows)) out.line(line);
      return explanation.picked === undefined ? 1 : 0;
    });
  },
};
