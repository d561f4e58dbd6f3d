// A file of rules that is followed: the pool has the last ones that were good.
import fs from "node:fs";
import path from "node:path";
import type { CredentialPool } from "credpool";
import { Looking, Settling, stampOf } from "./looking.js";
import type { Watching, WatchOptions } from "./types.js";

/**
 * Gives a pool the policy document of a file, and follows the file. One that is gone, half-written or wrong changes nothing: the pool
 * keeps the rules that it has, and `told` hears why. Cooldowns, ties and credentials stay whatever changes.
 */
export async function watchPolicy(pool: CredentialPool, file: string, options: WatchOptions = {}): Promise<Watching> {
  const { told = () => undefined, settleMs = 100, goneMs = 1000 } = options;
  const whole = path.resolve(file);
  const settling = new Settling();
  let done: string | undefined;
  let failed = false;
  const fail = (message: string) => {
    failed = true;
    told({ kind: "failed", file: whole, message });
  };
  const look = async (first: boolean): Promise<number> => {
    const stamp = stampOf(whole) ?? "gone";
    if (stamp === done) return Infinity;
    const left = first ? 0 : settling.left(whole, stamp, stamp === "gone" ? goneMs : settleMs);
    if (left > 0) return left;
    done = stamp;
    settling.forget(whole);
    if (stamp === "gone") {
      fail("the file is not there");
      return Infinity;
    }
    let document: unknown;
    try {
      document = JSON.parse(fs.readFileSync(whole, "utf8").replace(/^\ufeff/, ""));
      if (typeof document !== "object" || document === null) throw new Error("a policy document is an object");
    } catch (error) {
      // What a parser says may quote the file.
      fail(error instanceof SyntaxError ? "it is no JSON" : (error as Error).message);
      return Infinity;
    }
    // Written to while it was read: it is read again.
    if (stampOf(whole) !== stamp) {
      done = undefined;
      return settleMs;
    }
    try {
      await pool.setPolicy(document);
      if (failed) told({ kind: "recovered", file: whole });
      failed = false;
      told({ kind: "applied", file: whole });
    } catch (error) {
      fail((error as Error).message);
    }
    return Infinity;
  };
  return new Looking(path.dirname(whole), look, told, options).start();
}
