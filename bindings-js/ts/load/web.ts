// The WebAssembly as a file of its own: fetched once, compiled while it streams, cached by the browser.
import initialise, { initSync as initialiseSync } from "../wasm/glue.js";
import presets from "../wasm/presets.js";
import { loadEngineBy, started } from "./engine.js";
import { loadPresetsBy } from "./presets.js";

/** Where the module comes from: an address, an answer of `fetch`, the bytes, or a compiled module. */
export type WasmSource = string | URL | Request | Response | BufferSource | WebAssembly.Module;

loadEngineBy(() => init());
// With the entry: a service worker imports nothing late.
loadPresetsBy(() => ({ default: presets }));

/** Makes the engine ready, from another source than the file beside this module where one is given. Later calls do nothing. */
// All entries are bundled into one folder, and `wasm/` is in it: the address holds there.
export async function init(source: WasmSource | Promise<Response> = new URL("./wasm/credpool.wasm", import.meta.url)): Promise<void> {
  started(await initialise({ module_or_path: source }));
}

/** The same without an await, for who has the bytes or the compiled module at hand. */
export function initSync(module: BufferSource | WebAssembly.Module): void {
  started(initialiseSync({ module }));
}
