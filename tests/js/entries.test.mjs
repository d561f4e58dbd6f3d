// @ts-check
// The entries of the package are one program: one WebAssembly instance, whichever way it is imported.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const manifest = JSON.parse(readFileSync(new URL("../../pkg/package.json", import.meta.url), "utf8"));

test("credpool says its version when it is imported, and is ready when that is asked for or a pool is opened", async () => {
  const credpool = await import("credpool");
  assert.equal(credpool.version(), manifest.version);
  await Promise.all([credpool.ready(), credpool.ready()]);
  await (await credpool.CredentialPool.open({ env: false })).close();
});

test("credpool/simulate is the same runner", async () => {
  const { simulate, ...rest } = await import("credpool/simulate");
  const credpool = await import("credpool");
  assert.equal(simulate, credpool.simulate);
  assert.deepEqual(rest, { CredpoolError: credpool.CredpoolError });
  const scenario = { name: "it runs", credentials: [{ name: "a", provider: "openai", key: "k" }], steps: [{ at: 0, acquire: { provider: "openai" }, expect: { name: "a" } }] };
  assert.equal((await simulate(scenario)).passed, 1);
});

test("every entry of the package has one engine, by whatever condition it is imported", async () => {
  const { CredentialPool } = await import("credpool");
  for (const entry of ["index", "node", "web"]) {
    const module = await import(`../../pkg/dist/js/${entry}.js`);
    assert.equal(module.CredentialPool, CredentialPool, entry);
  }
});

test("credpool/web exports what credpool does, and init", async () => {
  const { default: initialise, init, initSync, ...rest } = await import("credpool/web");
  const credpool = await import("credpool");
  assert.equal(initialise, init);
  assert.equal(typeof initSync, "function");
  assert.deepEqual(Object.keys(rest).sort(), Object.keys(credpool).sort());
});

test("init does nothing where the engine is ready, and any source is right", async () => {
  const { ready } = await import("credpool");
  await ready();
  const { init, version } = await import("credpool/web");
  await init("file:///nowhere.wasm");
  assert.equal(version(), manifest.version);
});

test("the wasm file has an address of its own", async () => {
  const wasm = readFileSync(new URL(import.meta.resolve("credpool/credpool.wasm")));
  assert.deepEqual([...wasm.subarray(0, 4)], [0, 0x61, 0x73, 0x6d]);
});
