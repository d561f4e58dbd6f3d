// @ts-check
// One WebAssembly becomes two that share memory, table and stack. Where the first names what has moved, it has a door: a function
// of the same name that calls through a place of the table. The second fills these places when it is loaded; a door that finds its
// place empty asks for it first, and has it when the call comes back.
import { joined } from "./plan.mjs";

/** Not imported at the top: the set-up, which installs it, comes before. @type {typeof import("binaryen").default} */
let binaryen;
/** @typedef {import("binaryen").default.FunctionInfo} FunctionInfo @typedef {import("binaryen").default.ConstInfo} ConstInfo */

/** How the first module is called among the second's imports. */
export const importedAs = "credpool";
const tableExport = "__table";
/** What a closed door calls: an import from where the glue's are. @see withDoors */
export const missing = { module: "./glue_bg.js", name: "__credpool_missing" };
const door = "__credpool_door";
const stackExport = "__stack_pointer";
/** Fewer bytes than this are not worth a segment of their own. */
const worthASegment = 12;

/**
 * A module as binaryen gives it; its types are of an older version where it is about memory.
 * @typedef {Omit<import("binaryen").default.Module, "getTableSegments" | "setMemory"> & {
 *   getTableSegments(table: number): number[];
 *   getNumDataSegments(): number;
 *   getDataSegmentByIndex(index: number): number;
 *   getDataSegmentInfo(segment: number): { offset: number, data: ArrayBuffer };
 *   ref: import("binaryen").default.Module["ref"] & { is_null(value: number): number };
 *   table: { get(name: string, index: number, type: number): number };
 *   setMemory(initial: number, maximum: number, exported: string | null, segments: { name: string, offset: number, data: Uint8Array, passive: boolean }[], shared: boolean, wide: boolean, name: string): void;
 * }} Module
 */

/** @param {Buffer} bytes @returns {Promise<Module>} */
export async function read(bytes) {
  ({ default: binaryen } = await import("binaryen"));
  binaryen.setDebugInfo(true);
  const module = binaryen.readBinary(bytes);
  const { MutableGlobals, SignExt, NontrappingFPToInt, BulkMemory, BulkMemoryOpt, ReferenceTypes, Multivalue } = binaryen.Features;
  module.setFeatures(MutableGlobals | SignExt | NontrappingFPToInt | BulkMemory | BulkMemoryOpt | ReferenceTypes | Multivalue);
  return /** @type {any} */ (module);
}

/** @param {Module} module */
export function write(module) {
  if (!module.validate()) throw new Error("the split module is not valid");
  const bytes = Buffer.from(module.emitBinary());
  module.dispose();
  return bytes;
}

/** @param {Buffer} whole after wasm-bindgen, with its names @param {import("./plan.mjs").Plan} plan */
export async function cut(whole, plan) {
  const [first, second] = [await read(whole), await read(whole)];
  const defined = functionsOf(first);
  const moved = new Set([...plan.moved].filter((name) => defined.get(name)?.module === ""));
  const doors = [...plan.doors].filter((name) => moved.has(name)).sort();
  const needed = [...plan.needed].filter((name) => defined.has(name)).sort();
  if (!exportsOf(first).some(({ name }) => name === stackExport)) throw new Error(`no export ${stackExport}: the part would have a stack of its own`);
  const table = binaryen.getTableInfo(first.getTableByIndex(tableOfFunctions(first)));
  const slots = slotsOf(first, table.name);
  const doorAt = new Map(doors.map((name, index) => [name, table.initial + index]));

  // The first: doors instead of what they lead to.
  for (const name of moved) first.removeFunction(name);
  addOpener(first, table.name);
  for (const [name, slot] of doorAt) {
    const { params, results } = must(defined.get(name));
    const given = binaryen.expandType(params).map((type, index) => first.local.get(index, type));
    const place = first.call(door, [first.i32.const(slot)], binaryen.i32);
    first.addFunction(name, params, results, [], first.call_indirect(table.name, place, given, params, results));
  }
  replaceTable(first, table.name, () => first.addTable(table.name, table.initial + doors.length, table.initial + doors.length), slots.filter(([, name]) => !moved.has(name) || doorAt.has(name)));
  first.addTableExport(table.name, tableExport);
  needed.forEach((name, index) => first.addFunctionExport(name, short(index)));
  const segments = segmentsOf(first);
  const memory = first.getMemoryInfo();
  const memoryName = must(exportsOf(first).find(({ name }) => name === "memory")).value;
  const free = joined(plan.constants).filter(({ size }) => size >= worthASegment);
  first.setMemory(memory.initial, memory.max ?? -1, null, pieces(segments, free, false).map((piece) => asSegment(first, piece)), false, false, memoryName);

  // The second: what it needs of the first is imported, by the same names.
  for (const { name } of exportsOf(second)) second.removeExport(name);
  for (const [name, { module }] of defined) if (!moved.has(name) && !plan.copied.has(name) && (module === "" || !needed.includes(name))) second.removeFunction(name);
  needed.forEach((name, index) => {
    const { params, results, module } = must(defined.get(name));
    if (module !== "") second.removeFunction(name);
    second.addFunctionImport(name, importedAs, short(index), params, results);
  });
  for (const { name, value } of exportsOf(first).filter(({ kind }) => kind === binaryen.ExternalGlobal)) {
    const { type, mutable } = binaryen.getGlobalInfo(second.getGlobal(value));
    second.removeGlobal(value);
    second.addGlobalImport(value, importedAs, name, type, mutable);
  }
  /** @type {[number, string][]} */
  const filled = [...slots.filter(([, name]) => moved.has(name)), ...doors.map((name) => /** @type {[number, string]} */ ([must(doorAt.get(name)), name]))];
  replaceTable(second, table.name, () => second.addTableImport(table.name, importedAs, tableExport), filled);
  second.setMemory(memory.initial, memory.max ?? -1, null, pieces(segments, free, true).map((piece) => asSegment(second, piece)), false, false, memoryName);
  second.addMemoryImport(memoryName, importedAs, "memory");
  return { first: write(first), second: write(second), doors: doors.length, needed: needed.length, moved: moved.size };
}

