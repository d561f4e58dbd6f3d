// credpool import: what other tools have, shown first, taken over when it is wished.
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { isBundle, openBundle, readToolFile, TOOLS } from "credpool/import";
import type { FoundCredential, Note, Tool } from "credpool/import";
import type { CredentialPool } from "credpool";
import { readPlace } from "../import/files.js";
import { match } from "../import/match.js";
import type { Planned } from "../import/match.js";
import { placesOf } from "../import/places.js";
import { UsageError } from "./command.js";
import type { Command, Context } from "./command.js";
import { confirmed } from "./confirm.js";
import { areLines, storeLines } from "./import-lines.js";
import { readSecret } from "./secret.js";
import { STORE_HELP, STORE_OPTIONS, withPool } from "./store.js";
import { columns, fromNow } from "./table.js";

/** Where nothing is named these are looked through; a project's own files only where they are asked for. */
const SEARCHED = TOOLS.filter((tool) => tool !== "env" && tool !== "litellm");
const ACTIONS = { add: "new", renew: "newer tokens for", same: "already there as", older: "the pool's tokens are newer:" } as const;

export const importCommand: Command = {
  name: "import",
  summary: "take over what other tools have: Codex, Claude Code, OpenClaw, …",
  help: `Usage: credpool import [PATH] [OPTIONS]

Shows what other tools have stored, asks, and takes it over. Without PATH their
usual places are looked through; PATH is a file, a folder of files, a bundle
of \`credpool export --to bundle\`, or - for a pipe. Lines that \`credpool export\`
printed are stored as they are, and nobody is asked:

  credpool export openai:work | ssh other-machine credpool import -

Options:
  --from TOOL    only this one's: ${wrapped(["bundle", ...TOOLS])}
  --dry-run      show it, and take over nothing
  --yes          do not ask
  --access-only  of accounts the access token alone: the other tool goes on
                 renewing it, and the pool uses it until it expires
  --replace      of such lines: take the place of those of the same name
${STORE_HELP}

Two programs that renew one account lose it: whoever comes second shows a
refresh token that is spent. Log the other tool out, log in here (\`credpool
login\`) for an account of its own, or take --access-only.`,
  words: ["file", "..."],
  values: { from: ["bundle", ...TOOLS] },
  options: { ...STORE_OPTIONS, from: { type: "string" }, "dry-run": { type: "boolean" }, yes: { type: "boolean", short: "y" }, replace: { type: "boolean" }, "access-only": { type: "boolean" } },
  async run(context, values, paths) {
    const from = toolOf(values.from);
    const texts = from === undefined ? await Promise.all(paths.map(async (file) => ({ file, text: await textOf(context, file) }))) : [];
    if (texts.length > 0 && texts.every(({ text }) => text !== undefined && areLines(text))) {
      const lines = texts.map(({ file, text = "" }) => ({ file, text }));
      return withPool(values, (pool) => storeLines(context, pool, lines, { replace: values.replace === true, json: values.json === true }));
    }
    const [given, surplus] = paths;
    if (surplus !== undefined) throw new UsageError("import: one path at most, unless they are what `credpool export` printed");
    const piped = texts[0]?.file === "-" ? texts[0].text : undefined;
    const sources = from === "bundle" || (given !== undefined && given !== "-" && isBundleFile(given)) ? [await readBundle(context, given)] : await readSources(context, from, given, piped);
    return withPool(values, async (pool) => {
      const accessOnly = values["access-only"] === true;
      const rows = sources.flatMap((source) => source.credentials.map((found) => rowOf(pool, source, accessOnly ? { ...found, rotates: false, credential: withoutRefresh(found.credential) } : found)));
      const wanted = rows.filter(({ planned }) => planned.action === "add" || planned.action === "renew");
      const json = values.json === true;
      if (!json) show(context, sources, rows);
      const dry = values["dry-run"] === true;
      const question = `Take over ${wanted.length} credential${wanted.length === 1 ? "" : "s"}?`;
      const go = wanted.length > 0 && !dry && (values.yes === true || (await confirmed(context, question, "import: nobody can be asked here: say --yes, or --dry-run to look")));
      const failed = go ? await takeOver(context, pool, wanted, json) : 0;
      if (json) context.out.line(JSON.stringify(report(sources, rows, go)));
      else if (wanted.length === 0) context.out.line(rows.length === 0 ? "nothing was found" : "nothing to take over");
      else if (!go) context.out.line(dry ? "nothing was taken over: --dry-run" : "nothing was taken over");
      return failed > 0 || (from !== undefined && sources.some(({ error }) => error !== undefined)) ? 1 : 0;
    });
  },
};

