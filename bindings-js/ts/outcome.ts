// How a call ended, from whatever the caller has: a Response, an SDK's error, a transport's error, or a text. Read, not
// judged: what it means the engine decides.
import type { Outcome, TransportError } from "./protocol.js";
import { microdollars } from "./shapes.js";

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
  /** There was no answer, or no end of it. */
  transport?: TransportError | undefined;
  /**
   * A stream, answered with a 200, that came to its end: its first and last bytes as text, or all of it as `tail`; as base64, with
   * `binary`, where it is one of Amazon's binary messages.
   */
  stream?: { head?: string; tail: string; binary?: boolean } | undefined;
  /** What the call took, for limits: tokens of prompt and answer together, and what they cost. */
  usage?: { tokens?: number | undefined; usd?: number | undefined } | undefined;
}

/** What can be reported: `true` for a success, a Response, an SDK's or a transport's error, a text, or the parts. */
export type OutcomeSource = true | Response | Error | string | OutcomeParts;

/** What of a success somebody listens to. */
export interface Wanted {
  /** How the names of the headers of limits begin; none are wanted where it is empty. */
  readonly headers: readonly string[];
  /** What it took: its body. */
  readonly usage: boolean;
}

export const NOTHING_WANTED: Wanted = { headers: [], usage: false };

/** Reads it. A Response is read from a clone, so that its body stays the caller's. */
export async function readOutcome(source: OutcomeSource, signal?: AbortSignal, wanted = NOTHING_WANTED): Promise<Outcome> {
  if (source === true) return { ok: true };
  if (typeof source === "string") return { body: source.slice(0, MAX_BODY_BYTES) };
  if (isResponse(source)) {
    const answered = isAnswered(source);
    const mayFail = answered && mayHoldError(source);
    if (answered && !mayFail && !(wanted.usage && isJson(source))) return success(source.headers, wanted);
    const body = await readBody(source, signal);
    if (answered && !(mayFail && body !== undefined && ERROR_INSIDE.test(body))) return success(source.headers, wanted, body);
    return { status: source.status, headers: headerPairs(source.headers), ...(body !== undefined && { body }) };
  }
  return fromObject(source, wanted);
}

/** A success, with what is wanted of it. */
export function success(headers: HeaderSource, { headers: names, usage }: Wanted, body?: string): Outcome {
  const outcome: Outcome = { ok: true };
  const limits = names.length === 0 ? [] : headerPairs(headers).filter(([name]) => names.some((begin) => name.toLowerCase().startsWith(begin)));
  // Their instants are meant by the clock of who sent them.
  if (limits.length > 0) outcome.headers = [...limits, ...headerPairs(headers).filter(([name]) => name.toLowerCase() === "date")];
  if (usage && body !== undefined) outcome.body = body;
  return outcome;
}

/** What was answered with less than 400 was answered; a redirect is the caller's, and so is what is not modified. */
export function isAnswered({ ok, status, type }: Response): boolean {
  return ok || (status > 0 && status < 400) || type === "opaqueredirect" || type === "opaque";
}

/** Is it an upstream's answer that was thrown: an SDK's error, a Response, or the parts of one? */
export function saysHowItEnded(thrown: unknown): boolean {
  if (typeof thrown === "string" || !isObject(thrown)) return false;
  // Amazon's SDK throws what came as an exception inside a stream, which has no status.
  return isResponse(thrown) || fromObject(thrown).status !== undefined || isTransport(thrown.transport) || isObject(thrown.$metadata);
}

/** No error that stands in the place of an answer is longer. */
const MAX_ERROR_BYTES = 16 * 1024;
/** What the body of such an error has; the engine says whether it is one. */
const ERROR_INSIDE = /"(error|errors|base_resp|success)"/;

/** May a successful answer be an error all the same? Small JSON of a known length, which costs nothing to look at. */
export function mayHoldError({ ok, headers }: Response): boolean {
  const length = headers.get("content-length");
  return ok && length !== null && Number(length) <= MAX_ERROR_BYTES && isJson({ headers });
}

