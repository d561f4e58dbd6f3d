/**
 * A client that the program has already: `iovalkey` and `ioredis` have `call`, `redis` has `sendCommand`; anything else can be given
 * as an object with `command`. Each answers what the server said, and throws what it refused.
 */
export type ValkeyClient =
  | { command(words: string[]): Promise<unknown> }
  | { call(name: string, ...words: string[]): Promise<unknown> }
  | { sendCommand(words: string[]): Promise<unknown> };

/** How a request is sent by it. */
export function commandOf(client: ValkeyClient): (words: string[]) => Promise<unknown> {
  // `ioredis` has a `sendCommand` as well, which takes something else.
  if ("command" in client && typeof client.command === "function") return (words) => client.command(words);
  if ("call" in client && typeof client.call === "function") return ([name = "", ...words]) => client.call(name, ...words);
  if ("sendCommand" in client && typeof client.sendCommand === "function") return (words) => client.sendCommand(words);
  throw new TypeError("valkeyLimits: the client has none of the methods command(words), call(name, ...words) and sendCommand(words)");
}
