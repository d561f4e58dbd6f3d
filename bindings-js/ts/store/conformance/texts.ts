// Texts: any Unicode but U+0000 and halves of surrogate pairs, which no JSON text has; of any length.
import type { Mutation } from "../store.js";
import { added, check, done, same } from "./check.js";
import type { Draft } from "./under-test.js";

const MEBIBYTE = 2 ** 20;

export const TEXTS: Record<string, Draft> = {
  "numbers and texts are different ids, and text is kept as it is": {
    async test(store) {
      const id = await added(store, "a");
      const odd = ["", " ", "'; DROP TABLE x; --", '{"a":[1,"\\u0000"]}', "ключ \u{1f511} \u0001 end", "tab\tline\r\nend", "\u202eright to left", "a\u0301\u{10ffff}\uffff\ufeff", "\\x41 $1 ${x} %s {}", "NULL", "x".repeat(100_000)];
      const names = odd.map((text, at) => `t${at}/${text.slice(0, 20)}`);
      await done(store, [{ kind: "health", id, data: "1" }, { kind: "health", id: String(id), data: "2" }, ...odd.map((data, at): Mutation => ({ kind: "tie", id: names[at] ?? "", data, secret: data }))]);
      const { rows } = await store.load();
      same(rows.filter(({ kind }) => kind === "health").map(({ id, data }) => [id, data]), [[id, "1"], [String(id), "2"]]);
      for (const [at, name] of names.entries()) {
        const row = rows.find((row) => row.id === name);
        same([row?.data, row?.secret], [odd[at], odd[at]]);
      }
    },
  },

  "ids that look alike are different rows": {
    async test(store) {
      // Composed and decomposed, case, spaces, width, a zero-width joiner: no store may fold them.
      const ids = ["\u00e9", "e\u0301", "E\u0301", "a", "A", "a ", " a", "\uff41", "a\u200d", "1", "01", "1.0", "ss", "\u00df"];
      await done(store, ids.map((id, at): Mutation => ({ kind: "tie", id, expects: 0, data: `${at}` })));
      const { rows } = await store.load();
      same(ids.map((id) => rows.find((row) => row.id === id)?.data), ids.map((_, at) => `${at}`));
      await done(store, [{ kind: "tie", id: "e\u0301" }]);
      same((await store.load()).rows.length, ids.length - 1);
    },
  },

  "rows come in the order of their ids, numbers by size": {
    async test(store) {
      const ids = [10, 9, 100, 1000, 2, 1];
      await done(store, ids.map((id): Mutation => ({ kind: "health", id, data: "{}" })));
      await done(store, ["b", "a", "c1", "c"].map((id): Mutation => ({ kind: "tie", id, data: "{}" })));
      same((await store.load()).rows.map(({ id }) => id), [1, 2, 9, 10, 100, 1000, "a", "b", "c", "c1"]);
    },
  },

  "a value of a mebibyte is kept, in data, secret, history and cache": {
    async test(store, { other }) {
      const big = (letter: string) => `"${letter.repeat(MEBIBYTE)}\u{1f511}"`;
      const { rows } = await done(store, [{ kind: "credential", data: big("d"), secret: big("s") }]);
      await store.append("log", [{ at: Date.now(), data: big("l") }]);
      await store.cacheSet("key", big("c"), Date.now() + 60_000);
      const theirs = await other();
      const row = (await theirs.load()).rows.find(({ id }) => id === rows[0]?.id);
      check(row?.data === big("d") && row.secret === big("s"), "a big row was changed", [row?.data?.length, row?.secret?.length]);
      check((await theirs.query("log"))[0]?.data === big("l"), "a big entry was changed", null);
      check((await theirs.cacheGet("key")) === big("c"), "a big value was changed", null);
    },
  },

  "100,000 rows are written, changed, deleted and read": {
    async test(store, { other }) {
      const [rows, batch] = [100_000, 5000];
      const start = await store.load();
      for (let from = 0; from < rows; from += batch) {
        await done(store, Array.from({ length: batch }, (_, at): Mutation => ({ kind: "credential", expects: 0, data: `{"name":"n${from + at}"}`, secret: `{"key":"k${from + at}"}` })));
      }
      const theirs = await other();
      const all = await theirs.load();
      same([all.rows.length, new Set(all.rows.map(({ id }) => id)).size, all.complete], [rows, rows, true]);
      check(all.rows.every(({ data, secret }, at) => data === `{"name":"n${at}"}` && secret === `{"key":"k${at}"}`), "a row has another's content, or the order is wrong", null);
      same((await theirs.load(start.generation)).rows.length, rows);
      const changed = await done(store, [{ kind: "credential", id: all.rows[77_777]?.id ?? 0, expects: 1, data: "{}", secret: "{}" }]);
      const since = await theirs.load(all.generation);
      same([since.generation, since.rows.map(({ id }) => id), since.complete], [changed.generation, [all.rows[77_777]?.id], false]);
      for (let from = 0; from < rows / 2; from += batch) await done(store, all.rows.slice(from, from + batch).map(({ kind, id }): Mutation => ({ kind, id })));
      same((await theirs.load()).rows.length, rows / 2);
      same((await theirs.load(start.generation)).rows.length, rows / 2);
    },
  },
};