/** Answers the place that it is given, once there is something in it. @param {Module} module @param {string} table */
function addOpener(module, table) {
  module.addFunctionImport(missing.name, missing.module, missing.name, binaryen.none, binaryen.none);
  const place = module.local.get(0, binaryen.i32);
  const isEmpty = module.ref.is_null(module.table.get(table, place, binaryen.funcref));
  const ask = module.if(isEmpty, module.call(missing.name, [], binaryen.none));
  module.addFunction(door, binaryen.i32, binaryen.i32, [], module.block(null, [ask, module.local.get(0, binaryen.i32)], binaryen.i32));
}

/** @template T @param {T | undefined} value @returns {T} */
function must(value) {
  if (value === undefined) throw new Error("something is missing that was there");
  return value;
}

/** @param {number} index */
const short = (index) => `_${index.toString(36)}`;

/** @param {Module} module */
export function functionsOf(module) {
  /** @type {Map<string, FunctionInfo>} */
  const found = new Map();
  for (let index = 0; index < module.getNumFunctions(); index += 1) {
    const info = binaryen.getFunctionInfo(module.getFunctionByIndex(index));
    found.set(info.name, { ...info, module: info.module ?? "" });
  }
  return found;
}

/** @param {Module} module */
function exportsOf(module) {
  return Array.from({ length: module.getNumExports() }, (_none, index) => binaryen.getExportInfo(module.getExportByIndex(index)));
}

/** wasm-bindgen has a table of its own, for what is JavaScript's: functions are in the one that has segments. @param {Module} module */
function tableOfFunctions(module) {
  for (let index = 0; index < module.getNumTables(); index += 1) {
    if (module.getTableSegments(module.getTableByIndex(index)).length > 0) return index;
  }
  throw new Error("no table of functions");
}

/** @param {Module} module @param {string} table */
function slotsOf(module, table) {
  return module.getTableSegments(module.getTable(table)).flatMap((segment) => {
    const { offset, data } = binaryen.getElementSegmentInfo(segment);
    const { value: start } = /** @type {ConstInfo} */ (binaryen.getExpressionInfo(offset));
    return data.map((target, index) => /** @type {[number, string]} */ ([Number(start) + index, target]));
  });
}

/** @param {Module} module @param {string} table @param {() => void} add @param {[number, string][]} slots in their order */
function replaceTable(module, table, add, slots) {
  for (const segment of module.getTableSegments(module.getTable(table))) module.removeElementSegment(binaryen.getElementSegmentInfo(segment).name);
  module.removeTable(table);
  add();
  /** @type {{ start: number, targets: string[] }[]} */
  const runs = [];
  for (const [slot, target] of slots) {
    const last = runs.at(-1);
    if (last && last.start + last.targets.length === slot) last.targets.push(target);
    else runs.push({ start: slot, targets: [target] });
  }
  runs.forEach(({ start, targets }, index) => module.addActiveElementSegment(table, `slots${index}`, targets, module.i32.const(start)));
}

/** @typedef {{ at: number, data: Uint8Array }} Piece */

/** @param {Module} module @returns {Piece[]} */
function segmentsOf(module) {
  return Array.from({ length: module.getNumDataSegments() }, (_none, index) => {
    const { offset, data } = module.getDataSegmentInfo(module.getDataSegmentByIndex(index));
    return { at: offset, data: new Uint8Array(data) };
  });
}

/** What of the segments is in the ranges, or (`inside` is false) outside of them. @param {Piece[]} segments @param {{ at: number, size: number }[]} ranges @param {boolean} inside */
function pieces(segments, ranges, inside) {
  return segments.flatMap(({ at, data }) => {
    /** @type {Piece[]} */
    const found = [];
    const keep = (/** @type {number} */ from, /** @type {number} */ to) => {
      if (from < to) found.push({ at: from, data: data.subarray(from - at, to - at) });
    };
    const end = at + data.length;
    let done = at;
    for (const range of ranges) {
      const [from, to] = [Math.max(range.at, at), Math.min(range.at + range.size, end)];
      if (from >= to) continue;
      if (inside) keep(from, to);
      else keep(done, from);
      done = to;
    }
    if (!inside) keep(done, end);
    return found;
  });
}

/** @param {Module} module @param {Piece} piece */
function asSegment(module, { at, data }) {
  return { name: `at${at}`, offset: module.i32.const(at), data, passive: false };
}
