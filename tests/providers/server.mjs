// @ts-check
/**
 * A local server that speaks OpenAI's, Anthropic's and Gemini's HTTP as they do: paths, headers,
 * bodies, status codes and the framing of streams. What each key does is data (key.mjs).
 *
 *     const server = await startProviderServer({ keys: { "sk-a": { requestsPerWindow: 3, windowMs: 1000 } } });
 *     new OpenAI({ apiKey: "sk-a", baseURL: `${server.url}/v1` });
 *     new Anthropic({ apiKey: "sk-ant-b", baseURL: server.url });
 *     server.stats().keys["sk-a"].byStatus;   // { 200: 3, 429: 1 }
 *     await server.close();
 */
import { createServer } from "node:http";
import { anthropic } from "./anthropic.mjs";
import { gemini } from "./gemini.mjs";
import { Key } from "./key.mjs";
import { openai } from "./openai.mjs";
import { Recorder } from "./stats.mjs";

/** @typedef {import("node:http").IncomingMessage} IncomingMessage */
/** @typedef {import("node:http").ServerResponse} ServerResponse */
/** @typedef {import("./dialect.mjs").Call} Call */
/** @typedef {import("./dialect.mjs").Dialect} Dialect */
/** @typedef {import("./dialect.mjs").HeaderMap} HeaderMap */
/** @typedef {import("./dialect.mjs").Reply} Reply */
/** @typedef {import("./key.mjs").KeySpec} KeySpec */

/**
 * @typedef {object} ServerOptions
 * @property {Record<string, KeySpec>} keys
 * @property {KeySpec["fault"]} [fault]  what is wrong with the whole upstream, whichever key is used
 * @property {number} [latencyMs]        until an answer begins (0)
 * @property {number} [refusalMs]        until a refusal (0)
 * @property {number} [chunkMs]          between two events of a stream (0)
 * @property {number} [maxBodyBytes]     above it, 413 (32 MB)
 *
 * @typedef {object} ProviderServer
 * @property {string} url
 * @property {() => import("./stats.mjs").Stats} stats
 * @property {() => import("./stats.mjs").Seen[]} requests   the last ones, with their headers
 * @property {(key: string, spec: KeySpec) => void} setKey   gives out a key, or changes how it behaves from now on
 * @property {(fault: KeySpec["fault"]) => void} setFault    the same for the whole upstream
 * @property {() => Promise<void>} close
 */

const DIALECTS = [anthropic, gemini, openai];

/**
 * @param {ServerOptions} options
 * @returns {Promise<ProviderServer>}
 */
export async function startProviderServer(options) {
  const upstream = new Upstream(options);
  const server = createServer((request, response) => {
    upstream.serve(request, response).catch((/** @type {unknown} */ error) => {
      if (!response.headersSent) response.writeHead(500, { "content-type": "text/plain" });
      response.end(`the test server failed: ${error instanceof Error ? error.stack : error}`);
    });
  });
  server.keepAliveTimeout = 30_000;
  /** @type {Set<import("node:net").Socket>} */
  const sockets = new Set();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => resolve(undefined));
  });
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  return {
    url: `http://127.0.0.1:${port}`,
    stats: () => upstream.recorder.stats(),
    requests: () => upstream.recorder.requests(),
    setKey: (key, spec) => upstream.setKey(key, spec),
    setFault: (fault) => upstream.setFault(fault),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections?.();
        for (const socket of sockets) socket.destroy();
      }),
  };
}

class Upstream {
  recorder = new Recorder();
  /** @type {Map<string, Key>} */
  #keys = new Map();
  /** @type {Key} */
  #all = new Key("", {});
  /** @type {WeakSet<ServerResponse>} connections that this server ended on purpose */
  #cut = new WeakSet();
  #options;
  #count = 0;

  /** @param {ServerOptions} options */
  constructor(options) {
    this.#options = { latencyMs: 0, refusalMs: 0, chunkMs: 0, maxBodyBytes: 32 << 20, ...options };
    for (const [key, spec] of Object.entries(options.keys)) this.setKey(key, spec);
    this.setFault(options.fault);
  }

