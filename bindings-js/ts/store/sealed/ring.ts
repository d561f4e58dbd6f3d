// The store's own keys, each wrapped by the key from outside, in one row of the store. There is more than one only while secrets
// are sealed anew, or where one could not be.
import type { Row, StoreState } from "../store.js";
import { keyNumber } from "./envelope.js";
import type { DataKey } from "./envelope.js";
import { SealError } from "./error.js";
import { fromBase64, random, toBase64 } from "./keys.js";
import type { KeyNotes, SealingKey, WrappingKey } from "./keys.js";

/** Where it is. Pools leave rows of kinds that they do not know alone. */
export const [KEYS_KIND, KEYS_ID] = ["seal", "keys"];

interface Kept {
  format: 1;
  /** A random name of the store: secrets of one do not open in another. */
  store: string;
  /** What kind of key opens it, and what is noted of it. */
  kind: string;
  notes: KeyNotes;
  /** Number → nonce and key, wrapped; and since when it is not the current one, in milliseconds since 1970. */
  keys: Record<string, { nonce: string; wrapped: string; retired?: number }>;
  current: number;
  /** Is every secret sealed by the current key? */
  whole: boolean;
}

/** A process that has not looked for so long does not seal by an old key any more: 7 days. */
const RETIRED_MS = 7 * 86_400_000;

/** A key from outside, with what is noted of it. */
interface Wrapping {
  kind: string;
  notes: KeyNotes;
  key: WrappingKey;
}

export class Ring {
  readonly store: string;
  readonly keys = new Map<number, CryptoKey>();
  readonly whole: boolean;
  readonly #current: number;
  readonly #bytes: Map<number, Uint8Array<ArrayBuffer>>;
  readonly #wrapping: Wrapping;

  private constructor({ store, current, whole }: Kept, bytes: Map<number, Uint8Array<ArrayBuffer>>, wrapping: Wrapping) {
    this.store = store;
    this.whole = whole;
    this.#current = current;
    this.#bytes = bytes;
    this.#wrapping = wrapping;
  }

  get current(): DataKey {
    return { number: this.#current, key: this.keys.get(this.#current) as CryptoKey };
  }

  static async create(from: SealingKey): Promise<{ ring: Ring; data: string }> {
    const wrapping = { kind: from.kind, ...(await from.create()) };
    const kept: Kept = { format: 1, store: toBase64(random(16)), kind: wrapping.kind, notes: wrapping.notes, keys: {}, current: 1, whole: false };
    const bytes = new Map([[1, random(32)]]);
    const data = JSON.stringify(await wrapAll(kept, bytes, wrapping));
    return { ring: await new Ring(kept, bytes, wrapping).#ready(), data };
  }

  static async open({ data = "" }: Row, from: SealingKey): Promise<Ring> {
    const kept = parsed(data);
    if (kept.kind !== from.kind) throw new SealError("wrong_key", `it was sealed with a key of the kind ${JSON.stringify(kept.kind)}, and this is one of the kind ${JSON.stringify(from.kind)}`);
    const wrapping = { kind: kept.kind, notes: kept.notes, key: await from.open(kept.notes) };
    const bytes = new Map<number, Uint8Array<ArrayBuffer>>();
    for (const [number, { nonce, wrapped }] of Object.entries(kept.keys)) {
      try {
        const how = { name: "AES-GCM", iv: fromBase64(nonce), additionalData: boundTo(kept, Number(number)) };
        bytes.set(Number(number), new Uint8Array(await crypto.subtle.decrypt(how, wrapping.key as CryptoKey, fromBase64(wrapped))));
      } catch {
        throw new SealError("wrong_key", `this ${kept.kind === "passphrase" ? "passphrase" : "key"} does not open it: it was sealed with another, or somebody has changed its row of keys`);
      }
    }
    if (!bytes.has(kept.current)) throw new SealError("damaged", "its current key is missing");
    return new Ring(kept, bytes, wrapping).#ready();
  }

  async #ready(): Promise<Ring> {
    for (const [number, bytes] of this.#bytes) this.keys.set(number, await crypto.subtle.importKey("raw", bytes, "AES-GCM", false, ["encrypt", "decrypt"]));
    return this;
  }

  /** Another key from outside. */
  async wrappedBy(from: SealingKey): Promise<Wrapping> {
    return { kind: from.kind, ...(await from.create()) };
  }

  /** The row with its keys wrapped by another. */
  async rewrapped(data: string, wrapping: Wrapping): Promise<string> {
    const kept = parsed(data);
    this.#same(kept);
    return JSON.stringify(await wrapAll({ ...kept, kind: wrapping.kind, notes: wrapping.notes }, this.#bytes, wrapping));
  }

  /** The row with a new current key. */
  async extended(data: string): Promise<string> {
    const kept = parsed(data);
    this.#same(kept);
    const current = Math.max(...this.#bytes.keys()) + 1;
    return JSON.stringify(await wrapAll({ ...kept, current, whole: false }, new Map([...this.#bytes, [current, random(32)]]), this.#wrapping));
  }

  /** The row when all is sealed. Keys that nothing is sealed by are gone, but not at once: others may still seal by them. */
  settled(data: string, { rows }: StoreState): string {
    const kept = parsed(data);
    if (kept.current !== this.#current) return data;
    const used = new Set([kept.current, ...rows.flatMap(({ secret }) => (secret === undefined ? [] : (keyNumber(secret) ?? [])))]);
    return JSON.stringify({ ...kept, keys: Object.fromEntries(Object.entries(kept.keys).filter(([number, { retired = Infinity }]) => used.has(Number(number)) || !(retired + RETIRED_MS < Date.now()))), whole: true });
  }

  /** Another process may have changed the keys since we read them. */
  #same({ keys }: Kept): void {
    if (Object.keys(keys).some((number) => !this.#bytes.has(Number(number)))) throw new SealError("damaged", "another process has just made a new key: try again");
  }
}

async function wrapAll(kept: Kept, bytes: Map<number, Uint8Array<ArrayBuffer>>, { key }: Wrapping): Promise<Kept> {
  const before = kept.keys;
  kept.keys = {};
  for (const [number, plain] of bytes) {
    const nonce = random(12);
    const wrapped = await crypto.subtle.encrypt({ name: "AES-GCM", iv: nonce, additionalData: boundTo(kept, number) }, key as CryptoKey, plain);
    kept.keys[number] = { nonce: toBase64(nonce), wrapped: toBase64(new Uint8Array(wrapped)), ...(number !== kept.current && { retired: before[number]?.retired ?? Date.now() }) };
  }
  return kept;
}

function boundTo({ store, kind, notes }: Kept, number: number): Uint8Array<ArrayBuffer> {
  const ordered = Object.entries(notes).sort(([one], [other]) => (one < other ? -1 : 1));
  return new TextEncoder().encode(JSON.stringify(["credpool", 1, "key", number, store, kind, ordered]));
}

function parsed(data: string): Kept {
  let kept: Partial<Kept>;
  try {
    kept = JSON.parse(data) as Partial<Kept>;
  } catch {
    throw new SealError("damaged", "its row of keys cannot be read");
  }
  if (kept.format !== 1) throw new SealError("damaged", "it was sealed by a newer version of credpool: update the package");
  const { store, kind, notes, keys, current } = kept;
  if (typeof store !== "string" || typeof kind !== "string" || typeof notes !== "object" || typeof keys !== "object" || !Number.isSafeInteger(current)) throw new SealError("damaged", "its row of keys cannot be read");
  return kept as Kept;
}
