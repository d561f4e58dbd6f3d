// Cloudflare's workers may not compile bytes at run time: there the bundler hands the .wasm over as a compiled module.
import module from "../wasm/credpool.wasm";
import { initSync } from "../wasm/glue.js";
import { simulatorFrom } from "./simulator.js";

initSync({ module });
simulatorFrom(async () => (await import("../wasm/simulator.wasm")).default);
