// @ts-check
// The usage endpoints of providers, played on this machine: bodies as they come, made of numbers that a test sets.
import { createServer } from "node:http";

/** @typedef {{ path: string, method: string, headers: import("node:http").IncomingHttpHeaders, body: string }} Asked */
/** @typedef {{ status?: number, body?: unknown, headers?: Record<string, string>, hang?: boolean }} Said */

const iso = (/** @type {number} */ at) => new Date(at).toISOString().replace("Z", "000+00:00");

/**
 * Bodies of full answers. Shares are in per cent, resets in milliseconds from now.
 * @type {Record<string, (used: number, resetIn: number) => unknown>}
 */
export const BODIES = {
  "/api/oauth/usage": (used, resetIn) => ({
    five_hour: { utilization: used, resets_at: iso(Date.now() + resetIn) },
    seven_day: { utilization: used / 2, resets_at: iso(Date.now() + 3 * 86_400_000) },
    seven_day_oauth_apps: null,
    seven_day_opus: null,
    extra_usage: { is_enabled: true, monthly_limit: 2000, used_credits: 1250, currency: "USD" },
    limits: [{ kind: "weekly_scoped", percent: 12, resets_at: iso(Date.now() + 86_400_000), scope: { model: { id: null, display_name: "Fable" } }, is_active: false }],
  }),
  "/api/oauth/profile": () => ({ account: { uuid: "u-1", email: "ada@example.com" }, organization: { uuid: "o-1", organization_type: "claude_max" } }),
  "/backend-api/wham/usage": (used, resetIn) => ({
    user_id: "user-1",
    email: "ada@example.com",
    plan_type: "plus",
    rate_limit: {
      allowed: used < 100,
      limit_reached: used >= 100,
      primary_window: { used_percent: used, limit_window_seconds: 18_000, reset_after_seconds: Math.round(resetIn / 1000), reset_at: Math.round((Date.now() + resetIn) / 1000) },
      secondary_window: { used_percent: 20, limit_window_seconds: 604_800, reset_at: Math.round(Date.now() / 1000) + 400_000 },
    },
    additional_rate_limits: [{ limit_name: "GPT-5.3-Codex-Spark", metered_feature: "codex_bengalfox", rate_limit: { allowed: true, limit_reached: false, primary_window: { used_percent: 3, limit_window_seconds: 18_000 } } }],
    credits: { has_credits: true, unlimited: false, overage_limit_reached: false, balance: "12.50" },
    rate_limit_reset_credits: { available_count: 1 },
  }),
  "/api/monitor/usage/quota/limit": (used, resetIn) => ({
    code: 200,
    success: true,
    data: { level: "pro", limits: [{ type: "TOKENS_LIMIT", unit: 3, number: 5, usage: 800_000_000, currentValue: 8_000_000 * used, remaining: 800_000_000 - 8_000_000 * used, percentage: used, nextResetTime: Date.now() + resetIn }] },
  }),
  "/api/v1/key": (used) => ({ data: { label: "sk-or-v1-au7...890", limit: 100, limit_remaining: 100 - used, limit_reset: "monthly", usage: 400, is_free_tier: false } }),
  "/api/v1/credits": () => ({ data: { total_credits: 110, total_usage: 9.5 } }),
};

/**
 * A server that answers with {@link BODIES}. `used` and `resetIn` are what it says; `said` says something else for a path.
 * @param {{ used?: number, resetIn?: number }} [numbers]
 */
export async function startUsageServer({ used = 42, resetIn = 7_200_000 } = {}) {
  /** @type {Asked[]} */
  const asked = [];
  /** @type {Map<string, Said>} */
  const said = new Map();
  const numbers = { used, resetIn };
  const server = createServer(async (request, response) => {
    const path = (request.url ?? "").split("?")[0] ?? "";
    let body = "";
    for await (const chunk of request) body += chunk;
    asked.push({ path, method: request.method ?? "", headers: request.headers, body });
    const own = said.get(path);
    if (own?.hang) return;
    const whole = own?.body ?? BODIES[path]?.(numbers.used, numbers.resetIn);
    const found = own?.status ?? (whole === undefined ? 404 : 200);
    response.writeHead(found, { "content-type": "application/json", ...own?.headers });
    response.end(typeof whole === "string" ? whole : JSON.stringify(whole ?? {}));
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", () => listening(undefined)));
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    numbers,
    said,
    close: () => new Promise((closed) => {
      server.closeAllConnections();
      server.close(() => closed(undefined));
    }),
  };
}
