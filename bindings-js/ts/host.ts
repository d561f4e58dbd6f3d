// What the pool needs of the runtime. Everything has a default; tests and simulations bring their own.

import type { SecretResolver } from "./references.js";
import type { TransportFactory } from "./transport.js";

/** Clocks, timers and network, where the runtime's own are not wanted. */
export interface Host {
  /** Sends requests for `pool.fetch`. */
  fetch?: typeof globalThis.fetch;
  /** Makes a transport for one credential: for its proxy, for its own connections. */
  transport?: TransportFactory;
  /** The wall clock: milliseconds since 1970. */
  now?: () => number;
  /** A clock that never goes back, in milliseconds. */
  mono?: () => number;
  /** Fills the bytes with secure randomness. */
  random?: (bytes: Uint8Array) => void;
  /** Calls `work` after `ms`. Where `keepAlive` is false a process may end before. */
  setTimer?: (work: () => void, ms: number, keepAlive: boolean) => unknown;
  clearTimer?: (timer: unknown) => void;
  /** Looks up secrets that are kept elsewhere, before `env:`, `file:` and `exec:` are; `undefined` leaves them to these. */
  resolveSecret?: SecretResolver;
  /** Is told what nobody else can be told: a listener that threw. */
  log?: (message: string, error: unknown) => void;
}

export type WholeHost = Required<Host>;

/**
 * The process's clock begins at zero; ours begins so much later, so that what was used before the process began has an instant too: a
 * session that was idle over a restart is as cold as it is. About a year, in milliseconds.
 */
const BEFORE = 2 ** 35;

interface Unrefable {
  unref?: () => void;
}

function setTimer(work: () => void, ms: number, keepAlive: boolean): unknown {
  const timer: unknown = setTimeout(work, ms);
  if (keepAlive) return timer;
  if (typeof timer === "object" && timer !== null) (timer as Unrefable).unref?.();
  // Deno's timers are numbers.
  else (globalThis as { Deno?: { unrefTimer?: (timer: unknown) => void } }).Deno?.unrefTimer?.(timer);
  return timer;
}

/** The host with its defaults filled in. */
export function completeHost(host: Host = {}): WholeHost {
  return {
    // Looked up at each call: tests and tracing tools replace it.
    fetch: host.fetch ?? ((input, init) => globalThis.fetch(input, init)),
    transport: host.transport ?? (() => undefined),
    now: host.now ?? (() => Date.now()),
    mono: host.mono ?? (() => performance.now() + BEFORE),
    random: host.random ?? ((bytes) => void crypto.getRandomValues(bytes as Uint8Array<ArrayBuffer>)),
    setTimer: host.setTimer ?? setTimer,
    clearTimer: host.clearTimer ?? ((timer) => clearTimeout(timer as number)),
    resolveSecret: host.resolveSecret ?? (() => undefined),
    log: host.log ?? ((message, error) => console.error(message, error)),
  };
}

/** The environment of the process, where there is one and it may be read. */
export function processVariable(name: string): string | undefined {
  try {
    return (globalThis as { process?: { env?: Record<string, string | undefined> } }).process?.env?.[name];
  } catch {
    return undefined; // Deno without the permission to read it.
  }
}

/** A seed: 53 random bits. */
export function randomSeed(host: WholeHost): number {
  const bytes = new Uint8Array(8);
  host.random(bytes);
  const view = new DataView(bytes.buffer);
  return (view.getUint32(0) & 0x1f_ffff) * 2 ** 32 + view.getUint32(4);
}
