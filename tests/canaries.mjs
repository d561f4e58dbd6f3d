// @ts-check
// Canary secrets for the tests in JavaScript: use them as keys, tokens and passphrases. At the end of `npm test` all
// output of the run is searched for them; a run in which no test has planted one does not pass either.
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const here = path.dirname(fileURLToPath(import.meta.url));
/** @typedef {"api_key" | "other_key" | "access_token" | "refresh_token" | "passphrase"} CanaryName */
/** @type {Record<CanaryName, string>} */
export const canaries = JSON.parse(fs.readFileSync(path.join(here, "canaries.json"), "utf8")).canaries;

/** Files in this folder are searched too: write states, events, traces and explanations here. */
export const searched = path.join(here, "output");

/** The secret to plant; that it was planted is written down. @param {CanaryName} name */
export function canary(name) {
  const file = path.join(searched, "planted.txt");
  fs.mkdirSync(searched, { recursive: true });
  fs.appendFileSync(file, `${name}\n`);
  return canaries[name];
}
