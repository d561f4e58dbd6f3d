// @ts-check
// A process that adds a credential and ends with its pool open: watching PostgreSQL holds nobody up.
import fs from "node:fs";
import { CredentialPool } from "credpool";
import { postgresStore } from "credpool/postgres";

const pool = await CredentialPool.open({ store: postgresStore(JSON.parse(fs.readFileSync(process.argv[2] ?? "", "utf8"))), env: false });
await pool.add("openai", { key: "sk-idle", name: "idle" });
process.stdout.write("added");