/** A file, with what it holds. */
interface Source {
  readonly file: string;
  readonly tool?: Tool | undefined;
  readonly credentials: readonly FoundCredential[];
  readonly skipped: readonly Note[];
  readonly warnings: readonly Note[];
  readonly error?: string;
}

interface Row {
  readonly source: Source;
  readonly found: FoundCredential;
  planned: Planned;
  /** Its id in the store, once it is there. */
  id?: number;
  error?: string;
}

function toolOf(value: unknown): Tool | "bundle" | undefined {
  if (value === undefined) return undefined;
  const known = ["bundle", ...TOOLS].find((tool) => tool === value);
  if (known === undefined) throw new UsageError(`import: there is no tool ${JSON.stringify(value)}; there are: ${["bundle", ...TOOLS].join(", ")}`);
  return known as Tool | "bundle";
}

async function readSources(context: Context, tool: Exclude<ReturnType<typeof toolOf>, "bundle">, given: string | undefined, piped: string | undefined): Promise<Source[]> {
  if (given === "-") {
    try {
      const { tool: whose, ...found } = await readToolFile(piped ?? (await context.read("-")), { tool });
      return [{ file: "-", tool: whose, ...found }];
    } catch (error) {
      throw new Error(`the pipe: ${(error as Error).message}`, { cause: error });
    }
  }
  const surroundings = { env: context.env, platform: process.platform, home: context.env.HOME || os.homedir(), cwd: process.cwd() };
  const tools = tool === undefined ? SEARCHED : [tool];
  const places = given === undefined ? tools.flatMap((each) => placesOf(each, surroundings).map((place) => ({ place, tool: each as Tool | undefined }))) : [{ place: { file: path.resolve(given) }, tool }];
  const there = places.filter(({ place }) => fs.existsSync(place.file));
  if (there.length === 0 && (given !== undefined || tool !== undefined)) {
    const looked = places.map(({ place }) => place.file);
    throw new Error(looked.length === 0 ? `${tool} keeps its credentials where only it can read them: name a file that it exported` : `there is no ${looked.join(", and no ")}`);
  }
  const sources: Source[] = [];
  for (const { place, tool: whose } of there) {
    for (const { file, found, error } of await readPlace(place, whose)) {
      sources.push(found ? { file, ...found } : { file, tool: whose, credentials: [], skipped: [], warnings: [], ...(error !== undefined && { error }) });
    }
  }
  return sources;
}

/** The text of what is named by hand; nothing where it is a folder, a database, or not there, which is told later. */
async function textOf({ read }: Context, file: string): Promise<string | undefined> {
  if (file === "-") return read("-");
  try {
    return fs.statSync(file).size <= 16 * 1024 * 1024 ? await read(file) : undefined;
  } catch {
    return undefined;
  }
}

function isBundleFile(file: string): boolean {
  try {
    return fs.statSync(file).isFile() && isBundle(fs.readFileSync(file, "utf8").slice(0, 200));
  } catch {
    return false;
  }
}

async function readBundle({ env, read }: Context, file: string | undefined): Promise<Source> {
  if (file === undefined) throw new UsageError("import: name the bundle");
  const passphrase = env.CREDPOOL_PASSPHRASE || (await readSecret("Passphrase of the bundle: "));
  const credentials = await openBundle(await read(file), passphrase);
  return { file, credentials: credentials.map((credential, at) => ({ place: `credentials[${at}]`, credential })), skipped: [], warnings: [] };
}

/** An account's access token, as one that nobody renews. */
function withoutRefresh(credential: FoundCredential["credential"]): FoundCredential["credential"] {
  if (credential.kind !== "oauth") return credential;
  const { access, refresh: _refresh, clientId: _id, clientSecret: _secret, dpopKey: _key, ...rest } = credential;
  return { ...rest, kind: "token", ...(access !== undefined && { token: access }) };
}

function rowOf(pool: CredentialPool, source: Source, found: FoundCredential): Row {
  return { source, found, planned: match(pool, found, source.tool ?? "env") };
}

