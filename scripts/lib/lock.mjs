// @ts-check
// One build at a time: two would write the same files. A lock whose owner has died is taken over.
import fs from "node:fs";
import path from "node:path";
import { at } from "./paths.mjs";
import { Failure } from "./run.mjs";

/** @param {string} name @param {() => Promise<void>} work */
export async function withLock(name, work) {
  const file = at("target", `${name}.lock`);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  const deadline = Date.now() + 15 * 60_000;
  while (!take(file)) {
    if (Date.now() > deadline) throw new Failure(`another build has held ${path.relative(at(), file)} for 15 minutes`);
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  const release = () => fs.rmSync(file, { force: true });
  process.once("exit", release); // a command that is interrupted ends there
  try {
    await work();
  } finally {
    release();
    process.off("exit", release);
  }
}

/** @param {string} file */
function take(file) {
  try {
    fs.writeFileSync(file, String(process.pid), { flag: "wx" });
    return true;
  } catch {
    // Held: by somebody who lives?
  }
  try {
    const owner = Number(fs.readFileSync(file, "utf8"));
    if (owner > 0) process.kill(owner, 0);
  } catch (error) {
    // ESRCH: the owner is gone. Anything else (gone in between, or another user's) is looked at again next time.
    if (/** @type {NodeJS.ErrnoException} */ (error).code === "ESRCH") fs.rmSync(file, { force: true });
  }
  return false;
}
