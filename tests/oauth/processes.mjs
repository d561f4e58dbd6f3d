// @ts-check
// Eight processes on one store, an SQLite file or PostgreSQL: refresh tokens that rotate, reuse detection on, lives of seconds, kill -9 at random.
//   node tests/oauth/processes.mjs [RENEWALS] [sqlite | postgres]   until each account was renewed so often: 10 and sqlite unless told
//   npm run kill-test -- --minutes 10                               as often as in so many minutes of this compressed life
// A token lives for two seconds, which stand for an hour: what a crash can break happens between one renewal and the next, however long
// that takes. So life is measured in renewals, not in seconds: a slow machine takes longer, and has lived as much.
// The pace is the machine's: for each renewal somebody is killed, most of them when they have come up. Where kills go by the clock and the
// machine has no time, nobody lives long enough to renew, and the server's leeway passes while an account is in doubt. (Such a run
// ended with all accounts at `needs_login`, one after the other.)
// Nobody may present a token that was rotated away (beyond the server's leeway), and no account may be lost.
import assert from "node:assert/strict";
import { fork } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { CredentialPool } from "credpool";
import { parseArgs } from "node:util";
import { startCluster } from "../postgres/support/cluster.mjs";
import { startOidc } from "./support/oidc.mjs";
import { openStore } from "./support/store.mjs";

const { values, positionals } = parseArgs({ options: { minutes: { type: "string" } }, allowPositionals: true });
const PROCESSES = 8;
const ACCOUNTS = 4;
const LIFE_SECONDS = 2;
/** So often each account is to be renewed, on average; a machine that is not busy takes a life for each. */
const RENEWALS = values.minutes === undefined ? Number(positionals.find((word) => word !== "postgres" && word !== "sqlite") ?? 10) : Math.ceil((Number(values.minutes) * 60) / LIFE_SECONDS);
assert.ok(RENEWALS > 0, "say how many renewals, or --minutes");
/** Where nobody was renewed for so long nobody will be: the only clock here, for a machine that hangs. */
const HANGS_MS = 180_000;
const LEEWAY_SECONDS = 30;
/** A request is under way for a while: the pools believe in less than the server gives. */
const GRACE_MS = LEEWAY_SECONDS * 1000 - 1500;
/** Without a renewal somebody is killed all the same after this: it may be he who keeps the others waiting. */
const PATIENCE_MS = 10_000;

const oidc = await startOidc({ accessSeconds: LIFE_SECONDS, leewaySeconds: LEEWAY_SECONDS });
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "credpool-processes-"));
const cluster = positionals.includes("postgres") ? await startCluster() : undefined;
const place = cluster ? JSON.stringify(cluster.options) : path.join(folder, "pool.db");
const definition = { name: "mine", kinds: ["oauth"], oauth: { issuer: oidc.issuer, token: `${oidc.issuer}/token`, graceMs: GRACE_MS } };

/** A lease outlives the request; who was killed with one keeps the others waiting no longer than this. */
const policy = { refresh: { timeout: 1500, lease: 2500 } };
const options = JSON.stringify({ providers: [definition], policy });
const open = () => CredentialPool.open({ store: openStore(place), env: false, ...JSON.parse(options) });
const first = await open();
for (let n = 0; n < ACCOUNTS; n += 1) {
  const refresh = await oidc.refreshTokenOf(`person-${n}`);
  await first.add("mine", { access: `stale-${n}`, refresh, expires: Date.now() + 1000, clientId: oidc.clients.publicId, email: `person-${n}@example.com`, accountId: `person-${n}` });
}
await first.close();

/** @type {Record<string, number>} */
const said = {};
let kills = 0;
/** By number of process: it has opened its pool. @type {boolean[]} */
const up = [];
const worker = fileURLToPath(new URL("support/worker.mjs", import.meta.url));
/** @type {import("node:child_process").ChildProcess[]} */
const children = [];
/** @param {number} n */
function start(n) {
  const child = fork(worker, [place, oidc.issuer, options], { stdio: ["ignore", "ignore", "inherit", "ipc"] });
  up[n] = false;
  child.on("message", (message) => {
    if (message === "up") up[n] = children[n] === child;
    else said[String(message)] = (said[String(message)] ?? 0) + 1;
  });
  children[n] = child;
}
for (let n = 0; n < PROCESSES; n += 1) start(n);
/** How the accounts stand in the store, for people. */
async function stand() {
  const store = openStore(place);
  const { rows } = await store.load(0);
  await store.close();
  return rows.filter(({ kind }) => kind === "credential" || kind === "refresh").map(({ kind, id, data }) => `${kind} ${id}: ${data}`).join("\n");
}
const renewed = () => oidc.grants.filter((grant) => grant === "refresh_token").length;
const began = Date.now();
let progress = { count: 0, at: began };
let killed = { count: 0, at: began };
while (renewed() < RENEWALS * ACCOUNTS) {
  if (renewed() > progress.count) progress = { count: renewed(), at: Date.now() };
  if (Date.now() - progress.at >= HANGS_MS) assert.fail(`nobody was renewed for ${HANGS_MS / 1000} s: ${JSON.stringify({ kills, renewed: renewed(), calls: said, refused: oidc.refused })}\n${await stand()}`);
  await new Promise((resolve) => setTimeout(resolve, 200 + Math.random() * 600));
  const n = Math.floor(Math.random() * PROCESSES);
  const child = children[n];
  if (renewed() === killed.count && Date.now() - killed.at < PATIENCE_MS) continue;
  if (!up[n] && Math.random() < 0.75) continue;
  killed = { count: renewed(), at: Date.now() };
  if (child?.pid !== undefined) process.kill(child.pid, "SIGKILL");
  kills += 1;
  start(n);
}
for (const child of children) if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) process.kill(child.pid, "SIGKILL");

const refreshes = renewed();
const last = await open();
const lost = [];
/** @type {number[]} */
const ofEach = [];
for (const { id = 0, name, enabled, disabledCause } of last.list("mine")) {
  const refreshed = await last.refresh(id, { force: true });
  ofEach.push(refreshed.ok ? refreshed.version - 1 : 0);
  if (!enabled || !refreshed.ok) lost.push(`${name}: ${disabledCause ?? (refreshed.ok ? "" : refreshed.cause)}`);
}
await last.close();
await oidc.close();
await cluster?.remove();
fs.rmSync(folder, { recursive: true, force: true });
console.log(JSON.stringify({ processes: PROCESSES, accounts: ACCOUNTS, tokenSeconds: LIFE_SECONDS, renewals: refreshes, ofEach, kills, seconds: Math.round((Date.now() - began) / 1000), calls: said, refused: oidc.refused, lost }));
// How many there are depends on the machine; none would mean that nothing was tried.
assert.ok(ofEach.every((count) => count > 1), "every account was renewed more than once");
assert.ok(kills > 0, "somebody was killed");
assert.ok((said["200"] ?? 0) > 0, "calls succeeded");
assert.deepEqual(oidc.refused, [], "no token was presented that was rotated away");
assert.deepEqual(lost, [], "no account was lost");
console.log("# pass 1");
