// @ts-check
// The store in PostgreSQL, over a real server: the conformance suite, what only a server can do wrong, and its words for it.
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { CredentialPool } from "credpool";
import { PostgresError, postgresStore } from "credpool/postgres";
import { storeConformance } from "credpool/store-conformance";
import { canary } from "../canaries.mjs";
import { eventually } from "../js/support/eventually.mjs";
import { runProgram } from "../js/support/runtime.mjs";
import { startCluster } from "./support/cluster.mjs";

/** @type {Awaited<ReturnType<typeof startCluster>>} */
let cluster;
const password = canary("passphrase");
before(async () => {
  cluster = await startCluster({ password, tls: true });
});
after(() => cluster.remove());
let schemas = 0;
const newSchema = () => `test_${(schemas += 1)}`;

for (const { name, run } of storeConformance((retention) => {
  const options = { ...cluster.options, schema: newSchema(), ...retention };
  return {
    store: postgresStore(options),
    again: () => postgresStore(options),
    bounded: true,
    corrupt: async ({ kind, id }) => void (await cluster.psql(`UPDATE ${options.schema}.entry SET data = 'damaged', secret = '{' WHERE kind = '${kind}' AND owner = ${id}`)),
    cleanUp: async () => void (await cluster.psql(`DROP SCHEMA IF EXISTS ${options.schema} CASCADE`)),
  };
}, ["again", "watch", "bounded", "corrupt"])) test(`postgres: ${name}`, run);

/** @param {Promise<unknown>} work @returns {Promise<PostgresError>} */
const errorOf = (work) => work.then(() => assert.fail("it went well"), (/** @type {PostgresError} */ error) => error);

