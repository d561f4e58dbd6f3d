// @ts-check
/** How things look: the live table of keys, bars, and small tables of results. All of it is text in, text out. */

/** @typedef {import("./screen.mjs").Paint} Paint */
/** @typedef {import("./screen.mjs").Colour} Colour */

/**
 * @typedef {object} Column
 * @property {string} title
 * @property {number} width
 * @property {"left" | "right"} [align]
 * @property {number} [spare]  columns with the highest number go first where the terminal is narrow
 *
 * @typedef {{ text: string, colour?: Colour | undefined }} Cell
 *
 * @typedef {object} Entry  what `pool.list()` says about a key, as far as it is shown
 * @property {string} name
 * @property {string} provider
 * @property {boolean} enabled
 * @property {string} status
 * @property {number} inFlight
 * @property {{ reason: string, until: number }[]} cooldowns
 * @property {{ success: number, failure: number }} counters
 */

/** The words of the pool, in the words of people. */
const WHY = /** @type {Record<string, string>} */ ({
  auth: "key refused",
  auth_permanent: "key refused",
  billing: "no credit left",
  model_not_found: "model not found",
  network: "network fault",
  overloaded: "overloaded",
  quota: "quota used up",
  rate_limit: "rate limit",
  timeout: "timeout",
});

const COLUMNS = /** @type {Column[]} */ ([
  { title: "key", width: 15 },
  { title: "now", width: 14 },
  { title: "until", width: 8, spare: 3 },
  { title: "", width: 6, align: "right", spare: 2 },
  { title: "why", width: 14, spare: 1 },
  { title: "answered", width: 8, align: "right" },
  { title: "refused", width: 7, align: "right" },
  { title: "share", width: 18, spare: 4 },
]);

/**
 * The table of keys and the bar below it.
 *
 * @param {{ entries: Entry[], answered: number, total: number, ms: number, width: number, now: number, paint: Paint }} view
 */
export function keysFrame({ entries, answered, total, ms, width, now, paint }) {
  const most = Math.max(1, ...entries.map((entry) => entry.counters.success));
  const refused = entries.reduce((sum, entry) => sum + entry.counters.failure, 0);
  const rows = entries.map((entry) => {
    const { success, failure } = entry.counters;
    const state = stateOf(entry, now);
    return [
      { text: `${entry.provider}:${entry.name}` },
      { text: state.text, colour: state.colour },
      { text: state.until === undefined ? "" : clock(state.until) },
      { text: state.until === undefined ? "" : length(state.until - now), colour: state.colour },
      { text: state.why, colour: state.colour },
      { text: String(success), colour: success ? /** @type {Colour} */ ("green") : "dim" },
      { text: String(failure), colour: failure ? /** @type {Colour} */ ("yellow") : "dim" },
      { text: bar(success / most, 18), colour: /** @type {Colour} */ ("green") },
    ];
  });
  const again = width < 64 ? "refused" : "refused and sent again";
  const text = `${String(answered).padStart(String(total).length)} of ${total} answered · ${refused} ${again} · ${seconds(ms)}`;
  return [...table(COLUMNS, rows, width, paint), "", progress({ answered, total }, text, width, paint)];
}

/** The same in one line, for a pipe. @param {{ entries: Entry[], answered: number, total: number, ms: number, now: number }} view */
export function keysLine({ entries, answered, total, ms, now }) {
  const refused = entries.reduce((sum, entry) => sum + entry.counters.failure, 0);
  const states = entries.map((entry) => ({ name: `${entry.provider}:${entry.name}`, ...stateOf(entry, now) }));
  const out = states.flatMap(({ name, until, why }) => (until === undefined ? [] : [`${name} ${length(until - now)} ${why}`]));
  return `  ${seconds(ms).padStart(6)}  ${answered} of ${total} answered, ${refused} refused and sent again${out.length ? `\n          cooling: ${out.join(", ")}` : ""}`;
}

