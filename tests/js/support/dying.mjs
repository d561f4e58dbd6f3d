// @ts-check
// A process that dies without a word, right after what it was told is done.
import { CredentialPool } from "credpool";
import { sqliteStore } from "credpool/node";

const store = sqliteStore(process.argv[2] ?? "");
const pool = await CredentialPool.open({ store, env: false });
await pool.addMany([{ provider: "openai", key: "sk-a", name: "a" }, { provider: "openai", key: "sk-b", name: "b" }]);
await (await pool.acquire("openai", { model: "m", exclude: ["openai:b"] })).report({ status: 429, headers: { "retry-after": "3600" } });
// The cooldown's commit was started with the report.
while (!(await store.load()).rows.some(({ kind }) => kind === "health")) await new Promise((resolve) => setTimeout(resolve, 5));
process.stdout.write("added and limited\n", () => process.kill(process.pid, "SIGKILL"));