  /** @param {string} secret @param {KeySpec} spec */
  setKey(secret, spec) {
    this.#keys.set(secret, new Key(secret, spec));
    this.recorder.key(secret, spec.name);
  }

  /** @param {KeySpec["fault"]} fault */
  setFault(fault) {
    this.#all = new Key("", fault === undefined ? {} : { fault });
  }

  /** @param {IncomingMessage} request @param {ServerResponse} response */
  async serve(request, response) {
    const id = String(++this.#count).padStart(8, "0");
    const url = new URL(request.url ?? "/", "http://127.0.0.1");
    const headers = /** @type {HeaderMap} */ (request.headers);
    this.recorder.request();
    const body = await readBody(request, this.#options.maxBodyBytes);
    for (const dialect of DIALECTS) {
      const operation = dialect.operation(request.method ?? "GET", url, headers);
      if (operation) return this.#inDialect(dialect, operation, { id, url, headers, body, response });
    }
    this.recorder.status(404);
    send(response, { status: 404, body: { error: { message: `Invalid URL (${request.method} ${url.pathname})`, type: "invalid_request_error", param: null, code: null } } });
  }

  /**
   * From the key to the answer.
   *
   * @param {Dialect} dialect
   * @param {string} operation
   * @param {{ id: string, url: URL, headers: HeaderMap, body: Buffer | undefined, response: ServerResponse }} request
   */
  async #inDialect(dialect, operation, { id, url, headers, body, response }) {
    /** @param {Reply} reply @param {import("./stats.mjs").KeyStats} [stats] */
    const refuse = (reply, stats) => {
      this.recorder.status(reply.status, stats);
      send(response, { ...reply, headers: { ...dialect.headers(id), ...reply.headers } });
    };

    const found = keysIn(url, headers);
    const [first] = found;
    if (!first || found.some(({ key, place }) => key !== first.key || !dialect.places.includes(place))) {
      this.recorder.stray("misplaced");
      return refuse(dialect.misplaced(id));
    }
    const key = this.#keys.get(first.key);
    if (!key || key.provider !== dialect.name) {
      this.recorder.stray("unknown");
      return refuse(dialect.refuse("revoked", { id, key: first.key, model: "" }));
    }

    const stats = this.recorder.key(key.secret);
    this.recorder.begin(stats, first.place);
    response.once("close", () => {
      stats.inFlight -= 1;
      if (!response.writableFinished && !this.#cut.has(response)) stats.aborted += 1;
    });
    if (body === undefined) return refuse({ status: 413, body: { error: { type: "request_too_large", message: "Request exceeds the maximum size" } } }, stats);
    const call = dialect.read(operation, url, parse(body), id);
    if ("status" in call) return refuse(call, stats);

    const now = performance.now();
    const whole = this.#all.decide(call.model, now);
    const decision = whole.fault ? whole : key.decide(call.model, now);
    if (decision.fault) this.recorder.fault(decision.fault.kind, stats);
    const status = await this.#perform(dialect, call, key, decision, response);
    this.recorder.remember({ at: Date.now(), key: key.secret, operation, model: call.model, stream: call.stream, status, headers });
  }

  /**
   * Sends what was decided.
   *
   * @param {Dialect} dialect
   * @param {Call} call
   * @param {Key} key
   * @param {import("./key.mjs").Decision} decision
   * @param {ServerResponse} response
   * @returns {Promise<number>} the status that went out, 0 for none
   */
  async #perform(dialect, call, key, { fault, window }, response) {
    const { latencyMs, refusalMs, chunkMs } = this.#options;
    const stats = this.recorder.key(key.secret);
    const base = { ...dialect.headers(call.id, window), ...key.spec.headers };
    const cut = () => {
      this.#cut.add(response);
      stats.dropped += 1;
      response.destroy();
    };
    const midway = fault?.kind === "drop_midway" || (fault?.kind === "error_midway" && call.stream);

    await sleep(fault && !midway ? refusalMs : (key.spec.latencyMs ?? latencyMs));
    if (fault?.kind === "hang") return 0;
    if (fault?.kind === "drop") {
      cut();
      return 0;
    }
    if (fault && !midway) {
      const reply = replyTo(fault, dialect, { id: call.id, key: key.secret, model: call.model, window });
      this.recorder.status(reply.status, stats);
      send(response, { ...reply, headers: { ...dialect.headers(call.id, window), ...reply.headers, ...key.spec.headers } });
      return reply.status;
    }

    this.recorder.status(200, stats);
    if (!call.stream) {
      const text = JSON.stringify(dialect.answer(call));
      response.writeHead(200, { ...base, "content-type": "application/json", "content-length": String(Buffer.byteLength(text)) });
      if (!midway) response.end(text);
      else response.write(text.slice(0, text.length / 2), () => setTimeout(cut, 5));
      return 200;
    }
    response.writeHead(200, { ...base, "content-type": call.array ? "application/json; charset=UTF-8" : "text/event-stream; charset=utf-8", "cache-control": "no-cache" });
    const frames = [...dialect.frames(call)];
    const end = midway ? Math.ceil(frames.length / 2) : frames.length;
    for (const frame of frames.slice(0, end)) {
      if (response.destroyed) return 200;
      response.write(frame);
      await sleep(chunkMs);
    }
    if (fault?.kind === "drop_midway") setTimeout(cut, 5);
    else response.end(fault ? dialect.brokenFrame(call) : undefined);
    return 200;
  }
}

/**
 * @param {import("./key.mjs").Fault} fault
 * @param {Dialect} dialect
 * @param {import("./dialect.mjs").Refusal} about
 * @returns {Reply}
 */
function replyTo(fault, dialect, about) {
  switch (fault.kind) {
    case "raw":
      return fault.reply ?? { status: 500, body: "" };
    case "html_502":
      return {
        status: 502,
        headers: { "content-type": "text/html", server: "nginx" },
        body: "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n",
      };
    case "not_json":
      return { status: 200, headers: { "content-type": "application/json" }, body: '{"id": "half of an ans' };
    default:
      return dialect.refuse(fault.kind, about);
  }
}

/** @param {ServerResponse} response @param {Reply} reply */
function send(response, { status, headers, body }) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  response.writeHead(status, { "content-type": "application/json", "content-length": String(Buffer.byteLength(text)), ...headers });
  response.end(text);
}

