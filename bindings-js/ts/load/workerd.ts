// Cloudflare's workers may not compile bytes at run time: there the bundler hands a .wasm over as a compiled module.
import module from "../wasm/credpool.wasm";
import more from "../wasm/more.wasm";
import { initSync } from "../wasm/glue.js";
import { loadSimulatorBy } from "../simulate.js";
import { loadEngineBy, started } from "./engine.js";
import { loadMoreBy } from "./more.js";
import { loadPresetsBy } from "./presets.js";

loadEngineBy(() => {
  started(initSync({ module }));
});

loadMoreBy(() => more);

loadPresetsBy(() => import("../wasm/presets.js"));

loadSimulatorBy(async () => {
  const [{ default: runner }, simulator] = await Promise.all([import("../wasm/simulator.wasm"), import("../wasm/simulator.js")]);
  simulator.initSync({ module: runner });
  return simulator.simulate;
}, true);
