// `credpool/simulate` under the condition `node`: the runner is read from its file, as by `credpool`.
import "./load/file.js";

export { CredpoolError } from "./errors.js";
export { simulate } from "./simulate.js";
export type { ScenarioReport, ScenarioStep } from "./simulate.js";
