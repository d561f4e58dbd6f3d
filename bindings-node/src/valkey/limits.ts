// Limits of many processes, counted by a Valkey or Redis server. One round trip for each share; nothing here decides.
import { createHash } from "node:crypto";
import type tls from "node:tls";
import { Notices } from "credpool";
import type { Share, SharedLimits, ShareRequest, StoreNotice } from "credpool";
import type { ValkeyClient } from "./client.js";
import { commandOf } from "./client.js";
import { addressOf, Connection } from "./connection.js";
import { ValkeyError } from "./error.js";
import { LEAVE, TAKE } from "./script.js";

/** How shared limits are made. Give `url` or `client`. */
export interface ValkeyLimitsOptions {
  /** `valkey://[USER:PASSWORD@]HOST[:PORT][/DATABASE]`; `valkeys://` with TLS; `unix://localhost/PATH?db=DATABASE`. `redis://` and `rediss://` are the same. */
  url?: string;
  /** A client of the program's own, in place of `url`. It is not closed. */
  client?: ValkeyClient;
  /** More of TLS: `ca`, `cert`, `key`. */
  tls?: tls.ConnectionOptions;
  /** What the names of keys begin with: `credpool`. Another one for each store, or ids would be mixed up. */
  prefix?: string;
  /** A connection or an answer that takes longer is lost: 500 ms. */
  timeoutMs?: number;
}

/** Limits of stored credentials (leases at once, requests a minute) that hold for all processes with the same server and prefix. */
export function valkeyLimits(options: ValkeyLimitsOptions | string): SharedLimits {
  return new ValkeyLimits(typeof options === "string" ? { url: options } : options);
}

/** A script by its text and by its digest, by which the server knows it. */
const scriptOf = (text: string) => ({ text, digest: createHash("sha1").update(text).digest("hex") });
const [take, leave] = [scriptOf(TAKE), scriptOf(LEAVE)];

class ValkeyLimits implements SharedLimits {
  readonly #connection: Connection | undefined;
  readonly #command: (words: string[]) => Promise<unknown>;
  readonly #prefix: string;
  readonly #notices = new Notices();
  /** The server's run that each credential's share was last counted by: another one may have forgotten it. */
  readonly #runs = new Map<string, string>();
  /** What each member has asked for. */
  readonly #keys = new Map<string, Set<string>>();
  #away = false;

  constructor({ url, client, tls, prefix = "credpool", timeoutMs = 500 }: ValkeyLimitsOptions) {
    if (client) this.#command = commandOf(client);
    else {
      const connection = new Connection(addressOf(url ?? "valkey://127.0.0.1:6379", tls), timeoutMs);
      this.#connection = connection;
      this.#command = (words) => connection.command(words);
    }
    this.#prefix = prefix;
  }

  async take({ key, member, used, held, slots, passes, most, rate, bucket, ttlMs }: ShareRequest): Promise<Share> {
    const whose = `${member}/${key}`;
    const known = this.#runs.get(whose) ?? "";
    const numbers = [used, held, slots, passes, most, rate, bucket, ttlMs].map(String);
    const answer = await this.#told(() => this.#run(take, key, [member, known, ...numbers]));
    const [run, given, let_, members, retryMs] = Array.isArray(answer) ? (answer as unknown[]) : [];
    const counts = [given, let_, members, retryMs].map(Number);
    if (typeof run !== "string" || !counts.every(Number.isSafeInteger)) throw new ValkeyError("PROTOCOL", "the server's answer is not the script's");
    this.#runs.set(whose, run);
    const keys = this.#keys.get(member) ?? new Set();
    this.#keys.set(member, keys.add(key));
    return { slots: counts[0] ?? 0, passes: counts[1] ?? 0, members: counts[2] ?? 1, retryMs: counts[3] ?? 0 };
  }

  async leave(member: string): Promise<void> {
    const keys = this.#keys.get(member) ?? [];
    this.#keys.delete(member);
    await Promise.all([...keys].map((key) => (this.#runs.delete(`${member}/${key}`), this.#run(leave, key, [member]))));
  }

  notices(told: (notice: StoreNotice) => void): () => void {
    return this.#notices.add(told);
  }

  async close(): Promise<void> {
    this.#connection?.close();
  }

  async #run({ text, digest }: ReturnType<typeof scriptOf>, key: string, words: string[]): Promise<unknown> {
    // In braces: all of one credential is in one slot of a cluster.
    const rest = ["1", `${this.#prefix}:{${key}}`, ...words];
    try {
      return await this.#command(["EVALSHA", digest, ...rest]);
    } catch (error) {
      if (!String((error as Error | undefined)?.message).startsWith("NOSCRIPT")) throw error;
      return this.#command(["EVAL", text, ...rest]);
    }
  }

  /** Says when nobody can be reached, and when it is well again: once each. */
  async #told<T>(work: () => Promise<T>): Promise<T> {
    try {
      const done = await work();
      if (this.#away) this.#notices.tell({ kind: "current", message: `shared limits: ${this.#place()} is there again` });
      this.#away = false;
      return done;
    } catch (error) {
      if (!this.#away) this.#notices.tell({ kind: "stale", message: `shared limits: ${error instanceof ValkeyError ? error.message : `${this.#place()} does not answer`}; each process goes on with what it holds` });
      this.#away = true;
      throw error;
    }
  }

  #place(): string {
    return this.#connection?.place ?? "the client's server";
  }
}
