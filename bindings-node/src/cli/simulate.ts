// credpool simulate: scenarios, in virtual time.
import { CredpoolError, simulate } from "credpool";
import type { ScenarioReport } from "credpool";
import { UsageError } from "./command.js";
import type { Command, Context } from "./command.js";

export const simulateCommand: Command = {
  name: "simulate",
  summary: "try a policy: run scenarios in virtual time",
  help: `Usage: credpool simulate [--check] FILE...

Runs scenarios (JSON; - reads one from the pipe) and prints one line of JSON for each step:
{"step":0,"at":0,"did":"acquire","result":{...}}

Options:
  --check      compare with what the steps expect, say each difference,
               and close with "N passed, N failed"
  -h, --help   show this

Of a scenario with a world the rule that was broken, if one was, is the last line:
{"broken":"..."}

Exit code: 0 if all is well, 1 if a step came out differently or a rule was broken, 2 if a file is no scenario.`,
  words: ["file", "..."],
  options: { check: { type: "boolean" } },
  async run(context, values, files) {
    if (files.length === 0) throw new UsageError("simulate: name at least one file");
    const total = { passed: 0, failed: 0, unread: 0, broken: 0 };
    for (const file of files) {
      const report = await runFile(context, file);
      if (!report) {
        total.unread += 1;
        continue;
      }
      total.passed += report.passed;
      total.failed += report.failed;
      total.broken += report.broken === undefined ? 0 : 1;
      if (values.check === true) printDifferences(context, file, report);
      else printSteps(context, report);
    }
    if (values.check === true) context.out.line(context.out.paint(total.failed + total.unread > 0 ? "red" : "green", `${total.passed} passed, ${total.failed} failed`));
    if (total.unread > 0) return 2;
    return total.broken > 0 || (values.check === true && total.failed > 0) ? 1 : 0;
  },
};

/** `undefined` where the file is no scenario, which is said. */
async function runFile({ read, err }: Context, file: string): Promise<ScenarioReport | undefined> {
  try {
    return await simulate(await read(file));
  } catch (error) {
    if (error instanceof CredpoolError && error.code !== "invalid") throw error;
    err.line(`${err.paint("red", `${file}:`)} ${(error as Error).message}`);
    return undefined;
  }
}

function printSteps({ out }: Context, { steps, broken }: ScenarioReport): void {
  for (const { step, at, did, result } of steps) out.line(JSON.stringify({ step, at, did, result }));
  if (broken !== undefined) out.line(JSON.stringify({ broken }));
}

function printDifferences({ out }: Context, file: string, { steps, broken }: ScenarioReport): void {
  if (broken !== undefined) out.line(`${out.paint("red", `${file}:`)} broken: ${broken}`);
  for (const { step, did, differences = [] } of steps) {
    for (const difference of differences) out.line(`${out.paint("red", `${file}: steps[${step}].${did}:`)} ${difference}`);
  }
}
