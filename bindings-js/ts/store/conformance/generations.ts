// Generations: who follows a store by `load(since)` has what it has.
import type { CredentialStore, Row, StoreState } from "../store.js";
import { added, canonical, check, done, pause, same } from "./check.js";
import type { Draft } from "./under-test.js";

export const GENERATIONS: Record<string, Draft> = {
  "what changed after a generation, and what is gone": {
    async test(store) {
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
  },

  "a refused commit does not change the generation, each that is made does": {
    async test(store) {
      const id = await added(store, "a");
      let { generation } = await store.load();
      await store.commit([{ kind: "credential", id, expects: 5, data: "{}" }]);
      same((await store.load()).generation, generation);
      for (let n = 0; n < 5; n += 1) {
        const made = await done(store, [{ kind: "credential", id, data: `${n}` }]);
        check(made.generation > generation, "a commit has the generation of the one before", made.generation);
        generation = made.generation;
        same((await store.load()).rows.map((row) => row.generation), [generation]);
      }
    },
  },

  "who follows by generations while others write misses nothing": {
    async test(store, { other }) {
      const theirs = await other();
      let writing = 3;
      const write = async (by: CredentialStore, name: string): Promise<void> => {
        for (let n = 0; n < 30; n += 1) {
          await done(by, [{ kind: "tie", id: `${name}${n % 7}`, ...(n % 5 === 4 ? {} : { data: `${n}` }) }, { kind: "tie", id: `shared${n % 3}`, data: `${name}${n}` }]);
        }
        writing -= 1;
      };
      const copy = new Map<string, Row>();
      let read = 0;
      const follow = async (): Promise<void> => {
        const state = await store.load(read);
        if (state.complete) copy.clear();
        for (const row of state.rows) copy.set(String(row.id), row);
        for (const { id } of state.removed) copy.delete(String(id));
        read = state.generation;
      };
      const reader = async (): Promise<void> => {
        while (writing > 0) {
          await follow();
          await pause(1);
        }
      };
      await Promise.all([write(store, "a"), write(theirs, "b"), write(theirs, "c"), reader()]);
      await follow();
      await done(theirs, [{ kind: "tie", id: "shared0" }]);
      await follow();
      const whole: StoreState = await store.load();
      same(whole.generation, read);
      const text = (rows: Iterable<Row>): string => canonical([...rows].map(({ id, data, version }) => `${id} ${version} ${data}`).sort());
      same(text(copy.values()), text(whole.rows));
    },
  },

  "names of rows that are gone are bounded; who asks from before them gets everything": {
    needs: ["bounded"],
    retention: { tombstones: 3 },
    async test(store) {
      const { generation: start } = await done(store, [{ kind: "tie", id: "stays", data: "{}" }]);
      for (let n = 0; n < 6; n += 1) {
        await done(store, [{ kind: "tie", id: `t${n}`, data: "{}" }]);
        await done(store, [{ kind: "tie", id: `t${n}` }]);
      }
      const whole = await store.load(start);
      same([whole.complete, whole.rows.map(({ id }) => id), whole.removed], [true, ["stays"], []]);
      const part = await store.load(whole.generation - 4);
      same([part.complete, part.removed.map(({ id }) => id)], [false, ["t4", "t5"]]);
    },
  },
};
