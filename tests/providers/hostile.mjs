// @ts-check
/**
 * Headers that providers, proxies and attackers send and that no client may stumble over. Each is a
 * set for `headers` of a key: `{ fault: "rate_limited", headers: HOSTILE.retryAfterHuge }`.
 *
 * @type {Record<string, import("./dialect.mjs").HeaderMap>}
 */
export const HOSTILE = {
  retryAfterHuge: { "retry-after": "1e18", "retry-after-ms": "1000000000000000000" },
  retryAfterDigits: { "retry-after": "9".repeat(400), "retry-after-ms": "9".repeat(400) },
  retryAfterNegative: { "retry-after": "-5", "retry-after-ms": "-5000" },
  retryAfterPastDate: { "retry-after": "Wed, 21 Oct 2015 07:28:00 GMT", "retry-after-ms": "" },
  retryAfterFarDate: { "retry-after": "Fri, 31 Dec 9999 23:59:59 GMT", "retry-after-ms": "" },
  retryAfterIsoDate: { "retry-after": "2026-09-19T10:00:45Z", "retry-after-ms": "" },
  retryAfterDecimal: { "retry-after": "1.5", "retry-after-ms": "" },
  retryAfterGarbage: { "retry-after": "soon, I promise", "retry-after-ms": "NaN" },
  retryAfterInfinity: { "retry-after": "Infinity", "retry-after-ms": "-Infinity" },
  retryAfterTwice: { "retry-after": ["1", "2"], "retry-after-ms": "" },
  resetGarbage: {
    "x-ratelimit-reset-requests": "99999999999999999999h",
    "x-ratelimit-remaining-requests": "-1",
    "anthropic-ratelimit-requests-reset": "yesterday",
    "anthropic-ratelimit-requests-remaining": "many",
  },
};

/**
 * One header of so many bytes. Node's own client gives up above 16 KB (`--max-http-header-size`),
 * which is an error of transport; other clients read on.
 *
 * @param {number} bytes
 * @param {string} [name]
 * @returns {import("./dialect.mjs").HeaderMap}
 */
export function bigHeader(bytes, name = "x-big") {
  return { [name]: "a".repeat(bytes) };
}
