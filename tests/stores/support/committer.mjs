// @ts-check
// A process that commits to a file until it is killed, and says of each commit that it is done. It is told its file by a line, when it
// has loaded what it needs.
import fs from "node:fs";
import { createInterface } from "node:readline";
import { isSqliteBusyError, sqliteStore } from "credpool/node";

/** @type {[file: string, name: string]} */
const [file, name] = await new Promise((resolve) => createInterface({ input: process.stdin }).once("line", (line) => resolve(JSON.parse(line))));
const store = sqliteStore(file);
const { rows } = await store.load();
const mine = rows.find(({ kind, id }) => kind === "tie" && id === `${name}/left`);
let n = mine ? JSON.parse(mine.data ?? "").n : 0;
for (;;) {
  n += 1;
  const data = JSON.stringify({ n, filling: "x".repeat((n * 97) % 3000) });
  const mutations = [
    { kind: "tie", id: `${name}/left`, data },
    { kind: "credential", expects: 0, data: JSON.stringify({ by: name, n }), secret: JSON.stringify({ key: `${name}-${n}` }) },
    { kind: "tie", id: `${name}/right`, data },
  ];
  // On a busy machine the other may hold the lock for longer than the store waits: nothing was made then, and it is said.
  const result = await store.commit(mutations).catch((error) => {
    if (!isSqliteBusyError(error)) throw error;
    fs.writeSync(1, "b\n");
  });
  if (!result) {
    n -= 1;
    continue;
  }
  if (!result.ok) throw new Error("nobody else writes these");
  fs.writeSync(1, `${n}\n`);
  if (n % 3 === 0) {
    const lease = await store.lease(`${name}/lease`, `${process.pid}`, 60_000);
    if (lease) {
      fs.writeSync(1, `f${lease.fence}\n`);
      await store.release(lease);
    }
  }
}
