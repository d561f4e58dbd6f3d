// Which session a request belongs to, where the caller does not say and the policy wants it read off the request.
import type { Driver } from "../driver.js";
import type { Template } from "./request.js";

/** The engine reads no more of a body: see `core/src/wire/session.rs`. */
const LONGEST = 1024 * 1024;

/** The session, and what it was known as before its first answer. */
export function sessionOf(driver: Driver, { headers, body }: Template): [session?: string, knownAs?: string] {
  if (!driver.run(() => driver.wasm.derivesSessions())) return [];
  const text = textOf(body.content);
  return JSON.parse(driver.seldom(() => driver.wasm.deriveSession(JSON.stringify([...headers]), text))) as [string?, string?];
}

function textOf(content: string | Uint8Array | FormData | undefined): string {
  if (typeof content === "string") return content.length <= LONGEST ? content : "";
  return content instanceof Uint8Array && content.byteLength <= LONGEST ? new TextDecoder().decode(content) : "";
}
