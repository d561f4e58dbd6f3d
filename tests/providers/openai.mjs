// @ts-check
/** OpenAI: chat completions, responses and the list of models. */
import { echo, frame, masked, textOf, tokens, wholeSeconds, words } from "./dialect.mjs";

/** @typedef {import("./dialect.mjs").Call} Call */
/** @typedef {import("./dialect.mjs").Reply} Reply */

const CREATED = 1_795_262_400; // 2026-11-21
const MODELS = ["gpt-4o-mini", "gpt-5", "gpt-5-mini"];

/** @type {Record<string, string>} */
const OPERATIONS = {
  "POST /v1/chat/completions": "chat",
  "POST /v1/responses": "responses",
  "GET /v1/models": "models",
};

/** @type {import("./dialect.mjs").Dialect} */
export const openai = {
  name: "openai",
  places: ["bearer"],

  operation(method, url, headers) {
    if (headers["anthropic-version"] !== undefined) return undefined;
    return OPERATIONS[`${method} ${url.pathname}`];
  },

  read(operation, _url, body, id) {
    if (operation === "models") return { operation, model: "", stream: false, text: "", usage: false, id };
    if (typeof body?.model !== "string") return fault(400, "you must provide a model parameter", "invalid_request_error", null);
    const said = operation === "chat" ? body.messages?.at?.(-1)?.content : lastInput(body.input);
    if (said === undefined) {
      const param = operation === "chat" ? "messages" : "input";
      return fault(400, `Missing required parameter: '${param}'.`, "invalid_request_error", "missing_required_parameter", param);
    }
    return {
      operation,
      model: body.model,
      stream: body.stream === true,
      text: echo(textOf(said)),
      usage: body.stream_options?.include_usage === true,
      id,
    };
  },

  misplaced: () =>
    fault(
      401,
      "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY), or as the password field (with blank username) if you're accessing the API from your browser and are prompted for a username and password. You can obtain an API key from https://platform.openai.com/account/api-keys.",
      "invalid_request_error",
      null,
    ),

  refuse(kind, { key, model, window }) {
    switch (kind) {
      case "rate_limited":
        return rateLimited(model, window, "min", "RPM");
      case "quota_day":
        return rateLimited(model, window ?? { limit: 200, remaining: 0, resetMs: 8 * 3_600_000, windowMs: 86_400_000 }, "day", "RPD");
      case "out_of_credit":
        return fault(
          429,
          "You exceeded your current quota, please check your plan and billing details. For more information on this error, read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors.",
          "insufficient_quota",
          "insufficient_quota",
        );
      case "revoked":
        return fault(
          401,
          `Incorrect API key provided: ${masked(key)}. You can find your API key at https://platform.openai.com/account/api-keys.`,
          "invalid_request_error",
          "invalid_api_key",
        );
      case "forbidden":
        return fault(
          401,
          "You have insufficient permissions for this operation. Missing scopes: model.request. Check that you have the correct role in your organization (Reader, Writer, Owner) and project (Member, Owner), and if you're using a restricted API key, that it has the necessary scopes.",
          "invalid_request_error",
          null,
        );
      case "region":
        return fault(403, "Country, region, or territory not supported", "request_forbidden", "unsupported_country_region_territory");
      case "model_not_found":
        return fault(404, `The model \`${model}\` does not exist or you do not have access to it.`, "invalid_request_error", "model_not_found");
      case "request_too_long":
        return fault(
          400,
          "This model's maximum context length is 128000 tokens. However, your messages resulted in 140211 tokens. Please reduce the length of the messages.",
          "invalid_request_error",
          "context_length_exceeded",
          "messages",
        );
      case "overloaded":
        return fault(503, "The server is currently overloaded with other requests. Sorry about that! You can retry your request, or contact us through our help center at help.openai.com if the error persists.", "server_error", "server_is_overloaded");
      default:
        return fault(500, "The server had an error while processing your request. Sorry about that!", "server_error", null);
    }
  },

  headers: (id, window) => ({
    "x-request-id": `req_${id}`,
    "openai-organization": "org-credpool-test",
    "openai-version": "2020-10-01",
    "openai-processing-ms": "12",
    ...(window && {
      "x-ratelimit-limit-requests": String(window.limit),
      "x-ratelimit-remaining-requests": String(window.remaining),
      "x-ratelimit-reset-requests": goDuration(window.resetMs),
      "x-ratelimit-limit-tokens": "2000000",
      "x-ratelimit-remaining-tokens": "1999000",
      "x-ratelimit-reset-tokens": "30ms",
    }),
  }),

  answer(call) {
    if (call.operation === "models") {
      return { object: "list", data: MODELS.map((id) => ({ id, object: "model", created: CREATED, owned_by: "system" })) };
    }
    return call.operation === "responses" ? response(call, "completed") : completion(call);
  },

  frames: (call) => (call.operation === "responses" ? responseFrames(call) : chatFrames(call)),

  brokenFrame: () => frame({ error: { message: "The server had an error while processing your request. Sorry about that!", type: "server_error", param: null, code: null } }),
};

