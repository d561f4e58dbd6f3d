// The engine's second WebAssembly: what a program with keys and the default rules never does. It shares the first one's memory,
// and is made ready before the first step that may need it. Which steps these are is said here; which functions are in it, in
// scripts/build/split/seldom.mjs. The engine itself cannot ask for it: a step is whole or it is not.
import { CredpoolError, messageOf } from "../errors.js";
import type { CredentialInput, PoolInput, RowData } from "../protocol.js";
import { engineExports } from "./engine.js";

/** Where it comes from: at once where the runtime can, so that a command takes effect when it is given. */
export type MoreLoader = () => MoreSource | Promise<MoreSource>;
export type MoreSource = BufferSource | WebAssembly.Module;

let load: MoreLoader | undefined;
let loading: Promise<void> | undefined;
let loaded = false;

/** Says how it is loaded. The first entry that is imported says it. */
export function loadMoreBy(loader: MoreLoader): void {
  load ??= loader;
}

/** Where it comes from after all, said by the program: goes before the entry's word. */
export function useMore(source: MoreSource): void {
  if (!loaded) load = () => source;
}

/** Is it there? */
export function hasMore(): boolean {
  return loaded || isWhole();
}

/**
 * Makes it ready; nothing is answered where that is done at once. Rejected, or thrown, where it is not to be had: a
 * `CredpoolError`. A later call tries again.
 */
export function more(): Promise<void> | undefined {
  if (hasMore()) return undefined;
  if (loading) return loading;
  try {
    const source = load?.();
    if (!(source instanceof Promise)) return void join(source);
    loading = source
      .then((found) => (found instanceof WebAssembly.Module ? found : WebAssembly.compile(found)))
      .then(join)
      .catch((error: unknown) => {
        loading = undefined;
        throw missing(error);
      });
    return loading;
  } catch (error) {
    throw missing(error);
  }
}

function join(source: MoreSource | undefined): void {
  if (source === undefined) throw new Error("this entry does not say where it is");
  if (loaded) return;
  const module = source instanceof WebAssembly.Module ? source : new WebAssembly.Module(source);
  new WebAssembly.Instance(module, { credpool: engineExports() as WebAssembly.ModuleImports });
  loaded = true;
}

/** An engine that was not split has everything in it. */
function isWhole(): boolean {
  return !("__table" in engineExports());
}

function missing(error: unknown): CredpoolError {
  const message = `the part of the engine for accounts, other policies and changes (more.wasm) is not to be had: ${messageOf(error)}. \`credpool/web\` fetches it from beside credpool.wasm; init() and initSync() take it as their second argument`;
  return error instanceof CredpoolError ? error : new CredpoolError("unavailable", message, { cause: error });
}

/** What every program says to the engine; whatever else there is needs the second part. */
const COMMON: ReadonlySet<string> = new Set(["tick", "load", "acquire", "cancel", "report", "add", "override", "flush", "loaded", "changed", "committed", "appended", "failed"]);

/** Does this step need it? */
export function needsMore(input: PoolInput): boolean {
  if ("add" in input) return input.add.credentials.some(isAccount);
  if ("loaded" in input) return input.loaded.rows.some(isOfAccount);
  if ("changed" in input) return input.changed.rows.some(isOfAccount);
  for (const kind in input) if (!COMMON.has(kind)) return true;
  return false;
}

function isAccount({ kind, access, refresh }: CredentialInput): boolean {
  return kind === "oauth" || access !== undefined || refresh !== undefined;
}

/** Is this row an account's? Where that cannot be told without reading it, it may be. */
export function isOfAccount({ kind, data }: RowData): boolean {
  if (kind === "refresh") return true;
  return kind === "credential" && data != null && (data.includes("oauth") || data.includes("\\u"));
}
