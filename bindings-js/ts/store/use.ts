// Pools may share a store: the last one closes it.
import type { CredentialStore } from "./store.js";

const users = new WeakMap<CredentialStore, number>();

export function keepStore(store: CredentialStore): void {
  users.set(store, (users.get(store) ?? 0) + 1);
}

export async function releaseStore(store: CredentialStore): Promise<void> {
  const left = (users.get(store) ?? 1) - 1;
  users.set(store, left);
  if (left === 0) await store.close();
}
