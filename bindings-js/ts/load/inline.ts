// The WebAssembly inlined as base64: no file, no fetch, nothing for a bundler to lose. Imported statically, for a service
// worker may import nothing later; decoded when a pool is opened.
import base64 from "../wasm/bytes.js";
import { initSync } from "../wasm/glue.js";
import presets from "../wasm/presets.js";
import { decodeBase64 } from "./base64.js";
import { loadEngineBy, started } from "./engine.js";
import { loadPresetsBy } from "./presets.js";

loadEngineBy(() => {
  started(initSync({ module: decodeBase64(base64) }));
});

loadPresetsBy(() => ({ default: presets }));
