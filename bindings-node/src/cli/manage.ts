// credpool enable, disable, priority, pause, resume, reset, remove: what is done with a stored credential.
import type { CredentialPool } from "credpool";
import { whole } from "./add.js";
import { UsageError } from "./command.js";
import type { Command } from "./command.js";
import { STORE_HELP, STORE_OPTIONS, withPool } from "./store.js";

interface Work {
  readonly name: string;
  readonly summary: string;
  /** The arguments beside the profile. */
  readonly usage?: string;
  work(pool: CredentialPool, id: string, words: readonly string[]): Promise<string> | string;
}

/** A command on one stored profile, `PROVIDER:NAME`. */
function onProfile({ name, summary, usage = "", work }: Work): Command {
  return {
    name,
    summary,
    help: `Usage: credpool ${name} PROVIDER:NAME${usage} [OPTIONS]

Options:
${STORE_HELP}`,
    words: ["profile"],
    options: STORE_OPTIONS,
    async run({ out }, values, [id, ...words]) {
      if (id === undefined) throw new UsageError(`${name}: name the profile as PROVIDER:NAME; \`credpool list\` shows those that there are`);
      return withPool(values, async (pool) => {
        const said = await work(pool, id, words);
        if (values.json === true) out.line(JSON.stringify(name === "remove" ? { removed: id } : pool.profiles.test(id)));
        else out.line(`${out.paint("green", said)} ${id}`);
        return 0;
      });
    },
  };
}

export const manageCommands: readonly Command[] = [
  onProfile({ name: "enable", summary: "use a credential again", work: async ({ profiles }, id) => (await profiles.enable(id), "enabled") }),
  onProfile({ name: "disable", summary: "take a credential out of use; it stays stored", work: async ({ profiles }, id) => (await profiles.enable(id, false), "disabled") }),
  onProfile({
    name: "priority",
    summary: "say who is tried first: higher ones",
    usage: " NUMBER",
    work: async ({ profiles }, id, [number]) => {
      await profiles.setPriority(id, whole("priority", number));
      return `priority ${number} for`;
    },
  }),
  onProfile({
    name: "pause",
    summary: "give a credential no work, for a time or until `resume`",
    usage: " [MINUTES]",
    work: async (pool, id, [minutes]) => {
      await pool.pause(id, minutes === undefined ? {} : { until: Date.now() + whole("minutes", minutes) * 60_000 });
      return "paused";
    },
  }),
  onProfile({ name: "resume", summary: "end a pause", work: async (pool, id) => (await pool.resume(id), "resumed") }),
  onProfile({
    name: "reset",
    summary: "end what rests of a credential, ladders and circuits with it",
    usage: " [MODEL]",
    work: async (pool, id, [model]) => (await pool.reset(id, { model }), "reset"),
  }),
  onProfile({ name: "remove", summary: "take a credential out of the store", work: async ({ profiles }, id) => (await profiles.delete(id), "removed") }),
];
