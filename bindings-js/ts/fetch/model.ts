// Which model a request is for: read from its address or its body, without parsing the body, and put there where the
// upstream has another name for it.
import type { Template } from "./request.js";

/** Longer bodies are not searched. */
const LONGEST = 8 * 1024 * 1024;

/** The model that a request names, if it does. */
export function modelOf(url: URL, content: string | Uint8Array | FormData | undefined): string | undefined {
  return modelInPath(url.pathname) ?? modelInBody(content);
}

/** The same request with another model, put where the first was found. */
export function withModel(request: Template, model: string): Template {
  const path = IN_PATH.exec(request.url.pathname);
  if (path && modelInPath(request.url.pathname) !== undefined) {
    const url = new URL(request.url);
    const [whole = "", before = "", name = ""] = path;
    const verb = /:[a-zA-Z]+$/.exec(decodeURIComponent(name))?.[0] ?? "";
    url.pathname = url.pathname.replace(whole, () => before + encodeURIComponent(model) + verb);
    return { ...request, url };
  }
  const { content } = request.body;
  const changed = content === undefined ? undefined : contentWith(content, model);
  if (changed === undefined) return request;
  const headers = new Headers(request.headers);
  headers.delete("content-length");
  return { ...request, headers, body: { ...request.body, take: () => changed, content: changed } };
}

function contentWith(content: string | Uint8Array | FormData, model: string): string | FormData | undefined {
  if (content instanceof FormData) {
    const form = new FormData();
    for (const [name, value] of content) form.append(name, value);
    form.set("model", model);
    return form;
  }
  const json = typeof content === "string" ? content : new TextDecoder().decode(content);
  const place = topLevelPlace(json, "model");
  return place && json.slice(0, place[0]) + JSON.stringify(model) + json.slice(place[1]);
}

const IN_PATH = /(\/(?:models|deployments)\/)([^/]+)/;

/** Gemini: `/v1beta/models/NAME:generateContent`; Azure: `/openai/deployments/NAME/chat/completions`. */
function modelInPath(path: string): string | undefined {
  const [, , name] = IN_PATH.exec(path) ?? [];
  if (name === undefined) return undefined;
  try {
    return decodeURIComponent(name).replace(/:[a-zA-Z]+$/, "") || undefined;
  } catch {
    return undefined;
  }
}

function modelInBody(content: string | Uint8Array | FormData | undefined): string | undefined {
  if (content === undefined) return undefined;
  if (content instanceof FormData) {
    const model = content.get("model");
    return typeof model === "string" && model !== "" ? model : undefined;
  }
  if (typeof content === "string") return topLevelText(content, "model");
  // "{" first: everything else is no JSON object.
  return content[0] === 0x7b && content.byteLength <= LONGEST ? topLevelText(new TextDecoder().decode(content), "model") : undefined;
}

/** The text of a field of a JSON object, found without parsing the rest; undefined where there is none. */
export function topLevelText(json: string, field: string): string | undefined {
  const place = topLevelPlace(json, field);
  if (!place) return undefined;
  try {
    return (JSON.parse(json.slice(...place)) as string) || undefined;
  } catch {
    return undefined;
  }
}

/** Where that text begins and ends, quotes included. */
function topLevelPlace(json: string, field: string): [start: number, end: number] | undefined {
  if (json.length > LONGEST || !/^\s*\{/.test(json)) return undefined;
  let depth = 0;
  for (let at = json.indexOf("{"); at < json.length; at += 1) {
    switch (json.charCodeAt(at)) {
      case 0x7b: // {
      case 0x5b: // [
        depth += 1;
        break;
      case 0x7d: // }
      case 0x5d: // ]
        depth -= 1;
        if (depth === 0) return undefined;
        break;
      case 0x22: {
        const end = endOfText(json, at);
        if (end < 0) return undefined;
        if (depth === 1 && json.slice(at + 1, end) === field) {
          const value = /^\s*:\s*(")?/.exec(json.slice(end + 1, end + 65));
          if (value) {
            const start = end + value[0].length;
            const close = value[1] === undefined ? -1 : endOfText(json, start);
            return close < 0 ? undefined : [start, close + 1];
          }
        }
        at = end;
      }
    }
  }
  return undefined;
}

/** Where the text that begins at a quote ends; -1 where it does not. */
function endOfText(json: string, quote: number): number {
  for (let at = json.indexOf('"', quote + 1); at >= 0; at = json.indexOf('"', at + 1)) {
    let backslashes = 0;
    while (json.charCodeAt(at - 1 - backslashes) === 0x5c) backslashes += 1;
    if (backslashes % 2 === 0) return at;
  }
  return -1;
}
