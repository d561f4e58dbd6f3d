// @ts-check
// node tests/bench/run.mjs [--only NAME[,NAME]] [--peers] [--quick] [--json | --markdown]
//
// Measures the built package. Ratios are of one run; docs/benchmarks.md says how to read them. A missed bar is said and
// does not fail the command: what a shared machine measures is no test.
import os from "node:os";
import { parseArgs } from "node:util";
import { main } from "../../scripts/lib/main.mjs";
import { Failure } from "../../scripts/lib/run.mjs";
import { bold, dim, duration, green, line, red } from "../../scripts/lib/say.mjs";
import { misses, printMarkdown, printSection } from "./lib/print.mjs";

/**
 * @typedef {object} Context
 * @property {number} rounds
 * @property {boolean} quick fewer rounds: to see that the benchmark works
 * @property {(text: string) => void} progress
 */

/** @typedef {{ name: string, title: string, peers?: boolean, load: () => Promise<(context: Context) => Promise<import("./lib/rows.mjs").Row[]>> }} Section */

/** @type {Section[]} */
const sections = [
  { name: "yardsticks", title: "Yardsticks", load: async () => (await import("./sections/yardsticks.mjs")).yardsticks },
  { name: "round-robin", title: "tryAcquire + release, round-robin", load: async () => (await import("./sections/pick.mjs")).pickRoundRobin },
  { name: "fill-first", title: "tryAcquire + release, fill-first", load: async () => (await import("./sections/pick.mjs")).pickFillFirst },
  { name: "least-recently-used", title: "tryAcquire + release, least-recently-used (the default)", load: async () => (await import("./sections/pick.mjs")).pickLeastRecentlyUsed },
  { name: "usage", title: "tryAcquire + release, by usage", load: async () => (await import("./sections/pick.mjs")).pickByUsage },
  { name: "session", title: "tryAcquire + release with a session", load: async () => (await import("./sections/pick.mjs")).pickWithSession },
  { name: "acquire", title: "await acquire", load: async () => (await import("./sections/pick.mjs")).awaitAcquire },
  { name: "nobody", title: "Nobody eligible: soonest at", load: async () => (await import("./sections/pick.mjs")).nobodyEligible },
  { name: "raw", title: "Without the package: WasmPool, round-robin", load: async () => (await import("./sections/raw.mjs")).raw },
  { name: "boundary", title: "What crosses the boundary", load: async () => (await import("./sections/raw.mjs")).boundary },
  { name: "start", title: "Start, in a fresh process", load: async () => (await import("./sections/processes.mjs")).start },
  { name: "load", title: "Load from a store in memory", load: async () => (await import("./sections/processes.mjs")).load },
  { name: "memory", title: "Memory a credential", load: async () => (await import("./sections/processes.mjs")).memory },
  { name: "stores", title: "Stores: SQLite and PostgreSQL", load: async () => (await import("./sections/stores.mjs")).stores },
  { name: "native", title: "Native Rust: pick", load: async () => (await import("./sections/native.mjs")).native },
  { name: "litellm", title: "Beside LiteLLM's Router", peers: true, load: async () => (await import("./peers/litellm.mjs")).litellm },
  { name: "auth-storage", title: "Beside oh-my-pi's AuthStorage, under Bun", peers: true, load: async () => (await import("./peers/auth-storage.mjs")).authStorage },
  { name: "auth-storage-usage", title: "Beside oh-my-pi's AuthStorage, both by usage, under Bun", peers: true, load: async () => (await import("./peers/auth-storage.mjs")).authStorageByUsage },
];

await main(async () => {
  const { values } = parseArgs({
    options: { only: { type: "string", multiple: true }, peers: { type: "boolean" }, quick: { type: "boolean" }, json: { type: "boolean" }, markdown: { type: "boolean" }, help: { type: "boolean" } },
  });
  const names = sections.map(({ name }) => name);
  if (values.help) {
    line(`npm run bench -- [options]\n  --only NAME   only these: ${names.join(", ")}\n  --peers       other pools beside ours; they are installed into .tools/ first\n  --quick       fewer rounds\n  --json        print JSON, and progress on standard error\n  --markdown    print the tables of docs/benchmarks.md`);
    return 0;
  }
  const only = values.only?.flatMap((text) => text.split(","));
  const unknown = only?.find((name) => !names.includes(name));
  if (unknown !== undefined) throw new Failure(`there is no benchmark \`${unknown}\`; there are: ${names.join(", ")}`);
  const chosen = sections.filter(({ name, peers }) => (only ? only.includes(name) : !peers || values.peers));
  const { json = false, markdown = false, quick = false } = values;

  const terminal = process.stderr.isTTY;
  const started = Date.now();
  const machine = { cpu: os.cpus()[0]?.model ?? "unknown", cores: os.cpus().length, memory: Math.round(os.totalmem() / 2 ** 30), node: process.version, load: os.loadavg()[0] ?? 0, date: new Date().toISOString().slice(0, 10) };
  if (!json) line(dim(`${machine.cpu}, ${machine.cores} cores, ${machine.memory} GB, Node ${machine.node}, load ${machine.load.toFixed(1)}, ${machine.date}`));
  const results = [];
  for (const [at, { name, title, load }] of chosen.entries()) {
    let last = 0;
    const progress = (/** @type {string} */ text) => {
      // In a pipe a line now and then, in a terminal one that is rewritten.
      if (!terminal && Date.now() - last < 10_000) return;
      last = Date.now();
      const said = `[${at + 1}/${chosen.length}] ${name}: ${text}`;
      process.stderr.write(terminal ? `\r\x1b[2K${said}` : `${said}\n`);
    };
    progress("");
    const rows = await (await load())({ rounds: quick ? 8 : 30, quick, progress });
    if (terminal) process.stderr.write("\r\x1b[2K");
    results.push({ name, title, rows });
    if (markdown) printMarkdown(title, rows);
    else if (!json) printSection(title, rows);
  }
  if (json) {
    line(JSON.stringify({ machine, sections: results }, undefined, 2));
    return 0;
  }
  if (markdown) return 0;
  const missed = misses(results);
  const bars = results.flatMap(({ rows }) => rows.flatMap((row) => (row.bars ?? []).filter(({ quiet }) => !quiet)));
  line(`\n${bold(missed.length === 0 ? green(`${bars.length} of ${bars.length} bars reached`) : `${bars.length - missed.length} of ${bars.length} bars reached`)} in ${duration(Date.now() - started)}`);
  for (const miss of missed) line(`  ${red("MISSES")} ${miss}`);
  return 0;
});
