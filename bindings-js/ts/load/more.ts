// The engine's second WebAssembly: what an everyday program with keys does not do (scripts/build/split/everyday.mjs is such a
// program, and decides it). It shares the first one's memory. Whoever says to the engine what needs it as a rule has it made ready
// before; what is met within a step unforeseen (a door that is closed) is loaded at once, for a step is whole or it is not.
import { CredpoolError, messageOf } from "../errors.js";
import type { CredentialInput, PoolInput, RowData } from "../protocol.js";
import { onMissing } from "../wasm/glue.js";
import { engineExports } from "./engine.js";

/** Where it comes from: at once where the runtime can, so that a command takes effect when it is given. */
export type MoreLoader = () => MoreSource | Promise<MoreSource>;
export type MoreSource = BufferSource | WebAssembly.Module;

let load: MoreLoader | undefined;
let loadNow: (() => MoreSource | undefined) | undefined;
let loading: Promise<void> | undefined;
let loaded = false;

/** Says how it is loaded, and how at once, if that is another way. The first entry that is imported says it. */
export function loadMoreBy(loader: MoreLoader, atOnce: () => MoreSource | undefined = withoutPromise(loader)): void {
  if (load) return;
  [load, loadNow] = [loader, atOnce];
  onMissing(open);
}

/** Where it comes from after all, said by the program: goes before the entry's word. */
export function useMore(source: MoreSource): void {
  if (loaded) return;
  load = loadNow = () => source;
  onMissing(open);
}

function withoutPromise(loader: MoreLoader): () => MoreSource | undefined {
  return () => {
    const source = loader();
    return source instanceof Promise ? undefined : source;
  };
}

/** A step met a door that is closed and could not be opened: what it had begun cannot be undone. */
export class ClosedDoor extends CredpoolError {}

/** Has it there when it answers: called by the engine, in the midst of a step. */
function open(): void {
  if (loaded) return;
  try {
    join(loadNow?.());
  } catch (error) {
    throw new ClosedDoor("internal", `a step needed more.wasm, which is not to be had: ${messageOf(error)}`, { cause: error });
  }
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

/** The same for what answers without a promise. Thrown where it is not to be had at once: a `CredpoolError`. */
export function need(): void {
  if (hasMore()) return;
  try {
    join(loadNow?.());
  } catch (error) {
    throw missing(error);
  }
}

function join(source: MoreSource | undefined): void {
  if (source === undefined) throw new Error("it is not here, and cannot be waited for");
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
  const message = `the part of the engine for accounts, other policies, changes and explanations (more.wasm) is not to be had: ${messageOf(error)}. \`credpool/web\` fetches it from beside credpool.wasm; init() and initSync() take it as their second argument`;
  return error instanceof CredpoolError ? error : new CredpoolError("unavailable", message, { cause: error });
}

/** What every program says to the engine; whatever else there is needs the second part. */
const COMMON: ReadonlySet<string> = new Set(["tick", "load", "acquire", "cancel", "report", "add", "override", "flush", "loaded", "committed", "appended", "failed"]);

/** Does this step need it? */
export function needsMore(input: PoolInput): boolean {
  if ("add" in input) return input.add.credentials.some(isSeldom);
  if ("loaded" in input) return input.loaded.rows.some(isSeldomRow);
  for (const kind in input) if (!COMMON.has(kind)) return true;
  return false;
}

/** Accounts, and keys with limits of their own. */
function isSeldom({ kind, access, refresh, limits }: CredentialInput): boolean {
  return kind === "oauth" || access !== undefined || refresh !== undefined || limits !== undefined;
}

/** Is this row one of those? Where that cannot be told without reading it, it may be. */
export function isSeldomRow({ kind, data }: RowData): boolean {
  if (kind === "refresh") return true;
  return kind === "credential" && data != null && (data.includes("oauth") || data.includes('"limits"') || data.includes("\\u"));
}
