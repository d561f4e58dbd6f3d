// @ts-check
// A Valkey or Redis server of its own for a test: in a folder that is removed, on a free port, killed as a crash would.
import { spawn } from "node:child_process";
import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { end, freePort } from "../../servers.mjs";

/** The server's program: Valkey's where there is one, else Redis's. @returns {string | undefined} */
export function serverProgram() {
  const folders = (process.env.PATH ?? "").split(path.delimiter);
  for (const name of ["valkey-server", "redis-server"]) {
    for (const folder of folders) if (fs.existsSync(path.join(folder, name))) return path.join(folder, name);
  }
  return undefined;
}

/** @param {{ password?: string, persistent?: boolean }} [options] persistent: it finds what it had, as of a second before */
export async function startValkey({ password = "", persistent = false } = {}) {
  const program = serverProgram();
  if (!program) throw new Error("there is no valkey-server and no redis-server on this machine: scripts/setup installs it");
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "credpool-valkey-"));
  const port = await freePort();
  const socket = path.join(folder, "socket");
  const settings = path.join(folder, "server.conf");
  const lines = ["bind 127.0.0.1", `port ${port}`, `unixsocket ${socket}`, `dir ${folder}`, 'save ""', `appendonly ${persistent ? "yes" : "no"}`, "databases 4", ...(password ? [`requirepass ${password}`] : [])];
  fs.writeFileSync(settings, `${lines.join("\n")}\n`, { mode: 0o600 });
  /** @type {import("node:child_process").ChildProcess | undefined} */
  let server;

  async function start() {
    server = spawn(program ?? "", [settings], { cwd: folder, stdio: "ignore" });
    for (let tries = 0; ; tries += 1) {
      const there = await new Promise((resolve) => {
        const probe = net.connect(port, "127.0.0.1", () => (probe.destroy(), resolve(true)));
        probe.once("error", () => resolve(false));
      });
      if (there) return;
      if (tries > 300 || server.exitCode !== null) throw new Error(`${program} did not start`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** @param {NodeJS.Signals} [signal] */
  async function stop(signal = "SIGKILL") {
    const stopped = server;
    server = undefined;
    await end(stopped, signal);
  }

  await start();
  return {
    port,
    socket,
    url: `valkey://${password ? `:${encodeURIComponent(password)}@` : ""}127.0.0.1:${port}`,
    start,
    stop,
    /** It answers nobody, and forgets nothing. @param {boolean} stopped */
    freeze: (stopped) => server?.kill(stopped ? "SIGSTOP" : "SIGCONT"),
    remove: async () => {
      await stop();
      fs.rmSync(folder, { recursive: true, force: true });
    },
  };
}
