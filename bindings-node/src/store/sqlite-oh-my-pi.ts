// A database of oh-my-pi: it is kept whole under another name, and every account, tombstones included, becomes a row of ours.
import { randomBytes } from "node:crypto";
import { basename } from "node:path";
import { isSqliteBusyError, openDatabase } from "./sqlite-driver.js";
import type { Database, SqlRow, SqlValue } from "./sqlite-driver.js";
import { alone, asideName, finish, identityOf, keepAs, putInPlace, remove } from "./sqlite-replace.js";
import { prepareDatabase } from "./sqlite-schema.js";

/**
 * Takes over what is in an open file, and closes it. Answers what was done, for people; `undefined` where another process has
 * done it.
 */
export async function takeOver(file: string, old: Database): Promise<string | undefined> {
  const opened = identityOf(file);
  return alone(file, async () => {
    if (putInPlace(file) || identityOf(file) !== opened) return undefined;
    const made = `${file}.migrated`;
    remove(made);
    const fresh = await openDatabase(made);
    try {
      haveAlone(old);
      prepareDatabase(fresh, made);
      const said = convert(old, fresh);
      const aside = asideName(file, "oh-my-pi");
      keepAs(file, aside);
      finish(file, fresh);
      return `it was a database of oh-my-pi, which is kept as ${basename(aside)}; ${said}. Do not let both programs renew the same accounts`;
    } finally {
      old.close();
      fresh.close();
      remove(made);
    }
  });
}

/** Leaving the log succeeds for the only one who has it open; and all of it is in the one file then. */
function haveAlone(old: Database): void {
  try {
    if (Object.values(old.prepare("PRAGMA journal_mode = DELETE").get() ?? {})[0] === "delete") return;
  } catch (error) {
    if (!isSqliteBusyError(error)) throw error;
  }
  throw new Error("it is a database of oh-my-pi that another program has open: close that, so that it can be taken over");
}

function convert(old: Database, fresh: Database): string {
  const columns = (table: string): string[] => old.prepare(`SELECT name FROM pragma_table_info('${table}')`).all().map(({ name }) => String(name));
  const rows = (table: string, order: string): SqlRow[] => (columns(table).length > 0 ? old.prepare(`SELECT * FROM ${table} ORDER BY ${order}`).all() : []);
  const put = fresh.prepare("INSERT INTO entry (kind, owner, name, version, generation, data, secret) VALUES (?, ?, '', 1, 1, ?, ?)");
  const note = fresh.prepare("INSERT INTO log (log, at, data) VALUES (?, ?, ?)");
  const names = new Set<string>();
  const taken = new Set<SqlValue | undefined>();
  let [disabled, unreadable] = [0, 0];
  fresh.exec("BEGIN IMMEDIATE");
  for (const row of rows("auth_credentials", "id")) {
    const given = accountOf(row, names);
    if (given) {
      put.run("credential", Number(row.id), JSON.stringify(given.data), JSON.stringify(given.secret));
      taken.add(row.id);
      if (given.data.enabled === false) disabled += 1;
    } else {
      // It says nothing to us, and is not thrown away: in a row of a kind that pools leave alone.
      put.run("oh-my-pi", Number(row.id), JSON.stringify({ ...row, data: undefined }), typeof row.data === "string" ? row.data : JSON.stringify(row.data ?? null));
      unreadable += 1;
    }
  }
  for (const [id, scopes] of blocksOf(rows("auth_credential_blocks", "credential_id"))) if (taken.has(id)) put.run("health", id, JSON.stringify({ scopes }), null);
  for (const [table, log] of [["usage_history", "usage"], ["usage_cost_history", "cost"], ["client_usage", "client-usage"]] as const) {
    for (const row of rows(table, "recorded_at")) note.run(log, Number(row.recorded_at), JSON.stringify(camel(row)));
  }
  const last = Math.max(0, ...old.prepare("SELECT seq FROM sqlite_sequence WHERE name = 'auth_credentials'").all().map(({ seq }) => Number(seq)), ...[...taken].map(Number));
  fresh.prepare("INSERT OR IGNORE INTO issued (id) VALUES (?)").run(last);
  fresh.exec("UPDATE state SET value = 1 WHERE name = 'generation'; COMMIT");
  return `${taken.size} accounts and keys were taken over${disabled > 0 ? `, ${disabled} of them disabled` : ""}${unreadable > 0 ? `, and ${unreadable} rows that say nothing` : ""}`;
}

