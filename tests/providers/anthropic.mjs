// @ts-check
/** Anthropic: messages and the list of models. */
import { echo, frame, textOf, tokens, wholeSeconds, words } from "./dialect.mjs";

/** @typedef {import("./dialect.mjs").Call} Call */
/** @typedef {import("./dialect.mjs").Reply} Reply */

const MODELS = ["claude-opus-5", "claude-sonnet-5", "claude-haiku-4-5"];

/** @type {import("./dialect.mjs").Dialect} */
export const anthropic = {
  name: "anthropic",
  // Keys go into `x-api-key`, tokens into `Authorization`; the SDK from 1.x on puts both into the latter.
  places: ["x-api-key", "bearer"],

  operation(method, url, headers) {
    if (method === "POST" && url.pathname === "/v1/messages") return "messages";
    const models = method === "GET" && url.pathname === "/v1/models";
    return models && headers["anthropic-version"] !== undefined ? "models" : undefined;
  },

  read(operation, _url, body, id) {
    if (operation === "models") return { operation, model: "", stream: false, text: "", usage: false, id };
    for (const field of ["model", "max_tokens", "messages"]) {
      if (body?.[field] === undefined) return fault(400, "invalid_request_error", `${field}: Field required`, id);
    }
    return {
      operation,
      model: String(body.model),
      stream: body.stream === true,
      text: echo(textOf(body.messages?.at?.(-1)?.content)),
      usage: true,
      id,
    };
  },

  misplaced: (id) => fault(401, "authentication_error", "x-api-key header is required", id),

  refuse(kind, { id, model, window }) {
    switch (kind) {
      case "rate_limited":
        return later(id, "This request would exceed your account's rate limit. Please try again later.", window?.resetMs ?? 1000);
      case "quota_day":
        return later(id, "This request would exceed the rate limit for your organization of requests per day. Please try again later.", 8 * 3_600_000);
      case "out_of_credit":
        return fault(
          400,
          "invalid_request_error",
          "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.",
          id,
        );
      case "revoked":
        return fault(401, "authentication_error", "invalid x-api-key", id);
      case "forbidden":
        return fault(403, "permission_error", "Your API key does not have permission to use the specified resource.", id);
      case "region":
        return fault(403, "forbidden", "Request not allowed", id);
      case "model_not_found":
        return fault(404, "not_found_error", `model: ${model}`, id);
      case "request_too_long":
        return fault(400, "invalid_request_error", "prompt is too long: 210301 tokens > 200000 maximum", id);
      case "overloaded":
        return fault(529, "overloaded_error", "Overloaded", id);
      default:
        return fault(500, "api_error", "Internal server error", id);
    }
  },

  headers: (id, window) => ({
    "request-id": requestId(id),
    "anthropic-organization-id": "00000000-0000-4000-8000-00000000c0de",
    ...(window && {
      ...meter("requests", window.limit, window.remaining, window.resetMs),
      ...meter("tokens", 480_000, 479_000, window.resetMs),
      ...meter("input-tokens", 400_000, 399_000, window.resetMs),
      ...meter("output-tokens", 80_000, 80_000, window.resetMs),
    }),
  }),

  answer(call) {
    if (call.operation === "models") {
      const data = MODELS.map((id) => ({ type: "model", id, display_name: id, created_at: "2026-01-01T00:00:00Z" }));
      return { data, has_more: false, first_id: MODELS[0], last_id: MODELS.at(-1) };
    }
    return {
      ...head(call),
      content: [{ type: "text", text: call.text }],
      stop_reason: "end_turn",
      usage: usage(tokens(call.text)),
    };
  },

  *frames(call) {
    /** @param {{ type: string, [field: string]: unknown }} data */
    const event = (data) => frame(data, data.type);
    yield event({ type: "message_start", message: { ...head(call), content: [], stop_reason: null, usage: usage(1) } });
    yield event({ type: "content_block_start", index: 0, content_block: { type: "text", text: "" } });
    yield event({ type: "ping" });
    for (const text of words(call.text)) {
      yield event({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text } });
    }
    yield event({ type: "content_block_stop", index: 0 });
    yield event({ type: "message_delta", delta: { stop_reason: "end_turn", stop_sequence: null }, usage: { output_tokens: tokens(call.text) } });
    yield event({ type: "message_stop" });
  },

  brokenFrame: () => frame({ type: "error", error: { type: "overloaded_error", message: "Overloaded" } }, "error"),
};

/** @param {string} id */
const requestId = (id) => `req_011C${id}`;

/**
 * @param {number} status
 * @param {string} type
 * @param {string} message
 * @param {string} id
 * @returns {Reply}
 */
function fault(status, type, message, id) {
  return { status, body: { type: "error", error: { type, message }, request_id: requestId(id) } };
}

/** @param {string} id @param {string} message @param {number} ms */
function later(id, message, ms) {
  return { ...fault(429, "rate_limit_error", message, id), headers: { "retry-after": wholeSeconds(ms) } };
}

/**
 * Resets are RFC 3339, in whole seconds.
 *
 * @param {string} name
 * @param {number} limit
 * @param {number} remaining
 * @param {number} resetMs
 */
function meter(name, limit, remaining, resetMs) {
  const reset = new Date(Math.ceil((Date.now() + resetMs) / 1000) * 1000).toISOString().replace(".000Z", "Z");
  const prefix = `anthropic-ratelimit-${name}`;
  return { [`${prefix}-limit`]: String(limit), [`${prefix}-remaining`]: String(remaining), [`${prefix}-reset`]: reset };
}

/** @param {Call} call */
function head(call) {
  return { id: `msg_${call.id}`, type: "message", role: "assistant", model: call.model, stop_sequence: null };
}

/** @param {number} output_tokens */
function usage(output_tokens) {
  return { input_tokens: 9, cache_creation_input_tokens: 0, cache_read_input_tokens: 0, output_tokens, service_tier: "standard" };
}
