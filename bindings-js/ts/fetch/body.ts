// A request's body, so that it can be sent more than once.

/** What `fetch` takes as a body. */
type BodySource = NonNullable<RequestInit["body"]>;

/** A body and how often it may be sent. */
export interface ReplayBody {
  /** For the next attempt. */
  take(): BodySource | null;
  /** May it be sent again? */
  readonly replayable: boolean;
  /** It is a stream: `fetch` asks for `duplex` then. */
  readonly streamed: boolean;
  /** Its bytes or text, where they are at hand. */
  readonly content: string | Uint8Array | FormData | undefined;
}

const NONE: ReplayBody = { take: () => null, replayable: true, streamed: false, content: undefined };

/** Makes a body repeatable: streams are read into memory, up to `limit` bytes; a longer one is sent once. */
export async function replayBody(source: unknown, limit: number, signal: AbortSignal | undefined): Promise<ReplayBody> {
  if (source === null || source === undefined) return NONE;
  if (source instanceof ReadableStream) return bufferStream(source as ReadableStream<unknown>, limit, signal);
  // Node's streams and generators, which its fetch takes too.
  if (typeof source === "object" && Symbol.asyncIterator in source) return bufferStream(streamOf(source as AsyncIterable<unknown>), limit, signal);
  // Everything else is in memory already, and `fetch` does not use it up.
  const body = source as BodySource;
  const content = typeof source === "string" || source instanceof Uint8Array || source instanceof FormData ? source : undefined;
  return { take: () => body, replayable: true, streamed: false, content };
}

async function bufferStream(stream: ReadableStream<unknown>, limit: number, signal: AbortSignal | undefined): Promise<ReplayBody> {
  const reader = stream.getReader();
  const giveUp = () => void reader.cancel(signal?.reason).catch(() => undefined);
  signal?.addEventListener("abort", giveUp);
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    while (size <= limit) {
      const { done, value } = await reader.read();
      signal?.throwIfAborted();
      if (done) {
        const whole = concat(chunks, size);
        return { take: () => whole, replayable: true, streamed: false, content: whole };
      }
      const chunk = bytesOf(value);
      chunks.push(chunk);
      size += chunk.byteLength;
    }
  } finally {
    signal?.removeEventListener("abort", giveUp);
  }
  return { take: () => resume(chunks, reader), replayable: false, streamed: true, content: undefined };
}

/** What was read, then the rest. */
function resume(chunks: Uint8Array[], reader: ReadableStreamDefaultReader<unknown>): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const read = chunks.shift();
      if (read) return controller.enqueue(read);
      const { done, value } = await reader.read();
      if (done) controller.close();
      else controller.enqueue(bytesOf(value));
    },
    cancel: (reason) => reader.cancel(reason),
  });
}

function streamOf(source: AsyncIterable<unknown>): ReadableStream<unknown> {
  const iterator = source[Symbol.asyncIterator]();
  return new ReadableStream<unknown>({
    async pull(controller) {
      const { done, value } = await iterator.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    async cancel(reason) {
      await iterator.return?.(reason);
    },
  });
}

function bytesOf(chunk: unknown): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk;
  if (typeof chunk === "string") return new TextEncoder().encode(chunk);
  throw new TypeError("a request's body must be a stream of bytes");
}

function concat(chunks: readonly Uint8Array[], size: number): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  return whole;
}
