// The WebAssembly as a file beside this module, where there is a file system: Node, Bun, Deno. No base64, which costs
// more than the compiling. A bundler that leaves the file behind, and a Deno that may not read it, get the base64 after all.
import { initSync } from "../wasm/glue.js";
import { loadSimulatorBy } from "../simulate.js";
import { decodeBase64 } from "./base64.js";
import { loadEngineBy, started } from "./engine.js";
import { loadMoreBy, more } from "./more.js";
import { loadPresetsBy } from "./presets.js";

interface WithFiles {
  process?: { getBuiltinModule?(name: "node:fs"): { readFileSync(file: URL): Uint8Array<ArrayBuffer> } | undefined };
  Deno?: { permissions: { querySync(asked: { name: "read"; path: URL }): { state: string } } };
}

/** The file's bytes, or those that are inlined. */
export async function bytes(where: () => URL, inlined: () => Promise<{ default: string }>): Promise<Uint8Array<ArrayBuffer>> {
  return read(where) ?? inlinedBytes(inlined);
}

async function inlinedBytes(inlined: () => Promise<{ default: string }>): Promise<Uint8Array<ArrayBuffer>> {
  return decodeBase64((await inlined()).default);
}

function read(where: () => URL): Uint8Array<ArrayBuffer> | undefined {
  try {
    // Bundled into CommonJS there is no address either.
    const file = where();
    const { process, Deno } = globalThis as WithFiles;
    // Deno would ask the user; nobody is to be asked for this.
    const allowed = !Deno || Deno.permissions.querySync({ name: "read", path: file }).state === "granted";
    return allowed ? process?.getBuiltinModule?.("node:fs")?.readFileSync(file) : undefined;
  } catch {
    // Not there, or not to be read.
    return undefined;
  }
}

// All entries are bundled into one folder, and `wasm/` is in it: the addresses hold there.
loadEngineBy(async () => {
  const file = read(() => new URL("./wasm/credpool.wasm", import.meta.url));
  started(initSync({ module: await WebAssembly.compile(file ?? (await inlinedBytes(() => import("../wasm/bytes.js")))) }));
  // Without files nothing can be had at once: then all of it is there from the beginning.
  if (!file) await more();
});

const readMore = () => read(() => new URL("./wasm/more.wasm", import.meta.url));
loadMoreBy(() => readMore() ?? inlinedBytes(() => import("../wasm/more-bytes.js")), readMore);

loadPresetsBy(() => import("../wasm/presets.js"));

loadSimulatorBy(async () => {
  const [file, simulator] = await Promise.all([
    bytes(() => new URL("./wasm/simulator.wasm", import.meta.url), () => import("../wasm/simulator-bytes.js")),
    import("../wasm/simulator.js"),
  ]);
  simulator.initSync({ module: await WebAssembly.compile(file) });
  return simulator.simulate;
}, true);
