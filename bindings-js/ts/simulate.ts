// A policy against a script, in virtual time. The runner is a WebAssembly of its own, loaded when it is asked for.
import { CredpoolError, messageOf } from "./errors.js";

/** What came of a scenario. */
export interface ScenarioReport {
  readonly steps: readonly ScenarioStep[];
  /** Steps that came out as expected. */
  readonly passed: number;
  /** Steps that did not. */
  readonly failed: number;
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

let load: () => Promise<Simulator> = async () => {
  const [{ default: base64 }, { initSync, simulate }, { decodeBase64 }] = await Promise.all([
    import("./wasm/simulator-bytes.js"),
    import("./wasm/simulator.js"),
    import("./load/base64.js"),
  ]);
  initSync({ module: decodeBase64(base64) });
  return simulate;
};
let loading: Promise<Simulator> | undefined;

/** Says how the runner is loaded where it may not be compiled from bytes. */
export function loadSimulatorBy(loader: () => Promise<Simulator>): void {
  load = loader;
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
    if (error instanceof WebAssembly.RuntimeError) {
      throw new CredpoolError("internal", `the scenario runner broke: ${messageOf(error)}. Please report this, with the scenario`, { cause: error });
    }
    throw new CredpoolError("invalid", messageOf(error));
  }
}

/** The runner, loaded once. A load that failed (an address out of reach, say) is tried again. */
function loaded(): Promise<Simulator> {
  loading ??= load().catch((error: unknown) => {
    loading = undefined;
    throw error;
  });
  return loading;
}
