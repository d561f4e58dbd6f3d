// A folder of other tools' files that is followed: what is in it is in the pool, what goes from it goes. Cooldowns, ties and counts
// stay with a credential whose secret changes; one that was not in the folder is left alone.
import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import type { CredentialPool } from "credpool";
import type { Found, FoundCredential, Tool } from "credpool/import";
import { readPlace } from "../import/files.js";
import { match } from "../import/match.js";
import { besideOf } from "../import/places.js";
import { Looking, Settling, stampOf } from "./looking.js";
import type { FolderOptions, WatchChange, Watching } from "./types.js";

/** So many files of a folder are followed. */
const MOST_FILES = 10_000;
/** What the `source` of a credential that came out of a followed folder begins with: it is found again by the next process. */
const MARK = "watched:";

/**
 * Takes over the `.json` files of a folder, and follows it: a file that is added, changed or deleted changes the pool's credentials. A
 * file that cannot be read keeps what it last said, and so do all where the folder itself is gone; `told` hears why.
 */
export async function watchFolder(pool: CredentialPool, folder: string, options: FolderOptions = {}): Promise<Watching> {
  const followed = new Folder(pool, path.resolve(folder), options);
  return new Looking(path.resolve(folder), (first) => followed.look(first), options.told ?? (() => undefined), options).start();
}

/** A file, as it was taken over. */
interface Taken {
  stamp: string;
  /** Its credentials, by their places: the digest of what was taken over. */
  places: Map<string, string>;
  failed: boolean;
}

class Folder {
  readonly #pool: CredentialPool;
  readonly #folder: string;
  readonly #from: Tool | undefined;
  readonly #told: (change: WatchChange) => void;
  readonly #settleMs: number;
  readonly #goneMs: number;
  readonly #settling = new Settling();
  readonly #files = new Map<string, Taken>();
  #lost = false;
  /** By file and place, as of this look. */
  #marks: Map<string, number> | undefined;

  constructor(pool: CredentialPool, folder: string, { from, told = () => undefined, settleMs = 100, goneMs = 1000 }: FolderOptions) {
    this.#pool = pool;
    this.#folder = folder;
    this.#from = from;
    this.#told = told;
    this.#settleMs = settleMs;
    this.#goneMs = goneMs;
  }

