// The store that the command line works on, and a pool on it for one command.
import os from "node:os";
import path from "node:path";
import { CredentialPool } from "credpool";
import { proxyTransport } from "../proxy.js";
import { sqliteStore } from "../store/sqlite.js";

/** Options that every command on a store has. */
export const STORE_OPTIONS = { store: { type: "string" }, json: { type: "boolean" } } as const;

export const STORE_HELP = `  --store FILE   the store (an SQLite file); else $CREDPOOL_STORE, else the user's own
  --json         for programs
  -h, --help     show this`;

/** Where the store is, if nothing else is said: the user's folder for the data of programs. */
export function defaultStore(env: Readonly<Record<string, string | undefined>> = process.env, platform: string = process.platform): string {
  if (env.CREDPOOL_STORE) return env.CREDPOOL_STORE;
  const home = os.homedir();
  const folder = platform === "win32" ? (env.LOCALAPPDATA ?? path.join(home, "AppData", "Local"))
    : platform === "darwin" ? path.join(home, "Library", "Application Support")
    : env.XDG_DATA_HOME && path.isAbsolute(env.XDG_DATA_HOME) ? env.XDG_DATA_HOME : path.join(home, ".local", "share");
  return path.join(folder, "credpool", "pool.db");
}

/** Opens a pool on the store for as long as `work` takes. */
export async function withPool<T>(values: Readonly<Record<string, unknown>>, work: (pool: CredentialPool) => Promise<T> | T): Promise<T> {
  const file = typeof values.store === "string" ? values.store : defaultStore();
  const pool = await CredentialPool.open({ store: sqliteStore(file), host: { log: () => undefined, transport: proxyTransport() } });
  pool.on("store", ({ cause }) => void process.stderr.write(`store: ${cause}\n`));
  try {
    return await work(pool);
  } finally {
    await pool.close();
  }
}
