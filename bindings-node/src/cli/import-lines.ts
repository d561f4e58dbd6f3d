// Lines that `credpool export PROVIDER:NAME` printed, stored again. They are our own: nobody is asked.
import type { CredentialPool, ExportedProfile } from "credpool";
import type { Context } from "./command.js";

/** A text, and where it came from. */
export interface Text {
  readonly file: string;
  readonly text: string;
}

/** Is this what `credpool export` printed? Its first line says so. */
export function areLines(text: string): boolean {
  try {
    const { provider, name, kind } = JSON.parse(text.trimStart().split("\n", 1)[0] ?? "") as Record<string, unknown>;
    return typeof provider === "string" && typeof name === "string" && typeof kind === "string";
  } catch {
    return false;
  }
}

/** Stores them, of each file all or none of its lines that cannot be read. */
export async function storeLines({ out }: Context, pool: CredentialPool, texts: readonly Text[], { replace, json }: { replace: boolean; json: boolean }): Promise<number> {
  const stored = [];
  for (const profile of texts.flatMap(({ file, text }) => profilesOf(file, text))) stored.push(await pool.profiles.import({ ...profile, replace }));
  if (json) out.line(JSON.stringify(stored));
  else for (const { id, kind } of stored) out.line(`${out.paint("green", "stored")} ${id} (${kind})`);
  return 0;
}

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
