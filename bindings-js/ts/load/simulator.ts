// The scenario runner is a second WebAssembly, loaded when it is asked for: a program that only uses the pool never
// carries it in memory. Its bytes come inlined, as the pool's do, unless a loader for a runtime says otherwise.
import type * as Simulator from "../wasm/simulator.js";
import { decodeBase64 } from "./base64.js";

type Source = () => Promise<BufferSource | WebAssembly.Module>;

let source: Source = async () => decodeBase64((await import("../wasm/simulator-bytes.js")).default);
let loading: Promise<typeof Simulator> | undefined;

/** Another place for the module to come from; told before it is first asked for. */
export function simulatorFrom(other: Source): void {
  source = other;
}

/** The scenario runner, loaded once. */
export function loadSimulator(): Promise<typeof Simulator> {
  loading ??= load().catch((error: unknown) => {
    // A failed load (an address out of reach, say) may be tried again.
    loading = undefined;
    throw error;
  });
  return loading;
}

async function load(): Promise<typeof Simulator> {
  const [module, simulator] = await Promise.all([source(), import("../wasm/simulator.js")]);
  simulator.initSync({ module });
  return simulator;
}
