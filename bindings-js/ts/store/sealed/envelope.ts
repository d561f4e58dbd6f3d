// A sealed secret: AES-256-GCM under the store's own key, bound to its row. What is bound is not in it: the store, the row's kind
// and id, and its data. Moved to another row, or beside data that somebody changed, it does not open.
import { fromBase64, random, toBase64 } from "./keys.js";

/** How a sealed text begins. No secret does: those are JSON. */
const MARK = "sealed:1:";
/** NIST SP 800-38D §8.2: random, 96 bits. */
const NONCE_BYTES = 12;

/** The row that a secret belongs to. */
export interface Bound {
  kind: string;
  id: number | string;
  data: string;
}

/** One of the store's own keys, and its number. */
export interface DataKey {
  number: number;
  key: CryptoKey;
}

export const isSealed = (secret: string): boolean => secret.startsWith(MARK);

/** By which of the store's keys it was sealed; `undefined` where it is none of ours. */
export function keyNumber(secret: string): number | undefined {
  const number = /^sealed:1:(\d{1,9}):/.exec(secret)?.[1];
  return number === undefined ? undefined : Number(number);
}

export async function seal({ number, key }: DataKey, store: string, row: Bound, secret: string): Promise<string> {
  const nonce = random(NONCE_BYTES);
  const how = { name: "AES-GCM", iv: nonce, additionalData: boundTo(number, store, row) };
  const bytes = await crypto.subtle.encrypt(how, key, new TextEncoder().encode(secret));
  return `${MARK}${number}:${toBase64(nonce)}:${toBase64(new Uint8Array(bytes))}`;
}

/** `undefined` where it does not open. */
export async function unseal({ number, key }: DataKey, store: string, row: Bound, sealed: string): Promise<string | undefined> {
  try {
    const [nonce = "", bytes = ""] = sealed.slice(MARK.length).split(":").slice(1);
    const how = { name: "AES-GCM", iv: fromBase64(nonce), additionalData: boundTo(number, store, row) };
    return new TextDecoder().decode(await crypto.subtle.decrypt(how, key, fromBase64(bytes)));
  } catch {
    return undefined;
  }
}

/** Told apart by JSON: no text can pretend to be two. */
function boundTo(number: number, store: string, { kind, id, data }: Bound): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify(["credpool", 1, number, store, kind, id, data]));
}
