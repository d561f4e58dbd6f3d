// What a tester hands over, and what he gets.
import type { CredentialStore, Retention, RowName } from "../store.js";

/** What a store under test can be put through, beside its own methods. A case that needs more is left out. */
export interface StoreUnderTest {
  /** Empty, or with nothing in it that the suite could meet. */
  store: CredentialStore;
  /** Another connection to the same data, as another process has it. */
  again?: () => Promise<CredentialStore> | CredentialStore;
  /** Moves on the clock that leases, histories and the cache go by. */
  advance?: (ms: number) => void;
  /** Says that `store` keeps to the retention that the factory was asked for. */
  bounded?: boolean;
  /** Damages the content of one row where it is kept, as a faulty disk or another program would. */
  corrupt?: (row: RowName) => Promise<void> | void;
  /** The same data through a store that has room for less than 16 MiB. */
  cramped?: () => Promise<CredentialStore> | CredentialStore;
  /** Is called at the end of a case, when the stores are closed. */
  cleanUp?: () => Promise<void> | void;
}

/** Makes an empty store for one case. `retention` is what the case wants; who cannot give it leaves `bounded` out. */
export type StoreFactory = (retention: Retention) => Promise<StoreUnderTest> | StoreUnderTest;

/** What a case may need beside a store. */
export type Hook = "again" | "advance" | "bounded" | "corrupt" | "cramped" | "watch";

/** One case. */
export interface ConformanceCase {
  /** What the store must do. */
  readonly name: string;
  /** What it needs of a store under test. */
  readonly needs: readonly Hook[];
  /** Makes a store and runs the case on it; rejected with a sentence where the store does otherwise. */
  run(open: StoreFactory): Promise<void>;
}

/** A case as it is written here. */
export interface Draft {
  needs?: readonly Hook[];
  retention?: Retention;
  test: (store: CredentialStore, under: Required<Pick<StoreUnderTest, "advance" | "corrupt">> & Connections) => Promise<void>;
}

/** Other connections; where there are none, the store itself. */
export interface Connections {
  /** Another connection where there is one; it is closed at the end of the case. */
  other: () => Promise<CredentialStore>;
  cramped: () => Promise<CredentialStore>;
  /** Lets so much time pass: by the store's clock where it can be moved, else by waiting. */
  pass: (ms: number) => Promise<void>;
}

/** A case of a draft. */
export function caseOf(name: string, { needs = [], retention = {}, test }: Draft): ConformanceCase {
  return {
    name,
    needs,
    run: async (open) => {
      const under = await open(retention);
      const { store, again, advance, corrupt, cramped, cleanUp } = under;
      const opened: CredentialStore[] = [store];
      const keep = (made: CredentialStore): CredentialStore => {
        if (!opened.includes(made)) opened.push(made);
        return made;
      };
      try {
        const missing = needs.filter((hook) => !hooksOf(under).includes(hook));
        if (missing.length > 0) throw new Error(`this case needs ${missing.join(" and ")} of the store under test`);
        await test(store, {
          other: async () => (again ? keep(await again()) : store),
          cramped: async () => (cramped ? keep(await cramped()) : store),
          advance: (ms) => advance?.(ms),
          corrupt: (row) => corrupt?.(row),
          pass: async (ms) => (advance ? advance(ms) : new Promise((resolve) => setTimeout(resolve, ms))),
        });
      } finally {
        for (const each of opened.reverse()) await each.close();
        await cleanUp?.();
      }
    },
  };
}

/** What a store under test has. */
export function hooksOf(under: StoreUnderTest): Hook[] {
  const names = ["again", "advance", "corrupt", "cramped"] as const;
  return [...names.filter((name) => under[name] !== undefined), ...(under.bounded ? (["bounded"] as const) : []), ...(under.store.watch ? (["watch"] as const) : [])];
}
