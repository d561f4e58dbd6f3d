// @ts-check
// What every runtime is asked, and what it must answer. One text for Node, Bun, Deno, a page, an extension and a worker:
// it may use nothing but the package and the language.

/** @param {typeof import("credpool")} credpool */
export async function probe(credpool) {
  return [`version ${credpool.version()}`].join("; ");
}

/** The answer, the same everywhere. @param {string} version of the package */
export const expected = (version) => `version ${version}`;
