// `credpool/web`: the same API with the WebAssembly as a file. `await init()` once, then everything works.
export * from "./api.js";
export { init, init as default, initSync } from "./load/web.js";
export type { WasmSource } from "./load/web.js";
