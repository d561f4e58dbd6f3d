// @ts-check
// npm run bench: build, then measure. Options after `--` go to the benchmark.
import fs from "node:fs";
import { buildPackage } from "./build/package.mjs";
import { main } from "./lib/main.mjs";
import { at } from "./lib/paths.mjs";
import { Failure, run } from "./lib/run.mjs";
import { heading } from "./lib/say.mjs";
import { forBuild, setUp } from "./setup/index.mjs";

const benchmark = "tests/bench/run.mjs";

await main(async () => {
  if (!fs.existsSync(at(benchmark))) throw new Failure(`${benchmark} is missing: there is nothing to measure.`);
  await setUp(forBuild);
  await buildPackage();
  heading("Benchmark");
  const { code } = await run(process.execPath, [at(benchmark), ...process.argv.slice(2)], { output: "show", limit: 3 * 3_600_000 });
  return code;
});
