// What every store must do, as cases for any test runner:
//
//     for (const { name, run } of storeConformance(async () => ({ store: myStore() }))) test(name, run);
import type { CommitResult, CredentialStore, Mutation, Row, StoreState } from "./store.js";

/** An empty store to be tested. */
export interface StoreUnderTest {
  store: CredentialStore;
  /** Another connection to the same data, as another process has it; the same store where there is only one. */
  again?: () => Promise<CredentialStore> | CredentialStore;
  /** Moves the store's clock, where that can be done. Cases that need it are left out otherwise. */
  advance?: (ms: number) => void;
  /** Is called at the end of a case. */
  cleanUp?: () => Promise<void> | void;
}

/** One case. */
export interface ConformanceCase {
  name: string;
  run: () => Promise<void>;
}

type Test = (store: CredentialStore, under: StoreUnderTest) => Promise<void>;

/** The cases for a store. `open` makes an empty one for each. */
export function storeConformance(open: () => Promise<StoreUnderTest> | StoreUnderTest): ConformanceCase[] {
  return Object.entries(CASES).map(([name, test]) => ({
    name,
    run: async () => {
      const under = await open();
      try {
        await test(under.store, under);
      } finally {
        await under.store.close();
        await under.cleanUp?.();
      }
    },
  }));
}

