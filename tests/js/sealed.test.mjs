// @ts-check
// Secrets sealed at rest: a sealed store does all that a store must, what is kept shows no secret, and nothing opens that should not.
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import { CredentialPool, keychain, memoryStore, newSealingKey, passphrase, rawKey, sealed, SealError } from "credpool";
import { keyFile, keyFromEnv, sqliteStore } from "credpool/node";
import { storeConformance } from "credpool/store-conformance";
import { canary } from "../canaries.mjs";
import { inside } from "./support/sqlite.mjs";

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "credpool-sealed-"));
process.on("exit", () => fs.rmSync(folder, { recursive: true, force: true }));
let files = 0;
const newFile = () => path.join(folder, `${(files += 1)}.db`);
const KEY = newSealingKey();
const secret = canary("api_key");
const words = canary("passphrase");
/** Few rounds: these tests are not about time. */
const weak = { iterations: 100_000 };

for (const { name, run } of storeConformance((retention) => {
  let ahead = 0;
  const now = () => Date.now() + ahead;
  const file = newFile();
  const make = () => sealed(sqliteStore(file, { now, ...retention }), rawKey(KEY));
  return {
    store: make(),
    again: make,
    advance: (ms) => void (ahead += ms),
    bounded: true,
    corrupt: ({ kind, id }) => inside(file, (database) => void database.prepare("UPDATE entry SET secret = substr(secret, 1, 40) || 'A' || substr(secret, 42) || 'AAAA' WHERE kind = ? AND owner = ?").run(kind, id)),
    cleanUp: () => fs.rmSync(file, { force: true }),
  };
}, ["again", "advance", "watch", "bounded", "corrupt"])) test(`sealed: ${name}`, run);

for (const { name, run } of storeConformance((retention) => {
  let ahead = 0;
  return { store: sealed(memoryStore({ now: () => Date.now() + ahead, ...retention }), rawKey(KEY)), advance: (ms) => void (ahead += ms), bounded: true };
}, ["advance", "watch", "bounded"])) test(`sealed in memory: ${name}`, run);

/** @param {Promise<unknown>} work @returns {Promise<SealError>} */
const errorOf = (work) => work.then(() => assert.fail("it was opened"), (/** @type {SealError} */ error) => error);

/** A pool with one key in a sealed store over another. @param {import("credpool").CredentialStore} below @param {import("credpool").SealingKey} key */
async function filled(below, key) {
  const pool = await CredentialPool.open({ store: sealed(below, key), env: false });
  await pool.add("openai", { key: secret, name: "a" });
  await pool.add("openai", { key: "sk-other", name: "b" });
  await pool.close();
}

/** The secrets that a store gives, by name. @param {import("credpool").CredentialStore} store */
async function secrets(store) {
  const { rows } = await store.load();
  return Object.fromEntries(rows.filter(({ kind }) => kind === "credential").map(({ data, secret }) => [JSON.parse(data ?? "").name, secret]));
}
const OPEN = { a: JSON.stringify({ key: secret }), b: '{"key":"sk-other"}' };

test("what is kept shows no secret; the same key opens it, in another process as it were", async () => {
  const below = memoryStore();
  await filled(below, rawKey(KEY));
  assert.ok(!JSON.stringify(await below.load()).includes(secret));
  assert.deepEqual(await secrets(sealed(below, rawKey(KEY))), OPEN);
  const pool = await CredentialPool.open({ store: sealed(below, rawKey(KEY)), env: false });
  assert.equal((await pool.acquire("openai", { exclude: ["openai:b"] })).secret, secret);
  await pool.close();
});

