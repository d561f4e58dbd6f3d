// @ts-check
// Eight processes on one store, an SQLite file or PostgreSQL: refresh tokens that rotate, reuse detection on, lives of seconds, kill -9 at random.
//   node tests/oauth/processes.mjs [seconds] [sqlite | postgres]     30 and sqlite unless told
// Nobody may present a token that was rotated away (beyond the server's leeway), and no account may be lost.
import assert from "node:assert/strict";
import { fork } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { CredentialPool } from "credpool";
import { startCluster } from "../postgres/support/cluster.mjs";
import { startOidc } from "./support/oidc.mjs";
import { openStore } from "./support/store.mjs";

const SECONDS = Number(process.argv[2] ?? 30);
const PROCESSES = 8;
const ACCOUNTS = 4;
/** A token lives for so long, so that each is renewed every other second. */
const LIFE_SECONDS = 4;
const LEEWAY_SECONDS = 30;

const oidc = await startOidc({ accessSeconds: LIFE_SECONDS, leewaySeconds: LEEWAY_SECONDS });
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "credpool-processes-"));
const cluster = process.argv[3] === "postgres" ? await startCluster() : undefined;
const place = cluster ? JSON.stringify(cluster.options) : path.join(folder, "pool.db");
const definition = { name: "mine", kinds: ["oauth"], oauth: { issuer: oidc.issuer, token: `${oidc.issuer}/token`, graceMs: LEEWAY_SECONDS * 1000 } };

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
const worker = fileURLToPath(new URL("support/worker.mjs", import.meta.url));
/** @type {import("node:child_process").ChildProcess[]} */
const children = [];
/** @param {number} n */
function start(n) {
  const child = fork(worker, [place, oidc.issuer, options], { stdio: ["ignore", "ignore", "inherit", "ipc"] });
  child.on("message", (message) => (said[String(message)] = (said[String(message)] ?? 0) + 1));
  children[n] = child;
}
for (let n = 0; n < PROCESSES; n += 1) start(n);
const end = Date.now() + SECONDS * 1000;
while (Date.now() < end) {
  await new Promise((resolve) => setTimeout(resolve, 200 + Math.random() * 600));
  const n = Math.floor(Math.random() * PROCESSES);
  const child = children[n];
  if (child?.pid !== undefined) process.kill(child.pid, "SIGKILL");
  kills += 1;
  start(n);
}
for (const child of children) if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) process.kill(child.pid, "SIGKILL");

const refreshes = oidc.grants.filter((grant) => grant === "refresh_token").length;
const last = await open();
const lost = [];
for (const { id = 0, name, enabled, disabledCause } of last.list("mine")) {
  const refreshed = await last.refresh(id, { force: true });
  if (!enabled || !refreshed.ok) lost.push(`${name}: ${disabledCause ?? (refreshed.ok ? "" : refreshed.cause)}`);
}
await last.close();
await oidc.close();
await cluster?.remove();
fs.rmSync(folder, { recursive: true, force: true });
console.log(JSON.stringify({ seconds: SECONDS, kills, refreshes, calls: said, refused: oidc.refused, lost }));
// How many there are depends on the machine; none would mean that nothing was tried.
assert.ok(refreshes > ACCOUNTS, "tokens were renewed more than once");
assert.ok((said["200"] ?? 0) > SECONDS, "calls succeeded all the time");
assert.deepEqual(oidc.refused, [], "no token was presented that was rotated away");
assert.deepEqual(lost, [], "no account was lost");
console.log("# pass 1");
