// How a call ended, from whatever the caller has: a Response, an SDK's error, a transport's error, or a text. Read, not
// judged: what it means the engine decides.
import type { Outcome, TransportError } from "./protocol.js";

/** So much of an answer's body is read at most. */
export const MAX_BODY_BYTES = 64 * 1024;
/** So long an error's body is waited for at most. */
const MAX_BODY_WAIT_MS = 2000;

/** Names and values, as `Headers`, a Map, pairs or an object has them. */
export type HeaderSource = Iterable<readonly [string, string]> | Readonly<Record<string, string | readonly string[] | undefined>>;

/** The parts of an answer, by hand. */
export interface OutcomeParts {
  /** It succeeded, whatever else is said. */
  ok?: boolean | undefined;
  status?: number | undefined;
  headers?: HeaderSource | undefined;
  /** Its text, or what was read from it. */
  body?: unknown;
  /** There was no answer. */
  transport?: TransportError | undefined;
}

/** What can be reported: `true` for a success, a Response, an SDK's or a transport's error, a text, or the parts. */
export type OutcomeSource = true | Response | Error | string | OutcomeParts;

/** Reads it. A Response is read from a clone, so that its body stays the caller's. */
export async function readOutcome(source: OutcomeSource, signal?: AbortSignal): Promise<Outcome> {
  if (source === true) return { ok: true };
  if (typeof source === "string") return { body: source.slice(0, MAX_BODY_BYTES) };
  if (isResponse(source)) {
    if (isAnswered(source)) return { ok: true };
    const body = await readBody(source, signal);
    return { status: source.status, headers: headerPairs(source.headers), ...(body !== undefined && { body }) };
  }
  return fromObject(source);
}

/** What was answered with less than 400 was answered; a redirect is the caller's, and so is what is not modified. */
export function isAnswered({ ok, status, type }: Response): boolean {
  return ok || (status > 0 && status < 400) || type === "opaqueredirect" || type === "opaque";
}

/** Is it an upstream's answer that was thrown: an SDK's error, a Response, or the parts of one? */
export function saysHowItEnded(thrown: unknown): boolean {
  if (typeof thrown === "string" || !isObject(thrown)) return false;
  return isResponse(thrown) || fromObject(thrown).status !== undefined || isTransport(thrown.transport);
}

/** What an error of `fetch`, or of an SDK around it, says of the connection; undefined where it says nothing. */
export function transportOf(error: unknown): TransportError | undefined {
  const found = new Set<TransportError>();
  for (let at = error, depth = 0; isObject(at) && depth < 8; at = at.cause, depth += 1) {
    const said = TRANSPORTS.find(([, words]) => words.test(namesOf(at)));
    if (said) found.add(said[0]);
    else if (at instanceof Error && (at instanceof TypeError ? LOST_BY_FETCH : LOST).test(at.message)) found.add("connection");
  }
  // The outer error is often vaguer than its cause: "fetch failed" may be a timeout.
  return TRANSPORTS.find(([transport]) => found.has(transport))?.[0];
}

/** Names and codes of errors in the runtimes and SDKs, the most telling first. */
const TRANSPORTS: readonly (readonly [TransportError, RegExp])[] = [
  ["aborted", /AbortError|UserAbort|ABORT_ERR|ERR_ABORTED/],
  ["timeout", /Timeout|TIMEOUT|TIMEDOUT/],
  ["connection", /APIConnectionError|NetworkError|UND_ERR|ERR_(TLS|SSL|STREAM|HTTP2|NETWORK|SOCKET)|CERT_|\bE(CONN\w*|NOTFOUND|PIPE|AI_AGAIN|HOST\w+|NET\w+|PROTO)\b|Connection(Refused|Closed|Reset)|FailedToOpenSocket/],
];
const LOST_BY_FETCH = /fetch|network|load failed|terminated/i;
const LOST = /network connection lost|socket hang up|socket connection was closed|connection (was )?(reset|closed|refused|lost)|unable to connect/i;