const CASES: Record<string, Test> = {
  async "an empty store has nothing"(store) {
    const state = await store.load();
    same(state, { generation: state.generation, rows: [], removed: [], complete: true });
    same(await store.cacheGet("x"), undefined);
    same(await store.query("x"), []);
  },

  async "a new row gets a positive id, version 1 and a generation"(store) {
    const { rows, generation } = await done(store, [credential("a"), credential("b")]);
    check(rows.length === 2 && rows.every(({ id, version }) => Number.isSafeInteger(id) && (id as number) > 0 && version === 1), "ids or versions", rows);
    check((rows[0]?.id as number) < (rows[1]?.id as number), "ids grow in the order of the mutations", rows);
    const state = await store.load();
    same(state.generation, generation);
    same(state.rows.map(({ kind, data, secret, version }) => ({ kind, data, secret, version })), [
      { kind: "credential", data: '{"name":"a"}', secret: '{"key":"s-a"}', version: 1 },
      { kind: "credential", data: '{"name":"b"}', secret: '{"key":"s-b"}', version: 1 },
    ]);
  },

  async "an id is never given twice"(store) {
    const first = await added(store, "a");
    await done(store, [{ kind: "credential", id: first }]);
    const second = await added(store, "b");
    check(second > first, "an id was given again", second);
    await store.close();
    check((await added(store, "c")) > second, "an id was given again after a restart", second);
  },

  async "a change carries the version that it expects"(store) {
    const id = await added(store, "a");
    const changed = await done(store, [{ kind: "credential", id, expects: 1, data: '{"name":"b"}', secret: "{}" }]);
    same(changed.rows, [{ id, version: 2 }]);
    const late = await store.commit([{ kind: "credential", id, expects: 1, data: '{"name":"c"}' }]);
    check(!late.ok, "a change with an old version was made", late);
    same(late.ok ? [] : late.conflicts.map(({ id, version, data, secret }) => ({ id, version, data, secret })), [{ id, version: 2, data: '{"name":"b"}', secret: "{}" }]);
    same(only(await store.load(), id)?.data, '{"name":"b"}');
  },

  async "zero expects that there is no row; nothing expects anything"(store) {
    const id = await added(store, "a");
    const health: Mutation = { kind: "health", id, expects: 0, data: "{}" };
    await done(store, [health]);
    check(!(await store.commit([health])).ok, "a row that was to be new was there already", id);
    await done(store, [{ kind: "health", id, data: '{"x":1}' }]);
    same((await store.load()).rows.find(({ kind }) => kind === "health")?.version, 2);
    const gone = await store.commit([{ kind: "usage", id, expects: 3, data: "{}" }]);
    check(!gone.ok, "a row that is not there cannot have a version", gone);
    const [row] = gone.ok ? [] : gone.conflicts;
    same([row?.kind, row?.id, row?.data], ["usage", id, undefined]);
  },

  async "all changes of a commit are made, or none"(store) {
    const id = await added(store, "a");
    const before = await store.load();
    const result = await store.commit([credential("b"), { kind: "tie", id: "t", data: "{}" }, { kind: "credential", id, expects: 9, data: "{}" }]);
    check(!result.ok, "a commit with a conflict was made", result);
    same(await store.load(), before);
  },

  async "numbers and texts are different ids, and text is kept as it is"(store) {
    const id = await added(store, "a");
    const odd = ["", " ", "'; DROP TABLE x; --", "ключ \u{1f511} \u0001 end", "x".repeat(100_000)];
    const names = odd.map((text, at) => `t${at}/${text.slice(0, 20)}`);
    await done(store, [{ kind: "health", id, data: "1" }, { kind: "health", id: String(id), data: "2" }, ...odd.map((data, at): Mutation => ({ kind: "tie", id: names[at] ?? "", data, secret: data }))]);
    const { rows } = await store.load();
    same(rows.filter(({ kind }) => kind === "health").map(({ id, data }) => [id, data]), [[id, "1"], [String(id), "2"]]);
    for (const [at, name] of names.entries()) {
      const row = rows.find((row) => row.id === name);
      same([row?.data, row?.secret], [odd[at], odd[at]]);
    }
  },

  async "a row without a secret has none, and a change without one takes it away"(store) {
    const id = await added(store, "a");
    await done(store, [{ kind: "credential", id, data: "{}" }]);
    const row = only(await store.load(), id);
    check(row !== undefined && row.secret === undefined, "a secret that was not given", row);
  },

  async "a deleted row is gone, and its version is not used again"(store) {
    const id = await added(store, "a");
    await done(store, [{ kind: "tie", id: "t", data: "1" }]);
    await done(store, [{ kind: "credential", id, expects: 1 }, { kind: "tie", id: "t" }, { kind: "tie", id: "never there" }]);
    same((await store.load()).rows, []);
    await done(store, [{ kind: "tie", id: "t", expects: 0, data: "2" }]);
    same((await store.load()).rows.map(({ id, version, data }) => ({ id, version, data })), [{ id: "t", version: 2, data: "2" }]);
  },

  async "what changed after a generation, and what is gone"(store) {
    const [one, two] = [await added(store, "a"), await added(store, "b")];
    const { generation } = await store.load();
    const nothing = await store.load(generation);
    same([nothing.rows, nothing.removed, nothing.complete], [[], [], false]);
    await done(store, [{ kind: "credential", id: one, data: "{}" }]);
    await done(store, [{ kind: "credential", id: two }]);
    const state = await store.load(generation);
    check(state.generation > generation, "the generation did not grow", state.generation);
    same([state.rows.map(({ id }) => id), state.removed, state.complete], [[one], [{ kind: "credential", id: two }], false]);
    const beyond = await store.load(state.generation + 1000);
    same([beyond.complete, beyond.rows.length], [true, 1]);
  },

  async "an empty commit changes nothing"(store) {
    const { generation } = await store.load();
    same(await store.commit([]), { ok: true, generation, rows: [] });
  },

  async "another connection sees what was committed, and conflicts with it"(store, { again }) {
    const other = (await again?.()) ?? store;
    const id = await added(store, "a");
    same(only(await other.load(), id)?.data, '{"name":"a"}');
    await done(other, [{ kind: "credential", id, expects: 1, data: '{"name":"b"}' }]);
    check(!(await store.commit([{ kind: "credential", id, expects: 1, data: "{}" }])).ok, "a change of another was overwritten", id);
    same(only(await store.load(), id)?.data, '{"name":"b"}');
    if (other !== store) await other.close();
  },

  async "of many changes at once, each of the same version, one is made"(store, { again }) {
    const other = (await again?.()) ?? store;
    const id = await added(store, "a");
    const results = await Promise.all(Array.from({ length: 20 }, (_, at) => (at % 2 ? other : store).commit([{ kind: "credential", id, expects: 1, data: `${at}` }])));
    same(results.filter(({ ok }) => ok).length, 1);
    if (other !== store) await other.close();
  },

  async "what is stored stays when the store is closed, and it can be used again"(store, { again }) {
    const id = await added(store, "a");
    await store.close();
    await store.close();
    same(only(await ((await again?.()) ?? store).load(), id)?.data, '{"name":"a"}');
  },

  async "a lease has one owner, and its fence grows when it changes hands"(store, { again, advance }) {
    const other = (await again?.()) ?? store;
    const first = await store.lease("refresh/1", "one", 10_000);
    check(first !== null && first.owner === "one" && first.fence > 0, "no lease where nobody has one", first);
    same(await other.lease("refresh/1", "two", 10_000), null);
    check((await other.lease("refresh/2", "two", 10_000)) !== null, "another key is another lease", null);
    same((await store.lease("refresh/1", "one", 10_000))?.fence, first.fence);
    check((await store.renew(first, 20_000)) !== null, "the owner may renew", first);
    await store.release(first);
    const second = await other.lease("refresh/1", "two", 10_000);
    check(second !== null && second.fence > first.fence, "the fence did not grow", second);
    same(await store.renew(first, 10_000), null);
    await store.release(first); // Lost: nothing happens.
    same(await store.lease("refresh/1", "one", 10_000), null);
    if (advance) {
      advance(10_001);
      const third = await store.lease("refresh/1", "one", 10_000);
      check(third !== null && third.fence > second.fence, "a lease that ended was not given anew", third);
      same(await other.renew(second, 10_000), null);
    }
    if (other !== store) await other.close();
  },

  async "histories are read by time, newest last, and are bounded by age"(store, { advance }) {
    const now = Date.now();
    const entries = [3, 1, 2].map((n) => ({ at: now + n, data: `{"n":${n}}` }));
    await store.append("usage", entries);
    await store.append("cost", [{ at: now, data: "{}" }]);
    await store.append("usage", []);
    const numbers = async (filter: Parameters<CredentialStore["query"]>[1]) => (await store.query("usage", filter)).map(({ at }) => at - now);
    same(await numbers({}), [1, 2, 3]);
    same(await numbers({ from: now + 2 }), [2, 3]);
    same(await numbers({ from: now + 1, to: now + 3 }), [1, 2]);
    same(await numbers({ limit: 2 }), [2, 3]);
    same((await store.query("usage"))[0]?.data, '{"n":1}');
    if (advance) {
      advance(91 * 86_400_000);
      await store.append("usage", [{ at: now + 91 * 86_400_000, data: "{}" }]);
      same((await store.query("usage")).length, 1);
    }
  },

  async "who watches is told of a commit, his own and another's, until he stops"(store, { again }) {
    if (!store.watch) return;
    const other = (await again?.()) ?? store;
    await added(store, "before");
    let told = 0;
    const stop = store.watch(() => (told += 1));
    const patience = async (more: number) => {
      for (let tries = 0; told < more && tries < 500; tries += 1) await pause(10);
    };
    await added(other, "a");
    await patience(1);
    check(told > 0, "a commit of another was not told within 5 s", told);
    await pause(300); // What is still on its way.
    const before = told;
    await added(store, "b");
    await patience(before + 1);
    check(told > before, "a commit was not told within 5 s", told);
    await pause(300);
    stop();
    stop();
    const after = told;
    await added(other, "c");
    await pause(600);
    same(told, after);
    if (other !== store) await other.close();
  },

  async "what is cached is kept until it expires"(store, { advance }) {
    const now = Date.now();
    await store.cacheSet("report/1", "a", now + 60_000);
    await store.cacheSet("report/1", "b", now + 60_000);
    await store.cacheSet("past", "c", now - 60_000);
    same([await store.cacheGet("report/1"), await store.cacheGet("past")], ["b", undefined]);
    if (advance) {
      advance(60_001);
      same(await store.cacheGet("report/1"), undefined);
    }
  },
};

