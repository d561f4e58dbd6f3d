// @ts-check
// The frame of every command: a foreseen failure is a sentence in red, anything else keeps its stack.
import { Failure } from "./run.mjs";
import { line, red } from "./say.mjs";

/** @param {() => Promise<number | void>} command answers the exit code */
export async function main(command) {
  try {
    process.exitCode = (await command()) ?? 0;
  } catch (error) {
    if (error instanceof Failure) line(`\n${red("stopped:")} ${error.message}`);
    else console.error(error);
    process.exitCode = 1;
  }
}
