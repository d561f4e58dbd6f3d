// Where the key comes from that opens a sealed store. It opens the store's own key, never a secret itself.
import { SealError } from "./error.js";

/** What is noted beside a wrapped key so that the same key can be made again: no secret. */
export type KeyNotes = Readonly<Record<string, string | number>>;

/** A `CryptoKey` of the runtime: AES-GCM, 256 bits, for encrypting and decrypting. */
export type WrappingKey = object;

/** Gives the key that wraps a store's own. */
export interface SealingKey {
  /** What it is, in a word: `passphrase`, `raw`, … Noted in the store, so that who comes with another kind is told. */
  readonly kind: string;
  /** A key for a store that is sealed now, and what is to be noted. */
  create(): Promise<{ key: WrappingKey; notes: KeyNotes }>;
  /** The same key again. */
  open(notes: KeyNotes): Promise<WrappingKey>;
}

/** Argon2id (RFC 9106) of the host: memory in KiB. */
export type Argon2id = (input: { passphrase: Uint8Array; salt: Uint8Array; memory: number; passes: number; lanes: number; length: number }) => Promise<Uint8Array> | Uint8Array;

/** How a passphrase becomes a key. */
export interface PassphraseOptions {
  /** Where the runtime has none of its own (Node from 24.7 has). */
  argon2id?: Argon2id;
  /** Rounds of PBKDF2, where there is no Argon2id: 600,000. Fewer than 100,000 are refused. */
  iterations?: number;
}

/** RFC 9106 §4, the second recommendation: 64 MiB, 3 passes, 4 lanes. */
const ARGON2 = { memory: 65_536, passes: 3, lanes: 4 };
const PBKDF2_ROUNDS = 600_000;
const FEWEST_ROUNDS = 100_000;
/** What a store may ask of us: notes come from the place that is not trusted. */
const MOST = { iterations: 10_000_000, memory: 2 ** 21, passes: 64, lanes: 64 };
const SALT_BYTES = 16;

/** A key from a passphrase: by Argon2id where there is one, else by PBKDF2 with SHA-256. Which, and how, is noted. */
export function passphrase(text: string, { argon2id, iterations = PBKDF2_ROUNDS }: PassphraseOptions = {}): SealingKey {
  if (text === "") throw new SealError("no_key", "the passphrase is empty");
  if (!(iterations >= FEWEST_ROUNDS)) throw new SealError("no_key", `PBKDF2 with fewer than ${FEWEST_ROUNDS} rounds is guessed too soon`);
  // The same letters typed on another keyboard.
  const bytes = new TextEncoder().encode(text.normalize("NFKC"));
  const make = async (notes: KeyNotes): Promise<CryptoKey> => {
    const salt = fromBase64(String(notes.salt));
    const number = (name: keyof typeof MOST, least: number): number => {
      const value = Number(notes[name]);
      if (Number.isSafeInteger(value) && value >= least && value <= MOST[name]) return value;
      throw new SealError("damaged", `the store's key is noted with ${name} that make no sense`);
    };
    if (notes.by === "pbkdf2") {
      const given = await crypto.subtle.importKey("raw", bytes, "PBKDF2", false, ["deriveKey"]);
      const how = { name: "PBKDF2", hash: "SHA-256", salt, iterations: number("iterations", FEWEST_ROUNDS) };
      return crypto.subtle.deriveKey(how, given, { name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
    }
    if (notes.by !== "argon2id") throw new SealError("damaged", "the store's key was made in a way that this version does not know");
    const hash = argon2id ?? (await ofRuntime());
    if (!hash) throw new SealError("no_key", "the store's key was made by Argon2id, which this runtime has not: give `argon2id`, or use Node 24.7 or newer");
    const derived = await hash({ passphrase: bytes, salt, memory: number("memory", 8), passes: number("passes", 1), lanes: number("lanes", 1), length: 32 });
    return importKey(derived);
  };
  return {
    kind: "passphrase",
    create: async () => {
      const salt = toBase64(random(SALT_BYTES));
      const notes: KeyNotes = (argon2id ?? (await ofRuntime())) ? { by: "argon2id", salt, ...ARGON2 } : { by: "pbkdf2", salt, iterations };
      return { key: await make(notes), notes };
    },
    open: make,
  };
}

/** Node's own, from 24.7. */
async function ofRuntime(): Promise<Argon2id | undefined> {
  const runtime = globalThis as { process?: { getBuiltinModule?: (name: string) => unknown } };
  const module = runtime.process?.getBuiltinModule?.("node:crypto") as { argon2Sync?: unknown; argon2?: unknown } | undefined;
  if (typeof module?.argon2 !== "function") return undefined;
  const argon2 = module.argon2 as (name: string, how: object, done: (error: unknown, bytes: Uint8Array) => void) => void;
  return ({ passphrase: message, salt: nonce, memory, passes, lanes: parallelism, length: tagLength }) =>
    new Promise((resolve, reject) => argon2("argon2id", { message, nonce, memory, passes, parallelism, tagLength }, (error, bytes) => (error ? reject(error as Error) : resolve(bytes))));
}

/** A key of 32 bytes that somebody keeps: as bytes, or as base64, base64url or hexadecimal digits. */
export function rawKey(given: Uint8Array | string | (() => Promise<Uint8Array | string> | Uint8Array | string), kind = "raw"): SealingKey {
  const key = async (): Promise<CryptoKey> => importKey(bytesOf(typeof given === "function" ? await given() : given));
  return { kind, create: async () => ({ key: await key(), notes: {} }), open: key };
}

/** A new random key, as the text that `rawKey` takes. */
export function newSealingKey(): string {
  return toBase64(random(32));
}

/** A key that the host keeps where the system keeps passwords: made at the first use. Give `get` and `set` for any keychain. */
export function keychain({ get, set }: { get: () => Promise<string | undefined | null> | string | undefined | null; set: (key: string) => Promise<void> | void }): SealingKey {
  const read = async (): Promise<CryptoKey | undefined> => {
    const text = await get();
    return text === undefined || text === null || text === "" ? undefined : importKey(bytesOf(text));
  };
  return {
    kind: "keychain",
    create: async () => {
      if (!(await read())) await set(newSealingKey());
      const key = await read();
      if (!key) throw new SealError("no_key", "the keychain does not give back what it was given");
      return { key, notes: {} };
    },
    open: async () => {
      const key = await read();
      if (!key) throw new SealError("no_key", "the keychain has no key for this store");
      return key;
    },
  };
}

function bytesOf(given: Uint8Array | string): Uint8Array {
  if (typeof given !== "string") return given;
  const text = given.trim();
  if (/^[0-9a-f]{64}$/i.test(text)) return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
  if (/^[A-Za-z0-9+/_-]{43}=?$/.test(text)) return fromBase64(text);
  throw new SealError("no_key", "a key has 32 bytes: 64 hexadecimal digits, or 43 characters of base64");
}

function importKey(bytes: Uint8Array): Promise<CryptoKey> {
  if (bytes.length !== 32) throw new SealError("no_key", "a key has 32 bytes");
  return crypto.subtle.importKey("raw", bytes as Uint8Array<ArrayBuffer>, "AES-GCM", false, ["encrypt", "decrypt"]);
}

export function random(length: number): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(length));
}

export function toBase64(bytes: Uint8Array): string {
  let text = "";
  for (let from = 0; from < bytes.length; from += 8192) text += String.fromCharCode(...bytes.subarray(from, from + 8192));
  return btoa(text);
}

export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (character) => character.charCodeAt(0));
}
