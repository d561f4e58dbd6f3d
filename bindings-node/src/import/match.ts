// What is found, beside what is stored: new, the same, newer or older. Nothing that the pool has is lost by an import.
import type { CredentialInfo, CredentialPool, ExportedProfile } from "credpool";
import type { FoundCredential, Tool } from "credpool/import";

/** What an import does with a credential. */
export interface Planned {
  /** `add` it; `renew` an account's tokens; it is the `same`; it is `older` than what the pool has. */
  readonly action: "add" | "renew" | "same" | "older";
  /** The stored one that it is. */
  readonly stored?: string;
  /** As it would be added. */
  readonly credential: FoundCredential["credential"];
}

/** Compares with what is stored. */
export function match(pool: CredentialPool, { credential }: FoundCredential, tool: Tool): Planned {
  const provider = pool.providers.get(credential.provider)?.name ?? credential.provider;
  const stored = pool.list(provider).filter(({ id }) => id !== undefined);
  const secretOf = (one: ExportedProfile) => one.key ?? one.token ?? one.access ?? "";
  const profiles = stored.map((info) => ({ info, profile: pool.profiles.export(`${provider}:${info.name}`) }));
  const address = (one: { baseUrl?: string | undefined }) => one.baseUrl ?? "";
  const same = profiles.find(({ profile }) => secretOf(profile) === secretOf(credential as ExportedProfile) && (secretOf(profile) !== "" || address(profile) === address(credential)));
  if (same) return { action: "same", stored: idOf(same.info), credential };
  const known = credential.kind === "oauth" ? profiles.find(({ info }) => isSame(info, credential)) : undefined;
  if (known) {
    const { info } = known;
    const newer = info.expires !== undefined && credential.expires !== undefined && info.expires >= Number(credential.expires) && info.status !== "expired";
    return { action: newer ? "older" : "renew", stored: idOf(info), credential: { ...credential, name: info.name } };
  }
  const taken = new Set(stored.map(({ name }) => name));
  const { name } = credential;
  // Who is named like a stored one would take its place.
  const free = name === undefined || !taken.has(name) ? name : freeName(`${name}-${tool}`, taken);
  return { action: "add", credential: { ...credential, ...(free !== undefined && { name: free }) } };
}

/** One account: by what names it, in one organisation; where nothing names it, the one that nothing names either. */
function isSame(info: CredentialInfo, found: FoundCredential["credential"]): boolean {
  if (info.kind !== "oauth") return false;
  const { email, accountId, orgId, enterpriseUrl } = info.identity;
  if (orgId !== undefined && found.orgId !== undefined && orgId !== found.orgId) return false;
  if (found.email === undefined && found.accountId === undefined) return email === undefined && accountId === undefined && enterpriseUrl === found.enterpriseUrl && (found.name === undefined || found.name === info.name);
  if (email !== undefined && found.email !== undefined) return email.toLowerCase() === found.email.toLowerCase();
  return accountId !== undefined && accountId === found.accountId;
}

function idOf({ provider, name }: CredentialInfo): string {
  return `${provider}:${name}`;
}

function freeName(name: string, taken: ReadonlySet<string>): string {
  if (!taken.has(name)) return name;
  let number = 2;
  while (taken.has(`${name}-${number}`)) number += 1;
  return `${name}-${number}`;
}
