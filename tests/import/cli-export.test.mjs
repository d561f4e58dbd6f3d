// @ts-check
// credpool export, as a process: sealed to another machine, in plain to another tool.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { chatgpt, home, key, later, otherKey, passphrase, refresh, secrets } from "./support/home.mjs";

test("a bundle takes all to another machine", async () => {
  const [one, two] = [home(), home()];
  await one.run(["add", "openai", "--name", "work", "--priority", "4", "--proxy", "http://u:p@proxy.example.com:3128"], { input: key });
  await one.run(["import", one.write("auth.json", { tokens: { access_token: chatgpt(later), refresh_token: refresh } }), "--yes"]);
  const made = await one.run(["export", "--to", "bundle", path.join(one.at, "moving.json"), "--json"], { input: passphrase });
  assert.deepEqual([made.code, JSON.parse(made.stdout).credentials], [0, 2], made.stderr);
  const file = path.join(one.at, "moving.json");
  if (process.platform !== "win32") assert.equal(fs.statSync(file).mode & 0o777, 0o600);
  for (const secret of secrets) assert.ok(!fs.readFileSync(file, "utf8").includes(secret));
  const wrong = await two.run(["import", file, "--yes"], { input: "another passphrase" });
  assert.deepEqual([wrong.code, /the passphrase is wrong/.test(wrong.stderr)], [1, true]);
  const opened = await two.run(["import", file, "--yes"], { env: { CREDPOOL_PASSPHRASE: passphrase } });
  assert.equal(opened.code, 0, opened.stderr);
  for (const id of ["openai:work", "openai-codex:a@example.com"]) {
    assert.deepEqual(JSON.parse((await two.run(["export", id])).stdout), JSON.parse((await one.run(["export", id])).stdout));
  }
});

test("another tool's files are written for their owner alone, and never over what is there", async () => {
  const of = home();
  await of.run(["add", "openai", "--name", "work", "--priority", "2"], { input: key });
  await of.run(["add", "groq"], { input: otherKey });
  assert.match((await of.run(["export", "--to", "env", "out/.env"])).stderr, /say --yes to write secrets in plain/);
  assert.ok(!fs.existsSync(path.join(of.at, "out")));
  const done = await of.run(["export", "--to", "env", "out/.env", "--yes"]);
  const file = path.join(of.at, "out", ".env");
  assert.deepEqual([done.code, fs.readFileSync(file, "utf8")], [0, `GROQ_API_KEY=${otherKey}\nOPENAI_API_KEY_WORK=${key}\n`], done.stderr);
  assert.match(done.stderr, /not held openai:work: priority/);
  if (process.platform !== "win32") assert.equal(fs.statSync(file).mode & 0o777, 0o600);
  const again = await of.run(["export", "--to", "env", "out/.env", "--yes"]);
  assert.deepEqual([again.code, /is there already: say --force/.test(again.stderr)], [2, true]);
  assert.equal((await of.run(["export", "--to", "env", "out/.env", "--yes", "--force", "--only", "groq"])).code, 0);
  assert.equal(fs.readFileSync(file, "utf8"), `GROQ_API_KEY=${otherKey}\n`);
  const codex = await of.run(["export", "--to", "codex", "--only", "groq", "--yes"]);
  assert.deepEqual([codex.code, /codex can hold none of them/.test(codex.stderr)], [1, true]);
  const printed = await of.run(["export", "--to", "openclaw", "--only", "openai:work", "-"]);
  assert.equal(JSON.parse(printed.stdout).profiles["openai:work"].key, key);
  for (const [args, message] of /** @type {[string[], RegExp][]} */ ([[["export"], /name the profile/], [["export", "--to", "emacs"], /there is no tool "emacs"/], [["export", "--to", "env", "--only", "nobody"], /there is no "nobody"/]])) {
    const { code, stderr } = await of.run(args);
    assert.deepEqual([code, message.test(stderr)], [2, true], stderr);
  }
});

test("names of a hostile file do not reach the terminal as they are", async () => {
  const of = home();
  const file = of.write("auth-profiles.json", { profiles: { "openai:\u001b[2J\u001b]0;x\u0007": { type: "api_key", provider: "openai", key } } });
  const { stdout, stderr } = await of.run(["import", file, "--dry-run"], { env: { FORCE_COLOR: "1" } });
  // eslint-disable-next-line no-control-regex
  assert.doesNotMatch(stdout + stderr, /\u001b\[2J|\u001b\]|\u0007/);
});
