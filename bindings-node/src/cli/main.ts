#!/usr/bin/env node
// The command line: finds the command, reads its arguments, and turns what it answers into an exit code.
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline/promises";
import { text } from "node:stream/consumers";
import { parseArgs } from "node:util";
import { version } from "credpool";
import { accountsCommand } from "./accounts.js";
import { addCommand } from "./add.js";
import { UsageError } from "./command.js";
import type { Command, Context } from "./command.js";
import { completionCommand } from "./completion.js";
import { exportCommand } from "./export.js";
import { importCommand } from "./import.js";
import { loginCommand } from "./login.js";
import { logoutCommand } from "./logout.js";
import { refreshCommand } from "./refresh.js";
import { manageCommands } from "./manage.js";
import { probeCommand } from "./probe.js";
import { resetsCommand } from "./resets.js";
import { explainCommand, listCommand, namesCommand, providersCommand } from "./show.js";
import { simulateCommand } from "./simulate.js";
import { terminal } from "./terminal.js";
import { testCommand } from "./test.js";
import { usageCommand } from "./usage.js";
import { watchCommand } from "./watch.js";

const COMMANDS: readonly Command[] = [loginCommand, logoutCommand, refreshCommand, accountsCommand, addCommand, listCommand, usageCommand, resetsCommand, ...manageCommands, importCommand, watchCommand, exportCommand, explainCommand, testCommand, probeCommand, providersCommand, namesCommand, simulateCommand, completionCommand(() => COMMANDS)];

const HELP = `credpool ${version()}: one pool for every API key and account that a program has

Usage: credpool COMMAND [OPTIONS]

Commands:
${COMMANDS.map(({ name, summary }) => `  ${name.padEnd(11)} ${summary}`).join("\n")}
  ${"help".padEnd(11)} show this, or a command's own help

Options:
  -h, --help     show this, or a command's own help
  -V, --version  show the version`;

async function main(args: readonly string[], context: Context): Promise<number> {
  const [first, ...rest] = args;
  if (first === "-V" || first === "--version") {
    context.out.line(version());
    return 0;
  }
  if (first === undefined || first === "-h" || first === "--help" || first === "help") {
    const about = first === "help" ? rest[0] : undefined;
    context.out.line(about === undefined ? HELP : find(about).help);
    // Nothing was asked for: that is an error of the caller's, with the answer beside it.
    return first === undefined ? 2 : 0;
  }
  const command = find(first);
  const { values, positionals } = parse(command, rest);
  if (values.help === true) {
    context.out.line(command.help);
    return 0;
  }
  return command.run(context, values, positionals);
}

function find(name: string): Command {
  const command = COMMANDS.find((command) => command.name === name);
  if (!command) throw new UsageError(`there is no ${name.startsWith("-") ? "option" : "command"} ${JSON.stringify(name)}`);
  return command;
}

function parse(command: Command, args: string[]): { values: Record<string, unknown>; positionals: string[] } {
  try {
    return parseArgs({ args, options: { ...command.options, help: { type: "boolean", short: "h" } }, allowPositionals: true, strict: true });
  } catch (error) {
    const [sentence = ""] = (error as Error).message.split(". ");
    throw new UsageError(`${command.name}: ${sentence}`);
  }
}

// `credpool simulate … | head`: whoever reads has seen enough.
process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));

/** Questions go to the error stream: the output is for the answer. */
async function ask(question: string, signal: AbortSignal): Promise<string | undefined> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await lines.question(question, { signal });
  } catch {
    return undefined; // The answer came in another way, or the input ended.
  } finally {
    lines.close();
  }
}

const context: Context = {
  out: terminal(process.stdout, process.env),
  err: terminal(process.stderr, process.env),
  env: process.env,
  ...(process.stdin.isTTY && { ask }),
  read: (file) => (file === "-" ? text(process.stdin) : readFile(file, "utf8")),
};

try {
  process.exitCode = await main(process.argv.slice(2), context);
} catch (error) {
  const usage = error instanceof UsageError;
  context.err.line(`${context.err.paint("red", "credpool:")} ${(error as Error).message}${usage ? " (credpool --help)" : ""}`);
  process.exitCode = usage ? 2 : 1;
}
