// @ts-check
// Chromium and its driver. Debian's packages are installed where they are missing; elsewhere a sentence says what to do.
import fs from "node:fs";
import path from "node:path";
import { Failure, ask } from "../lib/run.mjs";
import { duration } from "../lib/say.mjs";
import { installWithApt } from "./apt.mjs";

/** @param {string} variable @param {string[]} names */
function find(variable, names) {
  const told = process.env[variable];
  if (told) return fs.existsSync(told) ? told : undefined;
  for (const folder of (process.env.PATH ?? "").split(path.delimiter)) {
    for (const name of names) {
      const file = path.join(folder, name);
      if (fs.existsSync(file)) return file;
    }
  }
  return undefined;
}
const look = () => ({
  chromium: find("CHROMIUM", ["chromium", "chromium-browser", "google-chrome"]),
  driver: find("CHROMEDRIVER", ["chromedriver"]),
});

export async function ensureBrowser() {
  const started = Date.now();
  let found = look();
  if (!found.chromium || !found.driver) {
    await installWithApt("Chromium or chromedriver", ["chromium", "chromium-driver"], "install both, or name them in CHROMIUM and CHROMEDRIVER.");
    found = look();
  }
  if (!found.chromium || !found.driver) {
    throw new Failure("Chromium or chromedriver is missing: install both (Debian: chromium chromium-driver), or name them in CHROMIUM and CHROMEDRIVER.");
  }
  process.env.CHROMIUM = found.chromium;
  process.env.CHROMEDRIVER = found.driver;
  const version = (await ask(found.chromium, ["--version", "--no-sandbox"]))?.split("\n").at(-1) ?? "there";
  const took = Date.now() - started;
  return took > 10_000 ? `${version}, installed in ${duration(took)}` : version;
}
