// A secret from a person or a pipe: never from an argument, which other users of the machine can read.
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { Writable } from "node:stream";
import { UsageError } from "./command.js";

/** Asks for it without showing it; what is piped in is taken as it is. */
export async function readSecret(question: string): Promise<string> {
  const secret = process.stdin.isTTY ? await ask(question) : await text(process.stdin);
  if (secret.trim() === "") throw new UsageError("no secret was given: type it, or pipe it in");
  return secret.trim();
}

function ask(question: string): Promise<string> {
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const reader = createInterface({ input: process.stdin, output: silent, terminal: true });
  process.stderr.write(question);
  return new Promise((resolve, reject) => {
    reader.on("SIGINT", () => reject(new UsageError("given up")));
    reader.question("", resolve);
  }).finally(() => {
    reader.close();
    process.stderr.write("\n");
  }) as Promise<string>;
}
