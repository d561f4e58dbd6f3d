// @ts-check
// Runs under Bun: oh-my-pi's AuthStorage and ours, the same accounts, the same process. Prints a line of JSON for each size.
//
//   bun auth-storage.child.mjs FOLDER SIZES ROUNDS [usage]
//
// With `usage` both rank by what is left of every account: reports are at hand, nobody is asked over the network. Theirs is asked
// up to 1,000 accounts.
import path from "node:path";
import { CredentialPool, memoryStore } from "credpool";
import { measure, seen } from "../lib/measure.mjs";

const [folder = "", sizes = "", rounds = "", by = ""] = process.argv.slice(2);
const byUsage = by === "usage";
const HOUR = 3_600_000;
const { Database } = await import(/** @type {string} */ ("bun:sqlite"));
const { AuthStorage, SqliteAuthCredentialStore } = await import(path.join(folder, "node_modules/@oh-my-pi/pi-ai/src/auth-storage.ts"));

const PROVIDER = "anthropic";
const expires = Date.now() + 86_400_000;
const account = (/** @type {number} */ n) => ({ access: `sk-ant-oat-bench-${n}`, refresh: `sk-ant-ort-bench-${n}`, expires, accountId: `account-${n}`, email: `user-${n}@example.com` });

const now = Date.now();
/** What is left of account n: its windows, in shares that are used. @param {number} n */
const used = (n) => ({ short: ((n * 37) % 80) / 100, long: ((n * 61) % 95) / 100, shortEnds: now + (1 + (n % 4)) * HOUR, longEnds: now + (5 + (n % 160)) * HOUR });
/** As oh-my-pi's providers answer. @param {number} n */
const theirReport = (n) => {
  const { short, long, shortEnds, longEnds } = used(n);
  const limit = (/** @type {string} */ id, /** @type {number} */ hours, /** @type {number} */ share, /** @type {number} */ resetsAt) => ({
    id: `anthropic:${id}`, label: id, scope: { provider: PROVIDER, windowId: id, shared: true }, window: { id, label: id, durationMs: hours * HOUR, resetsAt },
    amount: { used: share * 100, limit: 100, usedFraction: share, unit: "percent" }, status: "ok",
  });
  return { provider: PROVIDER, fetchedAt: Date.now(), limits: [limit("5h", 5, short, shortEnds), limit("7d", 168, long, longEnds)] };
};
/** The same for ours. @param {number} n */
const ourReport = (n) => {
  const { short, long, shortEnds, longEnds } = used(n);
  const limit = (/** @type {string} */ id, /** @type {number} */ hours, /** @type {number} */ share, /** @type {number} */ resets_at) => ({
    id: `anthropic:${id}`, scope: { shared: true }, window: { id, label: id, duration: hours * HOUR, resets_at }, amount: { used_ppm: Math.round(share * 1e6), unit: /** @type {const} */ ("percent") }, status: /** @type {const} */ ("ok"),
  });
  return { limits: [limit("5h", 5, short, shortEnds), limit("7d", 168, long, longEnds)] };
};
const usageProvider = {
  id: PROVIDER,
  supports: () => true,
  fetchUsage: async (/** @type {{ credential: { accountId?: string } }} */ { credential }) => theirReport(Number(String(credential.accountId).replace(/\D/g, ""))),
};

for (const size of sizes.split(",").map(Number)) {
  const store = new SqliteAuthCredentialStore(new Database(":memory:"));
  // Its ranking by usage would ask the network; without it, it has the least to do.
  const theirs = new AuthStorage(store, byUsage ? { usageProviderResolver: (/** @type {string} */ provider) => (provider === PROVIDER ? usageProvider : undefined) } : { usageProviderResolver: () => undefined, rankingStrategyResolver: () => undefined });
  const accounts = Array.from({ length: size }, (_, n) => account(n));
  const asksThem = size <= 1_000;
  if (asksThem) {
    await theirs.set(
      PROVIDER,
      accounts.map((one) => ({ type: "oauth", ...one })),
    );
  }
  const pool = await CredentialPool.open({ store: memoryStore(), env: false, policy: { extends: "default", affinity: { kind: "none" } } });
  await pool.addMany(accounts.map((one) => ({ provider: PROVIDER, kind: "oauth", ...one })));
  if (byUsage) for (let n = 0; n < size; n += 1) await pool.setUsageReport(n + 1, ourReport(n));
  if (asksThem && !(await theirs.getApiKey(PROVIDER))?.startsWith("sk-ant-oat-bench-")) throw new Error("AuthStorage gave none of its tokens");

  /** @type {import("../lib/measure.mjs").Subject[]} */
  const subjects = [
    {
      key: "ours",
      count: 20_000,
      run: (count) => {
        for (let n = 0; n < count; n += 1) {
          const lease = pool.tryAcquire(PROVIDER);
          if (!lease.ok) throw new Error(lease.code);
          seen[n & 1023] = lease.secret;
          lease.release();
        }
      },
    },
    ...(!asksThem ? [] : [{
      key: "theirs",
      count: size >= 1_000 ? 1 : size >= 100 ? 10 : 200,
      run: async (/** @type {number} */ count) => {
        for (let n = 0; n < count; n += 1) seen[n & 1023] = await theirs.getApiKey(PROVIDER);
      },
    }]),
  ];
  // At 1,000 one pick of theirs takes seconds.
  const figures = await measure(subjects, asksThem && size >= 1_000 ? { rounds: 2, warmUp: 0 } : { rounds: Number(rounds), warmUp: 2 });
  console.log(JSON.stringify({ size, ours: figures.get("ours"), theirs: figures.get("theirs") }));
  await pool.close();
  theirs.close?.();
}
process.exit(0);
