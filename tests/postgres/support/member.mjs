// @ts-check
// One of many processes on one PostgreSQL: counts with the others, changes what it is told to, and says when it saw a change.
import { CredentialPool } from "credpool";
import { postgresStore } from "credpool/postgres";

const [options = "{}"] = process.argv.slice(2);
const say = (/** @type {object} */ message) => void process.send?.(message);
const store = postgresStore(JSON.parse(options));
const pool = await CredentialPool.open({ store, env: false, storeTimeoutMs: 120_000 });
pool.on("updated", ({ name }) => say({ saw: name, at: Date.now() }));

/**
 * Adds one to a row that all of them add to, by compare-and-swap, as often as it takes: what the row is now a conflict says.
 * @param {string} id @param {{ version: number, n: number }} known
 */
async function count(id, known) {
  for (let tries = 1; ; tries += 1) {
    const made = await store.commit([{ kind: "counter", id, expects: known.version, data: JSON.stringify({ n: known.n + 1 }) }]);
    if (made.ok) {
      Object.assign(known, { version: made.rows[0]?.version ?? 0, n: known.n + 1 });
      return tries;
    }
    const [row] = made.conflicts;
    Object.assign(known, { version: row?.version ?? 0, n: row?.data === undefined ? 0 : JSON.parse(row.data).n });
  }
}

process.on("message", async (/** @type {any} */ message) => {
  if (message.count) {
    let tries = 0;
    const known = Array.from({ length: 5 }, () => ({ version: 0, n: 0 }));
    for (let n = 0; n < message.count; n += 1) {
      const at = Math.floor(Math.random() * known.length);
      tries += await count(`hot-${at}`, known[at] ?? { version: 0, n: 0 });
    }
    say({ counted: message.count, tries });
  }
  if (message.own) {
    for (const name of message.own) await pool.update(`openai:${name}`, { priority: message.priority });
    say({ updated: message.own.length });
  }
  if (message.change) {
    const began = Date.now();
    await pool.update(`openai:${message.change}`, { priority: message.priority });
    say({ changed: message.change, began, done: Date.now() });
  }
  if (message.priority !== undefined && message.read) {
    say({ read: pool.list("openai").filter(({ priority }) => priority === message.priority).length });
  }
  if (message.end) {
    await pool.close();
    process.disconnect();
  }
});
say({ open: pool.list("openai").length });
