// What a store answered: checked, since it may be rubbish, and packed for the engine. A load crosses as numbers and one text
// a piece (core/src/pool/packed.rs); of the few rows of a conflict each is an object.
import type { RowData, RowId, RowKind } from "./protocol.js";

/** The answer is no answer: the message names the place. */
export class Rubbish extends Error {}

/** Kinds by their numbers. Others belong to a newer version, and are left alone. */
const KINDS: readonly string[] = ["credential", "health", "usage", "tie", "refresh", "report"] satisfies RowKind[];

/** So many rows are one piece. */
const PIECE = 512;
/** Numbers of a row: kind, id, version, and the lengths of id, data and secret. */
const PER_ROW = 6;
/** A length of something that is absent. */
const ABSENT = -1;

/** What a load brought, checked. */
export interface LoadedRows {
  generation: number;
  rows: readonly RowData[];
}

/** Rows for the engine. */
export interface Packed {
  numbers: Float64Array;
  /** UTF-8. */
  text: Uint8Array;
}

/** Rows as they are, once each has been looked at. */
export function checked(value: unknown): RowData[] {
  const rows = list(value, "rows");
  for (let at = 0; at < rows.length; at += 1) {
    const row = rows[at] as Partial<RowData> | null | undefined;
    // Looked at in one go; where something is wrong the slow way says what.
    const { kind, id, version, data, secret } = row ?? {};
    const good =
      typeof kind === "string" && (typeof id === "number" ? Number.isSafeInteger(id) && id > 0 : typeof id === "string" && id !== "") &&
      Number.isSafeInteger(version) && (version as number) >= 0 && isText(data) && isText(secret);
    if (!good) rowOf(row, `rows[${at}]`);
  }
  return rows as RowData[];
}

/** Pieces of rows, credentials first: what belongs to one comes after it. */
export function* packed(rows: readonly RowData[]): Iterable<Packed> {
  const encoder = new TextEncoder();
  const credentials = rows.filter(({ kind }) => kind === "credential");
  const others = credentials.length === rows.length ? [] : rows.filter(({ kind }) => kind !== "credential" && KINDS.includes(kind));
  for (const all of [credentials, others]) {
    for (let from = 0; from < all.length; from += PIECE) yield pack(all, from, Math.min(from + PIECE, all.length), encoder);
  }
}

function pack(rows: readonly RowData[], from: number, to: number, encoder: TextEncoder): Packed {
  const numbers = new Float64Array((to - from) * PER_ROW);
  let text = "";
  let place = 0;
  for (let at = from; at < to; at += 1) {
    const { kind, id, version, data, secret } = rows[at] as RowData;
    const isNumber = typeof id === "number";
    numbers[place] = KINDS.indexOf(kind);
    numbers[place + 1] = isNumber ? id : 0;
    numbers[place + 2] = version;
    numbers[place + 3] = isNumber ? 0 : id.length;
    numbers[place + 4] = data?.length ?? ABSENT;
    numbers[place + 5] = secret?.length ?? ABSENT;
    place += PER_ROW;
    if (!isNumber) text += id;
    if (data != null) text += data;
    if (secret != null) text += secret;
  }
  const bytes = encoder.encode(text);
  // In ASCII a text has as many bytes as characters; otherwise each is measured.
  if (bytes.length !== text.length) {
    for (let at = from, place = 0; at < to; at += 1, place += PER_ROW) {
      const { id, data, secret } = rows[at] as RowData;
      const length = (part: string | null | undefined) => (part == null ? ABSENT : encoder.encode(part).length);
      numbers[place + 3] = typeof id === "number" ? 0 : length(id);
      numbers[place + 4] = length(data);
      numbers[place + 5] = length(secret);
    }
  }
  return { numbers, text: bytes };
}

export function record(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null) throw new Rubbish(`${what} is ${value === null ? "null" : `of type ${typeof value}`}`);
  return value as Record<string, unknown>;
}

export function list(value: unknown, what: string): unknown[] {
  if (!Array.isArray(value)) throw new Rubbish(`${what} is no array`);
  return value;
}

export function count(value: unknown, what: string): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw new Rubbish(`${what} is no whole number`);
  return value as number;
}

export function rowId(value: unknown, what: string): RowId {
  if (typeof value === "string" && value !== "") return value;
  if (Number.isSafeInteger(value) && (value as number) > 0) return value as number;
  throw new Rubbish(`${what} is neither a positive whole number nor a text`);
}

/** What changed since a generation; a row that is gone has no data. */
export function changedRows(rows: unknown, removed: unknown): RowData[] {
  const changed = rowsOf(rows, "rows");
  for (const { kind, id } of list(removed ?? [], "removed").map((row) => record(row, "removed"))) {
    if (typeof kind === "string" && KINDS.includes(kind)) changed.push({ kind: kind as RowKind, id: rowId(id, "removed.id"), version: 0 });
  }
  return changed;
}

/** The rows of a conflict. */
export function rowsOf(value: unknown, what: string): RowData[] {
  const rows = list(value, what).map((row, at) => rowOf(row, `${what}[${at}]`));
  return rows.filter(({ kind }) => KINDS.includes(kind));
}

function isText(value: unknown): boolean {
  return value === undefined || value === null || typeof value === "string";
}

function text(value: unknown, what: string): string | undefined {
  if (!isText(value)) throw new Rubbish(`${what} is no text`);
  return (value as string | null | undefined) ?? undefined;
}

function rowOf(value: unknown, place: string): RowData {
  const row = record(value, place);
  if (typeof row.kind !== "string") throw new Rubbish(`${place}.kind is no text`);
  const data = text(row.data, `${place}.data`);
  const secret = text(row.secret, `${place}.secret`);
  return {
    kind: row.kind as RowKind,
    id: rowId(row.id, `${place}.id`),
    version: count(row.version, `${place}.version`),
    ...(data !== undefined && { data }),
    ...(secret !== undefined && { secret }),
  };
}
