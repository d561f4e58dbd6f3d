// @ts-check
// A process that adds a credential to a shared file, and ends with the pool still open: watching holds nobody up.
import { CredentialPool } from "credpool";
import { sqliteStore } from "credpool/node";

const [file = "", name = ""] = process.argv.slice(2);
const pool = await CredentialPool.open({ store: sqliteStore(file), env: false });
await pool.add("openai", { key: `sk-${name}`, name });
