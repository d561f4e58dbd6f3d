// What is left of accounts, in JavaScript: reports, ranks, limits that are reached.
import assert from "node:assert/strict";
import { test } from "node:test";
import { CredentialPool } from "credpool";
import { eventually } from "./support/eventually.mjs";

const HOUR = 3_600_000;

/** A window of which so much is used, that begins anew in so many hours. */
function limit(id, used, hours, now = Date.now()) {
  const days = id.endsWith("7d");
  const window = { id: days ? "7d" : "5h", label: "", duration: days ? 168 * HOUR : 5 * HOUR, resets_at: now + hours * HOUR };
  return { id, scope: { shared: true }, window, amount: { used_ppm: used * 1e6, unit: "percent" }, status: used >= 1 ? "exhausted" : "ok" };
}

/** A pool of accounts of Anthropic, and what was asked of it. */
async function accounts(t, names, answer) {
  const asked = [];
  const host = {
    fetch: async (input, init) => {
      asked.push(String(input instanceof Request ? input.url : input));
      return answer ? answer(new Request(input, init)) : new Response("{}", { status: 404 });
    },
  };
  const pool = await CredentialPool.open({ host, env: false });
  t.after(() => pool.close());
  for (const name of names) {
    const identity = { email: `${name}@example.com`, accountId: name };
    await pool.add("anthropic", { kind: "oauth", access: `canary-access-${name}`, refresh: `canary-refresh-${name}`, expires: Date.now() + 100 * HOUR, name, ...identity });
  }
  return { pool, asked };
}

test("a report ranks an account; who is exhausted rests until the reset", async (t) => {
  const { pool, asked } = await accounts(t, ["later", "sooner", "spent"]);
  await pool.setUsageReport("anthropic:later", { limits: [limit("anthropic:7d", 0.1, 144)] });
  await pool.setUsageReport("anthropic:sooner", { plan: "max", limits: [limit("anthropic:7d", 0.4, 12)] });
  await pool.setUsageReport("anthropic:spent", { limits: [limit("anthropic:7d", 1, 30)] });
  assert.equal(pool.peek("anthropic").name, "sooner");
  const lease = await pool.acquire("anthropic", { session: "s" });
  assert.equal(lease.name, "sooner");
  lease.abandon();
  const spent = pool.list("anthropic").find(({ name }) => name === "spent");
  assert.equal(spent.status, "cooling");
  assert.equal(spent.cooldowns[0].source, "report");
  assert.deepEqual(asked, [], "nobody was asked");
  const known = pool.getUsageReport("anthropic:sooner");
  assert.equal(known.report.origin, "host");
  assert.equal(known.report.plan, "max");
  assert.equal(known.report.limits[0].amount.used_ppm, 400_000);
  assert.deepEqual(pool.usage("anthropic").map(({ name }) => name), ["later", "sooner", "spent"]);
  assert.equal(pool.getUsageReport("anthropic:later").forecasts, undefined, "it outlasts its reset");
});

test("a window that does not last is foretold", async (t) => {
  const { pool } = await accounts(t, ["a"]);
  const now = Date.now();
  // Half of the week is over, and nine tenths are used.
  await pool.setUsageReport("anthropic:a", { fetched_at: now, limits: [limit("anthropic:7d", 0.9, 84, now)] });
  const [forecast] = pool.getUsageReport("anthropic:a").forecasts;
  assert.equal(forecast.limit, "anthropic:7d");
  const hours = (forecast.lastsUntil - now) / HOUR;
  assert.ok(hours > 9 && hours < 9.6, String(hours));
});

test("a limit that is reached: who comes next, and when", async (t) => {
  const { pool } = await accounts(t, ["a", "b"]);
  const first = await pool.markUsageLimitReached("anthropic", { credential: "anthropic:a", retryAfterMs: 60_000 });
  assert.equal(first.switched, true);
  assert.ok(first.until > Date.now() + 50_000);
  const second = await pool.markUsageLimitReached("anthropic", { credential: "anthropic:b", retryAfterMs: 120_000 });
  assert.equal(second.switched, false);
  assert.equal(second.retryAt, first.until);
  assert.deepEqual(await pool.markUsageLimitReached("anthropic", { session: "nobody's" }), { switched: false });
});

test("providers are asked: two callers and one question, no secret in what is answered", async (t) => {
  const body = { five_hour: { utilization: 25, resets_at: new Date(Date.now() + 2 * HOUR).toISOString() }, seven_day: { utilization: 50, resets_at: new Date(Date.now() + 50 * HOUR).toISOString() } };
  const { pool, asked } = await accounts(t, ["a"], async (request) => {
    assert.equal(request.headers.get("authorization"), "Bearer canary-access-a");
    return Response.json(body);
  });
  const both = await Promise.all([pool.fetchUsageReports(), pool.fetchUsageReports({ providers: ["claude"] })]);
  assert.equal(asked.length, 1);
  for (const [known] of both) {
    assert.equal(known.report.origin, "probe");
    assert.deepEqual(known.report.limits.map(({ id, amount }) => [id, amount.used_ppm]), [["anthropic:5h", 250_000], ["anthropic:7d", 500_000]]);
  }
  assert.ok(!JSON.stringify([both, pool.state()]).includes("canary"));
  assert.equal((await pool.fetchUsageReports()).length, 1);
  assert.equal(asked.length, 1, "it is fresh");
  const controller = new AbortController();
  const given = pool.fetchUsageReports({ force: true, signal: controller.signal });
  controller.abort();
  await assert.rejects(given);
});

test("headers of any answer are a report", async (t) => {
  const { pool } = await accounts(t, ["a"]);
  const reset = Math.floor(Date.now() / 1000) + 7200;
  const headers = { "anthropic-ratelimit-unified-5h-utilization": "0.5", "anthropic-ratelimit-unified-5h-reset": String(reset) };
  assert.equal(await pool.ingestUsageHeaders("anthropic:a", headers, { status: 200 }), true);
  assert.equal(await pool.ingestUsageHeaders("anthropic:a", headers, { status: 200 }), false, "once in a minute");
  assert.equal(pool.getUsageReport("anthropic:a").report.limits[0].amount.used_ppm, 500_000);
  const lease = await pool.acquire("anthropic");
  await lease.report({ status: 429, headers: { "anthropic-ratelimit-unified-5h-utilization": "1", "anthropic-ratelimit-unified-5h-reset": String(reset) } });
  const { cooldowns } = pool.get("anthropic:a");
  assert.ok(cooldowns.some(({ until }) => Math.abs(until - reset * 1000) < 2000));
});

test("reports of accounts are asked for by themselves where there is a choice; what the program brings is fresh", async (t) => {
  const body = { five_hour: { utilization: 1 }, seven_day: { utilization: 2 }, account: { uuid: "u", email: "e@example.com" } };
  const answer = () => Response.json(body);
  const alone = await accounts(t, ["a"], answer);
  (await alone.pool.acquire("anthropic")).abandon();
  const two = await accounts(t, ["a", "b"], answer);
  await two.pool.setUsageReport("anthropic:a", { limits: [limit("anthropic:7d", 0.1, 144)] });
  (await two.pool.acquire("anthropic")).abandon();
  await eventually(() => two.pool.getUsageReport("anthropic:b") !== undefined);
  assert.deepEqual([alone.asked.length, two.asked.filter((url) => url.endsWith("/usage")).length], [0, 1]);
});
