// @ts-check
/**
 * The terminal: a part that is drawn anew in its place, and lines that stay. In a pipe nothing is
 * drawn anew and nothing has a colour.
 */

const ESC = "\x1b[";
const CODES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, blue: 34, magenta: 35, cyan: 36 };

/** @typedef {keyof typeof CODES} Colour */
/** @typedef {(colour: Colour, text: string) => string} Paint */

export class Screen {
  #out;
  #timer = /** @type {ReturnType<typeof setInterval> | undefined} */ (undefined);
  #lastDrawn = /** @type {string[]} */ ([]);
  #lastPlain = -Infinity;

  /** @param {NodeJS.WriteStream} [out] */
  constructor(out = process.stdout) {
    this.#out = out;
    this.live = out.isTTY === true && process.env["TERM"] !== "dumb";
    const colours = this.live && !process.env["NO_COLOR"];
    /** @type {Paint} */
    this.paint = (colour, text) => (colours && text ? `${ESC}${CODES[colour]}m${text}${ESC}0m` : text);
    process.on("exit", () => this.end());
    out.on("error", () => process.exit(1)); // the reader of the pipe has left
  }

  get width() {
    return this.live ? Math.max(20, this.#out.columns || 80) - 1 : 100;
  }

  get height() {
    return this.live ? Math.max(4, this.#out.rows || 24) - 1 : Infinity;
  }

  /** Lines that stay. @param {...string} lines */
  print(...lines) {
    this.#out.write(`${lines.join("\n")}\n`);
  }

  /**
   * Shows what `frame` returns ten times a second, until `finish`; in a pipe, what `plain` returns
   * about once a second.
   *
   * @param {() => string[]} frame
   * @param {() => string} plain
   */
  begin(frame, plain) {
    const show = () => {
      if (this.live) return this.#draw(frame());
      const line = plain();
      if (!line || performance.now() - this.#lastPlain < 950) return;
      this.#lastPlain = performance.now();
      this.print(line);
    };
    if (this.live) this.#out.write(`${ESC}?25l`);
    show();
    this.#timer = setInterval(show, 100);
    this.#finish = () => (this.live ? this.#draw(frame()) : this.print(plain()));
  }

  /** Shows the last state, which stays. */
  finish() {
    this.#finish();
    this.end();
  }

  /** Gives the terminal back as it was. Safe at any time. */
  end() {
    clearInterval(this.#timer);
    if (this.live) this.#out.write(`${ESC}?25h`);
    this.#lastDrawn = [];
    this.#lastPlain = -Infinity;
  }

  #finish = () => {};

  /** @param {string[]} lines */
  #draw(lines) {
    const { width } = this;
    // If the window became narrower, the lines of the last time are wrapped now and take more rows.
    const rows = this.#lastDrawn.reduce((sum, line) => sum + Math.max(1, Math.ceil(visible(line) / (width + 1))), 0);
    const up = rows > 0 ? `${ESC}${Math.min(rows, this.height)}A\r` : "";
    this.#lastDrawn = lines.slice(0, this.height).map((line) => clip(line, width));
    this.#out.write(`${up}${this.#lastDrawn.map((line) => `${line}${ESC}K\n`).join("")}${ESC}J`);
  }
}

/** @param {string} line */
function visible(line) {
  return [...line.replace(/\x1b\[\d*m/g, "")].length;
}

/**
 * The first `width` letters of a line; colours take no room.
 *
 * @param {string} line
 * @param {number} width
 */
export function clip(line, width) {
  if (visible(line) <= width) return line;
  let room = width;
  let text = "";
  for (const part of line.match(/\x1b\[\d*m|[^\x1b]/gu) ?? []) {
    if (part.startsWith("\x1b")) text += part;
    else if (room-- > 0) text += part;
  }
  return text;
}