test("a wrong key says so, and so does one of another kind, none, or one that is none", async () => {
  const below = memoryStore();
  await filled(below, passphrase(words, weak));
  /** @type {[import("credpool").SealingKey, string, RegExp][]} */
  const wrong = [
    [passphrase(`${words} `, weak), "wrong_key", /this passphrase does not open it/],
    [rawKey(KEY), "wrong_key", /sealed with a key of the kind "passphrase"/],
  ];
  for (const [key, code, message] of wrong) {
    const error = await errorOf(sealed(below, key).load());
    assert.ok(error instanceof SealError);
    assert.equal(error.code, code);
    assert.match(error.message, message);
    assert.ok(![words, secret].some((text) => `${error.stack}`.includes(text)));
    await assert.rejects(CredentialPool.open({ store: sealed(below, key), env: false }), (/** @type {any} */ error) => error.code === "store" && message.test(error.message) && !error.message.includes(words));
  }
  assert.deepEqual(await secrets(sealed(below, passphrase(words, weak))), OPEN);
  assert.throws(() => passphrase(""), /empty/);
  assert.throws(() => passphrase("x", { iterations: 1000 }), /guessed too soon/);
  assert.equal((await errorOf(sealed(memoryStore(), rawKey("too short")).load())).code, "no_key");
  assert.equal((await errorOf(sealed(memoryStore(), keyFromEnv("CREDPOOL_NO_SUCH_KEY")).load())).code, "no_key");
});

test("a passphrase becomes a key by Argon2id where the host has it, and what was done is noted", async () => {
  const below = memoryStore();
  /** @type {unknown[]} */
  const asked = [];
  /** Not Argon2id: what is tested is who is asked for it, and with what. @type {import("credpool").Argon2id} */
  const argon2id = async ({ passphrase, salt, memory, passes, lanes, length }) => {
    asked.push([salt.length, memory, passes, lanes, length]);
    return new Uint8Array(await crypto.subtle.digest("SHA-256", new Uint8Array([...passphrase, ...salt])));
  };
  await filled(below, passphrase(words, { argon2id }));
  assert.deepEqual(asked[0], [16, 65_536, 3, 4, 32]);
  assert.deepEqual(await secrets(sealed(below, passphrase(words, { argon2id }))), OPEN);
  const notes = JSON.parse((await below.load()).rows.find(({ kind }) => kind === "seal")?.data ?? "").notes;
  assert.deepEqual([notes.by, notes.memory], ["argon2id", 65_536]);
  // Notes come from where anybody may write.
  const row = (await below.load()).rows.find(({ kind }) => kind === "seal");
  const changed = (row?.data ?? "").replace('"memory":65536', '"memory":999999999999');
  await below.commit([{ kind: "seal", id: "keys", data: changed }]);
  assert.equal((await errorOf(sealed(below, passphrase(words, { argon2id })).load())).code, "damaged");
});

test("a secret is bound to its row: moved, beside changed data, or older keys' notes, it does not open, and this is told", async () => {
  const below = memoryStore();
  await filled(below, rawKey(KEY));
  const { rows } = await below.load();
  const [one, two] = rows.filter(({ kind }) => kind === "credential");
  assert.ok(one && two);
  const attacks = {
    "another row's secret": [{ kind: "credential", id: one.id, data: one.data ?? "", secret: two.secret ?? "" }],
    "another row, whole": [{ kind: "credential", id: one.id, data: two.data ?? "", secret: two.secret ?? "" }],
    "other data": [{ kind: "credential", id: one.id, data: (one.data ?? "").replace("{", '{"base_url":"https://evil.example",'), secret: one.secret ?? "" }],
    "a bit of it": [{ kind: "credential", id: one.id, data: one.data ?? "", secret: `${one.secret?.slice(0, -6)}AAAAA=` }],
    "an open one": [{ kind: "credential", id: one.id, data: one.data ?? "", secret: '{"key":"sk-planted"}' }],
  };
  for (const [what, mutations] of Object.entries(attacks)) {
    const copy = memoryStore();
    await copy.commit(rows.map(({ kind, id, data = "", secret }) => ({ kind, id, data, ...(secret !== undefined && { secret }) })));
    await copy.commit(mutations);
    const store = sealed(copy, rawKey(KEY));
    /** @type {string[]} */
    const told = [];
    store.notices?.(({ kind, message }) => told.push(`${kind} ${message}`));
    const found = (await store.load()).rows.filter(({ kind }) => kind === "credential");
    assert.deepEqual([found[0]?.secret, found[1]?.secret], ["unreadable", OPEN.b], what);
    assert.match(told.join(), /^unreadable the secret of credential 1 cannot be opened: (it|the)/, what);
    const pool = await CredentialPool.open({ store, env: false });
    assert.deepEqual(pool.list().map(({ name }) => name), ["b"], what);
    await pool.close();
  }
});

