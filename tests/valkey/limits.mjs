// @ts-check
// Limits in Valkey or Redis, over a real server: several processes with one account, a server that is killed, its words.
import assert from "node:assert/strict";
import { fork } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { CredentialPool, memoryStore } from "credpool";
import { sqliteStore } from "credpool/node";
import { valkeyLimits, ValkeyError } from "credpool/valkey";
import { canary } from "../canaries.mjs";
import { eventually } from "../js/support/eventually.mjs";
import { startValkey } from "./support/server.mjs";

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "credpool-limits-"));
/** @type {Awaited<ReturnType<typeof startValkey>>} */
let server;
const password = canary("passphrase");
before(async () => {
  server = await startValkey({ password });
});
after(async () => {
  await server.remove();
  fs.rmSync(folder, { recursive: true, force: true });
});
let prefixes = 0;
const newPrefix = () => `test-${(prefixes += 1)}`;
const whoever = { used: 0, held: 0, slots: 0, passes: 0, most: 0, rate: 0, bucket: 1, ttlMs: 1000 };

/** Calls of processes, in the order in which they were told. */
class Calls {
  /** @type {import("node:child_process").ChildProcess[]} */
  children = [];
  /** When each began, and when it was asked for. @type {number[]} */
  began = [];
  /** @type {number[]} */
  asked = [];
  open = 0;
  most = 0;
  /** @type {string[]} */
  notices = [];
  ready = 0;
  /** What each has under way: who is killed ends it. @type {Map<import("node:child_process").ChildProcess, number>} */
  under = new Map();