/** Does it say that it is JSON? */
export function isJson({ headers }: Pick<Response, "headers">): boolean {
  return /^application\/(\w+\+)?json\b/i.test(headers.get("content-type") ?? "");
}

/** What an error of `fetch`, or of an SDK around it, says of the connection; undefined where it says nothing. */
export function transportOf(error: unknown): TransportError | undefined {
  const found = new Set<TransportError>();
  for (let at = error, depth = 0; isObject(at) && depth < 8; at = at.cause, depth += 1) {
    const { message } = at;
    const said = TRANSPORTS.find(([, words]) => words.test(namesOf(at))) ?? (typeof message === "string" ? MESSAGES.find(([, words]) => words.test(message)) : undefined);
    if (said) found.add(said[0]);
    else if (at instanceof TypeError && LOST_BY_FETCH.test(at.message)) found.add("connection");
  }
  // The outer error is often vaguer than its cause: "fetch failed" may be a timeout.
  return TRANSPORTS.find(([transport]) => found.has(transport))?.[0];
}

/** Names and codes of errors in the runtimes and SDKs, the most telling first. */
const TRANSPORTS: readonly (readonly [TransportError, RegExp])[] = [
  ["aborted", /AbortError|UserAbort|RequestAborted|ABORT_ERR|ERR_ABORTED|ERR_CANCELED|CanceledError/],
  ["timeout", /Timeout|TIMEOUT|TimedOut|TIMEDOUT|ECONNABORTED/],
  [
    "connection",
    /APIConnectionError|ConnectionError|NetworkError|UND_ERR_(?!INVALID|NOT_SUPPORTED|RESPONSE|REQ_)|ERR_(TLS|SSL|STREAM|HTTP2|NETWORK|SOCKET)|CERT_|_CERT|UNABLE_TO_(GET|VERIFY)|\bE(CONN\w*|NOTFOUND|PIPE|AI_AGAIN|HOST\w+|NET\w+|PROTO)\b|Connection(Refused|Closed|Reset|Aborted)|FailedToOpenSocket|NotConnected|BrokenPipe|UnexpectedEof/,
  ],
];
/** What they say where they have no name of their own; minified SDKs lose theirs. */
const MESSAGES: readonly (readonly [TransportError, RegExp])[] = [
  ["aborted", /^request was aborted\.?$/i],
  ["timeout", /^(request timed out\.?$|timeout of \d+ ?ms exceeded)/i],
  ["connection", /^connection error\.?$|network connection lost|socket hang up|socket connection was closed|connection (was )?(reset|closed|refused|lost)|unable to connect|other side closed/i],
];
/** Of `fetch`, whose errors are TypeErrors: Node, Chromium, Firefox, Safari, Deno. */
const LOST_BY_FETCH = /fetch|network|load failed|terminated|error sending request|error reading a body|client error/i;

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

/** The parts, or an error that has them under the names that SDKs use; in itself, or in the error that it wraps. */
function fromObject(source: Error | OutcomeParts, wanted = NOTHING_WANTED): Outcome {
  const usage = usageOf((source as OutcomeParts).usage);
  const took = usage && { usage };
  if ("ok" in source && source.ok === true) {
    const said = wanted.usage ? content(source.body)?.slice(0, MAX_BODY_BYTES) : undefined;
    return { ok: true, ...headersOf(source), ...took, ...(said !== undefined && { body: said }) };
  }
  const { stream } = source as OutcomeParts;
  if (stream) return { ...headersOf(source), stream, ...took };
  const told = tellingOf(source);
  const status = statusOf(told);
  const outcome: Outcome = { ...(status !== undefined && { status }), ...headersOf(told), ...took };
  const transport = isTransport(told.transport) ? told.transport : undefined;
  if (transport) outcome.transport = transport;
  else if (status === undefined && source instanceof Error) {
    const found = transportOf(source);
    if (found) outcome.transport = found;
  }
  const body = outcome.transport ? undefined : bodyOf(told);
  if (body !== undefined) outcome.body = body.slice(0, MAX_BODY_BYTES);
  return outcome;
}

