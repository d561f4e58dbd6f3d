// The WebAssembly as the driver sees it.
import * as glue from "./wasm/glue.js";

export { WasmPool } from "./wasm/glue.js";

/** What the engine said when it broke; empty where it said nothing. */
export function takePanic(): string {
  return (glue as { takePanic?: () => string }).takePanic?.() ?? "";
}

/** How long `fetch` waits for a credential where the caller does not say: the policy's word. */
export function fetchWait(pool: glue.WasmPool): number {
  return (pool as { fetchWait?: () => number }).fetchWait?.() ?? 30_000;
}
