// The WebAssembly as a file of its own: fetched once, compiled while it streams, cached by the browser.
import initialise, { initSync as initialiseSync } from "../wasm/glue.js";
import presets from "../wasm/presets.js";
import { loadEngineBy, started } from "./engine.js";
import { loadMoreBy, useMore } from "./more.js";
import type { MoreSource } from "./more.js";
import { loadPresetsBy } from "./presets.js";

/** Where the module comes from: an address, an answer of `fetch`, the bytes, or a compiled module. */
export type WasmSource = string | URL | Request | Response | BufferSource | WebAssembly.Module;

loadEngineBy(() => init());
loadMoreBy(() => fetched(new URL("./wasm/more.wasm", import.meta.url)), () => fetchedNow(new URL("./wasm/more.wasm", import.meta.url)));
// With the entry: a service worker imports nothing late.
loadPresetsBy(() => ({ default: presets }));

/** Late, and seldom: compiled when all of it is here. */
async function fetched(address: URL): Promise<BufferSource> {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`${answer.status} for ${address.pathname}`);
  return answer.arrayBuffer();
}

/** For a step that met what nobody foresaw: it cannot wait. Once in a program's life, and few have that. */
function fetchedNow(address: URL): BufferSource {
  const request = new XMLHttpRequest();
  request.open("GET", address, false);
  // A page may not ask for bytes so; in this character set each character has the byte in it.
  request.overrideMimeType("text/plain; charset=x-user-defined");
  request.send();
  if (request.status !== 200) throw new Error(`${request.status} for ${address.pathname}`);
  return Uint8Array.from(request.responseText, (character) => character.charCodeAt(0) & 255);
}

/** A service worker has no request that is not waited for: there both parts are loaded together. */
const mustWait = () => typeof XMLHttpRequest === "undefined";

/**
 * Makes the engine ready, from another source than the file beside this module where one is given. Later calls do nothing.
 * `more` is the engine's second part (`credpool/more.wasm`), for a program that has it at hand; else it is fetched from beside
 * this module when an account, another policy or a change needs it, and together with the first where there is no
 * `XMLHttpRequest` (service workers).
 */
// All entries are bundled into one folder, and `wasm/` is in it: the addresses hold there.
export async function init(source: WasmSource | Promise<Response> = new URL("./wasm/credpool.wasm", import.meta.url), more?: MoreSource): Promise<void> {
  if (more) useMore(more);
  // What is not to be had now is tried again when it is needed.
  const coming = !more && mustWait() ? fetched(new URL("./wasm/more.wasm", import.meta.url)).then(useMore, () => undefined) : undefined;
  started(await initialise({ module_or_path: source }));
  await coming;
}

/** The same without an await, for who has the bytes or the compiled modules at hand. */
export function initSync(module: BufferSource | WebAssembly.Module, more?: MoreSource): void {
  if (more) useMore(more);
  started(initialiseSync({ module }));
}
