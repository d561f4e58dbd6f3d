// @ts-check
// What tests that start a server of their own have in common: a port that is free, and an end that is waited for.
import { once } from "node:events";
import net from "node:net";

/** A port of this machine that nobody listens on. */
export async function freePort() {
  const server = net.createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = /** @type {net.AddressInfo} */ (server.address());
  server.close();
  await once(server, "close");
  return port;
}

/** Ends a process, if it has not ended yet. @param {import("node:child_process").ChildProcess | undefined} server @param {NodeJS.Signals} signal */
export async function end(server, signal) {
  if (!server || server.exitCode !== null) return;
  const ended = once(server, "exit");
  server.kill(signal);
  await ended;
}
