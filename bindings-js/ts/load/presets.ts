// The documents of presets: `default` is in the WebAssembly, the others are texts in a module of their own, which few programs
// need. How it is imported is the entry's to say: late, or with the entry where nothing may be imported late.

/** The JSON of each document, by its name: a preset, or `PRESET.classify`. */
export type PresetDocuments = Readonly<Record<string, string>>;
export type PresetsLoader = () => Promise<{ default: PresetDocuments }> | { default: PresetDocuments };

let load: PresetsLoader | undefined;

/** Says how the documents are loaded. The first entry that is imported says it. */
export function loadPresetsBy(loader: PresetsLoader): void {
  load ??= loader;
}

/**
 * The documents that a policy is made of and that the engine does not have itself. A name that is unknown is left to the
 * engine: it says what names there are.
 */
export async function documentsOf(policy: unknown): Promise<[string, string][]> {
  const asked = typeof policy === "string" ? [policy] : named(policy);
  const wanted = asked.filter((name) => name !== "default");
  if (wanted.length === 0 || !load) return [];
  const { default: known } = await load();
  const found = new Map<string, string>();
  // A list that grows while it is walked: documents name others.
  for (const name of wanted) {
    for (const document of [name, `${name}.classify`]) {
      const text = Object.hasOwn(known, document) ? known[document] : undefined;
      if (text === undefined || found.has(document)) continue;
      found.set(document, text);
      wanted.push(...named(JSON.parse(text)));
    }
  }
  return [...found];
}

/** What a document extends, itself or in its classification. */
function named(document: unknown): string[] {
  const { extends: own, classify } = (document ?? {}) as { extends?: unknown; classify?: { extends?: unknown } | null };
  return [own, classify?.extends].filter((name) => typeof name === "string");
}

/** One document by its name, where the package has it. */
export async function documentNamed(name: string): Promise<string | undefined> {
  const known = (await load?.())?.default;
  return known && Object.hasOwn(known, name) ? known[name] : undefined;
}
