// @ts-check
/**
 * How one key behaves, as data, and what it therefore answers to the next request.
 *
 * @typedef {(typeof FAULT_KINDS)[number]} FaultKind
 *
 * @typedef {object} Fault
 * @property {FaultKind} kind
 * @property {number} [skip]   this many requests pass before it begins
 * @property {number} [times]  it ends after so many requests; without it, never
 * @property {number} [forMs]  it ends so long after this key's first request
 * @property {string} [model]  it concerns this model only
 * @property {import("./dialect.mjs").Reply} [reply]  the answer, word by word, of kind "raw"
 *
 * @typedef {object} KeySpec
 * @property {import("./dialect.mjs").ProviderName} [provider]  otherwise read from the key's prefix
 * @property {string} [name]               for people who read the statistics
 * @property {number} [requestsPerWindow]  a rate limit; windows begin with the first request in them
 * @property {number} [windowMs]           60,000 if it is not said
 * @property {boolean} [perModel]          each model has its own window
 * @property {string[]} [models]           the models that this key may use; the others are not found
 * @property {FaultKind | Fault | Fault[]} [fault]  what is wrong with it; the first that applies counts
 * @property {number} [latencyMs]          until its answers begin, in place of the server's
 * @property {import("./dialect.mjs").HeaderMap} [headers]  laid over the headers of all its answers
 *
 * @typedef {object} Decision
 * @property {Fault} [fault]  absent: it is answered
 * @property {import("./dialect.mjs").WindowView | undefined} window
 */

/** Faults that a provider phrases in its own way. */
const SPOKEN = /** @type {const} */ ([
  "rate_limited", // 429, the window is used up
  "quota_day", // 429, nothing more today
  "out_of_credit", // 429 or 400, a matter of billing
  "revoked", // 401 or 400, the key is not valid
  "forbidden", // 403 or 401, the key may not do this
  "region", // not from this country
  "model_not_found", // 404
  "request_too_long", // 400, the request's own fault
  "overloaded", // 529 or 503
  "server_error", // 500
]);

/** Faults of the way between: they look the same for every provider. */
const UNSPOKEN = /** @type {const} */ ([
  "html_502", // a gateway's page
  "not_json", // a 200 whose body is no JSON
  "raw", // `reply`, word by word
  "drop", // the connection ends without an answer
  "drop_midway", // it ends in the middle of a stream or a body
  "error_midway", // a stream that began well brings an error event (a JSON answer: as server_error)
  "hang", // silence
]);

export const FAULT_KINDS = /** @type {const} */ ([...SPOKEN, ...UNSPOKEN]);

export class Key {
  /** @type {Map<string, { start: number, used: number }>} */
  #windows = new Map();
  /** @type {(Fault & { seen: number })[]} */
  #faults;
  /** @type {number | undefined} */
  #firstAt;

  /**
   * @param {string} secret
   * @param {KeySpec} spec
   */
  constructor(secret, spec) {
    this.secret = secret;
    this.spec = spec;
    this.provider = spec.provider ?? providerOf(secret);
    this.#faults = faultsOf(spec.fault).map((fault) => ({ ...fault, seen: 0 }));
  }

  /**
   * What this key answers to a request for `model` at `now` (ms of a steady clock).
   *
   * @param {string} model
   * @param {number} now
   * @returns {Decision}
   */
  decide(model, now) {
    this.#firstAt ??= now;
    const fault = this.#dueFault(model, now);
    if (fault) return { fault, window: this.#look(model, now) };
    if (model && this.spec.models && !this.spec.models.includes(model)) {
      return { fault: { kind: "model_not_found" }, window: this.#look(model, now) };
    }
    const taken = this.#take(model, now);
    const window = this.#look(model, now);
    return taken ? { window } : { fault: { kind: "rate_limited" }, window };
  }

  /**
   * @param {string} model
   * @param {number} now
   */
  #dueFault(model, now) {
    for (const fault of this.#faults) {
      if (fault.model !== undefined && fault.model !== model) continue;
      if (fault.forMs !== undefined && now - (this.#firstAt ?? now) >= fault.forMs) continue;
      fault.seen += 1;
      const nth = fault.seen - (fault.skip ?? 0);
      if (nth > 0 && nth <= (fault.times ?? Infinity)) return fault;
    }
    return undefined;
  }

  /**
   * Uses one request of the window, if one is left. Refused requests use nothing.
   *
   * @param {string} model
   * @param {number} now
   */
  #take(model, now) {
    const { requestsPerWindow: limit, windowMs = 60_000, perModel } = this.spec;
    if (limit === undefined) return true;
    const name = perModel ? model : "";
    let window = this.#windows.get(name);
    if (!window || now - window.start >= windowMs) {
      window = { start: now, used: 0 };
      this.#windows.set(name, window);
    }
    if (window.used >= limit) return false;
    window.used += 1;
    return true;
  }

  /**
   * @param {string} model
   * @param {number} now
   * @returns {import("./dialect.mjs").WindowView | undefined}
   */
  #look(model, now) {
    const { requestsPerWindow: limit, windowMs = 60_000, perModel } = this.spec;
    if (limit === undefined) return undefined;
    const window = this.#windows.get(perModel ? model : "");
    const fresh = !window || now - window.start >= windowMs;
    return {
      limit,
      windowMs,
      remaining: fresh ? limit : limit - window.used,
      resetMs: fresh ? 0 : window.start + windowMs - now,
    };
  }
}

/**
 * @param {KeySpec["fault"]} fault
 * @returns {Fault[]}
 */
export function faultsOf(fault) {
  const list = fault === undefined ? [] : Array.isArray(fault) ? fault : [fault];
  return list.map((one) => {
    const full = typeof one === "string" ? { kind: one } : one;
    if (!FAULT_KINDS.includes(full.kind)) {
      throw new TypeError(`unknown fault "${full.kind}"; there are: ${FAULT_KINDS.join(", ")}`);
    }
    return full;
  });
}

/** @param {string} secret @returns {import("./dialect.mjs").ProviderName} */
function providerOf(secret) {
  if (secret.startsWith("sk-ant-")) return "anthropic";
  return secret.startsWith("AIza") ? "gemini" : "openai";
}

/**
 * A fresh key that looks real and can be found again wherever it should not be.
 *
 * @param {import("./dialect.mjs").ProviderName} provider
 */
export function canaryKey(provider) {
  const tail = `canary-${crypto.randomUUID().replaceAll("-", "")}`;
  return { openai: "sk-proj-", anthropic: "sk-ant-api03-", gemini: "AIzaSy" }[provider] + tail;
}
