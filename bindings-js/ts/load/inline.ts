// The WebAssembly inlined as base64: no file, no fetch, nothing for a bundler to lose. Imported statically, for a service
// worker may import nothing later; decoded when a pool is opened.
import base64 from "../wasm/bytes.js";
import { initSync } from "../wasm/glue.js";
import { decodeBase64 } from "./base64.js";
import { loadEngineBy, started } from "./engine.js";

loadEngineBy(() => {
  started(initSync({ module: decodeBase64(base64) }));
});
