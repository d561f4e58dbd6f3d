// @ts-check
// The entries of the package are one program: one WebAssembly instance, whichever way it is imported.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const manifest = JSON.parse(readFileSync(new URL("../../pkg/package.json", import.meta.url), "utf8"));

test("credpool is ready when it is imported", async () => {
  const credpool = await import("credpool");
  assert.equal(credpool.version(), manifest.version);
});

test("credpool/web exports what credpool does, and init", async () => {
  const { default: initialise, init, initSync, ...rest } = await import("credpool/web");
  const credpool = await import("credpool");
  assert.equal(initialise, init);
  assert.equal(typeof initSync, "function");
  assert.deepEqual(Object.keys(rest).sort(), Object.keys(credpool).sort());
});

test("init after import of credpool does nothing, and any source is right", async () => {
  await import("credpool");
  const { init, version } = await import("credpool/web");
  await init("file:///nowhere.wasm");
  assert.equal(version(), manifest.version);
});

test("the wasm file has an address of its own", async () => {
  const wasm = readFileSync(new URL(import.meta.resolve("credpool/credpool.wasm")));
  assert.deepEqual([...wasm.subarray(0, 4)], [0, 0x61, 0x73, 0x6d]);
});
