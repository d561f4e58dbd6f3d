// @ts-check
// The cut of one WebAssembly into two (scripts/build/split): small programs made by chance, of which any functions are moved.
import assert from "node:assert/strict";
import { test } from "node:test";
import { cut, missing, read, functionsOf } from "../../scripts/build/split/cut.mjs";
import { labelled, readObject } from "../../scripts/build/split/object.mjs";
import { joined, planned, without } from "../../scripts/build/split/plan.mjs";
import { linked } from "./support/linked.mjs";

/** @typedef {import("./support/linked.mjs").Fn} Fn @typedef {import("./support/linked.mjs").Constant} Constant */

/** @param {number} seed */
function chance(seed) {
  let state = seed >>> 0;
  return (/** @type {number} */ below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** Who calls whom is without a circle: each calls later ones. @param {(below: number) => number} draw */
function program(draw) {
  const count = 4 + draw(8);
  /** @type {Constant[]} */
  const constants = Array.from({ length: 12 }, (_none, index) => (index % 2 ? { value: draw(1000) } : { place: 1 + draw(count) }));
  /** @type {Fn[]} */
  const functions = Array.from({ length: count }, (_none, index) => {
    const code = Array.from({ length: 1 + draw(5) }, () => {
      const later = index + 2 + draw(count);
      const vtables = [...constants.keys()].filter((at) => { const one = constants[at]; return one && "place" in one && one.place > index + 1; });
      const kinds = [{ plus: draw(100) }, { constant: 1 + 2 * draw(6) }, { call: later <= count ? later : 0 }, vtables.length > 0 ? { through: vtables[draw(vtables.length)] ?? 0 } : { plus: 1 }];
      return kinds[draw(kinds.length)] ?? { plus: 0 };
    });
    // Some are too large to be in both.
    if (draw(2)) for (let more = 0; more < 80; more += 1) code.push({ plus: draw(1000) });
    return { name: `f${index}`, code, exported: index < 3 || draw(3) === 0 };
  });
  return { functions, constants };
}

/** @typedef {Record<string, (value: number) => number>} Exports */

/** @param {number[]} seen */
const env = (seen) => ({ seen: (/** @type {number} */ value) => (seen.push(value), value) });

/** @param {Buffer} bytes @param {WebAssembly.Imports} imports */
const started = (bytes, imports) => new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array(bytes)), imports).exports;

/** Both modules, the second loaded when a door asks for it. @param {Buffer} first @param {Buffer} second @param {number[]} seen */
function together(first, second, seen) {
  const state = { loaded: 0 };
  const exports = started(first, { env: env(seen), [missing.module]: { [missing.name]: () => {
    state.loaded += 1;
    started(second, { env: env(seen), credpool: /** @type {WebAssembly.ModuleImports} */ (exports) });
  } } });
  return { exports: /** @type {Exports} */ (/** @type {unknown} */ (exports)), state };
}