test("open secrets that were there are sealed when it is used first; nobody's write in between is lost", async () => {
  const below = sqliteStore(newFile());
  const first = await CredentialPool.open({ store: below, env: false });
  await first.addMany(Array.from({ length: 600 }, (_, at) => ({ provider: "openai", key: at === 0 ? secret : `sk-${at}`, name: `n${at}` })));
  await first.close();
  const stores = [sealed(below, rawKey(KEY)), sealed(below, rawKey(KEY))];
  /** @type {string[]} */
  const told = [];
  for (const store of stores) store.notices?.(({ message }) => told.push(message));
  const found = await Promise.all(stores.map((store) => store.load()));
  for (const { rows } of found) assert.deepEqual([rows.length, rows[0]?.secret, rows[599]?.secret], [600, OPEN.a, '{"key":"sk-599"}']);
  const kept = (await below.load()).rows.filter(({ kind }) => kind === "credential");
  assert.ok(kept.every(({ secret }) => secret?.startsWith("sealed:1:")));
  assert.match(told.join(), /secrets were sealed/);
  await below.close();
});

test("the key from outside is changed: the old one opens nothing, no secret is touched", async () => {
  const below = memoryStore();
  await filled(below, passphrase(words, weak));
  const before = await secrets(below);
  const store = sealed(below, passphrase(words, weak));
  await store.changeKey(rawKey(KEY));
  assert.deepEqual(await secrets(store), OPEN);
  assert.deepEqual(await secrets(below), before);
  assert.deepEqual(await secrets(sealed(below, rawKey(KEY))), OPEN);
  assert.equal((await errorOf(sealed(below, passphrase(words, weak)).load())).code, "wrong_key");
});

test("the store's own key is rotated: all is sealed anew, and who has the old one still in hand loses nothing", async () => {
  const below = memoryStore();
  await filled(below, rawKey(KEY));
  const before = await secrets(below);
  const [store, other] = [sealed(below, rawKey(KEY)), sealed(below, rawKey(KEY))];
  assert.deepEqual(await secrets(other), OPEN);
  await store.rotate();
  const after = await secrets(below);
  assert.ok(Object.values(after).every((text) => text?.startsWith("sealed:1:2:")) && !Object.values(before).some((text) => Object.values(after).includes(text)));
  // It does not know of the new key yet, and seals by the old one.
  const made = await other.commit([{ kind: "credential", data: '{"name":"c"}', secret: '{"key":"c"}' }]);
  assert.ok(made.ok);
  for (const each of [store, other, sealed(below, rawKey(KEY))]) assert.deepEqual(await secrets(each), { ...OPEN, c: '{"key":"c"}' });
  await store.rotate();
  assert.ok(Object.values(await secrets(below)).every((text) => text?.startsWith("sealed:1:3:")));
});

