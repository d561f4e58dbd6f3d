// @ts-check
// Scenarios with a world around the pools: the rules are looked after, and what the simulation prints runs here.
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { simulate } from "credpool";
import { runProgram } from "./support/runtime.mjs";

const main = fileURLToPath(new URL("../../pkg/dist/node/cli/main.js", import.meta.url));

const account = { name: "a", provider: "gitlab-duo", kind: "oauth", access: "sim-at-0-0", refresh: "sim-rt-0-0", expires: 60_000, token_url: "https://auth.example/token" };

/** @param {object} world @param {object[]} steps */
const script = (world, steps) => ({ name: "a world", seed: 1, pools: 2, credentials: [account], world: { life: [600, 600], ...world }, steps });

test("a world in which nothing goes wrong, and one whose store gives a lease to everybody", async () => {
  const steps = [{ at: 4_500_000, check: {}, expect: { well: 1, needs_login: 0, dead: 0 } }];
  const well = await simulate(script({ store: [1, 20] }, steps));
  assert.deepEqual([well.passed, well.failed, well.broken], [1, 0, undefined]);
  const broken = await simulate(script({ store: [1, 20], flaw: "lease_to_all" }, steps));
  assert.match(broken.broken ?? "", /who has no lease|was replaced, and is sent again/);

  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "credpool-world-"));
  const file = path.join(folder, "broken.json");
  fs.writeFileSync(file, JSON.stringify(script({ store: [1, 20], flaw: "lease_to_all" }, steps)));
  const printed = await runProgram([main, "simulate", file]);
  assert.deepEqual([printed.code, JSON.parse(printed.stdout.trim().split("\n").at(-1) ?? "")], [1, { broken: broken.broken }]);
  const checked = await runProgram([main, "simulate", "--check", file]);
  assert.deepEqual([checked.code, /broken: /.test(checked.stdout)], [1, true]);
  fs.rmSync(folder, { recursive: true });
});

test("what a world cannot be is told with its place", async () => {
  for (const [wrong, place] of /** @type {[object, RegExp][]} */ ([
    [script({ life: [9, 1] }, []), /^world\.life/],
    [script({ meter: 3 }, []), /^world\.meter_window/],
    [script({ faults: [{ pool: 7, on: "load", nth: 0, do: "fail" }] }, []), /^world\.faults\[0\]\.pool/],
    [script({ faults: [{ pool: 0, on: "sleep", nth: 0, do: "fail" }] }, []), /^world\.faults\[0\]\.on/],
    [script({ colour: 1 }, []), /^world\.colour/],
    [{ ...script({}, [{ at: 0, check: {} }]), world: undefined }, /^steps\[0\]\.check/],
    [{ ...script({}, [{ at: 0, crash: { for: 5 } }]), world: undefined }, /^steps\[0\]\.crash/],
    [{ ...script({}, []), credentials: [{ name: "k", provider: "openai", key: "k" }] }, /^credentials\[0\]\.refresh/],
  ])) {
    await assert.rejects(simulate(wrong), { code: "invalid", message: place });
  }
});
