// @ts-check
// No built file outgrows its budget: budgets.json, in bytes, raw and after brotli. A budget is what the file had when it was
// last made smaller, with room for what is being built; beside it stands the bar that the project has set itself.
import fs from "node:fs";
import zlib from "node:zlib";
import { main } from "../../scripts/lib/main.mjs";
import { at } from "../../scripts/lib/paths.mjs";
import { Failure } from "../../scripts/lib/run.mjs";
import { kilobytes, line } from "../../scripts/lib/say.mjs";

/** @typedef {{ raw: number, brotli: number }} Sizes */
/** @type {Record<string, Sizes & { bar?: Sizes }>} */
const budgets = JSON.parse(fs.readFileSync(at("tests/size/budgets.json"), "utf8"));

await main(async () => {
  const over = [];
  for (const [file, budget] of Object.entries(budgets)) {
    if (!fs.existsSync(at(file))) throw new Failure(`${file} is missing: run \`npm run build\` first.`);
    const bytes = fs.readFileSync(at(file));
    const sizes = { raw: bytes.length, brotli: zlib.brotliCompressSync(bytes).length };
    for (const kind of /** @type {const} */ (["raw", "brotli"])) {
      const share = Math.round((100 * sizes[kind]) / budget[kind]);
      const bar = budget.bar ? `, the bar is ${kilobytes(budget.bar[kind])}` : "";
      const text = `${file}: ${kilobytes(sizes[kind])} ${kind} of ${kilobytes(budget[kind])} (${share} %${bar})`;
      line(text);
      if (sizes[kind] > budget[kind]) over.push(text);
    }
  }
  if (over.length > 0) throw new Failure(`over budget:\n  ${over.join("\n  ")}`);
});
