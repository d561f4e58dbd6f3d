// The WebAssembly as a file of its own: fetched once, compiled while it streams, cached by the browser.
import initialise, { initSync as initialiseSync } from "../wasm/glue.js";

/** Where the module comes from: an address, an answer of `fetch`, the bytes, or a compiled module. */
export type WasmSource = string | URL | Request | Response | BufferSource | WebAssembly.Module;

/** Makes the module ready; call and await it once before anything else of this entry. Later calls do nothing. */
export async function init(source: WasmSource | Promise<Response> = new URL("../wasm/credpool.wasm", import.meta.url)): Promise<void> {
  await initialise({ module_or_path: source });
}

/** The same without an await, for who has the bytes or the compiled module at hand. */
export function initSync(module: BufferSource | WebAssembly.Module): void {
  initialiseSync({ module });
}
