// @ts-check
// The sealed bundle: opened by its passphrase alone, and as it was sealed or not at all.
import assert from "node:assert/strict";
import { test } from "node:test";
import { isBundle, openBundle, sealBundle } from "credpool/import";
import { canary } from "../canaries.mjs";

const passphrase = canary("passphrase");
const credentials = [{ provider: "openai", kind: /** @type {const} */ ("api_key"), key: canary("api_key"), name: "работа 🔑" }, { provider: "ollama", baseUrl: "http://127.0.0.1:11434" }];
const sealed = await sealBundle(credentials, passphrase);

test("it opens again, and shows nothing of what it holds", async () => {
  assert.ok(isBundle(sealed) && !isBundle('{"a":"credpool"}'));
  assert.deepEqual(await openBundle(sealed, passphrase), credentials);
  for (const text of [canary("api_key"), "openai", "ollama", passphrase]) assert.ok(!sealed.includes(text) && !Buffer.from(JSON.parse(sealed).data, "base64").includes(text), "it can be seen");
  assert.notEqual(JSON.parse(await sealBundle(credentials, passphrase)).data, JSON.parse(sealed).data, "each has its own salt");
});

test("letters that are written in two ways are one passphrase", async () => {
  const bundle = await sealBundle(credentials, "na\u00efve pass\u00e9");
  assert.deepEqual(await openBundle(bundle, "nai\u0308ve passe\u0301"), credentials);
});

test("a wrong passphrase says so", async () => {
  await assert.rejects(openBundle(sealed, `${passphrase}x`), /passphrase is wrong/);
  await assert.rejects(openBundle(sealed, ""), /passphrase is wrong/);
  await assert.rejects(sealBundle(credentials, "short"), /too short/);
});

test("every change is noticed, wherever it is", async () => {
  const { data, ...head } = JSON.parse(sealed);
  const bytes = Buffer.from(data, "base64");
  for (const at of [0, bytes.length >> 1, bytes.length - 1]) {
    const changed = Buffer.from(bytes);
    changed[at] = (changed[at] ?? 0) ^ 1;
    await assert.rejects(openBundle(JSON.stringify({ ...head, data: changed.toString("base64") }), passphrase), /changed or cut/);
  }
  await assert.rejects(openBundle(JSON.stringify({ ...head, data: bytes.subarray(0, 20).toString("base64") }), passphrase), /changed or cut/);
  await assert.rejects(openBundle(JSON.stringify({ ...head, data: "" }), passphrase), /changed or cut/);
  /** @type {[string, object][]} */
  const heads = [
    ["other salt", { kdf: { ...head.kdf, salt: Buffer.alloc(16).toString("base64") } }],
    ["more rounds", { kdf: { ...head.kdf, iterations: head.kdf.iterations + 1 } }],
    ["few rounds", { kdf: { ...head.kdf, iterations: 1 } }],
    ["endless rounds", { kdf: { ...head.kdf, iterations: 1e12 } }],
    ["another function", { kdf: { ...head.kdf, name: "none" } }],
    ["another cipher", { cipher: { ...head.cipher, name: "none" } }],
    ["another nonce", { cipher: { ...head.cipher, iv: Buffer.alloc(12).toString("base64") } }],
    ["a short nonce", { cipher: { ...head.cipher, iv: "" } }],
    ["another check", { check: "AAAA" }],
    ["a later version", { version: 2 }],
    ["not a bundle", { credpool: "x" }],
  ];
  for (const [what, change] of heads) await assert.rejects(openBundle(JSON.stringify({ ...head, data, ...change }), passphrase), (/** @type {any} */ error) => error.code === "invalid" && !error.message.includes(passphrase), what);
  for (const text of ["", "{", "[]", "null", '{"credpool":"bundle"}']) await assert.rejects(openBundle(text, passphrase), /no bundle of credpool/, text);
});