function namesOf(error: Record<string, unknown>): string {
  const { constructor } = error as { constructor?: { name?: unknown } };
  return `${text(error.name) ?? ""} ${text(constructor?.name) ?? ""} ${text(error.code) ?? ""}`;
}

/** The first bytes of an answer's body. `undefined` where it was read before, or does not come. */
async function readBody(response: Response, signal: AbortSignal | undefined): Promise<string | undefined> {
  if (response.bodyUsed) return undefined;
  let stream: ReadableStream<Uint8Array> | null;
  try {
    stream = response.clone().body;
  } catch {
    return undefined; // Somebody is reading it.
  }
  if (!stream) return undefined;
  const reader = stream.getReader();
  const stop = () => void reader.cancel().catch(() => undefined);
  const timer = setTimeout(stop, MAX_BODY_WAIT_MS);
  signal?.addEventListener("abort", stop);
  const decoder = new TextDecoder();
  let body = "";
  let bytes = 0;
  try {
    for (let part = await reader.read(); !part.done && bytes < MAX_BODY_BYTES; part = await reader.read()) {
      body += decoder.decode(part.value.subarray(0, MAX_BODY_BYTES - bytes), { stream: true });
      bytes += part.value.byteLength;
    }
  } catch {
    // It broke off: what came counts.
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", stop);
    stop();
  }
  return body;
}

/** The parts, or an error that has them under the names that SDKs use. */
function fromObject(source: Error | OutcomeParts): Outcome {
  const given: Record<string, unknown> = { ...source };
  if (given.ok === true) return { ok: true };
  const inner = isObject(given.response) ? given.response : {};
  const status = first(number, given.status, given.statusCode, inner.status, inner.statusCode);
  const outcome: Outcome = {};
  if (status !== undefined) outcome.status = status;
  const headers = first(object, given.headers, given.responseHeaders, inner.headers);
  if (headers) outcome.headers = headerPairs(headers as HeaderSource);
  const body = first(content, given.responseBody, given.body, wrapped(given), inner.data, source instanceof Error ? source.message : undefined);
  const transport = isTransport(given.transport) ? given.transport : undefined;
  if (transport) outcome.transport = transport;
  else if (status === undefined && source instanceof Error) {
    const found = transportOf(source);
    if (found) outcome.transport = found;
  }
  if (body !== undefined && !outcome.transport) outcome.body = body.slice(0, MAX_BODY_BYTES);
  return outcome;
}

/** `error.error`: OpenAI's SDK takes the outer object off, Anthropic's leaves it on. */
function wrapped({ error }: Record<string, unknown>): unknown {
  return isObject(error) && !("error" in error) ? { error } : error;
}

function headerPairs(headers: HeaderSource): [string, string][] {
  const pairs: [string, string][] = [];
  const add = (name: unknown, value: unknown) => {
    if (typeof name !== "string" || value === undefined || value === null) return;
    for (const one of Array.isArray(value) ? (value as unknown[]) : [value]) pairs.push([name, String(one)]);
  };
  if (Symbol.iterator in headers) for (const [name, value] of headers) add(name, value);
  else for (const [name, value] of Object.entries(headers)) add(name, value);
  return pairs;
}

export function isResponse(value: unknown): value is Response {
  return isObject(value) && "status" in value && "headers" in value && "clone" in value && typeof value.clone === "function";
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function isTransport(value: unknown): value is TransportError {
  return value === "timeout" || value === "connection" || value === "aborted";
}

function first<T>(read: (value: unknown) => T | undefined, ...values: unknown[]): T | undefined {
  for (const value of values) {
    const found = read(value);
    if (found !== undefined) return found;
  }
  return undefined;
}

const number = (value: unknown) => (typeof value === "number" && Number.isInteger(value) && value >= 100 && value < 1000 ? value : undefined);
const object = (value: unknown) => (isObject(value) ? value : undefined);
const text = (value: unknown) => (typeof value === "string" ? value : undefined);

/** A body's text: as it is, or as the JSON that it was. */
function content(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  if (!isObject(value) || "getReader" in value) return undefined;
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}
