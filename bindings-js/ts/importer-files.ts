// Other tools' files: text in, credentials out, and back. The parsers are a WebAssembly of their own; each entry says how it is
// loaded.
import { CredpoolError, messageOf } from "./errors.js";
import { checkCredentials } from "./bundle.js";
import type { NewProviderCredential } from "./types.js";

/** A program whose files are known. */
export type Tool = "oh-my-pi" | "cliproxyapi" | "devclaw" | "code-buddy" | "openclaw" | "codex" | "claude-code" | "gemini-cli" | "github-copilot" | "env" | "litellm";

/** All of them. */
export const TOOLS: readonly Tool[] = ["oh-my-pi", "cliproxyapi", "devclaw", "code-buddy", "openclaw", "codex", "claude-code", "gemini-cli", "github-copilot", "env", "litellm"];

/** A credential in a file. */
export interface FoundCredential {
  /** Its place in the file: `profiles.openai:work`. */
  readonly place: string;
  /** Whoever renews it makes the refresh token worthless that the other tool keeps. */
  readonly rotates?: boolean;
  /** For `pool.add`; holds the secret. */
  readonly credential: NewProviderCredential;
}

/** Something in a file, in words that hold no secret. */
export interface Note {
  readonly place: string;
  readonly why: string;
}

/** What a file holds. */
export interface Found {
  readonly tool: Tool;
  readonly credentials: readonly FoundCredential[];
  /** What cannot be taken over. */
  readonly skipped: readonly Note[];
  /** What is to be known of the credentials. */
  readonly warnings: readonly Note[];
}

/** A file as text. */
export interface ReadOptions {
  /** Whose it is; the one that it looks like where it is left out. */
  tool?: Tool | undefined;
  /** The text of the file beside it that says whose the account is: `.claude.json`, `google_accounts.json`. */
  beside?: string | undefined;
}

/** What of a credential the files do not hold. */
export interface Loss {
  /** Which of the credentials, from 0. */
  readonly index: number;
  /** Why it is not in them at all; absent where it is. */
  readonly why?: string;
  /** The fields that are lost. */
  readonly fields?: readonly string[];
}

/** Credentials as a tool's files. They hold secrets. */
export interface Written {
  readonly files: readonly { readonly name: string; readonly text: string }[];
  readonly losses: readonly Loss[];
}

/** What the WebAssembly does: JSON out. */
export interface Importer {
  detectTool(text: string): string;
  readTool(tool: string, text: string, beside?: string): string;
  writeTool(tool: string, credentials: string): string;
}

let load: (() => Promise<Importer> | Importer) | undefined;
let loading: Promise<Importer> | undefined;

/** Says how the parsers are loaded. */
export function loadImporterBy(loader: () => Promise<Importer> | Importer): void {
  load = loader;
}

async function loaded(): Promise<Importer> {
  if (!load) throw new CredpoolError("internal", "the parsers are not part of this entry: import credpool/import");
  try {
    return await (loading ??= Promise.resolve(load()));
  } catch (error) {
    loading = undefined;
    throw error;
  }
}

async function ask<T>(work: (importer: Importer) => T): Promise<T> {
  const importer = await loaded();
  try {
    return work(importer);
  } catch (error) {
    const broke = error instanceof WebAssembly.RuntimeError || error instanceof RangeError;
    if (broke) loading = undefined;
    throw new CredpoolError(broke ? "internal" : "invalid", broke ? `the parser broke: ${messageOf(error)}. Please report this` : messageOf(error));
  }
}

/** Which tool's file this is, told by its content; `undefined` where it looks like none. */
export function detectTool(text: string): Promise<Tool | undefined> {
  return ask((importer) => (importer.detectTool(text) || undefined) as Tool | undefined);
}

/** Reads a tool's file. Rejected with a `CredpoolError` of code `invalid` that names the place where it cannot be read. */
export function readToolFile(text: string, { tool, beside }: ReadOptions = {}): Promise<Found> {
  return ask((importer) => JSON.parse(importer.readTool(tool ?? "", text, beside)) as Found);
}

/** Writes credentials as a tool's files, and says what those do not hold. */
export async function writeToolFiles(tool: Tool, credentials: readonly NewProviderCredential[]): Promise<Written> {
  checkCredentials(credentials);
  const dated = credentials.map(({ expires, ...rest }) => ({ ...rest, ...(expires !== undefined && { expires: expires instanceof Date ? expires.getTime() : expires }) }));
  return ask((importer) => JSON.parse(importer.writeTool(tool, JSON.stringify(dated))) as Written);
}
