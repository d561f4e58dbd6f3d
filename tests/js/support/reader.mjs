// @ts-check
// A process that may read a file and not write it: where it is root it becomes somebody else, when all its code is there.
import { sqliteStore } from "credpool/node";

const warm = sqliteStore(":memory:");
await warm.load();
await warm.close();
if (process.getuid?.() === 0) process.setuid?.(65534);
const store = sqliteStore(process.argv[2] ?? "");
const { rows } = await store.load();
const error = await store.commit([{ kind: "tie", id: "t", data: "{}" }]).then(() => "it was written", (thrown) => thrown.message);
await store.close();
process.stdout.write(JSON.stringify({ rows: rows.length, error }));