/** @param {Fn[]} functions @param {Constant[]} constants @param {(name: string) => boolean} stays */
async function parts(functions, constants, stays) {
  const compiled = linked(functions, constants);
  const plan = planned(compiled, (label) => stays(label.replace(/#\d+$/, "")));
  return { compiled, plan, ...(await cut(labelled(compiled), plan)) };
}

/** @param {Buffer} bytes */
async function names(bytes) {
  const module = await read(bytes);
  const found = [...functionsOf(module).values()].filter((one) => one.module === "").map(({ name }) => name);
  module.dispose();
  return new Set(found);
}

test("two modules answer as the one did that they are cut from, whatever is moved", async () => {
  let doors = 0;
  let loads = 0;
  for (let seed = 1; seed <= 60; seed += 1) {
    const draw = chance(seed);
    const { functions, constants } = program(draw);
    const staying = new Set(functions.filter(() => draw(2) === 0).map(({ name }) => name));
    const { compiled, plan, first, second } = await parts(functions, constants, (name) => staying.has(name));
    const [inFirst, inSecond] = [await names(first), await names(second)];
    for (const { label, defined } of readObject(compiled).items.filter(({ label }) => label !== "")) {
      if (!defined) continue;
      assert.notEqual(plan.moved.has(label), staying.has(label.replace(/#\d+$/, "")) || callsOut(functions, label), `seed ${seed}: ${label} is in one of the two`);
      assert.equal(inFirst.has(label), !plan.moved.has(label) || plan.doors.has(label), `seed ${seed}: ${label} in the first`);
      assert.equal(inSecond.has(label), plan.moved.has(label) || plan.copied.has(label), `seed ${seed}: ${label} in the second`);
    }
    /** @type {[number[], number[]]} */
    const [alone, cutUp] = [[], []];
    const whole = /** @type {Exports} */ (/** @type {unknown} */ (started(compiled, { env: env(alone) })));
    const { exports, state } = together(first, second, cutUp);
    for (const { name, exported } of functions) {
      if (exported) assert.equal(exports[name]?.(seed), whole[name]?.(seed), `seed ${seed}: ${name}`);
    }
    assert.deepEqual(cutUp, alone, `seed ${seed}: what the host saw`);
    assert.ok(state.loaded <= 1, `seed ${seed}: loaded ${state.loaded} times`);
    doors += plan.doors.size;
    loads += state.loaded;
  }
  assert.ok(doors > 60 && loads > 20 && loads <= 60, `${doors} doors, ${loads} loads: these programs show little`);
});

/** @param {Fn[]} functions @param {string} label */
const callsOut = (functions, label) => functions.some(({ name, code }) => label.startsWith(`${name}#`) && code.some((piece) => "call" in piece && piece.call === 0));

/** A function that stays, and calls one that has moved; a third that stays too. @type {Fn[]} */
const small = [
  { name: "stays", code: [{ plus: 1 }, { call: 2 }], exported: true },
  { name: "moves", code: [{ constant: 0 }, { trap: true }], exported: false },
  { name: "other", code: [{ constant: 1 }], exported: true },
];
/** @type {Constant[]} */
const numbers = [{ value: 0x11223344 }, { value: 0x55667788 }];

test("a trap in the second module reaches who called the first", async () => {
  const { first, second } = await parts(small, numbers, (name) => name !== "moves");
  const { exports, state } = together(first, second, []);
  assert.throws(() => exports["stays"]?.(1), WebAssembly.RuntimeError);
  assert.equal(exports["other"]?.(1), 0x55667788 + 1);
  assert.equal(state.loaded, 1);
});

test("where it cannot be loaded, who called is told by whoever loads, and the rest goes on", async () => {
  const { first } = await parts(small, numbers, (name) => name !== "moves");
  const exports = /** @type {Exports} */ (/** @type {unknown} */ (started(first, { env: env([]), [missing.module]: { [missing.name]: () => { throw new RangeError("not here"); } } })));
  assert.throws(() => exports["stays"]?.(1), /not here/);
  assert.equal(exports["other"]?.(1), 0x55667788 + 1);
  // A loader that comes back without it: a trap, never another function.
  const empty = /** @type {Exports} */ (/** @type {unknown} */ (started(first, { env: env([]), [missing.module]: { [missing.name]: () => undefined } })));
  assert.throws(() => empty["stays"]?.(1), WebAssembly.RuntimeError);
});

test("a constant goes with the functions that read it, and is in the first where both do", async () => {
  const bytes = (/** @type {number} */ value) => Buffer.from(new Uint8Array(new Int32Array([value]).buffer));
  const wide = Array.from({ length: 16 }, (_none, index) => ({ value: 0x01010101 * (index + 1) }));
  const reads = (/** @type {number} */ from, /** @type {number} */ to) => Array.from({ length: to - from }, (_none, index) => ({ constant: from + index }));
  const { first, second } = await parts([{ name: "early", code: [...reads(0, 6), { call: 2 }], exported: true }, { name: "late", code: reads(4, 16) }], wide, (name) => name === "early");
  for (const [index, { value }] of wide.entries()) {
    const [isFirst, isSecond] = [first.includes(bytes(value)), second.includes(bytes(value))];
    assert.deepEqual([isFirst, isSecond], index < 6 ? [true, false] : [false, true], `constant ${index}`);
  }
});

test("ranges: joined, and without others, as sets of bytes", () => {
  for (let seed = 1; seed <= 200; seed += 1) {
    const draw = chance(seed);
    const some = () => Array.from({ length: draw(8) }, () => ({ at: draw(60), size: 1 + draw(12) }));
    const set = (/** @type {{ at: number, size: number }[]} */ ranges) => new Set(ranges.flatMap(({ at, size }) => Array.from({ length: size }, (_none, index) => at + index)));
    const [left, right] = [some(), some()];
    const [both, rest] = [joined(left), without(joined(left), joined(right))];
    const ascending = (/** @type {Set<number>} */ all) => [...all].sort((a, b) => a - b);
    assert.deepEqual([...set(both)], ascending(set(left)), `seed ${seed}: the same bytes, each once, in order`);
    const taken = set(right);
    assert.deepEqual([...set(rest)], ascending(set(left)).filter((byte) => !taken.has(byte)), `seed ${seed}`);
  }
});

test("what was linked without --emit-relocs is refused", () => {
  assert.throws(() => readObject(labelled(linked(small, numbers))), /--emit-relocs/);
});
