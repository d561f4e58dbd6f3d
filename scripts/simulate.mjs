// @ts-check
// npm run simulate -- --seeds N: that many histories of processes, a store and a provider, with faults, in virtual time. A seed
// that fails is made as small as it goes and printed as a scenario, which `credpool simulate FILE` runs; --seed N runs one.
import { parseArgs } from "node:util";
import { main } from "./lib/main.mjs";
import { Failure, run } from "./lib/run.mjs";
import { heading } from "./lib/say.mjs";
import { setUp } from "./setup/index.mjs";

await main(async () => {
  const { values } = parseArgs({ options: { seeds: { type: "string" }, seed: { type: "string" } } });
  const { seeds = "100000", seed } = values;
  for (const [name, value] of Object.entries({ seeds, seed })) {
    if (value !== undefined && !/^\d{1,12}$/.test(value)) throw new Failure(`--${name}: expected a whole number`);
  }
  await setUp(["rust"]);
  heading("Simulation");
  const args = ["test", "--quiet", "--profile", "simulation", "--package", "credpool", "--test", "simulation", "--locked", "--", "--nocapture"];
  const { code } = await run("cargo", args, { env: { SEEDS: seeds, ...(seed !== undefined && { SEED: seed }) }, output: "show", limit: 24 * 3_600_000 });
  return code;
});
