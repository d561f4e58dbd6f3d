// @ts-check
// The WebAssembly without the package around it.
import fs from "node:fs";
import { initSync, WasmPool } from "../../../pkg/dist/js/core.js";

initSync({ module: fs.readFileSync(new URL("../../../pkg/dist/js/wasm/credpool.wasm", import.meta.url)) });

export { WasmPool };
