// credpool export: a credential for people, many for another tool, or a sealed bundle for another machine.
import fs from "node:fs";
import path from "node:path";
import { sealBundle, TOOLS, writeToolFiles } from "credpool/import";
import type { Tool } from "credpool/import";
import type { CredentialPool, ExportedProfile } from "credpool";
import { UsageError } from "./command.js";
import type { Command, Context } from "./command.js";
import { confirmed } from "./confirm.js";
import { readSecret } from "./secret.js";
import { STORE_HELP, STORE_OPTIONS, withPool } from "./store.js";

export const exportCommand: Command = {
  name: "export",
  summary: "take credentials elsewhere: to another tool, or sealed to another machine",
  help: `Usage: credpool export PROVIDER:NAME [OPTIONS]
       credpool export --to TOOL|bundle [PATH] [OPTIONS]

The first prints one line of JSON that holds the secret: send it to a file of
your own, not to a terminal that others see. The second writes files, for
their owner alone (0600): those of another tool, or a bundle that a passphrase
seals (asked for, or in $CREDPOOL_PASSPHRASE). \`credpool import\` reads both.

Options:
  --to TOOL      bundle, or one of: ${TOOLS.slice(0, 4).join(", ")},
                 ${TOOLS.slice(4, 9).join(", ")},
                 ${TOOLS.slice(9).join(", ")}
  --only ID      only this one (PROVIDER:NAME) or this provider's; may be
                 repeated
  --force        overwrite files that are there
  --yes          do not ask before secrets are written in plain
${STORE_HELP}

PATH is a file, or a folder (for tools whose credentials are several files);
the folder where you are, if it is left out. - prints it.`,
  words: ["profile"],
  values: { to: ["bundle", ...TOOLS], only: "profile" },
  options: { ...STORE_OPTIONS, to: { type: "string" }, only: { type: "string", multiple: true }, force: { type: "boolean" }, yes: { type: "boolean", short: "y" } },
  async run(context, values, [first, surplus]) {
    if (surplus !== undefined) throw new UsageError("export: one profile, or one path");
    const { out } = context;
    const { to } = values;
    if (to === undefined) {
      if (first === undefined) throw new UsageError("export: name the profile as PROVIDER:NAME (`credpool list` shows those that there are), or say --to");
      return withPool(values, (pool) => {
        out.line(JSON.stringify(pool.profiles.export(first)));
        return 0;
      });
    }
    if (to !== "bundle" && !TOOLS.includes(to as Tool)) throw new UsageError(`export: there is no tool ${JSON.stringify(to)}; there are: ${["bundle", ...TOOLS].join(", ")}`);
    return withPool(values, async (pool) => {
      const profiles = chosen(pool, Array.isArray(values.only) ? (values.only as string[]) : []);
      if (profiles.length === 0) throw new UsageError("export: there is nothing to export");
      const { files, lost, count } = to === "bundle" ? await bundle(context, profiles) : await tool(to as Tool, profiles);
      for (const line of lost) context.err.line(`${context.err.paint("yellow", "not held")} ${line}`);
      if (files.length === 0) throw new Error(`${String(to)} can hold none of them`);
      if (first === "-") {
        if (files.length > 1) throw new UsageError("export: these are several files: name a folder");
        out.line((files[0]?.text ?? "").trimEnd());
        return 0;
      }
      const targets = placed(files, first);
      const there = targets.filter(({ file }) => fs.existsSync(file));
      if (there.length > 0 && values.force !== true) throw new UsageError(`export: ${there.map(({ file }) => file).join(", ")} is there already: say --force to overwrite it`);
      const plain = to !== "bundle" && values.yes !== true;
      if (plain && !(await confirmed(context, `Write ${count} secret${count === 1 ? "" : "s"} in plain to ${targets.map(({ file }) => file).join(", ")}?`, "export: nobody can be asked here: say --yes to write secrets in plain"))) {
        out.line("nothing was written");
        return 1;
      }
      for (const { file, text } of targets) writeOwn(file, text);
      const names = targets.map(({ file }) => file);
      out.line(values.json === true ? JSON.stringify({ files: names, credentials: count, lost }) : `${out.paint("green", "written")} ${names.join(", ")} (${count} credential${count === 1 ? "" : "s"})`);
      return 0;
    });
  },
};

interface Made {
  readonly files: readonly { readonly name: string; readonly text: string }[];
  readonly lost: readonly string[];
  readonly count: number;
}

function chosen(pool: CredentialPool, only: readonly string[]): ExportedProfile[] {
  const all = pool.profiles.list();
  for (const id of only) if (!all.some((profile) => profile.id === id || profile.provider === id)) throw new UsageError(`export: there is no ${JSON.stringify(id)}; \`credpool list\` shows those that there are`);
  return all.filter(({ id, provider }) => only.length === 0 || only.includes(id) || only.includes(provider)).map(({ id }) => pool.profiles.export(id));
}

async function bundle({ env }: Context, profiles: readonly ExportedProfile[]): Promise<Made> {
  const passphrase = env.CREDPOOL_PASSPHRASE || (await readSecret("Passphrase for the bundle: "));
  if (!env.CREDPOOL_PASSPHRASE && process.stdin.isTTY && (await readSecret("Once more: ")) !== passphrase) throw new UsageError("export: these were two different passphrases");
  return { files: [{ name: "credpool-bundle.json", text: await sealBundle(profiles, passphrase) }], lost: [], count: profiles.length };
}

async function tool(to: Tool, profiles: readonly ExportedProfile[]): Promise<Made> {
  const { files, losses } = await writeToolFiles(to, profiles);
  const out = losses.filter(({ why }) => why !== undefined);
  const lost = losses.map(({ index, why, fields = [] }) => `${profiles[index]?.provider}:${profiles[index]?.name}: ${why ?? fields.join(", ")}`);
  return { files, lost, count: profiles.length - out.length };
}

/** One file may go to a file of any name; several, or a folder that is there, keep their names. */
function placed(files: Made["files"], given: string | undefined): { file: string; text: string }[] {
  const isFolder = given === undefined || given.endsWith(path.sep) || (fs.existsSync(given) && fs.statSync(given).isDirectory());
  if (!isFolder && files.length === 1) return [{ file: path.resolve(given), text: files[0]?.text ?? "" }];
  const folder = path.resolve(given ?? ".");
  return files.map(({ name, text }) => ({ file: path.join(folder, name), text }));
}

/** For its owner alone from the first byte, and whole or not at all. */
function writeOwn(file: string, text: string): void {
  fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  const beside = `${file}.${process.pid}.tmp`;
  try {
    const opened = fs.openSync(beside, "wx", 0o600);
    try {
      fs.writeFileSync(opened, text);
      fs.fsyncSync(opened);
    } finally {
      fs.closeSync(opened);
    }
    fs.renameSync(beside, file);
  } catch (error) {
    fs.rmSync(beside, { force: true });
    throw error;
  }
}
