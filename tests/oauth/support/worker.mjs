// @ts-check
// One of many processes on one store: uses accounts until it is killed, and tells what became of each call.
import { CredentialPool } from "credpool";
import { openStore } from "./store.mjs";

const [place = "", issuer = "", options = "{}"] = process.argv.slice(2);
const pool = await CredentialPool.open({ store: openStore(place), env: false, ...JSON.parse(options) });
process.on("disconnect", () => process.exit());
/** @param {string} word */
const tell = (word) => process.send?.(word, undefined, undefined, () => undefined);
tell("up");
for (;;) {
  /** @type {string} */
  let said;
  try {
    const lease = await pool.acquire("mine", { waitMs: 5000 });
    const response = await fetch(`${issuer}/me`, { headers: lease.headers() });
    await lease.report(response);
    said = String(response.status);
  } catch (error) {
    said = /** @type {{ code?: string }} */ (error).code ?? "error";
  }
  tell(said);
  await new Promise((resolve) => setTimeout(resolve, 20 + Math.random() * 100));
}
