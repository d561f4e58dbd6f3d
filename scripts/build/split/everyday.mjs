// @ts-check
// What every program with keys and the default rules does, as a program: the functions of the engine that it runs are in
// credpool.wasm, all others in more.wasm. What is to be there at once is done here; what is not done here costs a program that
// needs it one more file. Nothing in it may be left to chance or to the clock: it decides what the build makes.

/**
 * @typedef {object} Api
 * @property {any} CredentialPool
 * @property {() => any} memoryStore
 */

/** A host whose clock goes on when it is told to. */
export function everydayHost() {
  let now = 1_790_000_000_000;
  let mono = 0;
  let random = 0;
  /** @type {{ work: () => void, due: number }[]} */
  let timers = [];
  // As OpenAI and Anthropic answer.
  const openai = { "content-type": "application/json", "x-ratelimit-limit-requests": "60", "x-ratelimit-remaining-requests": "59", "x-ratelimit-reset-requests": "1s", "x-ratelimit-limit-tokens": "150000", "x-ratelimit-remaining-tokens": "149984", "x-ratelimit-reset-tokens": "6m0s" };
  const anthropic = { "content-type": "application/json", "anthropic-ratelimit-requests-limit": "50", "anthropic-ratelimit-requests-remaining": "0", "anthropic-ratelimit-requests-reset": "2026-09-21T14:20:00Z", "retry-after": "20" };
  const answers = [
    () => new Response('{"choices":[{"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":5}}', { headers: openai }),
    () => new Response('{"type":"error","error":{"type":"rate_limit_error","message":"too many"}}', { status: 429, headers: anthropic }),
    () => new Response('{"error":{"message":"Rate limit reached","type":"requests","code":"rate_limit_exceeded"}}', { status: 429, headers: { "retry-after": "1" } }),
    () => new Response("no", { status: 500 }),
    () => new Response('{"error":{"message":"invalid api key"}}', { status: 401 }),
    () => { throw new TypeError("fetch failed"); },
    () => new Response('data: {"choices":[{"finish_reason":"stop"}]}\n\n', { headers: { "content-type": "text/event-stream" } }),
  ];
  let calls = 0;
  const drain = async () => {
    // Longer than any chain of promises that a step begins.
    for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setTimeout(resolve, 0));
  };
  return {
    host: {
      fetch: async () => answers[calls++ % answers.length]?.() ?? new Response("{}"),
      now: () => now,
      mono: () => mono,
      random: (/** @type {Uint8Array} */ bytes) => {
        for (let index = 0; index < bytes.length; index += 1) bytes[index] = (random = (random * 75 + 74) % 65_537) & 255;
      },
      setTimer: (/** @type {() => void} */ work, /** @type {number} */ ms) => {
        const timer = { work, due: mono + ms };
        timers.push(timer);
        return timer;
      },
      clearTimer: (/** @type {unknown} */ timer) => void (timers = timers.filter((one) => one !== timer)),
    },
    /** @param {number} ms */
    later: async (ms) => {
      const until = mono + ms;
      for (;;) {
        await drain();
        const next = timers.filter(({ due }) => due <= until).sort((a, b) => a.due - b.due)[0];
        if (!next) break;
        timers = timers.filter((one) => one !== next);
        const step = Math.max(0, next.due - mono);
        [now, mono] = [now + step, mono + step];
        next.work();
      }
      [now, mono] = [now + until - mono, until];
    },
  };
}

/** @param {Api} api @returns {Promise<any>} the pool that it ends with, still open */
export async function everyday({ CredentialPool, memoryStore }) {
  const { host, later } = everydayHost();
  const store = forgetful(memoryStore());
  const pool = await CredentialPool.open({ store, host, env: { OPENAI_API_KEY: "sk-env", ANTHROPIC_API_KEY: "sk-ant" } });
  /** @type {string[]} */
  const events = [];
  pool.on("*", (/** @type {{ kind: string }} */ { kind }) => events.push(kind));
  await keys(pool);
  await calls(pool, later);
  pool.list();
  pool.get("openai:k1");
  store.away = true;
  await pool.reload().then(() => { throw new Error("a load that failed was told as done"); }, () => undefined);
  store.away = false;
  await pool.reload();
  await pool.close();
  // Another day: what was stored is there again.
  const again = await CredentialPool.open({ store, host, env: false });
  await later(1e8);
  if (again.list().length !== 10) throw new Error("not all are there again");
  const giveUp = new AbortController();
  const waits = again.acquire("anthropic", { model: "m", exclude: ["anthropic:1"], waitMs: 50, signal: giveUp.signal }).catch(() => 0);
  giveUp.abort();
  await waits;
  if (!events.includes("cooled")) throw new Error(`nothing of note happened: ${[...new Set(events)].join()}`);
  return again;
}

/** The same, but its fourth commit fails, and its loads while it is away: what was not written is written again. @param {any} store */
function forgetful(store) {
  const commit = store.commit.bind(store);
  const load = store.load.bind(store);
  let commits = 0;
  store.commit = async (/** @type {unknown[]} */ ...args) => {
    commits += 1;
    if (commits === 4) throw new Error("the store is away");
    return commit(...args);
  };
  store.load = async (/** @type {unknown[]} */ ...args) => {
    if (store.away) throw new Error("the store is away");
    return load(...args);
  };
  return store;
}

/** @param {any} pool */
async function keys(pool) {
  await pool.addMany(Array.from({ length: 8 }, (_, n) => ({ provider: "openai", key: `sk-${n}`, name: `k${n}`, ...(n === 3 && { models: ["gpt-*"], priority: 2 }) })));
  await pool.add("anthropic", { token: "a-token", expires: 1_790_000_000_000 + 1e6 });
  pool.override("groq", { runtime: "sk-groq" });
}

/** @param {any} pool @param {(ms: number) => Promise<void>} later */
async function calls(pool, later) {
  const send = pool.fetch(["openai", "mistral"], { waitMs: 5 });
  for (let n = 0; n < 30; n += 1) {
    const sent = send("https://api.openai.com/v1/chat", { method: "POST", body: '{"model":"gpt-5"}' }).then((/** @type {Response} */ answer) => answer.text()).catch(() => undefined);
    await later(n * 1000 + 10);
    await sent;
  }
  await later(1e8);
  for (const options of [{}, { model: "gpt-5" }, { model: "gpt-5", session: "s" }, { session: "s", waitMs: 5 }]) {
    const lease = await pool.acquire("openai", options);
    await lease.report(options.model ? { status: 429, headers: { "x-ratelimit-remaining-requests": "0" } } : { ok: true });
  }
  pool.tryAcquire("openai").abandon?.();
  pool.tryAcquire("anthropic").success?.();
  await pool.execute("openai", {}, async () => 1);
  // Nobody is left for a while.
  await pool.add("mistral", { key: "sk-m" });
  await (await pool.acquire("mistral")).report({ status: 429, headers: { "retry-after": "30" } });
  const refused = pool.tryAcquire("mistral");
  if (refused.code !== "cooling_down") throw new Error("a key that rests was given out");
  await pool.acquire("mistral", { waitMs: 1 }).catch(() => undefined);
  await later(2e6);
}
