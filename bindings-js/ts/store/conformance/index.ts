// What every store must do, as cases for any test runner. `credpool/store-conformance`.
//
//     for (const { name, run } of storeConformance(open)) test(name, () => run());
import { FAULTS } from "./faults.js";
import { GENERATIONS } from "./generations.js";
import { HISTORIES } from "./histories.js";
import { LEASES } from "./leases.js";
import { ROWS } from "./rows.js";
import { TEXTS } from "./texts.js";
import { caseOf, hooksOf } from "./under-test.js";
import type { ConformanceCase, Hook, StoreFactory } from "./under-test.js";
import { WATCHING } from "./watching.js";

export type { ConformanceCase, Hook, StoreFactory, StoreUnderTest } from "./under-test.js";

/** All cases. Each makes its own store. */
export const conformanceCases: readonly ConformanceCase[] = [ROWS, GENERATIONS, LEASES, TEXTS, HISTORIES, WATCHING, FAULTS].flatMap((drafts) => Object.entries(drafts).map(([name, draft]) => caseOf(name, draft)));

/** The cases that a store with these hooks can be put through, each bound to its factory. Make no store before a case runs. */
export function storeConformance(open: StoreFactory, hooks: readonly Hook[] = ["again", "watch"]): { name: string; run: () => Promise<void> }[] {
  return conformanceCases.filter(({ needs }) => needs.every((hook) => hooks.includes(hook))).map(({ name, run }) => ({ name, run: () => run(open) }));
}

/** How a run ended. */
export interface ConformanceReport {
  /** Names of the cases that passed. */
  passed: string[];
  failed: { name: string; error: unknown }[];
  /** Names of the cases that need what the store under test has not, and of those that were not wanted. */
  leftOut: { name: string; needs: readonly Hook[] }[];
}

/** Runs the cases one after the other, where there is no test runner; those that are `wanted`. Makes one store more, to see what it has. */
export async function runConformance(open: StoreFactory, told: (name: string, error?: unknown) => void = () => undefined, wanted: (name: string) => boolean = () => true): Promise<ConformanceReport> {
  const report: ConformanceReport = { passed: [], failed: [], leftOut: [] };
  const first = await open({});
  const hooks = hooksOf(first);
  await first.store.close();
  await first.cleanUp?.();
  for (const { name, needs, run } of conformanceCases) {
    if (!needs.every((hook) => hooks.includes(hook)) || !wanted(name)) {
      report.leftOut.push({ name, needs });
      continue;
    }
    try {
      await run(open);
      report.passed.push(name);
      told(name);
    } catch (error) {
      report.failed.push({ name, error });
      told(name, error);
    }
  }
  return report;
}
