// credpool add: a key or token into the store.
import type { NewCredential } from "credpool";
import { UsageError } from "./command.js";
import type { Command } from "./command.js";
import { readSecret } from "./secret.js";
import { STORE_HELP, STORE_OPTIONS, withPool } from "./store.js";

export const addCommand: Command = {
  name: "add",
  summary: "store a key or token of a provider",
  help: `Usage: credpool add PROVIDER [OPTIONS]

Stores a key; it is asked for, or read from a pipe:

  credpool add openai --name work
  echo "$KEY" | credpool add anthropic

Options:
  --name NAME        what to call it; "default" where it is left out
  --token            it is a bearer token, not an API key
  --priority NUMBER  higher is tried first (0)
  --weight NUMBER    its share under the strategy "weighted" (1)
  --model PATTERN    only for these models, "*" for any text; may be repeated
  --base-url URL     where its requests go instead; a server on this machine
                     (ollama, ...) with a URL needs no key
  --proxy URL        the proxy that its requests take; a password in it is seen
                     by others while this runs
  --replace          take the place of the one of the same name
${STORE_HELP}`,
  words: ["provider"],
  options: {
    ...STORE_OPTIONS,
    name: { type: "string" },
    token: { type: "boolean" },
    priority: { type: "string" },
    weight: { type: "string" },
    model: { type: "string", multiple: true },
    "base-url": { type: "string" },
    proxy: { type: "string" },
    replace: { type: "boolean" },
  },
  async run({ out }, values, [provider, surplus]) {
    if (provider === undefined) throw new UsageError("add: name the provider; `credpool providers` shows those that are known");
    if (surplus !== undefined) throw new UsageError("add: one provider, and no secret: it would be seen by everybody on this machine. It is asked for, or piped in");
    return withPool(values, async (pool) => {
      const known = pool.providers.get(provider);
      if (!known) throw new UsageError(`add: unknown provider ${JSON.stringify(provider)}; \`credpool providers\` shows those that are known`);
      const keyless = known.keyless === true && values.token !== true && typeof values["base-url"] === "string";
      const secret = keyless ? "" : await readSecret(`${values.token === true ? "Token" : "API key"} for ${known.label}: `);
      const credential: NewCredential & { replace?: boolean } = {
        ...(keyless ? {} : values.token === true ? { token: secret } : { key: secret }),
        ...(typeof values.name === "string" && { name: values.name }),
        ...(values.priority !== undefined && { priority: whole("priority", values.priority) }),
        ...(values.weight !== undefined && { weight: whole("weight", values.weight) }),
        ...(Array.isArray(values.model) && { models: values.model as string[] }),
        ...(typeof values["base-url"] === "string" && { baseUrl: values["base-url"] }),
        ...(typeof values.proxy === "string" && { proxyUrl: values.proxy }),
        replace: values.replace === true,
      };
      const profile = await pool.profiles.add(provider, credential);
      out.line(values.json === true ? JSON.stringify(profile) : `${out.paint("green", "stored")} ${profile.id} (${profile.kind})`);
      return 0;
    });
  },
};

export function whole(name: string, value: unknown): number {
  const number = Number(value);
  if (typeof value !== "string" || value.trim() === "" || !Number.isSafeInteger(number)) throw new UsageError(`--${name}: expected a whole number`);
  return number;
}
