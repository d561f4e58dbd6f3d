// @ts-check
// The search for planted secrets in everything that a test run has written.
import fs from "node:fs";
import path from "node:path";
import { at, output, root } from "../lib/paths.mjs";

/** @type {Record<string, string>} */
const canaries = JSON.parse(fs.readFileSync(at("tests/canaries.json"), "utf8")).canaries;

/** How the tests find them in languages that do not read the file: CREDPOOL_CANARY_API_KEY and so on. */
export const canaryEnvironment = Object.fromEntries(
  Object.entries(canaries).map(([name, secret]) => [`CREDPOOL_CANARY_${name.toUpperCase()}`, secret]),
);

/** What of a text does not change with what stands before and after it, in base64: one form for each alignment. @param {string} text */
function base64Forms(text) {
  return [0, 1, 2].map((shift) => {
    const encoded = Buffer.from("\0".repeat(shift) + text).toString("base64").replace(/=+$/, "");
    return encoded.slice(Math.ceil((shift * 4) / 3), -1);
  });
}

/**
 * A secret may be seen cut short or encoded: each half of its random end is searched for too, as it is, in base64 and in hex.
 * @param {string} secret
 */
export function formsOf(secret) {
  const end = secret.slice(-32);
  const parts = [end.slice(0, 16), end.slice(16)];
  const forms = parts.flatMap((part) => [part, ...base64Forms(part), Buffer.from(part).toString("hex")]);
  return [...new Set(forms.flatMap((form) => [form, form.replaceAll("+", "-").replaceAll("/", "_")]))];
}

/** The places where a canary is seen: file and name, never the secret. @param {string} text @param {string} where */
export function search(text, where) {
  const lower = text.toLowerCase();
  return Object.entries(canaries)
    .filter(([, secret]) => formsOf(secret).some((form) => text.includes(form) || (/^[0-9a-f]+$/.test(form) && lower.includes(form))))
    .map(([name]) => `${where}: canary ${name}`);
}

/** Searches all that the run wrote. @returns {{ files: number, planted: number, found: string[] }} */
export function searchOutput() {
  const names = /** @type {string[]} */ (fs.readdirSync(output, { recursive: true }));
  const files = names.map((name) => path.join(output, name)).filter((file) => fs.statSync(file).isFile());
  const found = files.flatMap((file) => search(fs.readFileSync(file).toString("latin1"), path.relative(root, file)));
  const record = path.join(output, "planted.txt");
  const planted = fs.existsSync(record) ? fs.readFileSync(record, "utf8").trim().split("\n").length : 0;
  return { files: files.length, planted, found };
}

/** The search must see what it searches for: each form of each canary in a text made for it. */
export function searchSees() {
  return Object.values(canaries).every((secret) => {
    const seen = [secret, secret.slice(0, -4), Buffer.from(`Bearer ${secret}`).toString("base64"), Buffer.from(`ab:${secret}`).toString("base64"), Buffer.from(secret).toString("hex").toUpperCase()];
    return seen.every((text) => search(`before ${text} after`, "control").length > 0) && search(`nothing ${secret.slice(0, 8)}`, "control").length === 0;
  });
}
