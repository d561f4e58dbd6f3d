// Rows: what a commit makes of them, and what it refuses.
import type { CredentialStore, Mutation } from "../store.js";
import { added, check, credential, done, only, same } from "./check.js";
import type { Draft } from "./under-test.js";

export const ROWS: Record<string, Draft> = {
  "an empty store has nothing": {
    async test(store) {
      const state = await store.load();
      same(state, { generation: state.generation, rows: [], removed: [], complete: true });
      same(await store.cacheGet("x"), undefined);
      same(await store.query("x"), []);
    },
  },

  "a new row gets a positive id, version 1 and a generation": {
    async test(store) {
      const { rows, generation } = await done(store, [credential("a"), credential("b")]);
      check(rows.length === 2 && rows.every(({ id, version }) => Number.isSafeInteger(id) && (id as number) > 0 && version === 1), "ids or versions", rows);
      check((rows[0]?.id as number) < (rows[1]?.id as number), "ids grow in the order of the mutations", rows);
      const state = await store.load();
      same(state.generation, generation);
      same(state.rows.map(({ kind, data, secret, version, generation: made }) => ({ kind, data, secret, version, made })), [
        { kind: "credential", data: '{"name":"a"}', secret: '{"key":"s-a"}', version: 1, made: generation },
        { kind: "credential", data: '{"name":"b"}', secret: '{"key":"s-b"}', version: 1, made: generation },
      ]);
    },
  },

  "an id is never given twice": {
    async test(store) {
      const first = await added(store, "a");
      await done(store, [{ kind: "credential", id: first }]);
      const second = await added(store, "b");
      check(second > first, "an id was given again", second);
      await store.close();
      check((await added(store, "c")) > second, "an id was given again after a restart", second);
      // Rows that were moved here from another store have their numbers.
      await done(store, [{ kind: "credential", id: second + 1000, expects: 0, data: "{}" }]);
      check((await added(store, "d")) > second + 1000, "an id was given that a row has", second + 1000);
    },
  },

  "a change carries the version that it expects": {
    async test(store) {
      const id = await added(store, "a");
      const changed = await done(store, [{ kind: "credential", id, expects: 1, data: '{"name":"b"}', secret: "{}" }]);
      same(changed.rows, [{ id, version: 2 }]);
      const late = await store.commit([{ kind: "credential", id, expects: 1, data: '{"name":"c"}' }]);
      check(!late.ok, "a change with an old version was made", late);
      same(late.ok ? [] : late.conflicts.map(({ id, version, data, secret }) => ({ id, version, data, secret })), [{ id, version: 2, data: '{"name":"b"}', secret: "{}" }]);
      same(only(await store.load(), id)?.data, '{"name":"b"}');
    },
  },

  "zero expects that there is no row; nothing expects anything": {
    async test(store) {
      const id = await added(store, "a");
      const health: Mutation = { kind: "health", id, expects: 0, data: "{}" };
      await done(store, [health]);
      check(!(await store.commit([health])).ok, "a row that was to be new was there already", id);
      await done(store, [{ kind: "health", id, data: '{"x":1}' }]);
      same((await store.load()).rows.find(({ kind }) => kind === "health")?.version, 2);
      const gone = await store.commit([{ kind: "usage", id, expects: 3, data: "{}" }]);
      check(!gone.ok, "a row that is not there cannot have a version", gone);
      const [row] = gone.ok ? [] : gone.conflicts;
      same([row?.kind, row?.id, row?.version, row?.data], ["usage", id, 0, undefined]);
    },
  },

  "all changes of a commit are made, or none": {
    async test(store) {
      const id = await added(store, "a");
      const before = await store.load();
      const result = await store.commit([credential("b"), { kind: "tie", id: "t", data: "{}" }, { kind: "credential", id, expects: 9, data: "{}" }]);
      check(!result.ok, "a commit with a conflict was made", result);
      same((await store.load()).rows, before.rows);
      const since = await store.load(before.generation);
      same([since.rows, since.removed], [[], []]);
    },
  },

  "every conflict of a commit is told, and nothing else": {
    async test(store) {
      const [one, two, three] = [await added(store, "a"), await added(store, "b"), await added(store, "c")];
      const change = (id: number, expects: number): Mutation => ({ kind: "credential", id, expects, data: "{}" });
      const result = await store.commit([change(one, 7), change(two, 1), change(three, 0)]);
      same(result.ok ? [] : result.conflicts.map(({ id, version }) => [id, version]), [[one, 1], [three, 1]]);
    },
  },

  "changes of one commit are made in their order": {
    async test(store) {
      // What is expected is meant of the rows as they were before the commit.
      const { rows } = await done(store, [{ kind: "tie", id: "t", expects: 0, data: "1" }, { kind: "tie", id: "t", expects: 0, data: "2" }, { kind: "tie", id: "u", data: "3" }, { kind: "tie", id: "u" }]);
      same(rows.map(({ version }) => version), [1, 2, 1, 1]);
      same((await store.load()).rows.map(({ id, data, version }) => [id, data, version]), [["t", "2", 2]]);
    },
  },

  "a row without a secret has none, and a change without one takes it away": {
    async test(store) {
      const id = await added(store, "a");
      await done(store, [{ kind: "credential", id, data: "{}" }]);
      const row = only(await store.load(), id);
      check(row !== undefined && row.secret === undefined, "a secret that was not given", row?.id);
    },
  },

  "a deleted row is gone, and its version is not used again": {
    async test(store) {
      const id = await added(store, "a");
      await done(store, [{ kind: "tie", id: "t", data: "1" }]);
      await done(store, [{ kind: "credential", id, expects: 1 }, { kind: "tie", id: "t" }, { kind: "tie", id: "never there" }]);
      same((await store.load()).rows, []);
      await done(store, [{ kind: "tie", id: "t", expects: 0, data: "2" }]);
      same((await store.load()).rows.map(({ id, version, data }) => ({ id, version, data })), [{ id: "t", version: 2, data: "2" }]);
    },
  },

  "an empty commit changes nothing": {
    async test(store) {
      const { generation } = await store.load();
      same(await store.commit([]), { ok: true, generation, rows: [] });
    },
  },

  "another connection sees what was committed, and conflicts with it": {
    async test(store, { other }) {
      const theirs = await other();
      const id = await added(store, "a");
      same(only(await theirs.load(), id)?.data, '{"name":"a"}');
      await done(theirs, [{ kind: "credential", id, expects: 1, data: '{"name":"b"}' }]);
      check(!(await store.commit([{ kind: "credential", id, expects: 1, data: "{}" }])).ok, "a change of another was overwritten", id);
      same(only(await store.load(), id)?.data, '{"name":"b"}');
    },
  },

  "of many changes at once, each of the same version, one is made": {
    async test(store, { other }) {
      const theirs = await other();
      const id = await added(store, "a");
      for (let version = 1; version <= 5; version += 1) {
        const all = Array.from({ length: 20 }, (_, at) => (at % 2 ? theirs : store).commit([{ kind: "credential", id, expects: version, data: `${at}` }]));
        same((await Promise.all(all)).filter(({ ok }) => ok).length, 1);
      }
      same(only(await store.load(), id)?.version, 6);
    },
  },

  "what many write at once is counted right": {
    async test(store, { other }) {
      const [id, theirs] = [await added(store, "0"), await other()];
      const add = async (by: CredentialStore): Promise<void> => {
        for (;;) {
          const row = only(await by.load(), id);
          const next = Number(JSON.parse(row?.data ?? "").name) + 1;
          if ((await by.commit([{ kind: "credential", id, expects: row?.version ?? 0, data: JSON.stringify({ name: String(next) }), secret: "{}" }])).ok) return;
        }
      };
      const ten = async (by: CredentialStore): Promise<void> => {
        for (let n = 0; n < 10; n += 1) await add(by);
      };
      await Promise.all([ten(store), ten(theirs), ten(store), ten(theirs)]);
      same(only(await store.load(), id)?.data, '{"name":"40"}');
    },
  },

  "many commits under way at once are each made": {
    async test(store, { other }) {
      const theirs = await other();
      const results = await Promise.all(Array.from({ length: 100 }, (_, at) => (at % 2 ? theirs : store).commit([credential(`${at}`), { kind: "tie", id: `t${at}`, data: "{}" }])));
      const ids = results.map((result) => (result.ok ? result.rows[0]?.id : undefined));
      same([new Set(ids).size, new Set(results.map(({ generation }) => generation)).size], [100, 100]);
      same((await store.load()).rows.length, 200);
    },
  },
};
