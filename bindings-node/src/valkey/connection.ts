// One connection to a server: made when it is needed, made anew when it was lost. A request whose answer was lost is rejected, not
// repeated: whoever asks knows whether it may be.
import net from "node:net";
import tls from "node:tls";
import { ValkeyError } from "./error.js";
import type { Answer } from "./protocol.js";
import { AnswerReader, requestOf } from "./protocol.js";

/** Where a server is, and who we are there. */
export interface ServerAddress {
  host: string;
  port: number;
  /** A path of a Unix socket, in place of host and port. */
  path?: string;
  user?: string;
  password?: string;
  database: number;
  tls?: tls.ConnectionOptions;
}

interface Waiting {
  resolve: (answer: Exclude<Answer, ValkeyError>) => void;
  reject: (error: unknown) => void;
}

/** `valkey://`, `redis://`, with TLS `valkeys://`, `rediss://`, or `unix://[USER:PASSWORD@]localhost/PATH?db=DATABASE`. */
export function addressOf(text: string, more: tls.ConnectionOptions | undefined): ServerAddress {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new ValkeyError("ADDRESS", "valkeyLimits: the url is none: valkey://[USER:PASSWORD@]HOST[:PORT][/DATABASE] is meant");
  }
  const [, scheme = "", secure] = /^(valkey|redis|unix)(s?):$/.exec(url.protocol) ?? [];
  if (scheme === "" || (scheme === "unix" && secure)) throw new ValkeyError("ADDRESS", "valkeyLimits: the url begins with valkey://, redis://, valkeys://, rediss:// or unix://");
  const database = scheme === "unix" ? (url.searchParams.get("db") ?? "0") : url.pathname.replace(/^\//, "") || "0";
  if (!/^\d{1,5}$/.test(database)) throw new ValkeyError("ADDRESS", "valkeyLimits: the url's database is a number, such as /0");
  const host = url.hostname.replace(/^\[|\]$/g, "") || "127.0.0.1";
  return {
    host,
    port: Number(url.port || 6379),
    database: Number(database),
    ...(scheme === "unix" && { path: decodeURIComponent(url.pathname) }),
    ...(url.username && { user: decodeURIComponent(url.username) }),
    ...(url.password && { password: decodeURIComponent(url.password) }),
    ...((secure || more) && { tls: { servername: net.isIP(host) ? "" : host, ...more } }),
  };
}

/** A connection that is there while it is needed. */
export class Connection {
  readonly #address: ServerAddress;
  readonly #timeoutMs: number;
  #socket: Promise<net.Socket> | undefined;
  #waiting: Waiting[] = [];

  constructor(address: ServerAddress, timeoutMs: number) {
    this.#address = address;
    this.#timeoutMs = timeoutMs;
  }

  /** The place, for people. */
  get place(): string {
    const { host, port, path } = this.#address;
    return path ?? `${host.includes(":") ? `[${host}]` : host}:${port}`;
  }

  /** Sends a request; rejected with a `ValkeyError`. */
  async command(words: readonly string[]): Promise<Exclude<Answer, ValkeyError>> {
    const socket = await (this.#socket ??= this.#open());
    return this.#ask(socket, words);
  }

  close(): void {
    void this.#socket?.then((socket) => socket.destroy(), () => undefined);
    this.#lost(new ValkeyError("CLOSED", `${this.place}: the connection was closed`));
  }

  #ask(socket: net.Socket, words: readonly string[]): Promise<Exclude<Answer, ValkeyError>> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => socket.destroy(new ValkeyError("TIMEOUT", `${this.place}: no answer within ${this.#timeoutMs} ms`)), this.#timeoutMs);
      socket.ref();
      const settle = () => {
        clearTimeout(timer);
        // Whoever has asked nothing keeps no process alive.
        if (this.#waiting.length === 0) socket.unref();
      };
      this.#waiting.push({ resolve: (answer) => (settle(), resolve(answer)), reject: (error) => (settle(), reject(error)) });
      socket.write(requestOf(words));
    });
  }

  async #open(): Promise<net.Socket> {
    const { host, port, path, user, password, database, tls: secure } = this.#address;
    const at = path === undefined ? { host, port } : { path };
    const socket = secure ? tls.connect({ ...at, ...secure }) : net.connect(at);
    socket.setNoDelay(true);
    const reader = new AnswerReader();
    socket.on("data", (piece) => {
      try {
        for (const answer of reader.take(piece)) {
          const next = this.#waiting.shift();
          if (answer instanceof ValkeyError) next?.reject(answer);
          else next?.resolve(answer);
        }
      } catch (error) {
        socket.destroy(error as Error);
      }
    });
    let why: unknown;
    socket.on("error", (error) => (why = error));
    const lost = new Promise<never>((_, reject) => {
      socket.once("close", () => {
        const error = why instanceof ValkeyError ? why : new ValkeyError((why as { code?: string } | undefined)?.code ?? "CLOSED", `${this.place}: ${why instanceof Error ? why.message : "the server has closed the connection"}`);
        this.#lost(error);
        reject(error);
      });
    });
    lost.catch(() => undefined);
    const timer = setTimeout(() => socket.destroy(new ValkeyError("TIMEOUT", `${this.place}: no connection within ${this.#timeoutMs} ms`)), this.#timeoutMs);
    try {
      await Promise.race([new Promise<void>((resolve) => socket.once(secure ? "secureConnect" : "connect", () => resolve())), lost]);
      if (password !== undefined) await this.#ask(socket, user === undefined ? ["AUTH", password] : ["AUTH", user, password]);
      if (database > 0) await this.#ask(socket, ["SELECT", String(database)]);
      return socket;
    } catch (error) {
      socket.destroy();
      this.#socket = undefined;
      // A server's answer to a wrong password may quote it.
      throw error instanceof ValkeyError && /^(WRONGPASS|NOAUTH|ERR|NOPERM)$/.test(error.code) ? new ValkeyError(error.code, `${this.place}: the server refused the name, the password or the database`) : error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** All that was asked on it is rejected; the next request makes another. */
  #lost(error: ValkeyError): void {
    this.#socket = undefined;
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}
