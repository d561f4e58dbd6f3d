// What a command is, and what it may use of the process: tests give their own.
import type { ParseArgsConfig } from "node:util";
import type { Terminal } from "./terminal.js";

export interface Context {
  readonly out: Terminal;
  readonly err: Terminal;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Asks the person; absent where nobody sits there. `undefined`: no answer will come. */
  readonly ask?: (question: string, signal: AbortSignal) => Promise<string | undefined>;
  /** The text of a file; `-` is what is piped in. */
  read(file: string): Promise<string>;
}

export interface Command {
  readonly name: string;
  /** One line, for the list of commands. */
  readonly summary: string;
  /** All that `--help` says. */
  readonly help: string;
  readonly options: NonNullable<ParseArgsConfig["options"]>;
  /** Answers the exit code. */
  run(context: Context, values: Readonly<Record<string, unknown>>, words: readonly string[]): Promise<number>;
}

/** The command line itself was wrong: said with a hint at the help, exit code 2. */
export class UsageError extends Error {}
