// The WebAssembly is inlined as base64 and instantiated while this module loads: no await, no file, no fetch, nothing
// for a bundler to lose. Imported first by the entry, so that everything after it finds the module ready.
import base64 from "../wasm/bytes.js";
import { initSync } from "../wasm/glue.js";
import { decodeBase64 } from "./base64.js";

initSync({ module: decodeBase64(base64) });