/**
 * @param {number} status
 * @param {string} message
 * @param {string} type
 * @param {string | null} code
 * @param {string | null} [param]
 * @returns {Reply}
 */
function fault(status, message, type, code, param = null) {
  return { status, body: { error: { message, type, param, code } } };
}

/**
 * The link to the billing page is in the real text too, and misleads those who read texts before codes.
 *
 * @param {string} model
 * @param {import("./dialect.mjs").WindowView | undefined} window
 * @param {string} unit
 * @param {string} short
 */
function rateLimited(model, window, unit, short) {
  const { limit, remaining, resetMs } = window ?? { limit: 3, remaining: 0, resetMs: 1000 };
  const reply = fault(
    429,
    `Rate limit reached for ${model} in organization org-credpool-test on requests per ${unit} (${short}): Limit ${limit}, Used ${limit - remaining}, Requested 1. Please try again in ${goDuration(resetMs)}. Visit https://platform.openai.com/account/rate-limits to learn more. You can increase your rate limit by adding a payment method to your account at https://platform.openai.com/account/billing.`,
    "requests",
    "rate_limit_exceeded",
  );
  return { ...reply, headers: { "retry-after": wholeSeconds(resetMs), "retry-after-ms": String(Math.ceil(resetMs)) } };
}

/** `12ms`, `1.5s`, `6m0s`: durations as Go writes them. @param {number} ms */
export function goDuration(ms) {
  const whole = Math.max(0, Math.ceil(ms));
  if (whole < 1000) return whole === 0 ? "0s" : `${whole}ms`;
  const hours = Math.floor(whole / 3_600_000);
  const minutes = Math.floor((whole % 3_600_000) / 60_000);
  const seconds = (whole % 60_000) / 1000;
  return (hours ? `${hours}h` : "") + (hours || minutes ? `${minutes}m` : "") + `${seconds}s`;
}

/** @param {unknown} input */
function lastInput(input) {
  return Array.isArray(input) ? input.at(-1)?.content : input;
}

/** @param {Call} call */
function usage(call) {
  return { prompt_tokens: 9, completion_tokens: tokens(call.text), total_tokens: 9 + tokens(call.text) };
}

/** @param {Call} call */
function completion(call) {
  return {
    id: `chatcmpl-${call.id}`,
    object: "chat.completion",
    created: CREATED,
    model: call.model,
    choices: [
      { index: 0, message: { role: "assistant", content: call.text, refusal: null, annotations: [] }, logprobs: null, finish_reason: "stop" },
    ],
    usage: usage(call),
    service_tier: "default",
    system_fingerprint: "fp_credpool",
  };
}

/** @param {Call} call */
function* chatFrames(call) {
  const head = { id: `chatcmpl-${call.id}`, object: "chat.completion.chunk", created: CREATED, model: call.model, service_tier: "default", system_fingerprint: "fp_credpool" };
  /** @param {object} delta @param {string | null} [finish_reason] */
  const chunk = (delta, finish_reason = null) => frame({ ...head, choices: [{ index: 0, delta, logprobs: null, finish_reason }], ...(call.usage && { usage: null }) });
  yield chunk({ role: "assistant", content: "", refusal: null });
  for (const content of words(call.text)) yield chunk({ content });
  yield chunk({}, "stop");
  if (call.usage) yield frame({ ...head, choices: [], usage: usage(call) });
  yield frame("[DONE]");
}

/** @param {Call} call @param {"in_progress" | "completed"} status */
function response(call, status) {
  const done = status === "completed";
  return {
    id: `resp_${call.id}`,
    object: "response",
    created_at: CREATED,
    status,
    error: null,
    incomplete_details: null,
    model: call.model,
    output: done ? [outputItem(call, "completed")] : [],
    usage: done ? { input_tokens: 9, output_tokens: tokens(call.text), total_tokens: 9 + tokens(call.text) } : null,
  };
}

/** @param {Call} call @param {"in_progress" | "completed"} status */
function outputItem(call, status) {
  const content = status === "completed" ? [{ type: "output_text", text: call.text, annotations: [] }] : [];
  return { type: "message", id: `msg_${call.id}`, status, role: "assistant", content };
}

/** @param {Call} call */
function* responseFrames(call) {
  let sequence_number = 0;
  /** @param {string} type @param {object} rest */
  const event = (type, rest) => frame({ type, sequence_number: sequence_number++, ...rest }, type);
  const at = { item_id: `msg_${call.id}`, output_index: 0, content_index: 0 };
  const part = { type: "output_text", text: call.text, annotations: [] };
  yield event("response.created", { response: response(call, "in_progress") });
  yield event("response.in_progress", { response: response(call, "in_progress") });
  yield event("response.output_item.added", { output_index: 0, item: outputItem(call, "in_progress") });
  yield event("response.content_part.added", { ...at, part: { ...part, text: "" } });
  for (const delta of words(call.text)) yield event("response.output_text.delta", { ...at, delta });
  yield event("response.output_text.done", { ...at, text: call.text });
  yield event("response.content_part.done", { ...at, part });
  yield event("response.output_item.done", { output_index: 0, item: outputItem(call, "completed") });
  yield event("response.completed", { response: response(call, "completed") });
}
