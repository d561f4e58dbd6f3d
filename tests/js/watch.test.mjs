// @ts-check
// What one pool writes the others learn by themselves, where the store tells of it; what is of no use to them is not read.
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { CredentialPool, memoryStore } from "credpool";
import { sqliteStore } from "credpool/node";
import { addKeys, leased, LIMITED, open } from "./support/pool.mjs";
import { eventually } from "./support/eventually.mjs";
import { settle } from "./support/host.mjs";
import { runProgram } from "./support/runtime.mjs";

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "credpool-watch-"));
process.on("exit", () => fs.rmSync(folder, { recursive: true, force: true }));

test("pools that share a store in memory learn of each other's credentials and cooldowns", async () => {
  const store = memoryStore();
  const [{ pool: one }, { pool: two, host }] = await Promise.all([open({ store }), open({ store })]);
  await addKeys(one, "a", "b");
  await settle();
  assert.deepEqual(two.list().map(({ name }) => name), ["a", "b"]);
  await leased(one.tryAcquire("openai", { model: "m" })).report(LIMITED);
  await host.advance(200);
  assert.equal(two.list().filter(({ status }) => status === "cooling").length, 1);
  await one.remove("openai:a");
  await host.advance(200);
  assert.deepEqual(two.list().map(({ name }) => name), ["b"]);
  await Promise.all([one.close(), two.close()]);
  assert.equal(host.timers.size, 0);
});

test("its own commits and others' last uses make a pool read nothing", async () => {
  const store = memoryStore();
  const { load } = store;
  const loads = { whole: 0, part: 0 };
  store.load = (since) => ((loads[since === undefined ? "whole" : "part"] += 1), load.call(store, since));
  const [{ pool: one, host }, { pool: two, host: other }] = await Promise.all([open({ store }), open({ store })]);
  await addKeys(one, "a");
  await Promise.all([host.advance(2000), other.advance(2000)]);
  loads.whole = loads.part = 0;
  for (let n = 0; n < 10; n += 1) {
    leased(one.tryAcquire("openai", { model: "m" })).release();
    await Promise.all([host.advance(2000), other.advance(2000)]);
  }
  assert.equal(loads.whole, 0, "last uses are no news");
  assert.ok(loads.part > 0 && loads.part <= 20, `looked at ${loads.part} times`);
  await two.update("openai:a", { priority: 3 });
  await Promise.all([host.advance(2000), other.advance(2000)]);
  assert.equal(loads.whole, 1, "only the other pool reads what one has changed");
  assert.equal(one.get("openai:a")?.priority, 3);
  await Promise.all([one.close(), two.close()]);
});

test("a store that fails while it is looked at is told without its words, and looked at again", async () => {
  const store = memoryStore();
  const [{ pool: one }, { pool: two, host }] = await Promise.all([open({ store }), open({ store })]);
  const { load } = store;
  store.load = () => Promise.reject(new Error("down, the key is sk-a"));
  await addKeys(one, "a");
  await settle();
  store.load = load;
  await addKeys(one, "b");
  await host.advance(200);
  assert.deepEqual(two.list().map(({ name }) => name), ["a", "b"]);
  assert.match(host.logged.map(([message]) => message).join(), /could not be read again/);
  await Promise.all([one.close(), two.close()]);
});

test("sqlite: what another process commits is seen, and the file keeps no process alive", async () => {
  const file = path.join(folder, "shared.db");
  const pool = await CredentialPool.open({ store: sqliteStore(file), env: false });
  const program = fileURLToPath(new URL("support/adder.mjs", import.meta.url));
  const { code, stderr } = await runProgram([program, file, "theirs"]);
  assert.deepEqual([code, stderr], [0, ""]);
  await eventually(() => pool.get("openai:theirs") !== undefined, "the other process's credential");
  await pool.close();
});
