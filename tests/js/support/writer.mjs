// @ts-check
// A process among others that add credentials to one file.
import { sqliteStore } from "credpool/node";

const [file = "", name = "", times = ""] = process.argv.slice(2);
const store = sqliteStore(file);
for (let n = 0; n < Number(times); n += 1) {
  const result = await store.commit([{ kind: "credential", expects: 0, data: JSON.stringify({ name: `${name}-${n}` }), secret: "{}" }]);
  if (!result.ok) throw new Error("a new row cannot conflict");
}
await store.close();