test("what cannot be is said in words, with the place and without password, statement or row", async () => {
  const { options, url } = cluster;
  /** @type {[import("credpool/postgres").PostgresStoreOptions, string, RegExp][]} */
  const wrong = [
    [{ ...options, password: `${password}x` }, "28P01", /name or password is wrong/],
    [{ ...options, database: "nowhere" }, "3D000", /no such database/],
    [{ ...options, port: 1, patienceMs: 100 }, "ECONNREFUSED", /cannot be reached/],
    [{ url: url.replace("owner:", "nobody:") }, "28P01", /name or password is wrong/],
    [{ ...options, host: "localhost", tls: true }, "DEPTH_ZERO_SELF_SIGNED_CERT", /certificate is not to be trusted/],
  ];
  for (const [given, code, message] of wrong) {
    const store = postgresStore(given);
    const error = await errorOf(store.load());
    assert.ok(error instanceof PostgresError, String(error));
    assert.deepEqual([error.code, error.message.includes(password), JSON.stringify(error).includes(password), error.cause], [code, false, false, undefined]);
    assert.match(error.message, message);
    assert.match(error.message, /^PostgreSQL (127\.0\.0\.1|localhost):\d+\/\w+: /);
    await store.close();
  }
  assert.throws(() => postgresStore({ schema: "x; DROP TABLE y" }), /schema's name/);
  const store = postgresStore({ ...options, schema: newSchema() });
  const secret = canary("api_key");
  const error = await errorOf(store.commit([{ kind: "credential", data: `{"name":"${secret}\0"}`, secret }]));
  assert.deepEqual([error.code, error.message.includes(secret)], ["22021", false]);
  assert.match(error.message, /U\+0000/);
  assert.deepEqual((await store.load()).rows, []);
  await store.close();
});

test("a connection by TLS: to a server whose certificate is vouched for", async () => {
  const store = postgresStore({ ...cluster.options, host: "localhost", tls: { ca: cluster.ca }, schema: newSchema() });
  await store.commit([{ kind: "tie", id: "t", data: "{}" }]);
  assert.equal(await cluster.psql("SELECT count(*) > 0 FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE ssl AND application_name = 'credpool'"), "t");
  await store.close();
});

test("many who open it first at once make one schema; a newer one is refused; a password may be asked for each time", async () => {
  const schema = newSchema();
  let asked = 0;
  const stores = Array.from({ length: 6 }, () => postgresStore({ ...cluster.options, schema, password: () => ((asked += 1), password) }));
  await Promise.all(stores.map((store, at) => store.commit([{ kind: "tie", id: `t${at}`, data: "{}" }])));
  assert.equal((await stores[0]?.load())?.rows.length, 6);
  assert.ok(asked >= 6);
  await Promise.all(stores.map((store) => store.close()));
  await cluster.psql(`UPDATE ${schema}.version SET version = 99`);
  const late = postgresStore({ ...cluster.options, schema });
  assert.match((await errorOf(late.load())).message, /made by a newer version of credpool/);
  await late.close();
});

test("a commit whose answer was lost is the same commit when it is sent again", async () => {
  const schema = newSchema();
  const store = postgresStore({ ...cluster.options, schema, connections: 1 });
  await store.load();
  // The server ends our connections while they work: each commit is made once all the same.
  let running = true;
  const cut = (async () => {
    while (running) {
      await cluster.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'credpool' AND pid <> pg_backend_pid()");
      await new Promise((resolve) => setTimeout(resolve, 15));
    }
  })();
  for (let n = 0; n < 60; n += 1) assert.ok((await store.commit([{ kind: "credential", data: `${n}`, secret: "{}" }])).ok);
  running = false;
  await cut;
  const { rows } = await store.load();
  assert.deepEqual(rows.map(({ data }) => Number(data)), Array.from({ length: 60 }, (_, n) => n));
  await store.close();
});

test("the server is killed and comes back: the pool answers from memory, says that it is stale, and loses nothing", async () => {
  const options = { ...cluster.options, schema: newSchema(), patienceMs: 200 };
  const [one, two] = await Promise.all([CredentialPool.open({ store: postgresStore(options), env: false }), CredentialPool.open({ store: postgresStore(options), env: false })]);
  await one.add("openai", { key: "sk-a", name: "a" });
  await eventually(() => two.get("openai:a") !== undefined, "the other pool's credential");
  /** @type {string[]} */
  const events = [];
  one.on("store", ({ reason = "" }) => events.push(reason));
  await cluster.stop();
  await eventually(() => events.includes("stale"), "the event `stale`");
  const lease = await one.acquire("openai", { model: "m" });
  assert.equal(lease.secret, "sk-a", "it answers from memory");
  await lease.report({ status: 429, headers: { "retry-after": "3600" } });
  await assert.rejects(one.add("openai", { key: "sk-b", name: "b" }), (/** @type {any} */ error) => error.code === "store" && /cannot be reached|went away|connection was lost/.test(error.message));
  await cluster.start();
  await eventually(() => events.includes("current"), "the event `current`");
  assert.deepEqual(events, ["stale", "current"]);
  // The cooldown of the meantime is written, and the other hears of it.
  await eventually(() => two.get("openai:a")?.status === "cooling", "the cooldown at the other pool");
  await one.add("openai", { key: "sk-c", name: "c" });
  await eventually(() => two.get("openai:c") !== undefined, "what was added afterwards");
  await Promise.all([one.close(), two.close()]);
});

test("who watches keeps no process alive", async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "credpool-postgres-idle-"));
  const given = path.join(folder, "options.json");
  fs.writeFileSync(given, JSON.stringify({ ...cluster.options, schema: newSchema() }), { mode: 0o600 });
  const { code, stdout, stderr } = await runProgram([fileURLToPath(new URL("support/idle.mjs", import.meta.url)), given]);
  assert.deepEqual([code, stdout, stderr], [0, "added", ""]);
  fs.rmSync(folder, { recursive: true });
});

test("without the package pg it is said what to do", async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "credpool-no-pg-"));
  fs.mkdirSync(path.join(folder, "node_modules"));
  fs.cpSync(fileURLToPath(new URL("../../pkg", import.meta.url)), path.join(folder, "node_modules/credpool"), { recursive: true });
  fs.writeFileSync(path.join(folder, "main.mjs"), `import { postgresStore } from "credpool/postgres";\nawait postgresStore("postgres://localhost/x").load().catch((error) => process.stdout.write(error.message));`);
  const { stdout } = await runProgram([path.join(folder, "main.mjs")], { cwd: folder });
  assert.match(stdout, /the package pg is missing.*npm install pg/);
  fs.rmSync(folder, { recursive: true });
});
