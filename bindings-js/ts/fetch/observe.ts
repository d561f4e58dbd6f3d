// When the body of an answer has ended: read to its end, given up, or broken. The Response and its stream stay the
// objects that they are; only the methods by which this one is read are listened to.

/** What was read of a body that came to its end: its first and last bytes, or all of it as `tail`. */
export interface StreamEnds {
  head?: string;
  tail: string;
  /** Both are base64: the stream is one of bytes. */
  binary?: true;
}

type Ended = (error?: unknown, ends?: StreamEnds) => void;

/** So much is kept: the first event, and the last ones. By them the engine knows how a stream ended. */
const HEAD_BYTES = 2048;
const TAIL_BYTES = 16 * 1024;
/** So much of a body that is wanted whole; of a longer one nothing is known. */
const WHOLE_BYTES = 64 * 1024;

/** What of a body is wanted: the ends of a stream, of text or of bytes, or all of one JSON. */
type Part = "ends" | "bytes" | "whole";

const READERS = ["arrayBuffer", "blob", "bytes", "formData", "json", "text"] as const;

interface Collector {
  register(target: object, held: () => void): void;
}
type CollectorClass = new (callback: (held: () => void) => void) => Collector;

const Registry = (globalThis as { FinalizationRegistry?: CollectorClass }).FinalizationRegistry;
/** Bodies that nobody reads end when they are collected. */
const dropped = Registry && new Registry((end) => end());

/** Calls back once, when the body has ended; with the error where it broke. */
export function whenBodyEnds(response: Response, ended: Ended, part: Part = "ends"): void {
  const end = once(ended);
  const kept = new Kept(part);
  if (!response.body) return end();
  dropped?.register(response.body, end);
  watchStream(response.body, kept, end);
  for (const name of READERS) {
    const read = (response as unknown as Record<string, unknown>)[name];
    if (typeof read === "function") own(response, name, () => settle((read as () => Promise<unknown>).call(response), kept, end));
  }
  own(response, "clone", () => {
    const copy = Response.prototype.clone.call(response);
    // The body is another stream now.
    if (response.body) watchStream(response.body, kept, end);
    return copy;
  });
}

/** Made here, where no Response is in reach: what the registry holds must not hold the body. */
function once(ended: Ended): Ended {
  let open = true;
  return (error, ends) => {
    if (!open) return;
    open = false;
    ended(error, ends);
  };
}

/** The first and the last bytes that were read. */
class Kept {
  readonly #head: Uint8Array[] = [];
  readonly #tail: Uint8Array[] = [];
  readonly part: Part;
  readonly bytes: number;
  #headSize = 0;
  #tailSize = 0;
  #size = 0;

  constructor(part: Part) {
    this.part = part;
    this.bytes = part === "whole" ? WHOLE_BYTES : TAIL_BYTES;
  }