/**
 * Every key in a request and where it was, right or wrong.
 *
 * @param {URL} url
 * @param {HeaderMap} headers
 * @returns {{ place: import("./dialect.mjs").Place, key: string }[]}
 */
function keysIn(url, headers) {
  /** @type {[import("./dialect.mjs").Place, unknown][]} */
  const places = [
    ["bearer", /^Bearer +(.*)$/i.exec(String(headers["authorization"] ?? ""))?.[1]],
    ["x-api-key", headers["x-api-key"]],
    ["api-key", headers["api-key"]],
    ["x-goog-api-key", headers["x-goog-api-key"]],
    ["query", url.searchParams.get("key")],
  ];
  return places.flatMap(([place, key]) => (typeof key === "string" && key !== "" ? [{ place, key }] : []));
}

/** @param {IncomingMessage} request @param {number} max @returns {Promise<Buffer | undefined>} undefined: too large */
async function readBody(request, max) {
  /** @type {Buffer[]} */
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size <= max) chunks.push(chunk);
  }
  return size <= max ? Buffer.concat(chunks) : undefined;
}

/** @param {Buffer} body @returns {unknown} */
function parse(body) {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    return undefined;
  }
}

/** @param {number} ms */
function sleep(ms) {
  return ms > 0 ? new Promise((resolve) => setTimeout(resolve, ms)) : Promise.resolve();
}
