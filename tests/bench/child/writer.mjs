// @ts-check
// A process that changes rows of a store, one commit after the other, until it is killed; a point for each.
import fs from "node:fs";
import { openStore } from "../../oauth/support/store.mjs";

const [place = "", number = "0"] = process.argv.slice(2);
const store = openStore(place);
for (let n = 0; ; n += 1) {
  await store.commit([{ kind: "health", id: 1 + ((Number(number) * 2500 + n) % 10_000), data: `{"until":${n}}` }]);
  fs.writeSync(1, ".");
}
