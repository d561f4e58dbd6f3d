// @ts-check
// Presets: the pool's WebAssembly has `default` alone; the package has the others, and every entry finds them.
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { CredentialPool } from "credpool";
import { runProgram } from "./support/runtime.mjs";

const folder = mkdtempSync(join(tmpdir(), "credpool-presets-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

const documents = readdirSync(new URL("../../core/src/policy/presets/", import.meta.url));
const names = documents.filter((file) => /^[^.]+\.json$/.test(file)).map((file) => file.replace(/\.json$/, ""));
const sets = documents.filter((file) => file.endsWith(".classify.json")).map((file) => file.replace(/\.classify\.json$/, ""));

test("a pool opens under every preset, and takes every other one later", async () => {
  assert.ok(names.length >= 7 && names.includes("default"));
  for (const name of names) {
    const pool = await CredentialPool.open({ env: false, policy: name });
    for (const other of names) await pool.setPolicy({ extends: other, jitter: 1 });
    for (const set of sets) await pool.setPolicy({ classify: { extends: set } });
    await pool.setPolicy({ extends: name, classify: { extends: "default", rules: [] } });
    await pool.close();
  }
});

test("under another preset its rules hold, those of its answers too", async () => {
  const pool = await CredentialPool.open({ env: false, policy: "openclaw-v1" });
  await pool.add("openai", { kind: "api_key", key: "sk-a", name: "a" });
  const report = await (await pool.acquire("openai", { model: "m" })).report({ status: 401, body: '{"error":"insufficient credits"}' });
  // Of the set `openclaw`, which this preset shares.
  assert.equal(report.reason, "billing");
  await pool.close();
});

test("an unknown name is refused with the names that there are, and the pool goes on under the rules it had", async () => {
  const pool = await CredentialPool.open({ env: false, policy: "devclaw" });
  for (const policy of ["best", { extends: "toString" }, { extends: "__proto__" }]) {
    await assert.rejects(pool.setPolicy(policy), { code: "invalid", message: /there are: default, cliproxyapi, .*openclaw-v1/ });
  }
  await assert.rejects(pool.setPolicy({ classify: { extends: "best" } }), { code: "invalid", message: /classify\.extends: there are: default, / });
  await assert.rejects(pool.setPolicy({ extends: 3 }), { code: "invalid", message: /extends: expected the name/ });
  await pool.close();
});

test("every entry has the presets by itself", async () => {
  for (const entry of ["index", "node", "web"]) {
    const program = `
      import { readFileSync } from "node:fs";
      const folder = new URL(${JSON.stringify(new URL("../../pkg/dist/js/", import.meta.url).href)});
      const { CredentialPool, initSync } = await import(new URL("${entry}.js", folder));
      initSync?.(...["credpool", "more"].map((name) => readFileSync(new URL("wasm/" + name + ".wasm", folder))));
      await (await CredentialPool.open({ env: false, policy: { extends: "openclaw-v1", classify: { extends: "oh-my-pi" } } })).close();
      console.log("opened");`;
    const file = join(folder, `${entry}.mjs`);
    writeFileSync(file, program);
    const { stdout, stderr } = await runProgram([file]);
    assert.equal(stdout.trim(), "opened", `${entry}: ${stderr}`);
  }
});
