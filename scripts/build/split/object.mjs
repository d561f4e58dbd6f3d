// @ts-check
// What the linker tells of a WebAssembly beside its code, where it is asked to (`--emit-relocs`): the symbols, and each place
// in code and data that names one. https://github.com/WebAssembly/tool-conventions/blob/main/Linking.md

/**
 * @typedef {{ name: string, label: string, size: number, defined: boolean, uses: Set<number>, calls: Set<number> }} Item  a function, or a constant
 *   (it has no label); `defined`: not imported; `uses`: places in `items`; `calls`: those of them that are called by name, not through the table
 * @typedef {object} LinkedObject
 * @property {Item[]} items                  functions first, then constants
 * @property {Map<string, number>} exported  a function's place by the name that it is exported by
 * @property {number[]} constants            places of constants in `items`
 * @property {Map<number, { at: number, size: number }>} where where a constant is in memory
 */

const section = { custom: 0, imports: 2, exports: 7, code: 10, data: 11 };
const symbol = { function: 0, data: 1, section: 3 };
const [undefinedFlag, explicitName] = [0x10, 0x40];
/** Kinds of relocations: a call; those that name a function, those that name a constant, those with an addend. */
const call = 0;
const namesFunction = new Set([0, 1, 2, 12]);
const namesConstant = new Set([3, 4, 5, 11]);
const hasAddend = new Set([3, 4, 5, 8, 9, 11]);

class Bytes {
  at = 8;
  /** @param {Buffer} bytes */
  constructor(bytes) {
    this.bytes = bytes;
  }

  byte() {
    return this.bytes[this.at++] ?? 0;
  }

  number() {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.byte();
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  }

  text() {
    const length = this.number();
    this.at += length;
    return this.bytes.toString("utf8", this.at - length, this.at);
  }

  /** The address of an active segment: `i32.const`, a number with a sign, `end`. */
  address() {
    if (this.number() !== 0 || this.byte() !== 0x41) throw new Error("a segment without a fixed address");
    const value = this.number();
    this.byte();
    return value;
  }

  /** @param {() => void} each */
  times(each) {
    for (let left = this.number(); left > 0; left -= 1) each();
  }
}

/** @param {Buffer} bytes @param {(id: number, name: string, from: Bytes, start: number, end: number) => void} visit */
function sections(bytes, visit) {
  const from = new Bytes(bytes);
  while (from.at < bytes.length) {
    const id = from.byte();
    const length = from.number();
    const start = from.at;
    visit(id, id === section.custom ? from.text() : "", from, start, start + length);
    from.at = start + length;
  }
}

/**
 * The same without what only `readObject` reads, and each function by a name of its own, its label: the compiler's names are
 * not one for each function.
 * @param {Buffer} bytes
 */
export function labelled(bytes) {
  const names = readObject(bytes).items.flatMap(({ label }) => (label === "" ? [] : [label]));
  const kept = [bytes.subarray(0, 8)];
  let before = 8;
  sections(bytes, (_id, name, _from, _start, end) => {
    if (name !== "linking" && name !== "name" && !name.startsWith("reloc.")) kept.push(bytes.subarray(before, end));
    before = end;
  });
  const entries = names.flatMap((name, index) => [leb(index), text(name)]);
  const list = Buffer.concat([leb(names.length), ...entries]);
  const content = Buffer.concat([text("name"), Buffer.from([1]), leb(list.length), list]);
  return Buffer.concat([...kept, Buffer.from([section.custom]), leb(content.length), content]);
}

/** @param {number} value */
function leb(value) {
  const bytes = [];
  for (let left = value; ; left = Math.floor(left / 128)) {
    if (left < 128) return Buffer.from([...bytes, left]);
    bytes.push((left % 128) + 128);
  }
}

/** @param {string} value */
const text = (value) => Buffer.concat([leb(Buffer.byteLength(value)), Buffer.from(value)]);

