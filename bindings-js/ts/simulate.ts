// A policy against a script, in virtual time. The runner is a WebAssembly of its own, loaded when it is asked for.
import { CredpoolError, messageOf } from "./errors.js";
import { decodeBase64 } from "./load/base64.js";

/** What came of a scenario. */
export interface ScenarioReport {
  readonly steps: readonly ScenarioStep[];
  /** Steps that came out as expected. */
  readonly passed: number;
  /** Steps that did not. */
  readonly failed: number;
  /** Of a scenario with a `world`: the first rule that was broken, and when. Nothing runs after it. */
  readonly broken?: string;
}

/** What came of one step. */
export interface ScenarioStep {
  /** Its number, from 0. */
  readonly step: number;
  /** When it ran, in milliseconds since the scenario's start. */
  readonly at: number;
  /** Its verb. */
  readonly did: string;
  readonly result: unknown;
  /** Each difference from what was expected, with its place; absent where nothing was expected. */
  readonly differences?: readonly string[];
}

/** What runs a scenario: JSON in, JSON out. */
export type Simulator = (scenario: string) => string;

/** How the runner is loaded; inlined and imported late, unless an entry says otherwise. */
let load: () => Promise<Simulator> | Simulator = async () => {
  const [{ default: base64 }, { initSync, simulate }] = await Promise.all([import("./wasm/simulator-bytes.js"), import("./wasm/simulator.js")]);
  initSync({ module: decodeBase64(base64) });
  return simulate;
};
let loading: Promise<Simulator> | undefined;

let atHand = false;

/** Says how the runner is loaded. Who has it at hand (`credpool/simulate`) is asked before who would import it late. */
export function loadSimulatorBy(loader: () => Promise<Simulator> | Simulator, late = false): void {
  if (late && atHand) return;
  load = loader;
  atHand = !late;
}

/**
 * Runs a scenario, given as JSON or as an object. The same scenario gives the same report everywhere. Rejected with a
 * `CredpoolError` of code `invalid` where it is no scenario; the message names the place, `steps[3].acquire.model`.
 */
export async function simulate(scenario: string | object): Promise<ScenarioReport> {
  const run = await loaded();
  try {
    return JSON.parse(run(typeof scenario === "string" ? scenario : JSON.stringify(scenario))) as ScenarioReport;
  } catch (error) {
    if (error instanceof WebAssembly.RuntimeError || error instanceof RangeError) {
      throw new CredpoolError("internal", `the scenario runner broke: ${messageOf(error)}. Please report this, with the scenario`, { cause: error });
    }
    throw new CredpoolError("invalid", messageOf(error));
  }
}

/** The runner, loaded once. A load that failed (an address out of reach, say) is tried again. */
function loaded(): Promise<Simulator> {
  return (loading ??= attempt());
}

async function attempt(): Promise<Simulator> {
  try {
    return await load();
  } catch (error) {
    loading = undefined;
    // What a service worker says of a late import is this, in each browser's own words.
    const late = error instanceof TypeError && "ServiceWorkerGlobalScope" in globalThis;
    throw late ? new CredpoolError("invalid", "a service worker imports nothing late: import { simulate } from \"credpool/simulate\"", { cause: error }) : error;
  }
}
