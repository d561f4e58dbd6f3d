// A request, taken apart so that it can be sent several times, each time with another credential.
import type { ProviderView } from "../protocol.js";
import type { Entry } from "../table.js";
import { replayBody } from "./body.js";
import type { ReplayBody } from "./body.js";

export type FetchInput = Parameters<typeof globalThis.fetch>[0];
export type FetchInit = NonNullable<Parameters<typeof globalThis.fetch>[1]>;

/** A request without credential. */
export interface Template {
  readonly url: URL;
  readonly headers: Headers;
  /** All that the caller set beside headers, body and signal: what a runtime knows beyond the standard too. */
  readonly init: FetchInit;
  readonly body: ReplayBody;
}

const OF_A_REQUEST = ["method", "redirect", "credentials", "cache", "mode", "referrer", "referrerPolicy", "integrity", "keepalive"] as const;

/** Takes a request apart, and every credential out of it. */
export async function template(input: FetchInput, init: FetchInit | undefined, view: ProviderView, limit: number, signal: AbortSignal | undefined): Promise<Template> {
  const request = typeof input === "string" || input instanceof URL ? undefined : input;
  const url = new URL(request ? request.url : (input as string | URL), (globalThis as { location?: { href?: string } }).location?.href);
  for (const name of view.stripQuery) url.searchParams.delete(name);
  const headers = new Headers(init?.headers ?? request?.headers);
  for (const name of view.stripHeaders) headers.delete(name);
  const { headers: _headers, body: given, signal: _signal, ...rest } = init ?? {};
  const body = await replayBody(given ?? (request && bodyOf(request)), limit, signal);
  return { url, headers, init: { ...(request && partsOf(request)), ...rest }, body };
}

/** What signal the caller gave. */
export function signalOf(input: FetchInput, init: FetchInit | undefined): AbortSignal | undefined {
  if (init && "signal" in init) return init.signal ?? undefined;
  return typeof input === "string" || input instanceof URL ? undefined : input.signal;
}

/** The request with a credential in it. */
export function withCredential({ url, headers, init, body }: Template, entry: Entry, signal: AbortSignal | undefined): [url: string, init: FetchInit] {
  const { parts, view, baseUrl } = entry;
  const target = baseUrl === undefined ? new URL(url) : rebase(url, baseUrl);
  if (parts.query) target.searchParams.set(...parts.query);
  const sent = new Headers(headers);
  for (const [name, value] of parts.headers) {
    const own = sent.get(name);
    if (own === null || !view.listHeaders.includes(name)) sent.set(name, value);
    else if (!own.split(",").some((one) => one.trim() === value)) sent.append(name, value);
  }
  const content = body.take();
  return [
    target.href,
    { ...init, headers: sent, ...(content !== null && { body: content }), ...(body.streamed && { duplex: "half" }), ...(signal && { signal }) },
  ];
}

/** Another host for the same request: its path is put behind that of the base, where it does not repeat the base's end. */
export function rebase(url: URL, baseUrl: string): URL {
  const base = new URL(baseUrl);
  const front = base.pathname.split("/").filter(Boolean);
  const back = url.pathname.split("/").slice(1);
  // `https://proxy/openai/v1` and `/v1/chat/completions` share `v1`.
  let shared = Math.min(front.length, back.length);
  while (shared > 0 && front.slice(-shared).join("/") !== back.slice(0, shared).join("/")) shared -= 1;
  base.pathname = [...front, ...back.slice(shared)].join("/");
  for (const [name, value] of url.searchParams) base.searchParams.append(name, value);
  return base;
}

/** The stream of a request's body, or its bytes where the runtime shows no stream. */
function bodyOf(request: Request): unknown {
  if (request.body !== undefined) return request.body;
  return (async function* () {
    yield new Uint8Array(await request.arrayBuffer());
  })();
}

let plain: Request | undefined;

/** What was set on a Request, as far as it differs from a plain one. */
function partsOf(request: Request): FetchInit {
  plain ??= new Request("http://localhost/");
  const parts: Record<string, unknown> = {};
  for (const name of OF_A_REQUEST) {
    const value: unknown = request[name];
    if (value !== undefined && value !== plain[name]) parts[name] = value;
  }
  return parts;
}
