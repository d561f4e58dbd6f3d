// Requests to providers on the engine's behalf: token endpoints and their neighbours. Whatever comes back is handed over;
// what it means the engine says.
import { signHeaders } from "../dpop.js";
import { CredpoolError } from "../errors.js";
import type { WholeHost } from "../host.js";
import type { HttpEffect, PoolInput } from "../protocol.js";

/** No answer of such an endpoint is longer; the engine refuses what is cut. */
const MAX_BODY_BYTES = 1 << 20;
/** A request that has no answer by then never gets one. */
const LONGEST_MS = 120_000;

/** Sends it, the way that is given; answers what the engine is to be told. Never rejected, and without a word of what was sent. */
export async function sendRequest({ op, method, url, headers: given, key, body }: HttpEffect, host: WholeHost, way: () => typeof globalThis.fetch): Promise<PoolInput> {
  let send: typeof globalThis.fetch;
  let headers: [string, string][];
  try {
    send = way();
    headers = key === undefined ? given : await signHeaders(given, key);
  } catch (error) {
    // Nothing is sent around a proxy. Who asked is told that nobody answered, the host why.
    host.log("credpool: a token endpoint was not asked", error);
    return { unanswered: { op, sent: false } };
  }
  const abort = new AbortController();
  const timer = host.setTimer(() => abort.abort(), LONGEST_MS, true);
  try {
    // A token must not follow a redirect to somebody else.
    const init: RequestInit = { method, headers, redirect: "manual", credentials: "omit", cache: "no-store", signal: abort.signal };
    const response = await send(url, body === undefined ? init : { ...init, body });
    const text = await readText(response);
    // A redirect that a browser hides has no status.
    const status = response.status === 0 ? 302 : response.status;
    return { answered: { op, status, headers: [...response.headers], body: text } };
  } catch (error) {
    // Our own: no way through the proxy was found.
    if (error instanceof CredpoolError) host.log("credpool: a token endpoint was not asked", error);
    return { unanswered: { op, sent: !(error instanceof CredpoolError || UNSENT.has(codeOf(error))) } };
  } finally {
    host.clearTimer(timer);
  }
}

/** Errors by which nothing has reached the other side: the request may be made again, whatever it was. */
const UNSENT: ReadonlySet<string> = new Set(["ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ENETUNREACH", "EHOSTUNREACH", "UND_ERR_CONNECT_TIMEOUT", "ConnectionRefused", "FailedToOpenSocket"]);

/** The code of an error, or of what caused it. */
function codeOf(error: unknown): string {
  const { code, cause } = (error ?? {}) as { code?: unknown; cause?: { code?: unknown } };
  return typeof cause?.code === "string" ? cause.code : typeof code === "string" ? code : "";
}

/** The body's text, as far as the engine reads it and one character further. */
async function readText(response: Response): Promise<string> {
  if (!response.body) return "";
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      text += decoder.decode(part.value, { stream: true });
      bytes += part.value.byteLength;
      if (bytes > MAX_BODY_BYTES) break;
    }
  } finally {
    void reader.cancel().catch(() => undefined);
  }
  return text;
}
