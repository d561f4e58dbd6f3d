// @ts-check
// Stores that last: how long a pool takes to open on 10,000 credentials, what a commit costs, and what is left of a pick while four
// processes write to the same store.
import { spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { CredentialPool } from "credpool";
import { at } from "../../../scripts/lib/paths.mjs";
import { programs, startCluster } from "../../postgres/support/cluster.mjs";
import { openStore } from "../../oauth/support/store.mjs";
import { figure } from "../lib/measure.mjs";
import { credentialRow } from "../lib/pools.mjs";

/** @typedef {import("../lib/rows.mjs").Row} Row */

const SIZE = 10_000;
const WRITERS = 4;

/** @param {import("../run.mjs").Context} context @returns {Promise<Row[]>} */
export async function stores({ progress, quick }) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "credpool-bench-"));
  /** @type {Row[]} */
  const rows = [];
  try {
    rows.push(...(await measure("SQLite", path.join(folder, "bench.db"), quick, progress)));
    if (programs()) {
      progress("PostgreSQL starts");
      const cluster = await startCluster();
      try {
        rows.push(...(await measure("PostgreSQL", JSON.stringify(cluster.options), quick, progress)));
      } finally {
        await cluster.remove();
      }
    }
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
  return rows;
}

/** @param {string} kind @param {string} place @param {boolean} quick @param {(text: string) => void} progress @returns {Promise<Row[]>} */
async function measure(kind, place, quick, progress) {
  const store = openStore(place);
  for (let from = 0; from < SIZE; from += 2_000) {
    await store.commit(Array.from({ length: 2_000 }, (_, n) => credentialRow(from + n + 1)).map(({ kind, id, data, secret }) => ({ kind, id, data, secret })));
  }
  const times = quick ? 3 : 9;
  /** @type {(name: string, work: (n: number) => Promise<unknown>, count: number) => Promise<Row>} */
  const timed = async (name, work, count) => {
    progress(`${kind}: ${name}`);
    const taken = [];
    for (let n = 0; n < count; n += 1) {
      const started = performance.now();
      await work(n);
      taken.push(performance.now() - started);
    }
    return { name: `${kind}: ${name}`, size: SIZE, unit: "ms", figure: figure(taken) };
  };
  const change = (/** @type {number} */ n) => ({ kind: "health", id: (n % SIZE) + 1, data: '{"until":0}' });
  const rows = [
    await timed("load", () => store.load(), times),
    await timed("open a pool", async () => {
      const own = openStore(place);
      await (await CredentialPool.open({ store: own, env: false })).close();
    }, times),
    await timed("commit of one change", (n) => store.commit([change(n)]), times * 20),
    await timed("commit of a hundred", (n) => store.commit(Array.from({ length: 100 }, (_, each) => change(n * 100 + each))), times * 4),
  ];

  const pool = await CredentialPool.open({ store, env: false });
  const picks = async () => {
    const taken = [];
    for (let round = 0; round < times * 3; round += 1) {
      const started = performance.now();
      for (let n = 0; n < 2_000; n += 1) (await pool.acquire("openai")).release();
      taken.push(((performance.now() - started) * 1e6) / 2_000);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return figure(taken);
  };
  progress(`${kind}: acquire`);
  const alone = await picks();
  const program = at("tests/bench/child/writer.mjs");
  const writers = Array.from({ length: WRITERS }, (_, n) => spawn(process.execPath, [program, place, String(n)], { stdio: ["ignore", "pipe", "inherit"] }));
  let commits = 0;
  await Promise.all(writers.map(({ stdout }) => new Promise((resolve) => stdout.on("data", (said) => (resolve(undefined), (commits += String(said).length))))));
  progress(`${kind}: acquire under ${WRITERS} writers`);
  const [before, began] = [commits, performance.now()];
  const crowded = await picks();
  const each = Math.round((1000 * (commits - before)) / (performance.now() - began));
  const mine = await timed(`commit of one change, ${WRITERS} others write`, (n) => store.commit([change(n)]), times * 5);
  for (const writer of writers) writer.kill("SIGKILL");
  await pool.close();
  rows.push(
    { name: `${kind}: await acquire + release`, size: SIZE, figure: alone },
    { name: `${kind}: await acquire + release, ${WRITERS} others write`, size: SIZE, figure: crowded, ratio: crowded.min / alone.min, note: `${each} commits a second beside it` },
    mine,
  );
  return rows;
}