  /** @param {string[]} args */
  start(args) {
    const child = fork(fileURLToPath(new URL("support/caller.mjs", import.meta.url)), args, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
    this.children.push(child);
    this.under.set(child, 0);
    child.on("message", (/** @type {any} */ { began, asked, ended, notice, open }) => {
      const change = began ? 1 : ended ? -1 : 0;
      if (began) {
        this.began.push(began);
        this.asked.push(asked);
      }
      this.open += change;
      this.under.set(child, (this.under.get(child) ?? 0) + change);
      this.most = Math.max(this.most, this.open);
      if (notice) this.notices.push(notice);
      if (open) this.ready += 1;
    });
    return child;
  }

  /** The most that began in any minute. */
  inAMinute() {
    const all = [...this.began].sort((one, other) => one - other);
    let [most, first] = [0, 0];
    for (let last = 0; last < all.length; last += 1) {
      while ((all[first] ?? 0) <= (all[last] ?? 0) - 60_000) first += 1;
      most = Math.max(most, last - first + 1);
    }
    return most;
  }

  /**
   * How many calls there were beyond a full bucket and what came back, at the worst. A call began between when it was asked for and
   * when its process went on: a window is taken as long as it may have been, so that a busy machine is no fault.
   * @param {number} rate
   */
  beyond(rate) {
    const all = this.began.map((began, at) => ({ began, asked: this.asked[at] ?? 0 })).sort((one, other) => one.began - other.began);
    let worst = -Infinity;
    for (let first = 0; first < all.length; first += 1) {
      for (let last = first; last < all.length; last += 1) worst = Math.max(worst, last - first + 1 - rate - Math.ceil((((all[last]?.began ?? 0) - (all[first]?.asked ?? 0)) * rate) / 60_000));
    }
    return worst;
  }

  async end() {
    for (const child of this.children) if (child.connected) child.send("end");
    await Promise.all(this.children.map((child) => child.exitCode === null && child.signalCode === null && new Promise((resolve) => child.once("exit", resolve))));
  }
}

const pause = (/** @type {number} */ ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** A store with one account. @param {object} limits */
async function oneAccount(limits) {
  const file = path.join(folder, `${newPrefix()}.db`);
  const pool = await CredentialPool.open({ store: sqliteStore(file), env: false });
  await pool.add("openai", { key: "sk-a", name: "a", limits });
  await pool.close();
  return file;
}

test("several processes, one account: never more than four at once and sixty in a minute together; one is killed, and so is the server, twice", async () => {
  const own = await startValkey();
  const calls = new Calls();
  try {
    const file = await oneAccount({ inFlight: 4, requests: 60 });
    // The server has been there for longer than slots are held: nothing can have been lost.
    await pause(11_000);
    for (let n = 0; n < 4; n += 1) calls.start([file, own.url, "150"]);
    await eventually(() => calls.began.length >= 20, "calls of all processes");
    // Who is killed with slots of its own keeps nobody waiting for ever.
    const [victim] = calls.children;
    victim?.kill("SIGKILL");
    await new Promise((resolve) => victim?.once("exit", resolve));
    calls.open -= (victim && calls.under.get(victim)) ?? 0;
    calls.start([file, own.url, "150"]);
    const before = calls.began.length;
    await eventually(() => calls.began.length > before + 10, "calls after one was killed");
    for (let round = 0; round < 2; round += 1) {
      await own.stop();
      await eventually(() => calls.notices.filter((notice) => notice === "stale").length > round, "`stale`");
      await pause(1000);
      await own.start();
      const then = calls.began.length;
      await eventually(() => calls.notices.filter((notice) => notice === "current").length > round, "`current`");
      await eventually(() => calls.began.length > then + 4, "calls after the server came back");
    }
    await calls.end();
    assert.ok(calls.most <= 4, `${calls.most} at once`);
    assert.ok(calls.beyond(60) <= 0, `${calls.beyond(60)} more than a full bucket and what came back; ${calls.inAMinute()} in a minute`);
    assert.equal(calls.open, 0, "every call has ended");
    console.log(`${calls.began.length} calls of 5 processes, ${calls.most} at once, ${calls.inAMinute()} in the fullest minute`);
  } finally {
    for (const child of calls.children) child.kill("SIGKILL");
    await own.remove();
  }
});

test("who holds slots goes on while the server is away, and says that it is stale", async () => {
  const own = await startValkey();
  const options = { url: own.url, timeoutMs: 200 };
  const pool = await CredentialPool.open({ store: memoryStore(), limits: valkeyLimits(options), env: false });
  try {
    await pool.add("openai", { key: "sk-a", name: "a", limits: { inFlight: 4 } });
    await pause(11_000);
    /** @type {string[]} */
    const events = [];
    pool.on("store", ({ reason = "" }) => events.push(reason));
    const lease = await pool.acquire("openai", { waitMs: 5000 });
    await lease.report({ status: 200 });
    // Slots are looked after every few seconds.
    await pause(5000);
    await own.stop();
    // Half of all is held by who is alone.
    const leases = [await pool.acquire("openai"), await pool.acquire("openai")];
    const refused = await pool.acquire("openai").then(() => assert.fail("more than it holds"), (error) => error);
    assert.equal(refused.code, "cooling_down");
    await eventually(() => events.includes("stale"), "`stale`");
    for (const each of leases) await each.report({ status: 200 });
    await (await pool.acquire("openai")).report({ status: 200 });
    await own.start();
    await eventually(() => events.includes("current"), "`current`");
    assert.deepEqual(events, ["stale", "current"]);
  } finally {
    await pool.close();
    await own.remove();
  }
});

test("a server that is frozen is a server that is away", async () => {
  const own = await startValkey();
  const limits = valkeyLimits({ url: own.url, timeoutMs: 200 });
  try {
    await limits.take({ ...whoever, key: "limit/1", member: "a" });
    own.freeze(true);
    const error = await limits.take({ ...whoever, key: "limit/1", member: "a" }).then(() => assert.fail("it answered"), (error) => error);
    assert.equal(error.code, "TIMEOUT");
    own.freeze(false);
    assert.equal((await limits.take({ ...whoever, key: "limit/1", member: "a" })).members, 1);
  } finally {
    own.freeze(false);
    await limits.close();
    await own.remove();
  }
});

test("the server counts: slots and passes by turns, those of the dead come back, and those that a restart forgot are its owner's", async () => {
  const own = await startValkey();
  const one = valkeyLimits({ url: own.url });
  const two = valkeyLimits({ url: own.url });
  const asks = { ...whoever, most: 4, ttlMs: 400 };
  try {
    // Until the bucket of a server that was just started is full.
    await pause(6500);
    assert.deepEqual(await one.take({ ...asks, key: "k", member: "one", slots: 3 }), { slots: 3, passes: 0, members: 1, retryMs: 0 });
    assert.deepEqual(await two.take({ ...asks, key: "k", member: "two", slots: 3 }), { slots: 1, passes: 0, members: 2, retryMs: 0 });
    assert.equal((await one.take({ ...asks, key: "k", member: "one", used: 1, held: 3, slots: 1 })).slots, 1);
    assert.equal((await two.take({ ...asks, key: "k", member: "two", held: 1, slots: 4 })).slots, 3);
    // What is in use is in use.
    assert.equal((await one.take({ ...asks, key: "k", member: "one", used: 2, held: 1, slots: 2 })).slots, 2);
    await pause(500);
    assert.equal((await two.take({ ...asks, key: "k", member: "two", held: 3, slots: 4 })).slots, 4, "nobody has prolonged any");
    await two.leave?.("two");
    assert.equal((await one.take({ ...asks, key: "k", member: "one", slots: 4 })).slots, 4);
    // Sixty a minute: one a second comes back.
    const rated = { ...whoever, rate: 60, bucket: 3, ttlMs: 400 };
    assert.equal((await one.take({ ...rated, key: "r", member: "one", passes: 2 })).passes, 2);
    assert.equal((await two.take({ ...rated, key: "r", member: "two", passes: 2 })).passes, 1);
    const none = await two.take({ ...rated, key: "r", member: "two", passes: 2 });
    assert.ok(none.passes === 0 && (none.retryMs ?? 0) > 0 && (none.retryMs ?? 0) <= 1000, JSON.stringify(none));
    await own.stop();
    await own.start();
    // Nobody who comes now may have what another holds, who has not said so yet.
    const stranger = valkeyLimits({ url: own.url });
    const late = { ...asks, ttlMs: 5000 };
    assert.equal((await stranger.take({ ...late, key: "k", member: "new", slots: 4 })).slots, 0);
    assert.equal((await one.take({ ...late, key: "k", member: "one", held: 4, slots: 4 })).slots, 4);
    assert.equal((await stranger.take({ ...late, key: "k", member: "new", slots: 1 })).slots, 0);
    assert.equal((await stranger.take({ ...rated, key: "r", member: "new", passes: 3 })).passes <= 1, true, "the bucket begins empty");
    await stranger.close();
  } finally {
    await Promise.all([one.close(), two.close()]);
    await own.remove();
  }
});

test("a client of the program's own, of each kind", async () => {
  const { Connection, addressOf } = await import(new URL("../../target/package/node/valkey/connection.js", import.meta.url).href);
  const connection = new Connection(addressOf(server.url), 1000);
  const send = (/** @type {string[]} */ words) => connection.command(words);
  /** @type {import("credpool/valkey").ValkeyClient[]} */
  const clients = [
    { command: send },
    { call: (name, ...words) => send([name, ...words]) },
    { sendCommand: send },
  ];
  for (const client of clients) {
    const limits = valkeyLimits({ client, prefix: newPrefix() });
    assert.equal((await limits.take({ ...whoever, key: "k", member: "m" })).members, 1);
    await limits.close();
  }
  assert.equal(await send(["PING"]), "PONG", "who gave it closes it");
  connection.close();
  assert.throws(() => valkeyLimits({ client: /** @type {any} */ ({}) }), /none of the methods/);
});

test("by a socket's path, in another database; what cannot be is said in words without the password", async () => {
  const byPath = valkeyLimits({ url: `unix://:${password}@localhost${server.socket}?db=2`, prefix: newPrefix() });
  assert.equal((await byPath.take({ ...whoever, key: "k", member: "m" })).members, 1);
  await byPath.close();
  /** @type {[string, string][]} */
  const wrong = [
    [`valkey://:${password}x@127.0.0.1:${server.port}`, "WRONGPASS"],
    [`valkey://127.0.0.1:${server.port}`, "NOAUTH|ERR"],
    [`valkey://:${password}@127.0.0.1:${server.port}/99`, "ERR"],
    [`valkey://:${password}@127.0.0.1:1`, "ECONNREFUSED"],
    [`valkeys://:${password}@127.0.0.1:${server.port}`, ".*"],
  ];
  for (const [url, code] of wrong) {
    const limits = valkeyLimits({ url, timeoutMs: 1000 });
    const error = await limits.take({ ...whoever, key: "k", member: "m" }).then(() => assert.fail(`${code}: it went well`), (error) => error);
    assert.ok(error instanceof ValkeyError, String(error));
    assert.match(error.code, new RegExp(`^(?:${code})$`));
    assert.ok(![error.message, error.stack, JSON.stringify(error)].some((text) => text?.includes(password)));
    await limits.close();
  }
  for (const url of ["http://host", "valkey://host/x", "no url"]) assert.throws(() => valkeyLimits({ url }), (error) => error instanceof ValkeyError && error.code === "ADDRESS" && !error.message.includes("host/x"));
});

test("answers of a server are read wherever they are cut, and rubbish is said to be rubbish", async () => {
  const { AnswerReader, requestOf } = await import(new URL("../../target/package/node/valkey/protocol.js", import.meta.url).href);
  const bytes = Buffer.from("+OK\r\n:42\r\n$-1\r\n$7\r\nkl\u00fc\u0001\r\n\r\n*3\r\n:1\r\n*1\r\n$0\r\n\r\n-NOSCRIPT none\r\n*-1\r\n", "utf8");
  for (let cut = 1; cut < bytes.length; cut += 1) {
    const reader = new AnswerReader();
    const all = [];
    for (let at = 0; at < bytes.length; at += cut) all.push(...reader.take(bytes.subarray(at, at + cut)));
    assert.deepEqual(all.slice(0, 4), ["OK", 42, null, "kl\u00fc\u0001\r\n"]);
    assert.deepEqual([all[4][0], all[4][1], all[4][2].code, all[5], all.length], [1, [""], "NOSCRIPT", null, 6]);
  }
  for (const text of ["hello\r\n", ":x\r\n", "$99999999999\r\n", `${"*1\r\n".repeat(20)}:1\r\n`, "+".padEnd(70_000, "x")]) assert.throws(() => new AnswerReader().take(Buffer.from(text)), (/** @type {any} */ error) => error.code === "PROTOCOL");
  assert.equal(requestOf(["SET", "k\u00e9", ""]).toString(), "*3\r\n$3\r\nSET\r\n$3\r\nk\u00e9\r\n$0\r\n\r\n");
});
