// @ts-check
/**
 * What a provider's dialect is: the paths it serves, the place where it wants the key, and how it
 * phrases answers, streams and refusals. A dialect knows words only; which word is due is decided
 * in key.mjs, and bytes are sent in server.mjs.
 *
 * @typedef {Record<string, string | string[]>} HeaderMap
 *
 * @typedef {object} Reply   an answer that is sent at once, not streamed
 * @property {number} status
 * @property {HeaderMap} [headers]
 * @property {unknown} body  a string is sent as it is, anything else as JSON
 *
 * @typedef {object} Call    what a client asked for, in no provider's words
 * @property {string} operation  "chat", "responses", "models", "messages", "generate"
 * @property {string} model
 * @property {boolean} stream
 * @property {string} text       what will be answered
 * @property {boolean} [array]   whether it is streamed as one JSON array, not as events
 * @property {boolean} usage     whether a stream shall end with its usage
 * @property {string} id         the number of this request, for ids in bodies and headers
 *
 * @typedef {object} WindowView  a key's rate limit as it stands after this request
 * @property {number} limit
 * @property {number} remaining
 * @property {number} resetMs    until the window starts anew
 * @property {number} windowMs
 *
 * @typedef {object} Refusal     what a dialect may want to know when it phrases a refusal
 * @property {string} id
 * @property {string} key
 * @property {string} model
 * @property {WindowView | undefined} [window]
 *
 * @typedef {"bearer" | "x-api-key" | "api-key" | "x-goog-api-key" | "query"} Place
 *
 * @typedef {"openai" | "anthropic" | "gemini"} ProviderName
 *
 * @typedef {object} Dialect
 * @property {ProviderName} name
 * @property {readonly Place[]} places  where a key may be
 * @property {(method: string, url: URL, headers: HeaderMap) => string | undefined} operation
 *   the operation that this path stands for; undefined when it is not this provider's
 * @property {(operation: string, url: URL, body: any, id: string) => Call | Reply} read
 *   the call, or the refusal of a request that is faulty in itself
 * @property {(id: string) => Reply} misplaced                      no key, or not where it belongs
 * @property {(kind: import("./key.mjs").FaultKind, about: Refusal) => Reply} refuse
 * @property {(id: string, window?: WindowView | undefined) => HeaderMap} headers  on every answer
 * @property {(call: Call) => unknown} answer
 * @property {(call: Call) => Iterable<string>} frames              the server-sent events of a stream
 * @property {(call: Call) => string} brokenFrame                   an error inside a stream
 */

/**
 * One server-sent event. `data` that is no string is sent as JSON on one line, as the providers do.
 *
 * @param {unknown} data
 * @param {string} [event]
 */
export function frame(data, event) {
  const text = typeof data === "string" ? data : JSON.stringify(data);
  return `${event ? `event: ${event}\n` : ""}data: ${text}\n\n`;
}

/** The words of an answer, each with the blank before it: what a model would stream. @param {string} text */
export function words(text) {
  return text.match(/\s*\S+/g) ?? [];
}

/** A key as providers echo it: its first and last letters. @param {string} key */
export function masked(key) {
  return key.length > 14 ? `${key.slice(0, 6)}${"*".repeat(8)}${key.slice(-4)}` : "***";
}

/** A plausible count of tokens. @param {string} text */
export function tokens(text) {
  return Math.max(1, Math.ceil(text.length / 4));
}

/** What every model on this server says: the last thing that it was told. @param {unknown} said */
export function echo(said) {
  return `You said: ${typeof said === "string" && said.length > 0 ? said : "nothing"}`;
}

/**
 * The text of a message whose content is a string or a list of parts.
 *
 * @param {unknown} content
 * @returns {string}
 */
export function textOf(content) {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content.map((part) => (typeof part?.text === "string" ? part.text : "")).join("");
}

/** The same in seconds, as `retry-after` wants it: whole, rounded up. @param {number} ms */
export function wholeSeconds(ms) {
  return String(Math.max(0, Math.ceil(ms / 1000)));
}
