// @ts-check
// npm run month: four weeks of ten accounts with windows of five hours and of a week, in virtual time: what each strategy serves of one
// load, and how much is lost at weekly resets. -- --seeds N for more loads, --days N for longer. The table is in docs/usage.md.
import { parseArgs } from "node:util";
import { main } from "./lib/main.mjs";
import { Failure, run } from "./lib/run.mjs";
import { heading } from "./lib/say.mjs";
import { setUp } from "./setup/index.mjs";

await main(async () => {
  const { values } = parseArgs({ options: { seeds: { type: "string" }, days: { type: "string" }, sessions: { type: "string" } } });
  const { seeds = "5", days = "28", sessions = "480" } = values;
  for (const [name, value] of Object.entries({ seeds, days, sessions })) {
    if (!/^[1-9]\d{0,5}$/.test(value)) throw new Failure(`--${name}: expected a whole number`);
  }
  await setUp(["rust"]);
  heading("A month of ten accounts");
  const args = ["test", "--quiet", "--profile", "simulation", "--package", "credpool", "--test", "month", "--locked", "--", "--nocapture"];
  const env = { SEEDS: seeds, DAYS: days, REPORT_MINUTES: "5", SESSIONS_PER_THOUSAND_MINUTES: sessions };
  const { code } = await run("cargo", args, { env, output: "show", limit: 3_600_000 });
  return code;
});
