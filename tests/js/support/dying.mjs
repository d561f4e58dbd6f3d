// @ts-check
// A process that dies without a word, right after what it was told is done.
import { CredentialPool } from "credpool";
import { sqliteStore } from "credpool/node";

const pool = await CredentialPool.open({ store: sqliteStore(process.argv[2] ?? ""), env: false });
await pool.addMany([{ provider: "openai", key: "sk-a", name: "a" }, { provider: "openai", key: "sk-b", name: "b" }]);
await (await pool.acquire("openai", { model: "m", exclude: ["openai:b"] })).report({ status: 429, headers: { "retry-after": "3600" } });
await new Promise((resolve) => setTimeout(resolve, 50)); // The cooldown's commit was started with the report.
process.stdout.write("added and limited\n", () => process.kill(process.pid, "SIGKILL"));
