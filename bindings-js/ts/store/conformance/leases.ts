// Leases: one owner at a time, and a fence by which a frozen owner is told from its successor.
import type { CredentialStore, StoreLease } from "../store.js";
import { check, pause, same } from "./check.js";
import type { Draft } from "./under-test.js";

/** A lease that ends soon, for those whose clock cannot be moved. */
const SHORT_MS = 150;

export const LEASES: Record<string, Draft> = {
  "a lease has one owner, and its fence grows when it changes hands": {
    async test(store, { other }) {
      const theirs = await other();
      const first = await store.lease("refresh/1", "one", 10_000);
      check(first !== null && first.owner === "one" && first.key === "refresh/1" && first.fence > 0, "no lease where nobody has one", first);
      same(await theirs.lease("refresh/1", "two", 10_000), null);
      check((await theirs.lease("refresh/2", "two", 10_000)) !== null, "another key is another lease", null);
      same((await store.lease("refresh/1", "one", 10_000))?.fence, first.fence);
      const renewed = await store.renew(first, 20_000);
      check(renewed !== null && renewed.fence === first.fence && renewed.expires > first.expires, "the owner may renew", renewed);
      await store.release(first);
      const second = await theirs.lease("refresh/1", "two", 10_000);
      check(second !== null && second.fence > first.fence, "the fence did not grow", second);
      same(await store.renew(first, 10_000), null);
      await store.release(first); // Lost: nothing happens.
      same(await store.lease("refresh/1", "one", 10_000), null);
    },
  },

  "a frozen owner loses its lease when it ends, and harms nobody when it wakes": {
    async test(store, { other, pass }) {
      const theirs = await other();
      const frozen = await store.lease("k", "frozen", SHORT_MS);
      check(frozen !== null, "no lease where nobody has one", frozen);
      await pass(SHORT_MS + 100);
      const next = await theirs.lease("k", "next", 60_000);
      check(next !== null && next.fence > frozen.fence, "a lease that ended was not given anew with a larger fence", next);
      same(await store.renew(frozen, 60_000), null);
      await store.release(frozen);
      same(await store.lease("k", "frozen", 60_000), null);
      same((await theirs.renew(next, 60_000))?.fence, next.fence);
    },
  },

  "a lease that ended cannot be renewed, and its owner gets a new one": {
    async test(store, { pass }) {
      const first = await store.lease("k", "one", SHORT_MS);
      check(first !== null, "no lease where nobody has one", first);
      await pass(SHORT_MS + 100);
      same(await store.renew(first, 10_000), null);
      const second = await store.lease("k", "one", 10_000);
      check(second !== null && second.fence > first.fence, "the fence did not grow", second);
    },
  },

  "of many who ask at once, one has it": {
    async test(store, { other }) {
      const theirs = await other();
      let fence = 0;
      for (let round = 0; round < 5; round += 1) {
        const given = await Promise.all(Array.from({ length: 20 }, (_, at) => (at % 2 ? theirs : store).lease("k", `owner-${at}`, 60_000)));
        const [lease, ...more] = given.filter((one) => one !== null);
        check(lease !== undefined && more.length === 0 && lease.fence > fence, "not one owner with a larger fence", given);
        fence = lease.fence;
        await store.release(lease);
      }
    },
  },

  "who has it is alone, and fences grow in the order of their owners": {
    async test(store, { other }) {
      const theirs = await other();
      const inside: number[] = [];
      const fences: number[] = [];
      const take = async (by: CredentialStore, owner: string): Promise<StoreLease> => {
        for (;;) {
          const lease = await by.lease("k", owner, 60_000);
          if (lease) return lease;
          await pause(1 + Math.random() * 4);
        }
      };
      const work = async (by: CredentialStore, number: number): Promise<void> => {
        for (let n = 0; n < 5; n += 1) {
          const lease = await take(by, `owner-${number}`);
          inside.push(number);
          check(inside.length === 1, "two owners at once", inside);
          fences.push(lease.fence);
          await pause(1);
          inside.pop();
          await by.release(lease);
        }
      };
      await Promise.all(Array.from({ length: 6 }, (_, at) => work(at % 2 ? theirs : store, at)));
      same(fences, [...new Set(fences)].sort((one, another) => one - another));
      same(fences.length, 30);
    },
  },

  "a lease survives the end of the connection that took it": {
    async test(store, { other }) {
      const theirs = await other();
      const lease = await theirs.lease("k/ключ \u{1f511}", "one", 60_000);
      if (theirs !== store) await theirs.close();
      same(await store.lease("k/ключ \u{1f511}", "two", 60_000), null);
      if (lease) await store.release(lease);
      check((await store.lease("k/ключ \u{1f511}", "two", 60_000)) !== null, "it was given back by its fence, from wherever", null);
    },
  },
};
