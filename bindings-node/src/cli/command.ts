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

/** What a word on the command line may be, for shells that complete it: something that is looked up, or one of these. */
export type Choice = "provider" | "profile" | "file" | "command" | readonly string[];

export interface Command {
  readonly name: string;
  /** One line, for the list of commands. */
  readonly summary: string;
  /** All that `--help` says. */
  readonly help: string;
  readonly options: NonNullable<ParseArgsConfig["options"]>;
  /** What its words are, one after the other; `"..."` at the end: the last may be repeated. */
  readonly words?: readonly (Choice | "...")[];
  /** What the values of its options are, where that can be said. */
  readonly values?: Readonly<Record<string, Choice>>;
  /** Answers the exit code. */
  run(context: Context, values: Readonly<Record<string, unknown>>, words: readonly string[]): Promise<number>;
}

/** The command line itself was wrong: said with a hint at the help, exit code 2. */
export class UsageError extends Error {}
