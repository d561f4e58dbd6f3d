// A secret's place in a request, as core/src/provider/auth.rs describes it. The facts come from the registry; nothing is
// decided here.
import { CredpoolError } from "./errors.js";
import type { Placement, ProviderView, SecretEntry } from "./protocol.js";

/** What a credential adds to a request. */
export interface AuthParts {
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly query?: readonly [name: string, value: string];
}

// A header's value with anything else would be refused by `fetch`, with a message that quotes it.
const SENDABLE = /^[\x21-\x7e]+$/;

/** The parts of a request that carry this secret. */
export function authParts({ facts, listHeaders }: ProviderView, { kind, secret, name, headers: own = [], dpop }: SecretEntry): AuthParts {
  const token = kind !== "api_key";
  const keyless = !token && secret === "" && facts.keyless === true;
  const placement: Placement = keyless ? "none" : token ? facts.tokenPlacement : facts.keyPlacement;
  const headers: [string, string][] = [];
  if (placement !== "none" && !SENDABLE.test(secret)) {
    throw new CredpoolError("invalid", `the secret of ${facts.name}:${name} is empty or has a character that cannot stand in a header: update it with pool.update()`);
  }
  if (placement === "bearer") headers.push(["authorization", `${dpop === undefined ? "Bearer" : "DPoP"} ${secret}`]);
  else if (typeof placement === "object" && "header" in placement) headers.push([placement.header, secret]);
  const secrets = headers.map(([header]) => header);
  // Its owner's headers go before those that the provider usually gets, and behind the credential itself.
  const replaced = ([header]: readonly [string, string]): boolean => own.some(([name]) => name === header && !listHeaders.includes(name));
  headers.push(...[...facts.headers, ...(token ? facts.tokenHeaders : [])].filter((header) => !replaced(header)));
  for (const [header, value] of own) {
    const listed = headers.find(([name]) => name === header && listHeaders.includes(name));
    if (listed) listed[1] = `${listed[1]}, ${value}`;
    else if (!secrets.includes(header)) headers.push([header, value]);
  }
  return typeof placement === "object" && "query" in placement ? { headers, query: [placement.query, secret] } : { headers };
}
