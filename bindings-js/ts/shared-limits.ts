// Limits that hold for many machines together. What is asked for, and what follows from the answer, is the engine's; who answers is
// the host's: `valkeyLimits` of `credpool/valkey`, or anything with these methods.
import { messageOf } from "./errors.js";
import type { WholeHost } from "./host.js";
import type { PoolInput, ShareEffect } from "./protocol.js";
import type { StoreNotice } from "./store/store.js";

/** What a process asks for, of one credential's limits. */
export interface ShareRequest {
  /** Which credential: `limit/` and its id in the store. Pools over the same store mean the same by it. */
  readonly key: string;
  /** Who asks: a random name of the pool. */
  readonly member: string;
  /** Leases that are open there. They are, whatever the answer is. */
  readonly used: number;
  /** Slots that it holds. */
  readonly held: number;
  /** So many slots it wants in all: fewer than it holds, and it gives the others back. */
  readonly slots: number;
  /** So many further requests it wants to begin. */
  readonly passes: number;
  /** Leases at once, of all together; 0: any number. */
  readonly most: number;
  /** Requests a minute, of all together; 0: any number. */
  readonly rate: number;
  /** The size of the bucket of requests, at least 1. */
  readonly bucket: number;
  /** Slots that are not asked for again in this time, in milliseconds, are the others'. */
  readonly ttlMs: number;
}

/** What it is given. */
export interface Share {
  /** Slots that it holds now. */
  readonly slots: number;
  /** Requests that it may begin. They lapse within a second. */
  readonly passes: number;
  /** How many processes share this credential, this one included. */
  readonly members: number;
  /** When a further request may begin, in milliseconds, where none may now. */
  readonly retryMs?: number;
}

/** Who keeps the limits of many processes. */
export interface SharedLimits {
  /** Rejected where nobody can be reached: the pool goes on with what it holds. */
  take(request: ShareRequest): Promise<Share>;
  /** Gives back all that a member holds. */
  leave?(member: string): Promise<void>;
  /** As a store's: `stale` where nobody can be reached, `current` where it can again. */
  notices?(told: (notice: StoreNotice) => void): () => void;
  /** Frees what it holds. It may be used again afterwards. */
  close(): Promise<void>;
}

/** An answer that takes longer is none. */
const TIMEOUT_MS = 1000;
/** More than this of anything is rubbish. */
const MOST = 2 ** 32 - 1;

/** Calls of the limits on the engine's behalf. */
export class ShareCalls {
  readonly #limits: SharedLimits | undefined;
  readonly #host: WholeHost;
  /** Who we are: another name for each pool. */
  readonly #member: string;

  constructor(limits: SharedLimits | undefined, host: WholeHost) {
    this.#limits = limits;
    this.#host = host;
    const random = new Uint8Array(12);
    host.random(random);
    this.#member = [...random].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  async take({ op, ttl, ...asked }: ShareEffect): Promise<PoolInput> {
    try {
      if (!this.#limits) throw new Error("nobody shares limits");
      const { slots, passes, members, retryMs = 0 } = await this.#inTime(this.#limits.take({ ...asked, ttlMs: ttl, member: this.#member }));
      return { shared: { op, slots: whole(slots), passes: whole(passes), members: Math.max(1, whole(members)), retry: whole(Math.ceil(retryMs)) } };
    } catch (error) {
      return { failed: { op, message: messageOf(error).slice(0, 300) } };
    }
  }

  async leave(): Promise<void> {
    await Promise.resolve(this.#limits?.leave?.(this.#member)).catch(() => undefined);
  }

  #inTime<T>(answer: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = this.#host.setTimer(() => reject(new Error("no answer in time")), TIMEOUT_MS, true);
      Promise.resolve(answer)
        .then(resolve, reject)
        .finally(() => this.#host.clearTimer(timer));
    });
  }
}

function whole(value: number): number {
  if (!Number.isSafeInteger(value) || value < 0) throw new Error("the answer is no whole number");
  return Math.min(value, MOST);
}
