// @ts-check
// What every runtime is asked, and what it must answer. One text for Node, Bun, Deno, a page, an extension and a worker:
// it may use nothing but the package and the language.

/**
 * Opens a pool, uses it in every way, and answers in one line what happened.
 * @param {typeof import("credpool")} credpool
 * @param {string[]} keys two keys that are not to be seen
 */
export async function probe(credpool, keys) {
  const { CredentialPool, memoryStore, version } = credpool;
  const [first = "", second = ""] = keys;
  /** @type {unknown[]} */
  const events = [];
  /** @type {string[]} */
  const sent = [];
  let now = 1_800_000_000_000;
  const pool = await CredentialPool.open({
    store: memoryStore({ now: () => now }),
    policy: { extends: "default", strategy: "fill-first" },
    env: false,
    seed: 7,
    host: {
      now: () => now,
      mono: () => now,
      fetch: async (input, init) => {
        const key = new Request(input, init).headers.get("authorization")?.replace("Bearer ", "");
        sent.push(key === first ? "first" : key === second ? "second" : "neither");
        if (key === first) return Response.json({ error: { message: "Rate limit reached", code: "rate_limit_exceeded" } }, { status: 429, headers: { "retry-after": "20" } });
        return Response.json({ said: "hello" });
      },
    },
  });
  pool.on("*", (event) => events.push(event));
  await pool.addMany([
    { provider: "openai", kind: "api_key", key: first, name: "work" },
    { provider: "openai", kind: "api_key", key: second, name: "spare" },
  ]);

  const lines = [`version ${version()}`];
  const lease = pool.tryAcquire("openai", { model: "m" });
  lines.push(lease.ok ? `picked ${lease.name}, ${lease.secret === first ? "its key" : "another key"}` : lease.code);
  if (lease.ok) lease.abandon();
  const body = JSON.stringify({ model: "m", messages: [] });
  const response = await pool.fetch("openai", { waitMs: 0 })("https://api.openai.com/v1/chat/completions", { method: "POST", body });
  lines.push(`${response.status} ${(await response.json()).said}`);
  lines.push(`sent ${sent.join(" and ")}`);
  const waiting = await pool.acquire("openai", { model: "m" });
  const report = await waiting.report({ status: 401, body: "" });
  lines.push(`${waiting.name}: ${report.reason}`);
  const nobody = pool.tryAcquire("anthropic");
  lines.push(nobody.ok ? "somebody" : nobody.code);
  now += 3_600_000;
  lines.push(`later ${(await pool.acquire("openai", { model: "m" })).ok ? "somebody is back" : "nobody"}`);
  const told = JSON.stringify([events, pool.state(), pool.list(), pool.explain("openai", { model: "m" })]);
  lines.push(keys.some((key) => told.includes(key)) ? "A SECRET WAS SEEN" : `${events.length > 0 ? "events" : "no events"} without secrets`);
  await pool.close();
  return lines.join("; ");
}

/** The answer, the same everywhere. @param {string} version of the package */
export const expected = (version) =>
  [
    `version ${version}`,
    "picked work, its key",
    "200 hello",
    "sent first and second",
    "spare: auth",
    "not_found",
    "later somebody is back",
    "events without secrets",
  ].join("; ");

/** The scenario runner, which is loaded when it is asked for. @param {typeof import("credpool")} credpool */
export async function probeSimulator(credpool) {
  const report = await credpool.simulate({
    name: "the probe's",
    credentials: [
      { name: "a", provider: "openai", kind: "api_key", key: "k-a" },
      { name: "b", provider: "openai", kind: "api_key", key: "k-b" },
    ],
    steps: [
      { at: 0, report: { name: "a", model: "m", status: 429, headers: { "retry-after": "10" } } },
      { at: 1, acquire: { provider: "openai", model: "m" }, expect: { name: "b" } },
      { at: 2, acquire: { provider: "openai", model: "m" }, expect: { name: "nobody" } },
    ],
  });
  return `passed ${report.passed}, failed ${report.failed}`;
}

export const expectedSimulation = "passed 1, failed 1";

/** The parsers of other tools' files, a WebAssembly of their own. @param {typeof import("credpool/import")} importer @param {readonly string[]} keys */
export async function probeImporter(importer, [key = "", other = ""]) {
  const found = await importer.readToolFile(`OPENAI_API_KEY=${key}\nANTHROPIC_API_KEY=${other}\n`, { tool: "env" });
  const written = await importer.writeToolFiles("litellm", found.credentials.map(({ credential }) => credential));
  const kept = [key, other].every((secret) => written.files.some(({ text }) => text.includes(secret)));
  const broken = await importer.readToolFile("{", { tool: "codex" }).catch((error) => error.code);
  return `${found.credentials.map(({ credential }) => credential.provider).sort().join(" and ")}; ${kept ? "written" : "lost"}; ${broken}`;
}

export const expectedImport = "anthropic and openai; written; invalid";
