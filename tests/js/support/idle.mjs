// @ts-check
// A program that waits for a credential and then does nothing more, its pool still open: it must end by itself.
import { CredentialPool } from "credpool";

const pool = await CredentialPool.open({ env: false });
await pool.add("openai", { key: "sk-a" });
await (await pool.acquire("openai")).report({ status: 429, headers: { "retry-after": "1" } });
const lease = await pool.acquire("openai", { waitMs: 5000 });
await lease.report({ status: 429, headers: { "retry-after": "3600" } });
console.log("waited");
