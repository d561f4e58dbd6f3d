// Pools may share a store, and limits: the last one closes them.

/** Something that is held until it is closed. */
interface Closable {
  close(): Promise<void>;
}

const users = new WeakMap<Closable, number>();

export function keep(used: Closable): void {
  users.set(used, (users.get(used) ?? 0) + 1);
}

export async function giveUp(used: Closable): Promise<void> {
  const left = (users.get(used) ?? 1) - 1;
  users.set(used, left);
  if (left === 0) await used.close();
}