/** One of their rows as our record and its secret; `undefined` where it is neither a key nor an account. */
function accountOf(row: SqlRow, names: Set<string>): { data: Record<string, unknown>; secret: Record<string, unknown> } | undefined {
  const [provider, kind] = [String(row.provider ?? ""), row.credential_type];
  const given = objectOf(row.data);
  if (!given || provider === "" || (kind !== "api_key" && kind !== "oauth")) return undefined;
  const text = (name: string): string | undefined => (typeof given[name] === "string" && given[name] !== "" ? (given[name] as string) : undefined);
  const secret = kind === "api_key" ? { key: text("key") } : { access: text("access"), refresh: text("refresh") };
  if (secret.key === undefined && secret.access === undefined) return undefined;
  const identity = { email: text("email"), account_id: text("accountId"), org_id: text("orgId"), project_id: text("projectId"), enterprise_url: text("enterpriseUrl") };
  const cause = typeof row.disabled_cause === "string" ? row.disabled_cause : undefined;
  const seconds = (value: SqlValue | undefined): number => Number(value ?? 0) * 1000;
  return {
    secret,
    data: {
      uid: randomBytes(16).toString("hex"),
      provider: provider.toLowerCase(),
      name: nameFor(identity.email ?? identity.account_id ?? `${kind === "oauth" ? "account" : "key"}-${Number(row.id)}`, provider, names),
      kind,
      ...(cause !== undefined && { enabled: false, disabled_cause: cause }),
      ...(kind === "api_key" && given.source === "login" && { source: "login" }),
      ...(kind === "oauth" && typeof given.expires === "number" && Number.isSafeInteger(given.expires) && given.expires > 0 && { expires: given.expires }),
      identity,
      created: seconds(row.created_at),
      secret_version: 1,
    },
  };
}

/** A name that no other of the provider has: tombstones often bear that of their successor. */
function nameFor(wanted: string, provider: string, names: Set<string>): string {
  for (let n = 1; ; n += 1) {
    const name = n === 1 ? wanted : `${wanted}-${n}`;
    if (names.has(`${provider}/${name}`)) continue;
    names.add(`${provider}/${name}`);
    return name;
  }
}

/** Rests that have not ended, by credential: their scope is a meter of the provider's, or all of the credential. */
function blocksOf(rows: SqlRow[]): Map<number, Record<string, unknown>> {
  const found = new Map<number, Record<string, unknown>>();
  for (const { credential_id: id, block_scope: scope, blocked_until_ms: until, updated_at: updated } of rows) {
    const [end, began] = [Number(until), Math.min(Number(updated) * 1000, Date.now())];
    if (!(end > Date.now())) continue;
    const scopes = found.get(Number(id)) ?? {};
    const name = scope === "" || scope === null ? "credential" : `meter:${String(scope)}`;
    if (Number((scopes[name] as { until?: number } | undefined)?.until ?? 0) < end) scopes[name] = { until: end, length: end - began, began, reason: "quota", source: "hint" };
    found.set(Number(id), scopes);
  }
  return found;
}

function objectOf(text: SqlValue | undefined): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(String(text));
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

const camel = (row: SqlRow): Record<string, SqlValue> =>
  Object.fromEntries(Object.entries(row).flatMap(([name, value]) => (name === "id" || name === "recorded_at" || value === null ? [] : [[name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase()), value]])));
