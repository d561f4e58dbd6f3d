// @ts-check
// Files of other tools through `credpool/import`: the same vectors as in Rust, and what a program gets to see.
import assert from "node:assert/strict";
import fs from "node:fs";
import { test } from "node:test";
import { CredentialPool } from "credpool";
import { CredpoolError, detectTool, readToolFile, TOOLS, writeToolFiles } from "credpool/import";

const folder = new URL("vectors/", import.meta.url);
/** @type {(value: unknown) => unknown} */
const plain = (value) => JSON.parse(JSON.stringify(value));

for (const name of fs.readdirSync(folder).sort()) {
  test(`the vectors of ${name}`, async () => {
    for (const { name: what, tool, text, json, beside, expect } of JSON.parse(fs.readFileSync(new URL(name, folder), "utf8"))) {
      const given = text ?? JSON.stringify(json);
      if (expect.error !== undefined) {
        await assert.rejects(readToolFile(given, { tool, beside }), (error) => error instanceof CredpoolError && error.code === "invalid" && error.message === expect.error, what);
      } else {
        assert.deepEqual(plain(await readToolFile(given, { tool, beside })), expect, what);
        if (tool === undefined) assert.equal(await detectTool(given), expect.tool, what);
      }
    }
  });
}

test("what was found may be added, and what is exported comes back", async () => {
  const { credentials } = await readToolFile("OPENAI_API_KEY=sk-1\nANTHROPIC_AUTH_TOKEN=t-1\nGROQ_API_KEY_WORK=gsk-1\n");
  const pool = await CredentialPool.open({ env: false });
  await pool.addMany(credentials.map(({ credential }) => credential));
  await pool.update("openai:default", { excludedModels: ["o1*"], prefix: "team", priority: 3, limits: { requests: 60, budget: { windowMs: 60_000, usd: 0.5 } } });
  const profiles = pool.profiles.list().map(({ id }) => pool.profiles.export(id));
  assert.deepEqual(profiles.find(({ provider }) => provider === "openai"), { provider: "openai", name: "default", kind: "api_key", key: "sk-1", priority: 3, excludedModels: ["o1*"], prefix: "team", limits: { requests: 60, budget: { windowMs: 60_000, usd: 0.5 } } });
  const { files, losses } = await writeToolFiles("env", profiles);
  assert.equal(files[0]?.text, "ANTHROPIC_OAUTH_TOKEN=t-1\nGROQ_API_KEY_WORK=gsk-1\nOPENAI_API_KEY=sk-1\n");
  assert.deepEqual(losses.find(({ index }) => profiles[index]?.provider === "openai")?.fields, ["name", "priority", "excludedModels", "prefix", "limits"]);
  for (const tool of TOOLS) {
    const written = await writeToolFiles(tool, profiles);
    assert.ok(written.losses.every(({ index }) => index < 3), tool);
  }
  await pool.close();
});

test("what is no credential is refused with its place", async () => {
  const wrong = /** @type {any} */ ([{ provider: "openai", key: "sk-1" }, { provider: "openai" }]);
  await assert.rejects(writeToolFiles("env", wrong), /credentials\[1\]: expected a provider/);
  await assert.rejects(readToolFile("{}", { tool: /** @type {any} */ ("emacs") }), /no such tool; there are: oh-my-pi/);
});
