// credpool completion: a script for a shell, and what such a script asks for while somebody types.
import { existsSync } from "node:fs";
import { UsageError } from "./command.js";
import type { Choice, Command } from "./command.js";
import { scriptFor, SHELLS } from "./completion-scripts.js";
import type { Entry, Shell } from "./completion-scripts.js";
import { defaultStore, STORE_OPTIONS, withPool } from "./store.js";

/** What may be asked for while somebody types. */
const LISTS: readonly string[] = ["provider", "profile"];

/** The command, for a command line that has these commands and itself. */
export function completionCommand(commands: () => readonly Command[]): Command {
  return {
    name: "completion",
    summary: "a script by which your shell completes commands, options and profiles",
    help: `Usage: credpool completion ${SHELLS.join("|")}

Prints a script for your shell. To have it in every session:

  bash        echo 'eval "$(credpool completion bash)"' >> ~/.bashrc
  zsh         echo 'source <(credpool completion zsh)' >> ~/.zshrc
              (behind the line that calls compinit)
  fish        credpool completion fish > ~/.config/fish/completions/credpool.fish
  powershell  credpool completion powershell | Out-String | Invoke-Expression
              (in the file that $PROFILE names)

Options:
  --list WHAT    provider or profile: those that there are, one a line. The
                 scripts ask for it; of a store that is not there nothing is said
  --store FILE   the store (an SQLite file); else $CREDPOOL_STORE, else the user's own
  -h, --help     show this`,
    options: { list: { type: "string" }, store: STORE_OPTIONS.store },
    words: [SHELLS],
    values: { list: LISTS },
    async run({ out, env }, values, [shell, surplus]) {
      if (typeof values.list === "string") {
        if (!LISTS.includes(values.list) || shell !== undefined) throw new UsageError(`completion: --list is one of ${LISTS.join(", ")}`);
        for (const word of await listed(values.list, typeof values.store === "string" ? values.store : defaultStore(env))) out.line(word);
        return 0;
      }
      if (surplus !== undefined || !SHELLS.includes(shell as Shell)) throw new UsageError(`completion: name one of ${SHELLS.join(", ")}`);
      out.line(scriptFor(shell as Shell, commands().map(entry)));
      return 0;
    },
  };
}

/** A row of the one table from which all scripts are made. */
function entry({ name, summary, options, words = [], values = {} }: Command): Entry {
  const all: Command["options"] = { ...options, help: { type: "boolean" } };
  const kindOf = (option: string): Choice | undefined => (option === "store" ? "file" : values[option]);
  return {
    name,
    summary,
    options: Object.keys(all).map((option) => `--${option}`),
    valued: Object.entries(all).filter(([, { type }]) => type === "string").map(([option]) => ({ option: `--${option}`, choice: kindOf(option) })),
    words,
  };
}

/** To ask what could be typed makes no store, changes nothing, and is no failure where nothing can be said. */
async function listed(what: string, store: string): Promise<string[]> {
  const stored = existsSync(store) ? await withPool({ store }, (pool) => pool.profiles.list()).catch(() => []) : [];
  const known = what === "provider" ? await withPool({ store: ":memory:" }, (pool) => pool.providers.list()) : [];
  const words = new Set([...known, ...stored.map(({ id, provider }) => (what === "provider" ? provider : id))]);
  // A name with a line break would be two, and one with a control character does what it likes to a terminal.
  return [...words].filter((word) => !/[\u0000-\u001f\u007f-\u009f]/.test(word));
}
