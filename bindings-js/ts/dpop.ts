// Proofs of possession (DPoP, RFC 9449). What is in a proof, which nonce, and whether to ask once more the engine says; here keys
// are made, and what it wrote is signed.
import type { Driver } from "./driver.js";
import { CredpoolError } from "./errors.js";
import type { FetchInit } from "./fetch/request.js";
import type { Entry } from "./table.js";

const CURVE = { name: "ECDSA", namedCurve: "P-256" } as const;
/** ES256: the one algorithm that every server of RFC 9449 has. */
const ES256 = { name: "ECDSA", hash: "SHA-256" } as const;

/** What of an answer the engine is shown. */
const SHOWN: readonly string[] = ["dpop-nonce", "www-authenticate", "date"];

function webCrypto(): SubtleCrypto {
  const { subtle } = globalThis.crypto ?? {};
  // A page that came over plain http has none.
  if (!subtle) throw new CredpoolError("unavailable", "DPoP: WebCrypto is not to be had here (a page needs https)");
  return subtle;
}

/** A new pair of keys, as a JWK: it is kept beside the account's tokens, since another process must be able to renew them. */
export async function newDpopKey(): Promise<string> {
  const subtle = webCrypto();
  const { privateKey } = await subtle.generateKey(CURVE, true, ["sign"]);
  const { kty, crv, x, y, d } = await subtle.exportKey("jwk", privateKey);
  return JSON.stringify({ kty, crv, x, y, d });
}

/** Nobody gets it out again. */
async function imported(key: string): Promise<CryptoKey> {
  return webCrypto().importKey("jwk", JSON.parse(key) as JsonWebKey, CURVE, false, ["sign"]);
}

/** A proof: what is to be signed, a point, the signature. */
async function signedBy(key: CryptoKey, input: string): Promise<string> {
  const signature = await webCrypto().sign(ES256, key, new TextEncoder().encode(input));
  const text = btoa(String.fromCharCode(...new Uint8Array(signature)));
  return `${input}.${text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")}`;
}

/** A request of the engine's own whose header `dpop` holds what is to be signed by this key. */
export async function signHeaders(headers: readonly [string, string][], key: string): Promise<[string, string][]> {
  const signer = await imported(key);
  return Promise.all(headers.map(async ([name, value]): Promise<[string, string]> => [name, name === "dpop" ? await signedBy(signer, value) : value]));
}

/** As `fetch` sends it: it writes these in capitals, and leaves others as they are. */
function methodOf(method = "GET"): string {
  return /^(?:delete|get|head|options|post|put)$/i.test(method) ? method.toUpperCase() : method;
}

/** The proof for one request of an account whose token is bound to a key. */
export async function proofFor(driver: Driver, entry: Entry, method: string | undefined, url: string): Promise<string> {
  const { dpop, secret } = entry;
  if (dpop === undefined) throw new CredpoolError("internal", "no key, no proof: please report this");
  const signer = (await (entry.signer ??= imported(dpop))) as CryptoKey;
  const input = driver.seldom(() => driver.wasm.proof(driver.host.now(), dpop, secret, methodOf(method), url));
  return signedBy(signer, input);
}

/** Shows an answer to the engine: it keeps the server's nonce. True: the request is to be made once more. */
export function sawAnswer(driver: Driver, url: string, answer: Response): boolean {
  const headers = SHOWN.flatMap((name) => {
    const value = answer.headers.get(name);
    return value === null ? [] : [[name, value]];
  });
  return driver.seldom(() => driver.wasm.proofAnswered(driver.host.now(), url, answer.status, JSON.stringify(headers)));
}

/** Sends a request with its proof; once more where the server wants its nonce in it, if the request can be made `again`. */
export async function sendProven(driver: Driver, entry: Entry, [url, init]: readonly [string, FetchInit], again: (() => [string, FetchInit]) | undefined): Promise<Response> {
  const send = driver.transport(entry);
  const proven = async (url: string, init: FetchInit): Promise<FetchInit> => {
    const headers = new Headers(init.headers);
    headers.set("dpop", await proofFor(driver, entry, init.method, url));
    return { ...init, headers };
  };
  const answer = await send(url, await proven(url, init));
  if (!sawAnswer(driver, url, answer) || !again) return answer;
  answer.body?.cancel().catch(() => undefined);
  const [next, sent] = again();
  const second = await send(next, await proven(next, sent));
  sawAnswer(driver, next, second);
  return second;
}
