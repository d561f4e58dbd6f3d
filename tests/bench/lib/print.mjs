// @ts-check
// The table that people read.
import { bold, cyan, dim, green, line, red } from "../../../scripts/lib/say.mjs";

/** @typedef {import("./rows.mjs").Row} Row */
/** @typedef {import("./rows.mjs").Bar} Bar */

/** @param {string} title @param {readonly Row[]} rows */
export function printSection(title, rows) {
  line(`\n${bold(cyan(title))}`);
  line(dim(`  ${"".padEnd(46)}${"creds".padStart(8)}${"minimum".padStart(12)}${"median".padStart(12)}${"ratio".padStart(13)}  bars`));
  for (const row of rows) {
    const { name, size, figure, unit = "ns", ratio } = row;
    const cells = [
      name.padEnd(46),
      (size === undefined ? "" : size.toLocaleString("en")).padStart(8),
      (figure ? amount(figure.min, unit) : "").padStart(12),
      (figure ? amount(figure.median, unit) : "").padStart(12),
      (ratio === undefined ? "" : times(ratio)).padStart(13),
    ];
    const bars = (row.bars ?? []).map(barText).join("  ");
    line(`  ${cells.join("")}  ${bars}${row.note ? dim(`${bars ? "  " : ""}${row.note}`) : ""}`);
  }
}

/** The same for docs/benchmarks.md. @param {string} title @param {readonly Row[]} rows */
export function printMarkdown(title, rows) {
  line(`\n### ${title}\n\n| what | credentials | minimum | median | ratio | bars |\n|---|---:|---:|---:|---:|---|`);
  for (const { name, size, figure, unit = "ns", ratio, bars = [], note } of rows) {
    const judged = bars.map(({ what, value, ok, quiet }) => (quiet ? `${what}: ${ok ? "yes" : "no"}` : `${what}: ${rounded(value)} ${ok ? "ok" : "**misses**"}`));
    const cells = [
      name,
      size === undefined ? "" : size.toLocaleString("en"),
      figure ? amount(figure.min, unit) : "",
      figure ? amount(figure.median, unit) : "",
      ratio === undefined ? "" : times(ratio),
      [...judged, ...(note ? [note] : [])].join("; "),
    ];
    line(`| ${cells.join(" | ")} |`);
  }
}

/** @param {Bar} bar */
function barText({ what, value, ok, quiet }) {
  if (quiet) return dim(`${what}: ${ok ? "yes" : "no"}`);
  const text = `${what} ${rounded(value)}`;
  return ok ? `${text} ${green("ok")}` : `${text} ${red("MISSES")}`;
}

/** @param {number} value */
const rounded = (value) => (Math.abs(value) < 10 ? value.toFixed(2) : Math.round(value).toLocaleString("en"));

/** @param {number} ratio */
const times = (ratio) => `${ratio < 100 ? ratio.toFixed(2) : Math.round(ratio).toLocaleString("en")}x`;

/** @param {number} value @param {NonNullable<Row["unit"]>} unit */
export function amount(value, unit) {
  if (!Number.isFinite(value)) return "-";
  if (unit === "bytes") return `${Math.round(value).toLocaleString("en")} B`;
  if (unit === "times") return times(value);
  const nanoseconds = value * { ns: 1, us: 1e3, ms: 1e6 }[unit];
  if (nanoseconds < 1_000) return `${nanoseconds.toFixed(1)} ns`;
  if (nanoseconds < 1e6) return `${(nanoseconds / 1e3).toFixed(2)} us`;
  return `${(nanoseconds / 1e6).toFixed(2)} ms`;
}

/** What has missed its bar, in words; empty where everything is well. @param {readonly { title: string, rows: readonly Row[] }[]} sections */
export function misses(sections) {
  return sections.flatMap(({ title, rows }) =>
    rows.flatMap((row) =>
      (row.bars ?? []).filter(({ ok, quiet }) => !ok && !quiet).map(({ what, value }) => `${title}: ${row.name}${row.size === undefined ? "" : ` at ${row.size.toLocaleString("en")}`}: ${what}, is ${value.toFixed(2)}`),
    ),
  );
}
