// @ts-check
// Runs under Bun: oh-my-pi's AuthStorage and ours, the same accounts, the same process. Prints a line of JSON for each size.
//
//   bun auth-storage.child.mjs FOLDER SIZES ROUNDS
import path from "node:path";
import { CredentialPool, memoryStore } from "credpool";
import { measure, seen } from "../lib/measure.mjs";

const [folder = "", sizes = "", rounds = ""] = process.argv.slice(2);
const { Database } = await import(/** @type {string} */ ("bun:sqlite"));
const { AuthStorage, SqliteAuthCredentialStore } = await import(path.join(folder, "node_modules/@oh-my-pi/pi-ai/src/auth-storage.ts"));

const PROVIDER = "anthropic";
const expires = Date.now() + 86_400_000;
const account = (/** @type {number} */ n) => ({ access: `sk-ant-oat-bench-${n}`, refresh: `sk-ant-ort-bench-${n}`, expires, accountId: `account-${n}`, email: `user-${n}@example.com` });

for (const size of sizes.split(",").map(Number)) {
  const store = new SqliteAuthCredentialStore(new Database(":memory:"));
  // Its ranking by usage would ask the network; without it, it has the least to do.
  const theirs = new AuthStorage(store, { usageProviderResolver: () => undefined, rankingStrategyResolver: () => undefined });
  const accounts = Array.from({ length: size }, (_, n) => account(n));
  await theirs.set(
    PROVIDER,
    accounts.map((one) => ({ type: "oauth", ...one })),
  );
  const pool = await CredentialPool.open({ store: memoryStore(), env: false, policy: { extends: "default", affinity: { kind: "none" } } });
  await pool.addMany(accounts.map((one) => ({ provider: PROVIDER, kind: "oauth", ...one })));
  if (!(await theirs.getApiKey(PROVIDER))?.startsWith("sk-ant-oat-bench-")) throw new Error("AuthStorage gave none of its tokens");

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
    {
      key: "theirs",
      count: size >= 1_000 ? 1 : size >= 100 ? 10 : 200,
      run: async (count) => {
        for (let n = 0; n < count; n += 1) seen[n & 1023] = await theirs.getApiKey(PROVIDER);
      },
    },
  ];
  // At 1,000 one pick of theirs takes seconds.
  const figures = await measure(subjects, size >= 1_000 ? { rounds: 2, warmUp: 0 } : { rounds: Number(rounds), warmUp: 2 });
  console.log(JSON.stringify({ size, ours: figures.get("ours"), theirs: figures.get("theirs") }));
  await pool.close();
  theirs.close?.();
}
process.exit(0);