  async look(first: boolean): Promise<number> {
    this.#marks = undefined;
    const there = this.#list();
    if (!there) return Infinity;
    let settles = Infinity;
    const wait = (left: number) => left > 0 && ((settles = Math.min(settles, left)), true);
    for (const file of there) {
      const stamp = stampOf(file);
      const known = this.#files.get(file);
      if (stamp === undefined || known?.stamp === stamp) continue;
      if (wait(first ? 0 : this.#settling.left(file, stamp, this.#settleMs))) continue;
      this.#settling.forget(file);
      if (!(await this.#read(file, stamp))) settles = Math.min(settles, this.#settleMs);
    }
    const present = new Set(there);
    // At the start: what an earlier process took over, and what has gone since.
    const gone = first ? [...new Set([...this.#marked().keys()].map((mark) => mark.slice(0, mark.lastIndexOf("#"))))] : [...this.#files.keys()];
    for (const file of gone) {
      if (present.has(file) || wait(first ? 0 : this.#settling.left(file, "gone", this.#goneMs))) continue;
      this.#settling.forget(file);
      await this.#drop(file, () => true);
      this.#files.delete(file);
    }
    return settles;
  }

  /** The files of the folder, those that editors make for themselves left out. Nothing where it cannot be listed. */
  #list(): string[] | undefined {
    try {
      const names = (fs.readdirSync(this.#folder, { recursive: true }) as string[]).filter((name) => /^[^.#~].*\.json$/i.test(path.basename(name)));
      if (this.#lost) this.#told({ kind: "recovered", file: this.#folder });
      this.#lost = false;
      return names.sort().slice(0, MOST_FILES).map((name) => path.join(this.#folder, name)).filter((file) => stampOf(file) !== undefined && fs.statSync(file).isFile());
    } catch (error) {
      if (!this.#lost) this.#told({ kind: "failed", file: this.#folder, message: `the folder cannot be read (${String((error as { code?: unknown }).code)}): what was in it stays` });
      this.#lost = true;
      return undefined;
    }
  }

  /** Takes over a file; false where it is to be tried again. */
  async #read(file: string, stamp: string): Promise<boolean> {
    const beside = besideOf(this.#from, file);
    const [read] = await readPlace({ file, ...(beside !== undefined && { beside }) }, this.#from).catch((error: Error) => [{ file, error: error.message, found: undefined }]);
    // Written to, or taken away, while it was read.
    if (stampOf(file) !== stamp) return false;
    const known = this.#files.get(file) ?? { stamp, places: new Map<string, string>(), failed: false };
    this.#files.set(file, known);
    known.stamp = stamp;
    if (!read?.found) {
      known.failed = true;
      this.#told({ kind: "failed", file, message: read?.error ?? "it is no file" });
      return true;
    }
    try {
      await this.#take(file, read.found, known);
    } catch (error) {
      // The store may be away: the same file is tried again.
      known.stamp = "";
      known.failed = true;
      this.#told({ kind: "failed", file, message: (error as Error).message });
      return true;
    }
    if (known.failed) this.#told({ kind: "recovered", file });
    known.failed = false;
    return true;
  }

  async #take(file: string, { tool, credentials }: Found, known: Taken): Promise<void> {
    const places = new Set<string>();
    for (const found of credentials) {
      places.add(found.place);
      const digest = createHash("sha256").update(JSON.stringify(found.credential)).digest("base64");
      if (known.places.get(found.place) === digest) continue;
      await this.#put(file, found, tool);
      known.places.set(found.place, digest);
    }
    await this.#drop(file, (place) => !places.has(place));
    for (const place of known.places.keys()) if (!places.has(place)) known.places.delete(place);
  }

  /** One credential of a file: under the name that it has already, so that all that is known of it stays. */
  async #put(file: string, found: FoundCredential, tool: Tool): Promise<void> {
    const source = `${MARK}${file}#${found.place}`;
    const id = this.#marked().get(`${file}#${found.place}`);
    const planned = match(this.#pool, found, tool);
    const { provider, ...credential } = planned.credential;
    const held = id === undefined ? undefined : this.#pool.get(id);
    // The pool renews accounts: its tokens are the newer ones.
    if (planned.action === "older") return;
    if (held && this.#pool.providers.get(provider)?.name !== this.#pool.providers.get(held.provider)?.name) await this.#remove(file, held.id);
    else if (held) {
      this.#marked().set(`${file}#${found.place}`, await this.#pool.add(provider, { ...credential, name: held.name, source }));
      this.#told({ kind: "changed", file, name: `${held.provider}:${held.name}` });
      return;
    }
    // Somebody's own, that was there before: it stays his.
    if (planned.action === "same") return;
    const stored = await this.#pool.add(provider, { ...credential, source });
    this.#marked().set(`${file}#${found.place}`, stored);
    const added = this.#pool.get(stored);
    this.#told({ kind: planned.action === "renew" ? "changed" : "added", file, name: `${added?.provider ?? provider}:${added?.name ?? ""}` });
  }

  /** Takes out what came from these places of a file. */
  async #drop(file: string, isGone: (place: string) => boolean): Promise<void> {
    for (const [mark, id] of [...this.#marked()]) {
      const at = mark.lastIndexOf("#");
      if (mark.slice(0, at) !== file || !isGone(mark.slice(at + 1))) continue;
      await this.#remove(file, id);
      this.#marked().delete(mark);
    }
  }

  async #remove(file: string, id: number | undefined): Promise<void> {
    const info = id === undefined ? undefined : this.#pool.get(id);
    if (id === undefined || !info) return;
    try {
      await this.#pool.remove(id);
    } catch (error) {
      // Another process follows the same folder.
      if ((error as { code?: unknown }).code !== "not_found") throw error;
    }
    this.#told({ kind: "removed", file, name: `${info.provider}:${info.name}` });
  }

  /** The pool's credentials that came out of this folder, by file and place. */
  #marked(): Map<string, number> {
    return (this.#marks ??= this.#findMarks());
  }

  #findMarks(): Map<string, number> {
    const marked = new Map<string, number>();
    for (const { id, source } of this.#pool.list()) {
      if (id !== undefined && source?.startsWith(MARK + this.#folder + path.sep)) marked.set(source.slice(MARK.length), id);
    }
    return marked;
  }
}
