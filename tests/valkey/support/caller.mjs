// @ts-check
// A process that calls with one account as often as it is let, and says of each call when it began and when it ended.
//   argv: the store's file, the server's address, how long a call takes in ms
import { CredentialPool } from "credpool";
import { sqliteStore } from "credpool/node";
import { valkeyLimits } from "credpool/valkey";

const [file = "", url = "", takes = "20"] = process.argv.slice(2);
const pool = await CredentialPool.open({ store: sqliteStore(file), limits: valkeyLimits(url), env: false });
const say = (/** @type {object} */ what) => process.send?.(what);
pool.on("store", ({ reason }) => say({ notice: reason, at: Date.now() }));
let going = true;
process.on("message", (message) => message === "end" && (going = false));

async function caller() {
  while (going) {
    const asked = Date.now();
    // Nobody but the limits makes anybody wait.
    const lease = await pool.acquire("openai", { model: "m" }).catch(async (error) => {
      if (!["cooling_down", "unavailable"].includes(error.code)) throw error;
      await new Promise((resolve) => setTimeout(resolve, Math.min(250, Math.max(5, (error.retryAt ?? 0) - Date.now()))));
    });
    if (!lease) continue;
    say({ asked, began: Date.now() });
    await new Promise((resolve) => setTimeout(resolve, Number(takes) * (0.5 + Math.random())));
    say({ ended: Date.now() });
    await lease.report({ status: 200 });
  }
}
say({ open: true });
await Promise.all(Array.from({ length: 6 }, caller));
await pool.close();
process.disconnect?.();
