// @ts-check
// What the commands print: coloured in a terminal, plain in a pipe or with NO_COLOR.
const terminal = process.stdout.isTTY === true;
const coloured = process.env.FORCE_COLOR ? process.env.FORCE_COLOR !== "0" : terminal && !process.env.NO_COLOR;

// Whoever reads us (`| head`) may leave before we are done.
process.stdout.on("error", (error) => {
  if (/** @type {NodeJS.ErrnoException} */ (error).code !== "EPIPE") throw error;
  process.exit();
});

/** @param {number} on @param {number} off */
const style = (on, off) => (/** @type {string} */ text) => (coloured ? `\x1b[${on}m${text}\x1b[${off}m` : text);
export const bold = style(1, 22);
export const dim = style(2, 22);
export const red = style(31, 39);
export const green = style(32, 39);
export const cyan = style(36, 39);

/** Without the control sequences that some tools write even into a pipe. @param {string} text */
export const withoutColour = (text) => text.replace(/\x1b(?:\[[0-9;?]*[A-Za-z]|\([A-Z0-9])/g, "");

/** What another program said, as our output is. @param {string} text */
export const quoted = (text) => (coloured ? text : withoutColour(text));

/** Takes back a progress line that stands in the terminal. */
const wipe = "\r\x1b[2K";

/** @param {string} [text] */
export function line(text = "") {
  process.stdout.write(`${terminal ? wipe : ""}${text}\n`);
}

/** @param {string} text */
export function heading(text) {
  line(`\n${bold(cyan(text))}`);
}

/** One fact of the set-up or of a build: `  name      what is so`. @param {string} name @param {string} fact */
export function fact(name, fact) {
  line(`  ${name.padEnd(20)}${fact}`);
}

/** @param {number} milliseconds */
export function duration(milliseconds) {
  const seconds = milliseconds / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
}

/** @param {number} bytes */
export function kilobytes(bytes) {
  return `${(bytes / 1024).toFixed(1)} KB`;
}

/**
 * A line that says that something is going on: rewritten in place in a terminal, printed now and then in a pipe,
 * so that nobody takes a long build for a dead one.
 */
export class Progress {
  /** What the whole thing is about, where no heading says so. */
  static label = "";
  #started = Date.now();
  #last;
  #timer;
  /** @param {string} [text] until there is output */
  constructor(text = "") {
    this.#last = text;
    this.#timer = setInterval(() => this.#show(), terminal ? 200 : 20_000);
    this.#timer.unref();
  }

  /** @param {string} text the newest line of output */
  note(text) {
    // Control sequences would paint over our own line.
    const plain = withoutColour(text).replace(/[^\x20-\x7e\u00a0-\uffff]/g, " ").trim();
    if (plain) this.#last = plain;
  }

  #show() {
    const seconds = Math.round((Date.now() - this.#started) / 1000);
    const text = `  ${Progress.label}${seconds} s  ${this.#last}`.slice(0, (process.stdout.columns || 110) - 1);
    if (terminal) process.stdout.write(`${wipe}${dim(text)}`);
    else line(text);
  }

  /** Takes the line back. */
  end() {
    clearInterval(this.#timer);
    if (terminal) process.stdout.write(wipe);
  }
}
