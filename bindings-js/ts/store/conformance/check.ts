// How a case says what it expects.
import type { CommitResult, CredentialStore, Mutation, Row, StoreState } from "../store.js";

/** A new credential's row. */
export function credential(name: string): Mutation {
  return { kind: "credential", expects: 0, data: `{"name":"${name}"}`, secret: `{"key":"s-${name}"}` };
}

/** Adds one; answers its id. */
export async function added(store: CredentialStore, name: string): Promise<number> {
  const { rows } = await done(store, [credential(name)]);
  return rows[0]?.id as number;
}

/** A commit that must be made. */
export async function done(store: CredentialStore, mutations: Mutation[]): Promise<Extract<CommitResult, { ok: true }>> {
  const result = await store.commit(mutations);
  check(result.ok, "a commit was refused", result);
  return result;
}

/** The credential of an id. */
export function only(state: StoreState, id: number): Row | undefined {
  return state.rows.find((row) => row.kind === "credential" && row.id === id);
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits for what comes by itself, ten seconds at most. */
export async function until(there: () => boolean): Promise<void> {
  for (let tries = 0; !there() && tries < 1000; tries += 1) await pause(10);
}

export function check(holds: boolean, what: string, seen: unknown): asserts holds {
  if (!holds) throw new Error(`store: ${what}: ${String(JSON.stringify(seen)).slice(0, 500)}`);
}

export function same(actual: unknown, expected: unknown): void {
  const [got, wanted] = [canonical(actual), canonical(expected)];
  if (got !== wanted) throw new Error(`store: expected ${wanted.slice(0, 500)}, got ${got.slice(0, 500)}`);
}

/** JSON with the names in order. */
export function canonical(value: unknown): string {
  const ordered = (_: string, inner: unknown) => (typeof inner === "object" && inner !== null && !Array.isArray(inner) ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1))) : inner);
  return JSON.stringify(value, ordered) ?? "undefined";
}

/** All that an error says, its causes' words included. */
export function allOf(error: unknown): string {
  const seen: unknown[] = [];
  const parts: string[] = [];
  for (let each = error; each !== undefined && each !== null && !seen.includes(each); each = (each as { cause?: unknown }).cause) {
    seen.push(each);
    parts.push(String(each), String((each as { stack?: unknown }).stack));
    if (typeof each === "object") for (const name of Object.getOwnPropertyNames(each)) parts.push(String((each as Record<string, unknown>)[name]));
  }
  return parts.join("\n");
}
