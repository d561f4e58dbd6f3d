// The protocol of Valkey and Redis (RESP 2): requests are arrays of texts, answers come in their order.
import { ValkeyError } from "./error.js";

/** An answer. An error of the server is an answer, too. */
export type Answer = string | number | null | ValkeyError | Answer[];

/** The longest text and the longest list that are believed, and how deep lists may be in lists. */
const [LONGEST_TEXT, LONGEST_LIST, DEEPEST] = [16 * 2 ** 20, 2 ** 20, 8];

/** A request as bytes. */
export function requestOf(words: readonly string[]): Buffer {
  const parts = [Buffer.from(`*${words.length}\r\n`)];
  for (const word of words) {
    const bytes = Buffer.from(word);
    parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from("\r\n"));
  }
  return Buffer.concat(parts);
}

/** What a server says of an error: its code, and its words up to the first that may quote something. */
function errorOf(line: string): ValkeyError {
  const [code = "ERR"] = line.split(" ", 1);
  return new ValkeyError(/^[A-Z]+$/.test(code) ? code : "ERR", line.slice(0, 200));
}

/** Reads answers out of pieces of bytes, wherever they are cut. */
export class AnswerReader {
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;

  /** Takes in a piece; answers all that is whole. Throws where it is no such protocol. */
  take(piece: Buffer): Answer[] {
    this.#bytes = this.#bytes.length > 0 ? Buffer.concat([this.#bytes, piece]) : piece;
    const answers: Answer[] = [];
    this.#at = 0;
    for (let done = 0; ; done = this.#at) {
      const answer = this.#read(0);
      if (answer === undefined) {
        this.#bytes = this.#bytes.subarray(done);
        return answers;
      }
      answers.push(answer);
    }
  }

  #line(): string | undefined {
    const end = this.#bytes.indexOf("\r\n", this.#at);
    if (end < 0) {
      if (this.#bytes.length - this.#at > 65_536) throw new ValkeyError("PROTOCOL", "a line of the server's answer does not end");
      return undefined;
    }
    const line = this.#bytes.toString("utf8", this.#at, end);
    this.#at = end + 2;
    return line;
  }

  /** The next answer; `undefined` where it is not whole yet. */
  #read(depth: number): Answer | undefined {
    const line = this.#line();
    if (line === undefined) return undefined;
    const rest = line.slice(1);
    switch (line[0]) {
      case "+":
        return rest;
      case "-":
        return errorOf(rest);
      case ":":
        return size(rest, -Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
      case "$": {
        const length = size(rest, -1, LONGEST_TEXT);
        if (length < 0) return null;
        if (this.#bytes.length < this.#at + length + 2) return undefined;
        const text = this.#bytes.toString("utf8", this.#at, this.#at + length);
        this.#at += length + 2;
        return text;
      }
      case "*": {
        const length = size(rest, -1, LONGEST_LIST);
        if (length < 0) return null;
        if (depth >= DEEPEST) throw new ValkeyError("PROTOCOL", "the server's answer is too deep");
        const list: Answer[] = [];
        while (list.length < length) {
          const item = this.#read(depth + 1);
          if (item === undefined) return undefined;
          list.push(item);
        }
        return list;
      }
      default:
        throw new ValkeyError("PROTOCOL", "the server's answer is not of the protocol of Valkey or Redis");
    }
  }
}

function size(text: string, least: number, most: number): number {
  const value = Number(text);
  if (!/^-?\d+$/.test(text) || value < least || value > most) throw new ValkeyError("PROTOCOL", "a number in the server's answer is none, or is too large");
  return value;
}
