// Watching: whoever watches is told of everybody's commits, soon.
import { added, check, pause, same, until } from "./check.js";
import type { Draft } from "./under-test.js";

export const WATCHING: Record<string, Draft> = {
  "who watches is told of a commit, his own and another's, until he stops": {
    needs: ["watch"],
    async test(store, { other }) {
      const theirs = await other();
      await added(store, "before");
      let told = 0;
      const stop = store.watch?.(() => (told += 1));
      await pause(50); // A subscription may take a moment.
      await added(theirs, "a");
      await until(() => told > 0);
      check(told > 0, "a commit of another was not told within 10 s", told);
      await pause(300); // What is still on its way.
      const before = told;
      await added(store, "b");
      await until(() => told > before);
      check(told > before, "a commit was not told within 10 s", told);
      await pause(300);
      stop?.();
      stop?.();
      const after = told;
      await added(theirs, "c");
      await pause(600);
      same(told, after);
    },
  },

  "who is told of a generation can read it": {
    needs: ["watch"],
    async test(store, { other }) {
      const theirs = await other();
      await added(store, "before");
      const reads: Promise<number>[] = [];
      let last = 0;
      const stop = store.watch?.((generation = 0) => {
        last = Math.max(last, generation);
        reads.push(store.load().then((state) => state.generation - generation));
      });
      await pause(50);
      let generation = 0;
      for (let n = 0; n < 10; n += 1) {
        await added(n % 2 ? theirs : store, `${n}`);
        generation = (await store.load()).generation;
      }
      await until(() => last >= generation || reads.length >= 10);
      stop?.();
      check((await Promise.all(reads)).every((ahead) => ahead >= 0), "a generation was told before it could be read", reads.length);
    },
  },

  "a watcher that throws harms neither the commit nor the others": {
    needs: ["watch"],
    async test(store) {
      let told = 0;
      const stops = [store.watch?.(() => {
        throw new Error("of a watcher");
      }), store.watch?.(() => (told += 1))];
      await pause(50);
      await added(store, "a");
      await until(() => told > 0);
      check(told > 0, "the others were not told", told);
      for (const stop of stops) stop?.();
    },
  },
};
