// @ts-check
// npm test: the set-up, then every step, then the search for planted secrets, then one line that counts.
//   npm test -- --list             the steps
//   npm test -- --only rust,node   some of them
//   npm test -- --verbose          with all that the steps print
import fs from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { buildPackage } from "./build/package.mjs";
import { wasmEnvironment } from "./lib/cargo.mjs";
import { main } from "./lib/main.mjs";
import { output, root } from "./lib/paths.mjs";
import { Failure, ask, run } from "./lib/run.mjs";
import { bold, dim, duration, green, heading, line, quoted, red, withoutColour } from "./lib/say.mjs";
import { forBuild, setUp } from "./setup/index.mjs";
import { canaryEnvironment, searchOutput, searchSees } from "./test/canaries.mjs";
import { steps as allSteps } from "./test/steps.mjs";

const { values: options } = parseArgs({
  options: { only: { type: "string", multiple: true }, list: { type: "boolean" }, verbose: { type: "boolean" } },
});

/** @typedef {import("./test/steps.mjs").Step} Step */

/** @param {Step[]} all */
function chosen(all) {
  const names = options.only?.flatMap((list) => list.split(",")).filter(Boolean);
  if (!names) return all;
  const unknown = names.filter((name) => !all.some((step) => step.name === name));
  if (unknown.length > 0) throw new Failure(`no step is called ${unknown.join(", ")}; \`npm test -- --list\` names them`);
  return all.filter((step) => names.includes(step.name));
}

/** The sum of the counts that a step printed. @param {RegExp} pattern @param {string} text */
function count(pattern, text) {
  return [...withoutColour(text).matchAll(pattern)].reduce((sum, match) => sum + Number(match.slice(1).find(Boolean) ?? 0), 0);
}

let tried = false;
let built = false;
async function build() {
  tried = true;
  await buildPackage();
  built = true;
  return "";
}

/** Runs a step; answers what is wrong, or what is to be said of its success. @param {Step} step @param {string} log */
async function perform(step, log) {
  if (step.built && !built) throw new Failure("the package was not built, so there is nothing to test");
  let printed = "";
  const env = { ...canaryEnvironment, CREDPOOL_TEST_OUTPUT: output, ...(step.wasm ? await wasmEnvironment() : {}), ...step.environment?.() };
  for (const [program = "", ...args] of step.commands()) {
    const said = `${path.basename(program)} ${args.join(" ")}`;
    line(dim(`  $ ${said.length > 150 ? `${said.slice(0, 150)}...` : said}`));
    const result = await run(program, args, { env, log, limit: (step.minutes ?? 20) * 60_000 });
    printed += result.output;
    if (options.verbose) process.stdout.write(quoted(result.output));
    if (result.code !== 0) {
      if (!options.verbose) line(quoted(result.output.trimEnd().split("\n").slice(-80).join("\n")));
      throw new Failure(`ended with code ${result.code}; all it said is in ${path.relative(root, log)}`);
    }
  }
  if (!step.tests) return "";
  const passed = count(step.tests, printed);
  if (passed === 0) throw new Failure("ran no test");
  const skipped = step.skipped ? count(step.skipped, printed) : 0;
  if (skipped > 0) throw new Failure(`${skipped} tests were skipped: register a test only where it can run`);
  return `${passed} tests`;
}

let passed = 0;
/** @type {string[]} */
const failed = [];

/** One step with its heading and its result. @param {string} name @param {string} title @param {() => Promise<string>} work */
async function step(name, title, work) {
  const started = Date.now();
  heading(`${name}: ${title}`);
  try {
    const remark = await work();
    passed += 1;
    line(`  ${green("passed")} in ${duration(Date.now() - started)}${remark ? `, ${remark}` : ""}`);
  } catch (error) {
    failed.push(name);
    line(`  ${red("FAILED")} after ${duration(Date.now() - started)}: ${error instanceof Failure ? error.message : /** @type {Error} */ (error).stack}`);
  }
}

/** @param {boolean} whole a run of all steps must have planted something */
async function secrets(whole) {
  if (!searchSees()) throw new Failure("the search does not find what is there: it would prove nothing");
  const { files, planted, found } = searchOutput();
  if (found.length > 0) throw new Failure(`secrets were written:\n    ${found.join("\n    ")}`);
  if (whole && planted === 0) throw new Failure("no test has planted a canary: use canary() of tests/canaries.mjs");
  return `${planted} planted, none in ${files} files`;
}

await main(async () => {
  const steps = chosen(allSteps((await ask("cargo", ["nextest", "--version"])) !== undefined));
  if (options.list) {
    for (const { name, title } of steps) line(`${name.padEnd(16)}${title}`);
    line(`${"secrets".padEnd(16)}no planted secret in all that the steps wrote (always last)`);
    return 0;
  }
  const started = Date.now();
  const needed = steps.flatMap((one) => one.needs ?? []);
  await setUp(["rust", "npm", ...needed, ...(steps.some((one) => one.built) ? forBuild : [])]);
  fs.rmSync(output, { recursive: true, force: true });
  fs.mkdirSync(output, { recursive: true });

  for (const one of steps) {
    if (one.built && !tried) await step("build", "npm run build", build);
    await step(one.name, one.title, () => perform(one, path.join(output, `${one.name}.log`)));
  }
  await step("secrets", "no planted secret in all that the steps wrote", () => secrets(!options.only));

  line();
  for (const name of failed) line(`${red("FAILED")} ${name}`);
  line(dim(`in ${duration(Date.now() - started)}`));
  line(bold(`${passed} passed, ${failed.length} failed`));
  return failed.length > 0 ? 1 : 0;
});
