// @ts-check
// The small frame of the checks here: each case is a line, a failure is told with its reason, the end counts.
import { Failure } from "../../../scripts/lib/run.mjs";
import { green, line, red } from "../../../scripts/lib/say.mjs";

let failed = 0;
let passed = 0;

/** @param {string} name @param {() => Promise<void> | void} work */
export async function check(name, work) {
  try {
    await work();
    passed += 1;
    line(`${green("ok")}      ${name}`);
  } catch (error) {
    failed += 1;
    const text = error instanceof Error ? (error instanceof Failure ? error.message : (error.stack ?? error.message)) : String(error);
    line(`${red("FAILED")}  ${name}\n        ${text.trim().split("\n").join("\n        ")}`);
  }
}

/** @param {string} got @param {string} wanted */
export function same(got, wanted) {
  if (got !== wanted) throw new Failure(`answered: ${got}\nexpected: ${wanted}`);
}

/** Ends the check. */
export function finish() {
  line(`${passed} passed, ${failed} failed`);
  process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
}
