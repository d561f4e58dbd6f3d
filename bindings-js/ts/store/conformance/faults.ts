// What goes wrong around a store: it is closed in the midst, its disk is full, a row is damaged.
import type { CommitResult, Mutation } from "../store.js";
import { added, allOf, check, credential, done, only, same } from "./check.js";
import type { Draft } from "./under-test.js";

/** A secret that no error may hold. */
const CANARY = "canary-4f1d2b9c-of-the-conformance-suite";

export const FAULTS: Record<string, Draft> = {
  "what is stored stays when the store is closed, and it can be used again": {
    async test(store, { other }) {
      const id = await added(store, "a");
      await store.close();
      await store.close();
      same(only(await (await other()).load(), id)?.data, '{"name":"a"}');
      same(only(await store.load(), id)?.data, '{"name":"a"}');
      await Promise.all([store.close(), store.close()]);
      check((await added(store, "b")) > id, "it could not be used again", id);
    },
  },

  "a commit that meets the closing of the store is made or rejected, not lost": {
    async test(store) {
      await store.load();
      const commits = Array.from({ length: 10 }, (_, at) => store.commit([credential(`${at}`), { kind: "tie", id: `${at}`, data: "{}" }]));
      const [closed, ...settled] = await Promise.allSettled([store.close(), ...commits]);
      same(closed.status, "fulfilled");
      const made = settled.filter((one): one is PromiseFulfilledResult<CommitResult> => one.status === "fulfilled" && (one.value as CommitResult).ok);
      const { rows } = await store.load();
      const [credentials, ties] = [rows.filter(({ kind }) => kind === "credential"), rows.filter(({ kind }) => kind === "tie")];
      same(credentials.length, ties.length);
      check(credentials.length >= made.length, "a commit that was told as made is not there", [credentials.length, made.length]);
      for (const { value } of made) check(value.ok && credentials.some(({ id }) => id === value.rows[0]?.id), "a row that was told is not there", null);
    },
  },

  "a damaged row keeps no other from being read, and can be written anew": {
    needs: ["corrupt"],
    async test(store, { corrupt, other }) {
      const [one, two, three] = [await added(store, "a"), await added(store, "b"), await added(store, "c")];
      await store.close();
      await corrupt({ kind: "credential", id: two });
      const theirs = await other();
      const state = await theirs.load();
      same([only(state, one)?.secret, only(state, three)?.secret], ['{"key":"s-a"}', '{"key":"s-c"}']);
      const row = only(state, two);
      // It is left out, or given with texts that nobody takes for what they were.
      check(row === undefined || ((row.data === undefined || typeof row.data === "string") && (row.secret === undefined || typeof row.secret === "string")), "a damaged row is given with something that is no text", typeof row?.data);
      check(row === undefined || row.data !== '{"name":"b"}' || row.secret !== '{"key":"s-b"}', "the row was not damaged: the test proves nothing", null);
      await done(theirs, [{ kind: "credential", id: two, data: '{"name":"new"}', secret: '{"key":"new"}' }]);
      same(only(await theirs.load(), two)?.secret, '{"key":"new"}');
    },
  },

  "where there is no room a commit is rejected whole, without its secret, and everything else stays": {
    needs: ["cramped"],
    async test(store, { cramped }) {
      const tight = await cramped();
      const first = await added(tight, "first");
      const made: string[] = [];
      let error: unknown;
      for (let n = 0; n < 64 && error === undefined; n += 1) {
        const mutations: Mutation[] = [{ kind: "tie", id: `small-${n}`, data: "{}" }, { kind: "tie", id: `big-${n}`, data: "x".repeat(2 ** 19), secret: `{"key":"${CANARY}"}` }];
        await tight.commit(mutations).then(() => made.push(`small-${n}`, `big-${n}`), (thrown: unknown) => (error = thrown));
      }
      check(error !== undefined, "32 MiB went into a store that has no room for 16", made.length);
      check(!allOf(error).includes(CANARY), "a secret is in the error", null);
      const ids = (rows: { id: unknown }[]) => rows.map(({ id }) => String(id)).sort();
      same(ids((await tight.load()).rows), [String(first), ...made].sort());
      await tight.close();
      same(ids((await store.load()).rows), [String(first), ...made].sort());
      check((await added(store, "later")) > first, "it could not be used again", first);
    },
  },
};
