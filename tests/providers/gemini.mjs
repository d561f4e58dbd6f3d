// @ts-check
/** Google Gemini: generateContent and its stream. No rate-limit headers: all it says is in the body. */
import { echo, frame, textOf, tokens, words } from "./dialect.mjs";

/** @typedef {import("./dialect.mjs").Call} Call */
/** @typedef {import("./dialect.mjs").Reply} Reply */

const PATH = /^\/v1(?:beta)?\/models\/([^/:]+):(generateContent|streamGenerateContent)$/;
const RPC = "type.googleapis.com/google.rpc";
const METRIC = "generativelanguage.googleapis.com/generate_content_free_tier_requests";

/** @type {import("./dialect.mjs").Dialect} */
export const gemini = {
  name: "gemini",
  places: ["x-goog-api-key", "query"],

  operation: (method, url) => (method === "POST" && PATH.test(url.pathname) ? "generate" : undefined),

  read(operation, url, body, id) {
    const [, model = "", verb] = PATH.exec(url.pathname) ?? [];
    if (!Array.isArray(body?.contents)) return fault(400, "INVALID_ARGUMENT", "* GenerateContentRequest.contents: contents is not specified\n");
    const stream = verb === "streamGenerateContent";
    // Without `alt` it is one array, written element by element.
    return { operation, model, stream, array: stream && url.searchParams.get("alt") !== "sse", text: echo(textOf(body.contents.at(-1)?.parts)), usage: true, id };
  },

  misplaced: () =>
    fault(403, "PERMISSION_DENIED", "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other form of API consumer identity to call this API."),

  refuse(kind, { model, window }) {
    switch (kind) {
      case "rate_limited":
        return exhausted(model, "GenerateRequestsPerMinutePerProjectPerModel-FreeTier", window?.limit ?? 10, (window?.resetMs ?? 1000) / 1000);
      case "quota_day": // with a delay that is plainly wrong, as the real one has it
        return exhausted(model, "GenerateRequestsPerDayPerProjectPerModel-FreeTier", 250, 0);
      case "out_of_credit":
        return fault(403, "PERMISSION_DENIED", "This API method requires billing to be enabled. Please enable billing on project #1 and retry.", [reason("BILLING_DISABLED")]);
      case "revoked":
        return fault(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", [reason("API_KEY_INVALID")]);
      case "forbidden":
        return fault(403, "PERMISSION_DENIED", "Generative Language API has not been used in project 1 before or it is disabled.", [reason("SERVICE_DISABLED")]);
      case "region":
        return fault(400, "FAILED_PRECONDITION", "User location is not supported for the API use.");
      case "model_not_found":
        return fault(404, "NOT_FOUND", `models/${model} is not found for API version v1beta, or is not supported for generateContent. Call ListModels to see the list of available models and their supported methods.`);
      case "request_too_long":
        return fault(400, "INVALID_ARGUMENT", "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).");
      case "overloaded":
        return fault(503, "UNAVAILABLE", "The model is overloaded. Please try again later.");
      default:
        return fault(500, "INTERNAL", "An internal error has occurred. Please retry or report in https://developers.generativeai.google/guide/troubleshooting");
    }
  },

  headers: () => ({ server: "scaffolding on HTTPServer2", "server-timing": "gfet4t7; dur=12" }),

  answer: (call) => candidate(call, call.text, "STOP"),

  *frames(call) {
    const all = words(call.text);
    for (const [n, word] of all.entries()) {
      const part = candidate(call, word, n === all.length - 1 ? "STOP" : undefined);
      yield call.array ? `${n === 0 ? "[" : ",\r\n"}${JSON.stringify(part, undefined, 2)}\n` : frame(part);
    }
    if (call.array) yield "]";
  },

  brokenFrame: (call) => {
    const { body } = fault(503, "UNAVAILABLE", "The model is overloaded. Please try again later.");
    return call.array ? `,\r\n${JSON.stringify(body, undefined, 2)}\n]` : frame(body);
  },
};

/**
 * @param {number} code
 * @param {string} status
 * @param {string} message
 * @param {object[]} [details]
 * @returns {Reply}
 */
function fault(code, status, message, details) {
  return { status: code, body: { error: { code, message, status, ...(details && { details }) } } };
}

/** @param {string} reason */
function reason(reason) {
  return { "@type": `${RPC}.ErrorInfo`, reason, domain: "googleapis.com", metadata: { service: "generativelanguage.googleapis.com" } };
}

/** @param {string} model @param {string} quotaId @param {number} limit @param {number} seconds */
function exhausted(model, quotaId, limit, seconds) {
  const text = `You exceeded your current quota, please check your plan and billing details. For more information on this error, head to: https://ai.google.dev/gemini-api/docs/rate-limits.\n* Quota exceeded for metric: ${METRIC}, limit: ${limit}\nPlease retry in ${seconds > 0 ? `${seconds}s` : "964.972314ms"}.`;
  return fault(429, "RESOURCE_EXHAUSTED", text, [
    { "@type": `${RPC}.QuotaFailure`, violations: [{ quotaMetric: METRIC, quotaId, quotaDimensions: { location: "global", model }, quotaValue: String(limit) }] },
    { "@type": `${RPC}.Help`, links: [{ description: "Learn more about Gemini API quotas", url: "https://ai.google.dev/gemini-api/docs/rate-limits" }] },
    { "@type": `${RPC}.RetryInfo`, retryDelay: `${seconds}s` },
  ]);
}

/** @param {Call} call @param {string} text @param {string} [finishReason] */
function candidate(call, text, finishReason) {
  return {
    candidates: [{ content: { parts: [{ text }], role: "model" }, ...(finishReason && { finishReason }), index: 0 }],
    usageMetadata: { promptTokenCount: 9, candidatesTokenCount: tokens(text), totalTokenCount: 9 + tokens(text) },
    modelVersion: call.model,
    responseId: call.id,
  };
}
