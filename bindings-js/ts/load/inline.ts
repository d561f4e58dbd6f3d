// The WebAssembly inlined as base64: no file, no fetch, nothing for a bundler to lose. Imported statically, for a service
// worker may import nothing later; decoded when a pool is opened.
import base64 from "../wasm/bytes.js";
import { initSync } from "../wasm/glue.js";
import moreBase64 from "../wasm/more-bytes.js";
import presets from "../wasm/presets.js";
import { decodeBase64 } from "./base64.js";
import { loadEngineBy, started } from "./engine.js";
import { loadMoreBy } from "./more.js";
import { loadPresetsBy } from "./presets.js";

loadEngineBy(() => {
  started(initSync({ module: decodeBase64(base64) }));
});

loadMoreBy(() => decodeBase64(moreBase64));

loadPresetsBy(() => ({ default: presets }));
