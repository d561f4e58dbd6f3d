// credpool import: credentials that `credpool export` printed, stored here.
import type { ExportedProfile } from "credpool";
import { UsageError } from "./command.js";
import type { Command } from "./command.js";
import { STORE_HELP, STORE_OPTIONS, withPool } from "./store.js";

export const importCommand: Command = {
  name: "import",
  summary: "store what `export` printed",
  help: `Usage: credpool import FILE... [OPTIONS]

Stores credentials as \`credpool export\` prints them, one line of JSON each; "-" is
what is piped in:

  credpool export openai:work | ssh other-machine credpool import -

All of a file is read before anything of it is stored.

Options:
  --replace      take the place of those of the same name
${STORE_HELP}`,
  options: { ...STORE_OPTIONS, replace: { type: "boolean" } },
  async run({ out, read }, values, files) {
    if (files.length === 0) throw new UsageError('import: name a file; "-" is what is piped in');
    return withPool(values, async (pool) => {
      const stored = [];
      for (const file of files) {
        for (const profile of profilesOf(file, await read(file))) stored.push(await pool.profiles.import({ ...profile, replace: values.replace === true }));
      }
      if (values.json === true) out.line(JSON.stringify(stored));
      else for (const { id, kind } of stored) out.line(`${out.paint("green", "stored")} ${id} (${kind})`);
      return 0;
    });
  },
};

/** Errors name the line, and quote nothing: the file holds secrets. */
function profilesOf(file: string, text: string): ExportedProfile[] {
  return text.split("\n").flatMap((line, at) => {
    if (line.trim() === "") return [];
    let profile: unknown;
    try {
      profile = JSON.parse(line);
    } catch {
      profile = undefined;
    }
    const { provider, name } = (profile ?? {}) as { provider?: unknown; name?: unknown };
    if (typeof provider !== "string" || typeof name !== "string") throw new Error(`${file}, line ${at + 1}: expected one line of JSON as \`credpool export\` prints it`);
    return [profile as ExportedProfile];
  });
}
