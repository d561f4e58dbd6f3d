// @ts-check
// The README shows what the program prints.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { runProgram } from "../../tests/js/support/runtime.mjs";

test("the first steps print what the README shows", async () => {
  const program = fileURLToPath(new URL("main.mjs", import.meta.url));
  const { code, stdout, stderr } = await runProgram([program], { env: { OPENAI_API_KEY: "" } });
  assert.deepEqual([code, stderr], [0, ""]);
  // The last second may have ended.
  const printed = stdout.trimEnd().replace("back in 19 s", "back in 20 s");
  const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
  assert.ok(readme.includes(`\n${printed}\n`), `README.md does not show:\n${printed}`);
});
