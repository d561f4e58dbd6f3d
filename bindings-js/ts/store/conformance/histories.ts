// Histories and the cache: what only helps for a while.
import type { CredentialStore } from "../store.js";
import { done, same } from "./check.js";
import type { Draft } from "./under-test.js";

const DAY_MS = 86_400_000;

export const HISTORIES: Record<string, Draft> = {
  "histories are read by time, newest last": {
    async test(store, { other }) {
      const now = Date.now();
      await store.append("usage", [3, 1, 2].map((n) => ({ at: now + n, data: `{"n":${n}}` })));
      await store.append("cost", [{ at: now, data: "{}" }]);
      await store.append("usage", []);
      const theirs = await other();
      const numbers = async (filter: Parameters<CredentialStore["query"]>[1]) => (await theirs.query("usage", filter)).map(({ at }) => at - now);
      same(await numbers({}), [1, 2, 3]);
      same(await numbers({ from: now + 2 }), [2, 3]);
      same(await numbers({ from: now + 1, to: now + 3 }), [1, 2]);
      same(await numbers({ limit: 2 }), [2, 3]);
      same(await numbers({ to: now + 3, limit: 1 }), [2]);
      same(await numbers({ limit: 0 }), []);
      same(await numbers({ from: now + 3, to: now + 1 }), []);
      same((await store.query("usage"))[0]?.data, '{"n":1}');
    },
  },

  "entries of one instant stay in their order, and who appends at once loses nothing": {
    async test(store, { other }) {
      const [now, theirs] = [Date.now(), await other()];
      await store.append("log", [1, 2, 3].map((n) => ({ at: now, data: `${n}` })));
      same((await store.query("log")).map(({ data }) => data), ["1", "2", "3"]);
      await Promise.all(Array.from({ length: 30 }, (_, at) => (at % 2 ? theirs : store).append("crowd", [{ at: now + at, data: `${at}` }])));
      same((await store.query("crowd")).map(({ data }) => Number(data)), Array.from({ length: 30 }, (_, at) => at));
    },
  },

  "a history is no news: it changes no generation": {
    async test(store) {
      const { generation } = await done(store, [{ kind: "tie", id: "t", data: "{}" }]);
      await store.append("log", [{ at: Date.now(), data: "{}" }]);
      await store.cacheSet("key", "value", Date.now() + 60_000);
      await store.lease("k", "one", 1000);
      same((await store.load()).generation, generation);
    },
  },

  "entries older than a history is kept are dropped": {
    needs: ["advance"],
    async test(store, { advance }) {
      const now = Date.now();
      await store.append("usage", [{ at: now, data: "{}" }]);
      await store.append("other", [{ at: now, data: "{}" }]);
      advance(91 * DAY_MS);
      await store.append("usage", [{ at: now + 91 * DAY_MS, data: "{}" }]);
      same([(await store.query("usage")).length, (await store.query("other")).length], [1, 1]);
    },
  },

  "a history has no more entries than it may": {
    needs: ["bounded"],
    retention: { logMaxEntries: 2 },
    async test(store) {
      const now = Date.now();
      for (const n of [1, 2, 3]) await store.append("usage", [{ at: now + n, data: `${n}` }]);
      same((await store.query("usage")).map(({ data }) => data), ["2", "3"]);
    },
  },

  "what is cached is kept until it expires": {
    async test(store, { other, pass }) {
      const [now, theirs] = [Date.now(), await other()];
      await store.cacheSet("report/1", "a", now + 60_000);
      await store.cacheSet("report/1", "b", now + 60_000);
      await store.cacheSet("report/2", "c", now + 60_000);
      await store.cacheSet("past", "d", now - 60_000);
      await store.cacheSet("report/2", "e", now - 60_000);
      same([await theirs.cacheGet("report/1"), await theirs.cacheGet("past"), await theirs.cacheGet("report/2"), await theirs.cacheGet("never")], ["b", undefined, undefined, undefined]);
      await store.cacheSet("soon", "f", Date.now() + 100);
      await pass(1000);
      same(await store.cacheGet("soon"), undefined);
    },
  },
};
