// @ts-check
// An upstream without a network: a `fetch` that notes what was sent and answers what the test says.

/**
 * @typedef {object} Sent
 * @property {string} url
 * @property {string} method
 * @property {Headers} headers
 * @property {string} body
 * @property {RequestInit} init
 *
 * @typedef {Response | Error | ((sent: Sent) => Response | Promise<Response>)} Reply
 */

export class Upstream {
  /** @type {Sent[]} */
  sent = [];
  /** Answers in order; the last one serves all that follow. @type {Reply[]} */
  #replies;

  /** @param {...Reply} replies */
  constructor(...replies) {
    this.#replies = replies;
  }

  /** @type {typeof globalThis.fetch} */
  fetch = async (input, init = {}) => {
    const { signal } = init;
    signal?.throwIfAborted();
    const body = init.body ? await new Response(/** @type {BodyInit} */ (init.body)).text() : "";
    const sent = { url: String(input), method: init.method ?? "GET", headers: new Headers(init.headers), body, init };
    this.sent.push(sent);
    const reply = this.#replies.length > 1 ? this.#replies.shift() : this.#replies[0];
    if (reply instanceof Error) throw reply;
    if (typeof reply === "function") return reply(sent);
    return reply ? reply.clone() : ok();
  };

  /** The secrets that were sent, in order. */
  secrets() {
    return this.sent.map(({ headers }) => headers.get("authorization")?.replace("Bearer ", "") ?? headers.get("x-api-key") ?? headers.get("x-goog-api-key"));
  }
}

/** @param {unknown} [body] */
export const ok = (body = { ok: true }) => Response.json(body);

/** @param {string | number} [retryAfter] seconds */
export const rateLimited = (retryAfter = 60) =>
  Response.json({ error: { message: "Rate limit reached for requests", type: "requests", code: "rate_limit_exceeded" } }, { status: 429, headers: { "retry-after": String(retryAfter) } });

export const revoked = () => Response.json({ error: { message: "Incorrect API key provided", type: "invalid_request_error", code: "invalid_api_key" } }, { status: 401 });

export const badRequest = () => Response.json({ error: { message: "Invalid value for 'temperature'", type: "invalid_request_error", param: "temperature", code: null } }, { status: 400 });

/** How Node's fetch tells of a connection that failed. @param {string} [code] */
export const broken = (code = "ECONNRESET") => Object.assign(new TypeError("fetch failed"), { cause: Object.assign(new Error(code), { code }) });
