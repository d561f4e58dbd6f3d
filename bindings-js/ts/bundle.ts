// A sealed bundle: credentials on their way to another machine, in a file that a passphrase opens. AES-256-GCM, its key by
// PBKDF2-HMAC-SHA-512 (RFC 8018 §5.2): both are in WebCrypto, which every runtime has.
import { CredpoolError } from "./errors.js";
import { decodeBase64 } from "./load/base64.js";
import type { NewProviderCredential } from "./types.js";

/** How a bundle is sealed. */
export interface BundleOptions {
  /** Rounds of the key derivation: 210,000 to 10,000,000. The file says how many; more makes guessing slower, and opening too. */
  iterations?: number | undefined;
}

interface Head {
  readonly credpool: "bundle";
  readonly version: 1;
  readonly kdf: { readonly name: "PBKDF2-SHA-512"; readonly iterations: number; readonly salt: string };
  readonly cipher: { readonly name: "AES-256-GCM"; readonly iv: string };
  /** A digest of what the passphrase gives beside the key: a wrong one is told from a changed file. */
  readonly check: string;
}

const ITERATIONS = 210_000;
const MOST_ITERATIONS = 10_000_000;
/** A bundle is at most so long, in characters. */
const LONGEST = 64 * 1024 * 1024;
const SHORTEST_PASSPHRASE = 8;

/** Seals credentials. The passphrase has at least 8 characters; without it nobody opens the bundle, we neither. */
export async function sealBundle(credentials: readonly NewProviderCredential[], passphrase: string, { iterations = ITERATIONS }: BundleOptions = {}): Promise<string> {
  checkCredentials(credentials);
  if (passphrase.length < SHORTEST_PASSPHRASE) throw new CredpoolError("invalid", `the passphrase is too short: ${SHORTEST_PASSPHRASE} characters at least`);
  if (!Number.isInteger(iterations) || iterations < ITERATIONS || iterations > MOST_ITERATIONS) throw new CredpoolError("invalid", `iterations: expected ${ITERATIONS} to ${MOST_ITERATIONS}`);
  const salt = crypto.getRandomValues(new Uint8Array(16));
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const { key, check } = await derive(passphrase, salt, iterations);
  const head: Head = { credpool: "bundle", version: 1, kdf: { name: "PBKDF2-SHA-512", iterations, salt: encodeBase64(salt) }, cipher: { name: "AES-256-GCM", iv: encodeBase64(iv) }, check };
  const plain = new TextEncoder().encode(JSON.stringify({ credentials }));
  const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData: bound(head) }, key, plain);
  plain.fill(0);
  return `${JSON.stringify({ ...head, data: encodeBase64(new Uint8Array(sealed)) }, undefined, 2)}\n`;
}

/** Does this text say of itself that it is a bundle? */
export function isBundle(text: string): boolean {
  return /^\s*\{\s*"credpool"\s*:\s*"bundle"/.test(text);
}

/** Opens a bundle. Rejected with a `CredpoolError` of code `invalid`: it is none, the passphrase is wrong, or it was changed. */
export async function openBundle(text: string, passphrase: string): Promise<NewProviderCredential[]> {
  const { head, salt, iv, data } = readHead(text);
  const { key, check } = await derive(passphrase, salt, head.kdf.iterations);
  if (check !== head.check) throw new CredpoolError("invalid", "the passphrase is wrong (or the first lines of the bundle were changed)");
  let plain: ArrayBuffer;
  try {
    plain = await crypto.subtle.decrypt({ name: "AES-GCM", iv, additionalData: bound(head) }, key, data);
  } catch {
    throw new CredpoolError("invalid", "the bundle was changed or cut after it was sealed: nothing of it is used");
  }
  const { credentials } = JSON.parse(new TextDecoder().decode(plain)) as { credentials: NewProviderCredential[] };
  checkCredentials(credentials);
  return credentials;
}

/** Each has a provider and a secret. An error names its place. */
export function checkCredentials(credentials: readonly NewProviderCredential[]): void {
  if (!Array.isArray(credentials)) throw new CredpoolError("invalid", "credentials: expected an array");
  (credentials as readonly Partial<NewProviderCredential>[]).forEach((credential, at) => {
    const secrets = [credential?.key, credential?.token, credential?.access].filter((secret) => typeof secret === "string");
    const keyless = secrets.length === 0 && typeof credential?.baseUrl === "string";
    if (typeof credential?.provider !== "string" || (secrets.length !== 1 && !keyless)) throw new CredpoolError("invalid", `credentials[${at}]: expected a provider, and one of key, token and access`);
  });
}

function readHead(text: string): { head: Head; salt: Uint8Array<ArrayBuffer>; iv: Uint8Array<ArrayBuffer>; data: Uint8Array<ArrayBuffer> } {
  if (text.length > LONGEST) throw new CredpoolError("invalid", "it is too long for a bundle");
  try {
    const { data, ...head } = JSON.parse(text) as Head & { data: string };
    if (head.credpool !== "bundle") throw new Error("no bundle");
    if ((head.version as number) > 1) throw new CredpoolError("invalid", "this bundle is of a later version of credpool: open it with that one");
    const { kdf, cipher } = head;
    const known = head.version === 1 && kdf.name === "PBKDF2-SHA-512" && cipher.name === "AES-256-GCM" && Number.isInteger(kdf.iterations) && kdf.iterations >= ITERATIONS && kdf.iterations <= MOST_ITERATIONS;
    const parts = { head: { credpool: head.credpool, version: head.version, kdf: { name: kdf.name, iterations: kdf.iterations, salt: kdf.salt }, cipher: { name: cipher.name, iv: cipher.iv }, check: head.check }, salt: decodeBase64(kdf.salt), iv: decodeBase64(cipher.iv), data: decodeBase64(data) };
    if (!known || parts.salt.length !== 16 || parts.iv.length !== 12 || typeof head.check !== "string") throw new Error("other parameters");
    return parts;
  } catch (error) {
    throw error instanceof CredpoolError ? error : new CredpoolError("invalid", "this is no bundle of credpool, or its first lines were changed");
  }
}

/** The passphrase as a key, and a digest by which a wrong one is known. Composed forms of letters are made one (RFC 8265 §4.2). */
async function derive(passphrase: string, salt: Uint8Array<ArrayBuffer>, iterations: number): Promise<{ key: CryptoKey; check: string }> {
  const material = await crypto.subtle.importKey("raw", new TextEncoder().encode(passphrase.normalize("NFC")), "PBKDF2", false, ["deriveBits"]);
  const bits = new Uint8Array(await crypto.subtle.deriveBits({ name: "PBKDF2", hash: "SHA-512", salt, iterations }, material, 512));
  const key = await crypto.subtle.importKey("raw", bits.subarray(0, 32), "AES-GCM", false, ["encrypt", "decrypt"]);
  const check = encodeBase64(new Uint8Array(await crypto.subtle.digest("SHA-256", bits.subarray(32))).subarray(0, 16));
  bits.fill(0);
  return { key, check };
}

/** What the seal is bound to: all that the file says beside what is sealed. */
function bound(head: Head): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify(head));
}

function encodeBase64(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return btoa(text);
}
