// The engine's WebAssembly, made ready when a pool is opened first: who imports the package and opens none pays for none.
// Where its bytes come from is the entry's to say: a file, base64 in JavaScript, an address, a compiled module.

/** Makes the engine ready. */
export type EngineLoader = () => Promise<void> | void;

let load: EngineLoader | undefined;
let own: object = {};
let loading: Promise<void> | undefined;

/** Says how the engine is loaded. The first entry that is imported says it; all entries share the one engine. */
export function loadEngineBy(loader: EngineLoader): void {
  load ??= loader;
}

/**
 * Makes the engine ready ahead of the first `CredentialPool.open()`, which does so by itself otherwise. May be called at
 * any time and as often as you like. Rejected where the WebAssembly is not to be had; a later call tries again.
 */
export function ready(): Promise<void> {
  return (loading ??= attempt());
}

/** It is ready: these are the WebAssembly's exports, as the glue gives them. */
export function started(exports: unknown): void {
  loading ??= Promise.resolve();
  own = exports as object;
  stack = (exports as { __stack_pointer?: WebAssembly.Global }).__stack_pointer;
  base = stack?.value as unknown;
}

/** What the WebAssembly exports: its second part imports it. */
export function engineExports(): object {
  return own;
}

// All pools are in one instance. A trap leaves its stack where it was: some hundred traps, and nobody has any stack left.
let stack: WebAssembly.Global | undefined;
let base: unknown;

/** After a trap, with no call under way: the next call has the whole stack again. */
export function restoreStack(): void {
  if (stack) stack.value = base;
}

async function attempt(): Promise<void> {
  try {
    await load?.();
  } catch (error) {
    loading = undefined;
    throw error;
  }
}
