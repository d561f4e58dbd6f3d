// @ts-check
// A WebAssembly as the linker leaves it with `--emit-relocs`, put together by hand: functions of one parameter and one result
// (whole numbers), constants in memory, and who refers to whom.

/**
 * @typedef {object} Fn
 * @property {string} name
 * @property {Piece[]} code   what its result is the sum of, beside its parameter
 * @property {boolean} [exported]
 * @typedef {{ plus: number } | { call: number } | { through: number } | { constant: number } | { trap: true }} Piece
 *   `through`: a call through the table, to a function whose place is read from a constant (a vtable's row)
 * @typedef {{ value: number } | { place: number }} Constant four bytes: a number, or a function's place in the table
 */

/** Where the first constant is; below is the stack. */
const base = 2048;
/** The only import. */
export const imports = 1;

/** @param {number} value */
function unsigned(value) {
  const bytes = [];
  for (let left = value; ; left >>>= 7) {
    if (left < 128) return [...bytes, left];
    bytes.push((left & 127) | 128);
  }
}

/** @param {number} value */
function signed(value) {
  const bytes = [];
  for (let left = value; ; left >>= 7) {
    const byte = left & 127;
    if ((left >> 7 === 0 && byte < 64) || (left >> 7 === -1 && byte >= 64)) return [...bytes, byte];
    bytes.push(byte | 128);
  }
}

/** Five bytes, as the linker has them. @param {number} value */
const padded = (value) => [0, 7, 14, 21].map((shift) => ((value >>> shift) & 127) | 128).concat((value >>> 28) & 15);
/** @param {string} name */
const text = (name) => [...unsigned(Buffer.byteLength(name)), ...Buffer.from(name)];
/** @param {number[][]} entries */
const list = (entries) => [...unsigned(entries.length), ...entries.flat()];
/** @param {number} id @param {number[]} content */
const section = (id, content) => [id, ...unsigned(content.length), ...content];
/** @param {string} name @param {number[]} content */
const custom = (name, content) => section(0, [...text(name), ...content]);

/**
 * Function 0 is imported (`env.seen`, which takes the number and gives it back) and is called by no piece but `{ call: 0 }`; the
 * others follow.
 * @param {Fn[]} functions @param {Constant[]} constants
 */
export function linked(functions, constants) {
  const [i32, get, add, call, callIndirect, constant, load, unreachable, end] = [0x7f, 0x20, 0x6a, 0x10, 0x11, 0x41, 0x28, 0x00, 0x0b];
  // Symbols: all functions, then all constants.
  const symbolOf = (/** @type {number} */ index) => imports + functions.length + index;
  /** @type {number[][]} */
  const inCode = [];
  const count = unsigned(functions.length);
  let at = count.length;
  const bodies = functions.map(({ code }) => {
    /** @type {{ kind: number, at: number, symbol: number }[]} */
    const marks = [];
    const body = [0, get, 0];
    const mark = (/** @type {number} */ kind, /** @type {number} */ symbol) => marks.push({ kind, at: body.length, symbol });
    for (const piece of code) {
      if ("plus" in piece) body.push(constant, ...signed(piece.plus), add);
      else if ("trap" in piece) body.push(unreachable);
      else if ("call" in piece) {
        // A function's parameter is what there is so far.
        body.push(call);
        mark(0, piece.call);
        body.push(...padded(piece.call));
      } else {
        body.push(constant);
        mark(4, symbolOf("through" in piece ? piece.through : piece.constant));
        body.push(...padded(base + 4 * ("through" in piece ? piece.through : piece.constant)), load, 2, 0);
        if ("through" in piece) body.push(callIndirect, 0, 0);
        else body.push(add);
      }
    }
    body.push(end);
    const size = unsigned(body.length);
    for (const { kind, at: within, symbol } of marks) inCode.push([kind, ...unsigned(at + size.length + within), ...unsigned(symbol), ...(kind === 4 ? [0] : [])]);
    at += size.length + body.length;
    return [...size, ...body];
  });
  const placed = functions.map((_fn, index) => imports + index);
  const data = constants.flatMap((one) => [...new Uint8Array(new Int32Array(["place" in one ? one.place - imports + 1 : one.value]).buffer)]);
  const segment = [0, constant, ...signed(base), end, ...unsigned(data.length), ...data];
  const dataStart = 1 + segment.length - data.length;
  const inData = constants.flatMap((one, index) => ("place" in one ? [[2, ...unsigned(dataStart + 4 * index), ...unsigned(one.place)]] : []));
  const symbols = list([
    [0, 0x10, 0],
    ...functions.map(({ name }, index) => [0, 0, ...unsigned(imports + index), ...text(name)]),
    ...constants.map((_one, index) => [1, 0, ...text(`constant${index}`), 0, ...unsigned(4 * index), 4]),
  ]);
  return Buffer.from([
    0, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
    ...section(1, list([[0x60, 1, i32, 1, i32]])),
    ...section(2, list([[...text("env"), ...text("seen"), 0, 0]])),
    ...section(3, list(functions.map(() => [0]))),
    ...section(4, list([[0x70, 1, ...unsigned(placed.length + 1), ...unsigned(placed.length + 1)]])),
    ...section(5, list([[0, 1]])),
    ...section(6, list([[i32, 1, constant, ...signed(base), end]])),
    ...section(7, list([[...text("memory"), 2, 0], [...text("__stack_pointer"), 3, 0], ...functions.flatMap(({ name, exported }, index) => (exported ? [[...text(name), 0, ...unsigned(imports + index)]] : []))])),
    ...section(9, list([[0, constant, 1, end, ...list(placed.map((index) => unsigned(index)))]])),
    ...section(10, [...count, ...bodies.flat()]),
    ...section(11, list([segment])),
    ...custom("linking", [2, 8, ...unsigned(symbols.length), ...symbols]),
    ...custom("reloc.CODE", [5, ...list(inCode)]),
    ...custom("reloc.DATA", [6, ...list(inData)]),
  ]);
}
