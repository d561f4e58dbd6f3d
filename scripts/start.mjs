// @ts-check
// npm start: everything that the demonstration needs, then the demonstration.
import fs from "node:fs";
import { buildPackage } from "./build/package.mjs";
import { main } from "./lib/main.mjs";
import { at } from "./lib/paths.mjs";
import { Failure, run } from "./lib/run.mjs";
import { heading } from "./lib/say.mjs";
import { forBuild, setUp } from "./setup/index.mjs";

const demonstration = "examples/rotating-keys/main.mjs";

await main(async () => {
  if (!fs.existsSync(at(demonstration))) throw new Failure(`${demonstration} is missing: there is nothing to show.`);
  await setUp(forBuild);
  await buildPackage();
  heading("Demonstration");
  const { code } = await run(process.execPath, [at(demonstration), ...process.argv.slice(2)], { output: "show" });
  return code;
});
