// An answer that is to name another model than its upstream does: the same Response with a body that is rewritten while it is
// read. What is rewritten the engine's WebAssembly says, byte by byte; nothing is kept here.
import type { WasmModelNames } from "../wasm/glue.js";

/** The answer with other names of models in it; itself where nothing is to be rewritten. */
export function renamed(answer: Response, names: WasmModelNames | undefined): Response {
  if (!names) return answer;
  if (!answer.body || answer.bodyUsed || answer.body.locked) {
    names.free();
    return answer;
  }
  const headers = new Headers(answer.headers);
  // Another name has another length.
  headers.delete("content-length");
  const { status, statusText, url, redirected } = answer;
  const response = new Response(rewritten(answer.body, names), { status, statusText, headers });
  // What a Response that was made by hand cannot be told.
  for (const [name, value] of [["url", url], ["redirected", redirected]] as const) Object.defineProperty(response, name, { value, configurable: true });
  return response;
}

function rewritten(body: ReadableStream<Uint8Array>, names: WasmModelNames): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  let open = true;
  const end = () => {
    if (open) names.free();
    open = false;
  };
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          for (let part = await reader.read(); open; part = await reader.read()) {
            if (part.done) {
              end();
              return controller.close();
            }
            const bytes = names.push(part.value);
            if (bytes.length > 0) return controller.enqueue(bytes as Uint8Array<ArrayBuffer>);
          }
        } catch (error) {
          end();
          throw error;
        }
      },
      cancel(reason) {
        end();
        return reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}
