// @ts-check
// The commands start in a clone in which nothing is installed yet: they import nothing of npm's before their set-up has run.
import assert from "node:assert/strict";
import fs from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

test("scripts import only Node's modules and each other", () => {
  const folder = fileURLToPath(new URL("../../scripts/", import.meta.url));
  const files = /** @type {string[]} */ (fs.readdirSync(folder, { recursive: true })).filter((name) => name.endsWith(".mjs"));
  assert.ok(files.length > 15, `only ${files.length} scripts were found`);
  for (const file of files) {
    const imports = [...fs.readFileSync(folder + file, "utf8").matchAll(/^(?:import|export)\b[^;]*?from\s+"([^"]+)"|^import\s+"([^"]+)"/gm)];
    const others = imports.map(([, from, bare]) => from ?? bare ?? "").filter((name) => !/^(?:node:|\.)/.test(name));
    assert.deepEqual(others, [], `scripts/${file}: import it where it is used, with await import()`);
  }
});