  add(chunk: unknown): void {
    if (!(chunk instanceof Uint8Array)) return;
    // Copies: what a reader was given is its own.
    if (this.#headSize < HEAD_BYTES) this.#headSize += this.#head[this.#head.push(chunk.slice(0, HEAD_BYTES - this.#headSize)) - 1]?.length ?? 0;
    const part = chunk.slice(-this.bytes);
    this.#tail.push(part);
    this.#tailSize += part.length;
    this.#size += chunk.length;
    for (let first = this.#tail[0]; first && this.#tailSize - first.length >= this.bytes; first = this.#tail[0]) {
      this.#tailSize -= first.length;
      this.#tail.shift();
    }
  }

  ends(): StreamEnds {
    const binary = this.part === "bytes";
    const said = binary ? base64Of : textOf;
    const tail = said(this.#tail);
    return { ...(this.#size > this.#tailSize && { head: said(this.#head) }), tail, ...(binary && { binary }) };
  }
}

function textOf(chunks: readonly Uint8Array[]): string {
  const decoder = new TextDecoder();
  return chunks.map((chunk) => decoder.decode(chunk, { stream: true })).join("") + decoder.decode();
}

function base64Of(chunks: readonly Uint8Array[]): string {
  let binary = "";
  for (const chunk of chunks) for (const byte of chunk) binary += String.fromCharCode(byte);
  return btoa(binary);
}

function watchStream(stream: ReadableStream<Uint8Array>, kept: Kept, end: Ended): void {
  const open = stream.getReader.bind(stream) as (options?: ReadableStreamGetReaderOptions) => ReadableStreamDefaultReader<Uint8Array>;
  const reader = (options?: ReadableStreamGetReaderOptions) => watchReader(open(options), kept, end);
  own(stream, "getReader", reader);
  const cancel = stream.cancel.bind(stream);
  own(stream, "cancel", (reason?: unknown) => {
    const cancelled = cancel(reason);
    end();
    return cancelled;
  });
  // The other ways to read use none of these methods, so they read a stream that does.
  const relay = () => relayOf(reader());
  own(stream, "pipeTo", (...args: Parameters<typeof stream.pipeTo>) => relay().pipeTo(...args));
  own(stream, "pipeThrough", (...args: Parameters<typeof stream.pipeThrough>) => relay().pipeThrough(...args));
  own(stream, "tee", () => relay().tee());
  const iterate = (options?: { preventCancel?: boolean }) => iterateOver(reader(), options?.preventCancel === true);
  own(stream, "values", iterate);
  own(stream, Symbol.asyncIterator, iterate);
}

function watchReader(reader: ReadableStreamDefaultReader<Uint8Array>, kept: Kept, end: Ended): ReadableStreamDefaultReader<Uint8Array> {
  const read = reader.read.bind(reader) as (...args: unknown[]) => Promise<ReadableStreamReadResult<Uint8Array>>;
  own(reader, "read", (...args: unknown[]) =>
    read(...args).then(
      (part) => {
        if (part.done) end(undefined, kept.ends());
        else kept.add(part.value);
        return part;
      },
      (error: unknown) => {
        end(error);
        throw error;
      },
    ),
  );
  const cancel = reader.cancel.bind(reader);
  own(reader, "cancel", (reason?: unknown) => {
    const cancelled = cancel(reason);
    end();
    return cancelled;
  });
  return reader;
}

function relayOf(reader: ReadableStreamDefaultReader<Uint8Array>): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await reader.read();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}

async function* iterateOver(reader: ReadableStreamDefaultReader<Uint8Array>, preventCancel: boolean): AsyncGenerator<Uint8Array, void, undefined> {
  let finished = false;
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) yield part.value;
    finished = true;
  } catch (error) {
    finished = true;
    throw error;
  } finally {
    if (!finished && !preventCancel) await reader.cancel();
    reader.releaseLock();
  }
}

/** A body that was read at once: what is neither text nor bytes is not looked at, unless all of one JSON is wanted. */
function settle<T>(reading: Promise<T>, kept: Kept, end: Ended): Promise<T> {
  reading.then((whole) => {
    if (typeof whole === "string" && kept.part === "bytes") return end();
    if (typeof whole === "string") return end(undefined, whole.length > kept.bytes ? { head: whole.slice(0, HEAD_BYTES), tail: whole.slice(-kept.bytes) } : { tail: whole });
    const bytes = whole instanceof ArrayBuffer ? new Uint8Array(whole) : whole;
    if (!(bytes instanceof Uint8Array)) {
      const tail = kept.part === "whole" ? topOf(whole) : undefined;
      return end(undefined, tail === undefined ? undefined : { tail });
    }
    kept.add(bytes);
    end(undefined, kept.ends());
  }, (error: unknown) => end(error));
  return reading;
}

/** The top of what was read as JSON: its numbers and objects. Lists and texts are long, and say nothing of what a call took. */
function topOf(json: unknown): string | undefined {
  const last: unknown = Array.isArray(json) ? json.at(-1) : json;
  if (typeof last !== "object" || last === null || last instanceof Blob) return undefined;
  const top = Object.entries(last as Record<string, unknown>).filter(([, value]) => typeof value === "number" || (typeof value === "object" && value !== null && !Array.isArray(value)));
  const text = JSON.stringify(Object.fromEntries(top));
  return text.length > WHOLE_BYTES ? undefined : text;
}

function own(target: object, name: PropertyKey, value: unknown): void {
  Object.defineProperty(target, name, { value, configurable: true, writable: true, enumerable: false });
}
