// `credpool/simulate`: the scenario runner, imported statically: for service workers, which import nothing late.
import { decodeBase64 } from "./load/base64.js";
import { loadSimulatorBy } from "./simulate.js";
import base64 from "./wasm/simulator-bytes.js";
import { initSync, simulate as run } from "./wasm/simulator.js";

loadSimulatorBy(() => {
  initSync({ module: decodeBase64(base64) });
  return run;
});

export { CredpoolError } from "./errors.js";
export { simulate } from "./simulate.js";
export type { ScenarioReport, ScenarioStep } from "./simulate.js";