/** @param {Buffer} bytes @returns {LinkedObject} */
export function readObject(bytes) {
  let imported = 0;
  /** @type {Map<string, number>} */
  const exported = new Map();
  /** @type {{ start: number, size: number }[]} */
  const bodies = [];
  /** @type {{ address: number, start: number }[]} */
  const segments = [];
  /** @type {{ kind: number, name: string, index: number, segment: number, offset: number, size: number }[]} */
  const symbols = [];
  /** @type {Record<string, { at: number, kind: number, symbol: number }[]>} */
  const relocations = { "reloc.CODE": [], "reloc.DATA": [] };
  const starts = { "reloc.CODE": 0, "reloc.DATA": 0 };
  sections(bytes, (id, name, from, start, end) => {
    if (id === section.imports) {
      from.times(() => {
        from.text();
        from.text();
        if (from.byte() !== 0) throw new Error("only functions are imported by what the compiler makes");
        from.number();
        imported += 1;
      });
    } else if (id === section.exports) {
      from.times(() => {
        const exportedAs = from.text();
        const kind = from.byte();
        const index = from.number();
        if (kind === 0) exported.set(exportedAs, index);
      });
    } else if (id === section.code) {
      starts["reloc.CODE"] = start;
      from.times(() => {
        const size = from.number();
        bodies.push({ start: from.at, size });
        from.at += size;
      });
    } else if (id === section.data) {
      starts["reloc.DATA"] = start;
      from.times(() => {
        const address = from.address();
        const size = from.number();
        segments.push({ address, start: from.at });
        from.at += size;
      });
    } else if (name === "linking") {
      if (from.number() !== 2) throw new Error("the linker writes symbols in another version of their form");
      while (from.at < end) {
        const table = from.byte() === 8;
        const length = from.number();
        const after = from.at + length;
        if (table) from.times(() => symbols.push(readSymbol(from)));
        from.at = after;
      }
    } else if (relocations[name]) {
      from.number();
      from.times(() => {
        const one = { kind: from.byte(), at: from.number(), symbol: from.number() };
        if (hasAddend.has(one.kind)) from.number();
        relocations[name]?.push(one);
      });
    }
  });
  if (symbols.length === 0) throw new Error("no symbols: was it linked with --emit-relocs?");
  return assemble();

  function assemble() {
    /** @type {Item[]} */
    const items = [];
    const all = imported + bodies.length;
    for (let index = 0; index < all; index += 1) items.push({ name: "", label: `#${index}`, defined: index >= imported, size: bodies[index - imported]?.size ?? 0, uses: new Set(), calls: new Set() });
    /** @type {Map<number, { at: number, size: number }>} */
    const where = new Map();
    /** @type {{ start: number, end: number, item: number }[]} */
    const constants = [];
    const places = symbols.map((each) => {
      if (each.kind === symbol.function) {
        const item = items[each.index];
        // The first of several names is kept in the module's own section of names.
        if (item && item.name === "" && each.name !== "") Object.assign(item, { name: each.name, label: labelOf(each.name, each.index) });
        return each.index;
      }
      const segment = segments[each.segment];
      if (each.kind !== symbol.data || !segment) return -1;
      items.push({ name: each.name, label: "", size: each.size, defined: true, uses: new Set(), calls: new Set() });
      where.set(items.length - 1, { at: segment.address + each.offset, size: each.size });
      const start = segment.start + each.offset;
      constants.push({ start, end: start + each.size, item: items.length - 1 });
      return items.length - 1;
    });
    const used = (/** @type {{ kind: number, symbol: number }} */ one) => (namesFunction.has(one.kind) || namesConstant.has(one.kind) ? (places[one.symbol] ?? -1) : -1);
    let body = 0;
    for (const one of (relocations["reloc.CODE"] ?? []).sort((a, b) => a.at - b.at)) {
      const at = starts["reloc.CODE"] + one.at;
      for (; ; body += 1) {
        const { start, size } = bodies[body] ?? { start: Infinity, size: 0 };
        if (at < start) throw new Error("a relocation outside all functions");
        if (at < start + size) break;
      }
      if (used(one) < 0) continue;
      items[imported + body]?.uses.add(used(one));
      if (one.kind === call) items[imported + body]?.calls.add(used(one));
    }
    for (const one of relocations["reloc.DATA"] ?? []) {
      const at = starts["reloc.DATA"] + one.at;
      const holders = constants.filter(({ start, end }) => start <= at && at < end);
      if (holders.length === 0) throw new Error("a relocation outside all constants");
      if (used(one) >= 0) for (const { item } of holders) items[item]?.uses.add(used(one));
    }
    return { items, exported, constants: constants.map(({ item }) => item), where };
  }
}

/** Those of wasm-bindgen, which exports them by their names, are called once only. @param {string} name @param {number} index */
const labelOf = (name, index) => (name.startsWith("__wbindgen") ? name : `${pathOf(name)}#${index}`);

/** @param {Bytes} from */
function readSymbol(from) {
  const kind = from.byte();
  const flags = from.number();
  const defined = (flags & undefinedFlag) === 0;
  const read = { kind, name: "", index: -1, segment: -1, offset: 0, size: 0 };
  if (kind === symbol.data) {
    read.name = from.text();
    if (defined) [read.segment, read.offset, read.size] = [from.number(), from.number(), from.number()];
  } else {
    read.index = from.number();
    if (kind !== symbol.section && (defined || (flags & explicitName) !== 0)) read.name = from.text();
  }
  return read;
}

const escapes = /** @type {Record<string, string>} */ ({ SP: "@", BP: "*", RF: "&", LT: "<", GT: ">", LP: "(", RP: ")", C: "," });

/** A function's path from what the compiler calls it; in the standard library's newer form only the names in it. @param {string} symbol */
export function pathOf(symbol) {
  if (symbol.startsWith("_R")) return [...identifiers(symbol)].join("::");
  if (!symbol.startsWith("_ZN")) return symbol;
  const parts = [...identifiers(symbol)].filter((part) => !/^h[0-9a-f]{16}$/.test(part));
  const readable = (/** @type {string} */ part) =>
    part
      .replace(/^_\$/, "$")
      .replace(/\$(\w+?)\$/g, (_all, /** @type {string} */ code) => escapes[code] ?? String.fromCharCode(parseInt(code.slice(1), 16)))
      .replaceAll("..", "::");
  return parts.map(readable).join("::");
}

/** @param {string} symbol */
function* identifiers(symbol) {
  const lengths = /\d+/g;
  for (let found = lengths.exec(symbol); found; found = lengths.exec(symbol)) {
    const start = lengths.lastIndex;
    const name = symbol.slice(start, start + Number(found[0]));
    if (!/^[\w$.]+$/.test(name) || name.length !== Number(found[0])) continue;
    yield name;
    lengths.lastIndex = start + name.length;
  }
}
