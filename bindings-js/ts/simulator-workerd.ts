// `credpool/simulate` under the condition `workerd`.
import { loadSimulatorBy } from "./simulate.js";
import { initSync, simulate as run } from "./wasm/simulator.js";
import module from "./wasm/simulator.wasm";

loadSimulatorBy(() => {
  initSync({ module });
  return run;
});

export { CredpoolError } from "./errors.js";
export { simulate } from "./simulate.js";
export type { ScenarioReport, ScenarioStep } from "./simulate.js";