test("keys from a file, the environment and a keychain", async () => {
  const file = path.join(folder, "keys", "store.key");
  const below = memoryStore();
  await filled(below, keyFile(file));
  if (process.platform !== "win32") assert.equal(fs.statSync(file).mode & 0o777, 0o600);
  assert.deepEqual(await secrets(sealed(below, keyFile(file))), OPEN);
  if (process.platform !== "win32") {
    fs.chmodSync(file, 0o644);
    assert.match((await errorOf(sealed(below, keyFile(file)).load())).message, /others may read the key file .*chmod 600/);
  }
  assert.match((await errorOf(sealed(below, keyFile(path.join(folder, "none"), { create: false })).load())).message, /there is no key file/);
  for (const text of [KEY, Buffer.from(KEY, "base64").toString("hex"), Buffer.from(KEY, "base64").toString("base64url")]) {
    const store = memoryStore();
    await filled(store, keyFromEnv("A_KEY", { A_KEY: KEY }));
    assert.deepEqual(await secrets(sealed(store, keyFromEnv("A_KEY", { A_KEY: text }))), OPEN);
  }
  /** @type {string | undefined} */
  let kept;
  const chain = keychain({ get: () => kept, set: (key) => void (kept = key) });
  const store = memoryStore();
  await filled(store, chain);
  assert.deepEqual(await secrets(sealed(store, chain)), OPEN);
  kept = undefined;
  assert.match((await errorOf(sealed(store, chain).load())).message, /keychain has no key/);
});

// A shell script plays the system's commands; Windows has none.
if (process.platform !== "win32") test("the system's keychain by its own commands: the key goes through pipes only", async () => {
  const { keychainCommands } = await import(new URL("../../target/package/node/keychain.js", import.meta.url).href);
  const bin = path.join(folder, "bin");
  fs.mkdirSync(bin);
  const [said, kept] = [path.join(folder, "arguments"), path.join(folder, "kept")];
  /** @param {string} name @param {string} script */
  const program = (name, script) => fs.writeFileSync(path.join(bin, name), `#!/bin/sh\necho "$0 $*" >> '${said}'\n${script}\n`, { mode: 0o755 });
  const found = `test -f '${kept}' && exec /bin/cat '${kept}'`;
  program("secret-tool", `case "$1" in lookup) ${found}; exit 1;; store) /bin/cat > '${kept}';; esac`);
  program("security", `case "$1" in find-generic-password) ${found}; exit 44;; -i) read line; line="\${line##*-w \\"}"; echo "\${line%\\"*}" > '${kept}';; esac`);
  program("powershell.exe", `all=$(/bin/cat); case "$all" in *WriteAllBytes*) all="\${all#*key = \\'}"; echo "\${all%%\\'*}" > '${kept}';; *) ${found}; exit 0;; esac`);
  const before = process.env.PATH;
  process.env.PATH = bin;
  try {
    for (const platform of ["linux", "darwin", "win32"]) {
      const key = newSealingKey();
      const chain = keychainCommands({ service: "credpool", account: "a store" }, platform);
      assert.equal(await chain.get(), null, platform);
      await chain.set(key);
      assert.equal(await chain.get(), key, platform);
      assert.ok(!fs.readFileSync(said, "utf8").includes(key), `${platform}: the key was an argument`);
      const store = memoryStore();
      await filled(store, keychain(chain));
      assert.deepEqual(await secrets(sealed(store, keychain(chain))), OPEN, platform);
      fs.rmSync(kept);
      for (const name of ["secret-tool", "security", "powershell.exe"]) assert.ok(fs.existsSync(path.join(bin, name)));
    }
    program("secret-tool", "echo 'locked: '\"$*\" >&2; exit 1");
    assert.match((await errorOf(keychainCommands({ service: "credpool", account: "x" }, "linux").get())).message, /may be locked/);
    program("secret-tool", `case "$1" in lookup) exit 1;; esac`);
    assert.match((await errorOf(keychainCommands({ service: "credpool", account: "x" }, "linux").set(newSealingKey()))).message, /has not kept the key/);
    for (const account of ['"; rm', "'", "$(x)", ""]) assert.throws(() => keychainCommands({ service: "credpool", account }, "darwin"), SealError);
    process.env.PATH = folder;
    assert.match((await errorOf(keychainCommands({ service: "credpool", account: "x" }, "linux").get())).message, /there is no secret-tool here.*libsecret-tools/);
  } finally {
    process.env.PATH = before;
  }
});