/** The error that says how the call ended: SDKs and frameworks wrap it (`cause`, `lastError` of the AI SDK's retries). */
function tellingOf(source: object): Record<string, unknown> {
  let at = source as Record<string, unknown>;
  for (let depth = 0; depth < 6 && !says(at); depth += 1) {
    const inner = first(object, at.lastError, at.cause, at.originalError, at.reason, at.error instanceof Error ? at.error : undefined);
    if (!inner) return source as Record<string, unknown>;
    at = inner;
  }
  return says(at) ? at : (source as Record<string, unknown>);
}

/** The outer error may know the status only, and the inner one why; then the inner one is asked. */
function says(at: Record<string, unknown>): boolean {
  return statusOf(at) !== undefined ? bodyOf(at, false) !== undefined || !object(at.cause) : at.transport !== undefined || wrapped(at) !== undefined;
}

function statusOf(at: Record<string, unknown>): number | undefined {
  const inner = object(at.response) ?? {};
  const aws = object(at.$metadata) ?? {};
  // `429 {"error":…}` and `[429 Too Many Requests]`: how some put it into their message.
  const told = at instanceof Error ? /^(?:(?:HTTP|status(?: code)?:?) )?(\d{3})\b|\[(\d{3}) [A-Z]/i.exec(at.message.slice(0, 400)) : null;
  return first(number, at.status, at.statusCode, at.code, inner.status, inner.statusCode, aws.httpStatusCode, told && Number(told[1] ?? told[2]));
}

function headersOf(at: object): { headers?: [string, string][] } {
  const given = at as Record<string, unknown>;
  const inner = object(given.response) ?? object(given.$response) ?? {};
  const headers = first(object, given.headers, given.responseHeaders, inner.headers, object(given.rawResponse)?.headers);
  return headers ? { headers: headerPairs(headers as HeaderSource) } : {};
}

/** What the answer said, as far as the SDK kept it; its message where it kept nothing else. */
function bodyOf(at: Record<string, unknown>, orMessage = true): string | undefined {
  const message = at instanceof Error ? at.message : undefined;
  // Google's older SDK keeps the details apart, Amazon's has the code as its name.
  const parts = Array.isArray(at.errorDetails)
    ? { error: { message, details: at.errorDetails as unknown } }
    : at.$metadata && typeof at.name === "string"
      ? { __type: at.name, message }
      : undefined;
  const inner = object(at.response) ?? {};
  return first(content, at.responseBody, at.body, wrapped(at), inner.data, parts, at.data, orMessage ? message : undefined);
}

/** Whole numbers from zero; what is no number is not said. */
function usageOf(given: unknown): Outcome["usage"] {
  if (!isObject(given)) return undefined;
  const tokens = amount(given.tokens);
  const cost = amount(microdollars(typeof given.usd === "number" ? given.usd : undefined));
  return tokens === undefined && cost === undefined ? undefined : { ...(tokens !== undefined && { tokens }), ...(cost !== undefined && { microdollars: cost }) };
}

/** `error.error`: OpenAI's SDK takes the outer object off, Anthropic's leaves it on. */
function wrapped({ error }: Record<string, unknown>): unknown {
  if (error instanceof Error) return undefined;
  return isObject(error) && !("error" in error) ? { error } : (error ?? undefined);
}

export function headerPairs(headers: HeaderSource): [string, string][] {
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
  return value === "timeout" || value === "connection" || value === "aborted" || value === "truncated";
}

function first<T>(read: (value: unknown) => T | undefined, ...values: unknown[]): T | undefined {
  for (const value of values) {
    const found = read(value);
    if (found !== undefined) return found;
  }
  return undefined;
}

const number = (value: unknown) => (typeof value === "number" && Number.isInteger(value) && value >= 100 && value < 1000 ? value : undefined);
const amount = (value: unknown) => (typeof value === "number" && value >= 0 && value <= Number.MAX_SAFE_INTEGER ? Math.round(value) : undefined);
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
