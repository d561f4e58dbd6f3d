// credpool watch: a folder of another tool's files is followed into the store, until it is interrupted.
import type { Tool } from "credpool/import";
import { TOOLS } from "credpool/import";
import { watchFolder } from "../watch/folder.js";
import type { WatchChange } from "../watch/types.js";
import { UsageError } from "./command.js";
import type { Command } from "./command.js";
import { STORE_HELP, STORE_OPTIONS, withPool } from "./store.js";

export const watchCommand: Command = {
  name: "watch",
  summary: "follow a folder of another tool's files: what changes there changes here",
  help: `Usage: credpool watch FOLDER [OPTIONS]

Takes over the .json files of FOLDER and follows it until it is interrupted:
a file that is added, changed or deleted changes the store, and every program
on that store sees it. Cooldowns and sessions stay with their credentials. A
file that cannot be read keeps what it last said. What was not in the folder
is left alone.

Options:
  --from TOOL    whose files they are: ${TOOLS.filter((tool) => tool !== "env" && tool !== "litellm").join(", ").replace("code-buddy,", "code-buddy,\n                 ")}
  --once         take over what is there now, and end
${STORE_HELP}`,
  options: { ...STORE_OPTIONS, from: { type: "string" }, once: { type: "boolean" } },
  async run({ out, err }, values, words) {
    const [folder, surplus] = words;
    if (folder === undefined || surplus !== undefined) throw new UsageError("watch: name one folder");
    const from = TOOLS.find((tool) => tool === values.from) as Tool | undefined;
    if (values.from !== undefined && from === undefined) throw new UsageError(`watch: there is no tool ${JSON.stringify(values.from)}; there are: ${TOOLS.join(", ")}`);
    let failed = false;
    const told = (change: WatchChange) => {
      failed ||= change.kind === "failed";
      if (values.json === true) return out.line(JSON.stringify(change));
      const { kind, file, name, message } = change;
      const text = printable(`${kind.padEnd(9)} ${name === undefined ? file : `${name} (${file})`}${message === undefined ? "" : `: ${message}`}`);
      if (kind === "failed") err.line(err.paint("yellow", text));
      else out.line(text);
    };
    return withPool(values, async (pool) => {
      const watching = await watchFolder(pool, folder, { from, told });
      if (values.once !== true) await interrupted();
      await watching.close();
      return values.once === true && failed ? 1 : 0;
    });
  },
};

/** Names in other tools' files may hold what a terminal would obey. */
function printable(text: string): string {
  // eslint-disable-next-line no-control-regex
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, "?");
}

/** Waits for the end that a person or a supervisor asks for. What is followed keeps no process alive: this does. */
function interrupted(): Promise<void> {
  return new Promise((resolve) => {
    const alive = setInterval(() => undefined, 2 ** 30);
    const end = () => {
      clearInterval(alive);
      process.off("SIGINT", end).off("SIGTERM", end);
      resolve();
    };
    process.on("SIGINT", end).on("SIGTERM", end);
  });
}
