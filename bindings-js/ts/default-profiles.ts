// The profiles that a preset has to begin with (code-buddy's five). Which of them are offered the engine says, by the names of the
// variables that are set; what these hold is put in here.
import { documentNamed } from "./load/presets.js";
import type { NewProviderCredential } from "./types.js";
import { WasmPool } from "./wasm/glue.js";

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
  readonly address?: string;
  readonly baseUrl?: string;
  readonly model?: string;
  readonly enabled: boolean;
}

/** Those that are offered, by priority. None where the preset has none. */
export async function defaultProfiles(preset: string, variable: (name: string) => string | undefined): Promise<DefaultProfile[]> {
  const document = await documentNamed(`${preset}.profiles`);
  if (document === undefined) return [];
  const values = new Map<string, string>();
  for (const { key, address } of JSON.parse(document) as Row[]) {
    for (const name of [key, address]) {
      const value = name === undefined ? undefined : variable(name)?.trim();
      if (name !== undefined && value) values.set(name, value);
    }
  }
  const offered = JSON.parse(WasmPool.firstProfiles(document, JSON.stringify([...values.keys()]))) as Row[];
  return offered.map(({ provider, name, priority, key: of, address, baseUrl: usual, model, enabled }) => {
    const [key, baseUrl = usual] = [of, address].map((name) => (name === undefined ? undefined : values.get(name)));
    const credential = { provider, name, priority, ...(key !== undefined && { key }), ...(!enabled && { enabled }), ...(baseUrl !== undefined && { baseUrl }) };
    return { credential, ...(model !== undefined && { model }), ...(of !== undefined && { variable: of }) };
  });
}
