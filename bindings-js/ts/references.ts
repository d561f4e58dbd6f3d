// Secrets that are kept elsewhere: a credential's key or token may be the name of one (`env:NAME`, `file:PATH`, `exec:COMMAND`,
// `vault://…`). It is looked up when the credential is first used, remembered in memory, looked up again when a provider refuses
// it, and never stored.
import { CredpoolError } from "./errors.js";
import type { WholeHost } from "./host.js";
import type { Kind, Origin } from "./protocol.js";

/** Looks up what a reference stands for; `undefined`: not mine, do it your way. Throws or is rejected where it cannot. */
export type SecretResolver = (reference: string, whose: { readonly provider: string; readonly name: string }) => string | undefined | Promise<string | undefined>;

/** Whose reference it is. */
interface Whose {
  readonly provider: string;
  readonly name: string;
}

interface Builtins {
  process?: {
    getBuiltinModule?(name: string): unknown;
  };
}

/** What looks something up may take so long. */
const LONGEST_MS = 10_000;
/** A secret is at most so long, in characters. */
const LONGEST = 64 * 1024;
/** So many answers are remembered. */
const MOST = 100_000;
// What a header takes, as for a secret that is stored itself.
const SENDABLE = /^[\x21-\x7e]+$/;

/** Is this secret the name of one? As core/src/secret.rs says it; what the environment or a fallback gives is taken as it is. */
export function isReference({ kind, origin, secret }: { readonly kind: Kind; readonly origin: Origin; readonly secret: string }): boolean {
  return kind !== "oauth" && origin !== "env" && origin !== "fallback" && (/^(?:env|file|exec):./.test(secret) || /^[a-z][a-z0-9+.-]*:\/\/./.test(secret));
}

export class References {
  readonly #host: WholeHost;
  readonly #variable: (name: string) => string | undefined;
  readonly #exec: boolean;
  readonly #known = new Map<string, string>();
  readonly #asking = new Map<string, Promise<string>>();

  constructor(host: WholeHost, variable: (name: string) => string | undefined, exec: boolean) {
    this.#host = host;
    this.#variable = variable;
    this.#exec = exec;
  }

  /** The secret, where it is known or can be told at once; `undefined` where it must be waited for. Throws where there is none. */
  now(reference: string, whose: Whose): string | undefined {
    const known = this.#known.get(keyOf(reference, whose));
    if (known !== undefined) return known;
    if (this.#asking.has(keyOf(reference, whose))) return undefined;
    const looked = this.#lookUp(reference, whose);
    if (typeof looked === "string") return this.#keep(reference, whose, looked);
    this.#wait(reference, whose, looked).catch(() => undefined); // Whoever waits for it is told.
    return undefined;
  }

  /** The secret. With `anew` what is remembered does not count. Rejected with a `CredpoolError` that names the reference. */
  async resolve(reference: string, whose: Whose, anew = false): Promise<string> {
    const key = keyOf(reference, whose);
    if (anew) this.#known.delete(key);
    const known = this.#known.get(key) ?? this.#asking.get(key);
    if (known !== undefined) return known;
    const looked = this.#lookUp(reference, whose);
    return typeof looked === "string" ? this.#keep(reference, whose, looked) : this.#wait(reference, whose, looked);
  }

  #wait(reference: string, whose: Whose, looked: Promise<string>): Promise<string> {
    const key = keyOf(reference, whose);
    const asking = this.#asking.get(key);
    if (asking) return asking;
    const asked = this.#inTime(looked)
      .then((secret) => this.#keep(reference, whose, secret))
      .catch((error: unknown) => Promise.reject(error instanceof CredpoolError ? error : failed(reference, "it could not be looked up")))
      .finally(() => this.#asking.delete(key));
    this.#asking.set(key, asked);
    return asked;
  }

  #keep(reference: string, whose: Whose, found: string): string {
    const secret = found.trim();
    if (!SENDABLE.test(secret) || secret.length > LONGEST) throw failed(reference, "what it stands for is empty, too long, or has a character that cannot stand in a header");
    if (this.#known.size >= MOST) this.#known.clear();
    this.#known.set(keyOf(reference, whose), secret);
    return secret;
  }

  /** The host goes first, and may replace all of ours. */
  #lookUp(reference: string, whose: Whose): string | Promise<string> {
    let given: string | undefined | Promise<string | undefined>;
    try {
      given = this.#host.resolveSecret(reference, { provider: whose.provider, name: whose.name });
    } catch {
      // Its message may hold anything.
      throw failed(reference, "the host's resolveSecret threw");
    }
    if (typeof given === "string") return given;
    if (given === undefined) return this.#builtIn(reference);
    return Promise.resolve(given).then(
      (secret) => secret ?? this.#builtIn(reference),
      () => Promise.reject(failed(reference, "the host's resolveSecret was rejected")),
    );
  }

  #builtIn(reference: string): string | Promise<string> {
    const [scheme = "", rest = ""] = [reference.slice(0, reference.indexOf(":")), reference.slice(reference.indexOf(":") + 1)];
    if (scheme === "env") return this.#variable(rest.trim()) ?? fail(reference, "there is no such environment variable");
    if (scheme === "file" && !rest.startsWith("//")) return fileText(reference, rest.trim());
    if (scheme === "exec") return this.#exec ? outputOf(reference, rest.trim()) : fail(reference, "commands are run only where open({ execSecrets: true }) allows it");
    return fail(reference, "nobody here knows this scheme: give the pool a host.resolveSecret that does");
  }

  #inTime<T>(answer: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = this.#host.setTimer(() => reject(new Error("late")), LONGEST_MS, true);
      answer.then(resolve, reject).finally(() => this.#host.clearTimer(timer));
    });
  }
}

/** A resolver may tell credentials apart, so answers belong to one. */
function keyOf(reference: string, { provider, name }: Whose): string {
  return JSON.stringify([reference, provider, name]);
}

function failed(reference: string, why: string): CredpoolError {
  const shown = reference.length > 200 ? `${reference.slice(0, 200)}…` : reference;
  return new CredpoolError("unresolved", `the secret reference ${JSON.stringify(shown)} cannot be resolved: ${why}`);
}

function fail(reference: string, why: string): never {
  throw failed(reference, why);
}

/** A module of the runtime's own, where it has one: no bundler goes looking for it. */
function builtin<T>(name: string): T | undefined {
  return (globalThis as Builtins).process?.getBuiltinModule?.(name) as T | undefined;
}

function fileText(reference: string, file: string): string {
  const fs = builtin<{ readFileSync(file: string, encoding: "utf8"): string; statSync(file: string): { size: number } }>("node:fs");
  if (!fs) return fail(reference, "this runtime has no files: give the pool a host.resolveSecret");
  try {
    if (fs.statSync(file).size > LONGEST) return fail(reference, "the file is longer than 64 KiB");
    return fs.readFileSync(file, "utf8");
  } catch (error) {
    throw error instanceof CredpoolError ? error : failed(reference, "the file cannot be read");
  }
}

function outputOf(reference: string, command: string): Promise<string> {
  const commands = builtin<{ exec(command: string, options: object, done: (error: unknown, output: string) => void): void }>("node:child_process");
  if (!commands) return Promise.reject(failed(reference, "this runtime runs no commands: give the pool a host.resolveSecret"));
  return new Promise((resolve, reject) => {
    // What it writes to its error stream may hold anything: it is not repeated.
    commands.exec(command, { timeout: LONGEST_MS, maxBuffer: LONGEST, windowsHide: true, encoding: "utf8" }, (error, output) => (error ? reject(failed(reference, "the command failed")) : resolve(output)));
  });
}
