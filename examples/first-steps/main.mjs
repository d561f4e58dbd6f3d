// @ts-check
/**
 * The least that shows what a pool does: two keys, one of them at its limit. No key and no network are needed: the
 * function at the end plays the provider. With your own keys leave `host` out, and it is the provider itself.
 */
import { CredentialPool } from "credpool";

const pool = await CredentialPool.open({ host: { fetch: provider } });
await pool.add("openai", { key: "sk-work-4711", name: "work" });
await pool.add("openai", { key: "sk-home-0815", name: "home" });

const fetch = pool.fetch("openai", { onAttempt: ({ name, status, reason }) => console.log(`  ${name}: ${status}, ${reason}`) });
const body = JSON.stringify({ model: "gpt-5", messages: [{ role: "user", content: "Hello" }] });
for (const call of [1, 2]) {
  console.log(`call ${call}`);
  const response = await fetch("https://api.openai.com/v1/chat/completions", { method: "POST", body });
  console.log(`  answered: ${(await response.json()).choices[0].message.content}`);
}

console.log("who would be next, and why not the others");
for (const { name, verdict, until } of pool.explain("openai", { model: "gpt-5" }).candidates) {
  console.log(`  ${name}: ${verdict}${until === undefined ? "" : `, back in ${Math.round((until - Date.now()) / 1000)} s`}`);
}
await pool.close();

/** The key from work has used up its minute; the other one serves. @param {RequestInfo | URL} input @param {RequestInit} [init] */
async function provider(input, init) {
  if (new Request(input, init).headers.get("authorization") === "Bearer sk-work-4711") {
    const error = { message: "Rate limit reached for gpt-5", type: "requests", code: "rate_limit_exceeded" };
    return Response.json({ error }, { status: 429, headers: { "retry-after": "20" } });
  }
  return Response.json({ choices: [{ message: { role: "assistant", content: "Hello!" } }] });
}