function credential(name: string): Mutation {
  return { kind: "credential", expects: 0, data: `{"name":"${name}"}`, secret: `{"key":"s-${name}"}` };
}

async function added(store: CredentialStore, name: string): Promise<number> {
  const { rows } = await done(store, [credential(name)]);
  return rows[0]?.id as number;
}

async function done(store: CredentialStore, mutations: Mutation[]): Promise<Extract<CommitResult, { ok: true }>> {
  const result = await store.commit(mutations);
  check(result.ok, "a commit was refused", result);
  return result;
}

function only(state: StoreState, id: number): Row | undefined {
  return state.rows.find((row) => row.kind === "credential" && row.id === id);
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

function check(holds: boolean, what: string, seen: unknown): asserts holds {
  if (!holds) throw new Error(`store: ${what}: ${JSON.stringify(seen)}`);
}

function same(actual: unknown, expected: unknown): void {
  const [got, wanted] = [canonical(actual), canonical(expected)];
  if (got !== wanted) throw new Error(`store: expected ${wanted.slice(0, 500)}, got ${got.slice(0, 500)}`);
}

/** JSON with the names in order. */
function canonical(value: unknown): string {
  const ordered = (_: string, inner: unknown) => (typeof inner === "object" && inner !== null && !Array.isArray(inner) ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1))) : inner);
  return JSON.stringify(value, ordered) ?? "undefined";
}