/**
 * @param {Entry} entry
 * @param {number} now
 * @returns {{ text: string, why: string, colour: Colour | undefined, until?: number }}
 */
function stateOf({ enabled, status, inFlight, cooldowns }, now) {
  const last = cooldowns.filter(({ until }) => until > now).sort((a, b) => b.until - a.until)[0];
  if (!enabled) return { text: "× off", why: WHY[status] ?? status, colour: "red" };
  if (last) {
    const long = last.until - now > 60_000;
    const text = long ? "× out" : `◌ cooling${inFlight ? ` +${inFlight}` : ""}`;
    return { text, why: WHY[last.reason] ?? last.reason, colour: long ? "red" : "yellow", until: last.until };
  }
  if (inFlight) return { text: `● ${inFlight} in flight`, why: "", colour: "green" };
  return { text: "○ ready", why: "", colour: undefined };
}

/**
 * A table that leaves out what does not fit.
 *
 * @param {Column[]} columns
 * @param {Cell[][]} rows
 * @param {number} width
 * @param {Paint} paint
 */
export function table(columns, rows, width, paint) {
  const shown = columns.map((_, index) => index);
  const room = () => shown.reduce((sum, index) => sum + (columns[index]?.width ?? 0) + 1, 1);
  while (room() > width) {
    const [out] = [...shown].sort((a, b) => (columns[b]?.spare ?? 0) - (columns[a]?.spare ?? 0));
    if (out === undefined || !columns[out]?.spare) break;
    shown.splice(shown.indexOf(out), 1);
  }
  const line = (/** @type {Cell[]} */ cells) =>
    `  ${shown
      .map((index) => {
        const { width: cell = 0, align } = columns[index] ?? {};
        const { text = "", colour } = cells[index] ?? {};
        const cut = [...text].slice(0, cell).join("");
        const padded = align === "right" ? cut.padStart(cell) : cut.padEnd(cell);
        return colour ? paint(colour, padded) : padded;
      })
      .join(" ")}`.trimEnd();
  return [line(columns.map(({ title }) => ({ text: title, colour: /** @type {const} */ ("dim") }))), ...rows.map(line)];
}

/** @param {number} share @param {number} width */
export function bar(share, width) {
  const eighths = Math.round(Math.min(1, Math.max(0, share)) * width * 8);
  return "█".repeat(eighths >> 3) + (["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8] ?? "");
}

/**
 * A bar and what it stands for; the text alone where there is no room.
 *
 * @param {{ answered: number, failed?: number, total: number }} counts
 * @param {string} text
 * @param {number} width
 * @param {Paint} paint
 */
export function progress({ answered, failed = 0, total }, text, width, paint) {
  const room = Math.min(30, width - text.length - 4);
  if (room < 8) return `  ${text}`;
  const full = Math.floor((answered / total) * room);
  const lost = Math.min(room - full, Math.round((failed / total) * room));
  const rest = room - full - lost;
  return `  ${paint(answered === total ? "green" : "cyan", "█".repeat(full))}${paint("red", "▒".repeat(lost))}${paint("dim", "░".repeat(rest))}  ${text}`;
}

/** @param {number} at epoch ms */
export function clock(at) {
  return new Date(at).toTimeString().slice(0, 8);
}

/** A length of time in few letters: `1.4 s`, `58 s`, `10 min`. @param {number} ms */
export function length(ms) {
  if (ms < 9950) return `${(Math.max(0, ms) / 1000).toFixed(1)} s`;
  if (ms < 99_500) return `${Math.round(ms / 1000)} s`;
  return ms < 99 * 60_000 ? `${Math.round(ms / 60_000)} min` : `${Math.round(ms / 3_600_000)} h`;
}

/** @param {number} ms */
export function seconds(ms) {
  return Number.isFinite(ms) ? `${(ms / 1000).toFixed(1)} s` : "–";
}
