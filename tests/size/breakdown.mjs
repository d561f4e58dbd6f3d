// @ts-check
// What takes the space in a built WebAssembly: the largest functions, and the sums by crate and module.
//   node tests/size/breakdown.mjs [credpool | simulator] [how many functions]
import fs from "node:fs";
import path from "node:path";
import { wasmModules } from "../../scripts/build/modules.mjs";
import { main } from "../../scripts/lib/main.mjs";
import { wasmWork } from "../../scripts/lib/paths.mjs";
import { Failure } from "../../scripts/lib/run.mjs";
import { kilobytes, line } from "../../scripts/lib/say.mjs";

/** Reads the parts of a wasm file that tell the size and the name of each function. */
class Reader {
  #at = 8;
  /** @param {Buffer} bytes */
  constructor(bytes) {
    this.bytes = bytes;
  }

  number() {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.bytes[this.#at++] ?? 0;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  }

  text() {
    const length = this.number();
    this.#at += length;
    return this.bytes.toString("utf8", this.#at - length, this.#at);
  }

  /** Each section with a number and a length, up to an end. @param {number} end @param {(id: number, end: number) => void} visit */
  sections(end, visit) {
    while (this.#at < end) {
      const id = this.bytes[this.#at++] ?? 0;
      const length = this.number();
      const after = this.#at + length;
      visit(id, after);
      this.#at = after;
    }
  }

  /** @param {number} bytes */
  skip(bytes) {
    this.#at += bytes;
  }
}

const [codeSection, customSection, functionNames] = [10, 0, 1];

/** @param {Buffer} bytes */
function functionsOf(bytes) {
  const reader = new Reader(bytes);
  /** @type {number[]} */
  const sizes = [];
  /** @type {Map<number, string>} */
  const names = new Map();
  reader.sections(bytes.length, (id, end) => {
    if (id === codeSection) {
      for (let left = reader.number(); left > 0; left -= 1) {
        const size = reader.number();
        sizes.push(size);
        reader.skip(size);
      }
    } else if (id === customSection && reader.text() === "name") {
      reader.sections(end, (kind) => {
        if (kind !== functionNames) return;
        for (let left = reader.number(); left > 0; left -= 1) names.set(reader.number(), reader.text());
      });
    }
  });
  // Imported functions are counted first, and have no code.
  const imported = WebAssembly.Module.imports(new WebAssembly.Module(new Uint8Array(bytes))).filter((one) => one.kind === "function").length;
  return sizes.map((size, index) => ({ size, name: (names.get(index + imported) ?? "?").replace(/::h[0-9a-f]{16}$/, "") })).sort((a, b) => b.size - a.size);
}

/** @param {string} name */
function groupOf(name) {
  if (/serde|Deserialize|Serialize/.test(name)) return "serde and what it makes";
  return /credpool(?:_wasm)?::\w+/.exec(name)?.[0] ?? /^<?&?(\w+)/.exec(name)?.[1] ?? name;
}

await main(async () => {
  const [which = "credpool", many = "40"] = process.argv.slice(2);
  const module = wasmModules.find((one) => one.name === which);
  if (!module) throw new Failure(`there is no module ${which}: ${wasmModules.map((one) => one.name).join(", ")}`);
  // Before wasm-opt: names are still in it.
  const file = path.join(wasmWork, module.name, `${module.glue}_bg.wasm`);
  if (!fs.existsSync(file)) throw new Failure("nothing is built: run `npm run build` first");
  const functions = functionsOf(fs.readFileSync(file));
  /** @type {Map<string, number>} */
  const groups = new Map();
  for (const { size, name } of functions) groups.set(groupOf(name), (groups.get(groupOf(name)) ?? 0) + size);
  line(`${functions.length} functions, before wasm-opt`);
  for (const { size, name } of functions.slice(0, Number(many))) line(`${kilobytes(size).padStart(10)}  ${name.slice(0, 200)}`);
  line();
  for (const [name, size] of [...groups].sort((a, b) => b[1] - a[1]).slice(0, 30)) line(`${kilobytes(size).padStart(10)}  ${name}`);
});
