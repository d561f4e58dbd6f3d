// Everything that the entries share, as one module of the package: a process loads two files, its entry and this. An
// entry adds where the WebAssembly comes from. Not exported by the package.
export * from "./api.js";
export { messageOf } from "./errors.js";
export { decodeBase64 } from "./load/base64.js";
export { loadEngineBy, started } from "./load/engine.js";
export { hasMore, loadMoreBy, more, useMore } from "./load/more.js";
export { loadPresetsBy } from "./load/presets.js";
export { loadSimulatorBy } from "./simulate.js";
export { default, initSync, WasmPool } from "./wasm/glue.js";
