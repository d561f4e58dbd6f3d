// @ts-check
// A pool with nothing between it and us: what the public API adds is the difference.
import { credentialRow, MODEL, PROVIDER } from "./pools.mjs";
import { WasmPool } from "./wasm.mjs";

/** @typedef {import("../../../bindings-js/ts/protocol.js").PoolStep} PoolStep */

/** @param {number} size @param {object} policy @returns {{ wasm: WasmPool, route: number, keys: string[] }} */
export function makeRawPool(size, policy) {
  const wasm = new WasmPool(JSON.stringify({ policy, seed: 1 }), Date.now(), performance.now());
  const { effects } = step(wasm, { load: { request: 1 } });
  const load = effects?.find((effect) => "load" in effect);
  if (!load || !("load" in load)) throw new Error("the engine did not ask for its rows");
  const rows = Array.from({ length: size }, (_, at) => credentialRow(at + 1));
  step(wasm, { loaded: { op: load.load.op, generation: 1, rows } });
  const keys = rows.map((_, handle) => /** @type {{ secret: string }} */ (JSON.parse(wasm.entry(handle))).secret);
  return { wasm, route: wasm.route(PROVIDER, MODEL), keys };
}

/** One input, all that follows from it, and the answer to it. @param {WasmPool} wasm @param {object} input @returns {PoolStep} */
export function step(wasm, input) {
  const done = /** @type {PoolStep} */ (JSON.parse(wasm.handle(Date.now(), performance.now(), JSON.stringify(input))));
  for (const effect of done.effects ?? []) {
    if (!("commit" in effect)) continue;
    const { op, mutations } = effect.commit;
    step(wasm, { committed: { op, generation: 1, rows: mutations.map(({ id = 0, expects = 0 }) => [id, expects + 1]) } });
  }
  return done;
}