function show({ out, err }: Context, sources: readonly Source[], rows: readonly Row[]): void {
  if (rows.length > 0) {
    const head = ["FROM", "PROVIDER", "NAME", "KIND", "WHOSE", "EXPIRES", "SERVER", "WHAT"];
    for (const text of columns(head, rows.map(cells))) out.line(printable(text));
    out.line("");
  }
  for (const { file, skipped, error } of sources) {
    if (error !== undefined) err.line(printable(`${err.paint("red", "not read")} ${shortened(file)}: ${error}`));
    for (const { place, why } of skipped) err.line(printable(`${err.paint("yellow", "skipped")} ${shortened(file)}: ${place}: ${why}`));
  }
  for (const { file, warnings } of sources) for (const { place, why } of warnings) err.line(printable(`${err.paint("yellow", "note")} ${shortened(file)}: ${place}: ${why}`));
  const shared = rows.filter(({ found, source, planned }) => found.rotates && source.tool !== undefined && (planned.action === "add" || planned.action === "renew"));
  for (const tool of new Set(shared.map(({ source }) => source.tool))) {
    err.line(`${err.paint("yellow", "warning")} ${tool} renews this account too, and each renewal makes the other's refresh token worthless: log ${tool} out, or take --access-only (credpool help import)`);
  }
}

function cells({ source, found: { credential }, planned }: Row): string[] {
  const { provider, name = "", kind = "", email, accountId, expires, baseUrl = "", key, token } = credential;
  const reference = /^(?:env|file|exec):|:\/\//.test(key ?? token ?? "") ? ` (${(key ?? token ?? "").slice(0, 60)})` : "";
  const what = [ACTIONS[planned.action], planned.stored].filter(Boolean).join(" ");
  return [source.tool ?? "bundle", provider, planned.credential.name ?? name, kind + reference, email ?? accountId ?? "", expires === undefined ? "" : fromNow(Number(expires)), baseUrl, what];
}

async function takeOver({ out, err }: Context, pool: CredentialPool, rows: readonly Row[], silent: boolean): Promise<number> {
  let failed = 0;
  for (const row of rows) {
    // What was taken over just now counts too.
    row.planned = match(pool, { ...row.found, credential: row.found.credential }, row.source.tool ?? "env");
    const { action, credential: { provider, ...credential } } = row.planned;
    if (action === "same" || action === "older") continue;
    try {
      row.id = await pool.add(provider, credential);
      const name = pool.get(row.id)?.name ?? credential.name ?? "";
      if (!silent) out.line(printable(`${out.paint("green", "stored")} ${provider}:${name} (${credential.kind})`));
    } catch (error) {
      failed += 1;
      row.error = (error as Error).message;
      if (!silent) err.line(printable(`${err.paint("red", "not stored")} ${shortened(row.source.file)}: ${row.found.place}: ${row.error}`));
    }
  }
  return failed;
}

/** For programs; no secret in it. */
function report(sources: readonly Source[], rows: readonly Row[], taken: boolean): object {
  const of = ({ file, tool }: Source, { place, why }: Note) => ({ file, ...(tool && { tool }), place, why });
  return {
    taken,
    credentials: rows.map(({ source, found, planned, id, error }) => {
      const { provider, name, kind, email, accountId, expires, baseUrl } = planned.credential;
      return { file: source.file, tool: source.tool ?? "bundle", place: found.place, provider, name, kind, email, accountId, expires, baseUrl, rotates: found.rotates === true, action: planned.action, stored: planned.stored, id, error };
    }),
    skipped: sources.flatMap((source) => source.skipped.map((note) => of(source, note))),
    warnings: sources.flatMap((source) => source.warnings.map((note) => of(source, note))),
    errors: sources.flatMap(({ file, error }) => (error === undefined ? [] : [{ file, error }])),
  };
}

/** Names in other tools' files may hold what a terminal would obey. */
function printable(text: string): string {
  // eslint-disable-next-line no-control-regex
  return text.replace(/[\u0000-\u001a\u001c-\u001f\u007f-\u009f]|\u001b(?!\[\d+m)/g, "?");
}

function shortened(file: string): string {
  const home = os.homedir();
  return file.startsWith(home + path.sep) ? `~${file.slice(home.length)}` : file;
}

function wrapped(words: readonly string[]): string {
  const lines = [""];
  for (const word of words) {
    const last = lines.at(-1) ?? "";
    if (last.length + word.length > (lines.length === 1 ? 40 : 56)) lines.push(word);
    else lines[lines.length - 1] = last === "" ? word : `${last}, ${word}`;
  }
  return lines.join(",\n                 ");
}
