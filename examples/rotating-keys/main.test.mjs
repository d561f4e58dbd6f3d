// @ts-check
/** The demonstration as a user sees it in a pipe: all answered, no colours, no secret. Needs the built package. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

test("300 of 300 answered, and no key in the output", { timeout: 300_000 }, async () => {
  const main = fileURLToPath(new URL("main.mjs", import.meta.url));
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [main]);
  assert.match(stdout, /^300 of 300 answered$/m);
  assert.match(stdout, /one key, no retries +\d+ of 300/);
  assert.match(stdout, /The pool tried again [1-9]\d* times behind the scenes/);
  assert.match(stdout, /the pool +300 of 300/);
  assert.doesNotMatch(stdout + stderr, /canary-/, "a key was printed");
  assert.doesNotMatch(stdout, /\x1b/, "colours in a pipe");
  assert.equal(stderr.replace(/.*ExperimentalWarning.*\n.*--trace-warnings.*\n/g, ""), "");
});
