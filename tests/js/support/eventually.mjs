// @ts-check
// What comes by itself is waited for as long as a very busy machine may need; a test ends as soon as it is there.
import assert from "node:assert/strict";

const PATIENCE_MS = 60_000;

/** @param {() => boolean | Promise<boolean>} there @param {string} [what] */
export async function eventually(there, what = String(there)) {
  for (const end = performance.now() + PATIENCE_MS; !(await there()); ) {
    assert.ok(performance.now() < end, `did not come within ${PATIENCE_MS / 1000} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
