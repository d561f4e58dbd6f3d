// @ts-check
// npm run build: the set-up that a build needs, then the package into pkg/.
import { buildPackage } from "./build/package.mjs";
import { main } from "./lib/main.mjs";
import { forBuild, setUp } from "./setup/index.mjs";

await main(async () => {
  await setUp(forBuild);
  await buildPackage();
});
