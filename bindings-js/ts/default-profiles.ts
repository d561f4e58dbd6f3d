// code-buddy's five built-in profiles, as data: what an agent begins with that finds keys in its environment.
import type { NewProviderCredential } from "./types.js";

/** A profile to begin with. */
export interface DefaultProfile {
  /** What `pool.add` takes. */
  readonly credential: NewProviderCredential;
  /** The model that is asked for where nobody names one. */
  readonly model?: string;
  /** The variable that its key came from. */
  readonly variable?: string;
}

interface Row {
  readonly provider: string;
  readonly name: string;
  readonly priority: number;
  readonly key?: string;
  /** The variable of another address, and the address where none is set. */
  readonly address?: string;
  readonly baseUrl?: string;
  readonly model?: string;
}

const ROWS: readonly Row[] = [
  { provider: "xai", name: "grok-default", priority: 100, key: "GROK_API_KEY", address: "GROK_BASE_URL", model: "grok-code-fast-1" },
  { provider: "anthropic", name: "anthropic-default", priority: 90, key: "ANTHROPIC_API_KEY", model: "claude-sonnet-4" },
  { provider: "openai", name: "openai-default", priority: 80, key: "OPENAI_API_KEY", model: "gpt-4o" },
  { provider: "google", name: "google-default", priority: 70, key: "GOOGLE_API_KEY", model: "gemini-2.5-flash" },
  // No key: whoever has such a server enables it.
  { provider: "ollama", name: "ollama-local", priority: 50, baseUrl: "http://localhost:11434/v1" },
];

/** Those whose key is set, by priority, and the local one, which is disabled. */
export function defaultProfiles(variable: (name: string) => string | undefined): DefaultProfile[] {
  return ROWS.flatMap(({ provider, name, priority, key: of, address, baseUrl: usual, model }) => {
    const key = of === undefined ? undefined : variable(of)?.trim();
    if (of !== undefined && !key) return [];
    const baseUrl = (address === undefined ? undefined : variable(address)?.trim()) || usual;
    const credential = { provider, name, priority, ...(key ? { key } : { enabled: false }), ...(baseUrl !== undefined && { baseUrl }) };
    return [{ credential, ...(model !== undefined && { model }), ...(of !== undefined && { variable: of }) }];
  });
}
