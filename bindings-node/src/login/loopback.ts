// Receives the browser on this machine (RFC 8252 §7.3): one server for one login, on loopback addresses only, closed as soon
// as the login is over.
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { CredpoolError } from "credpool";
import type { CallbackFactory, CallbackReceiver, CallbackResult } from "credpool";
import { page } from "./page.js";

/** A callback's address longer than this is none. */
const LONGEST_URL = 8 * 1024;
/** Whoever connects says what it wants within this time. */
const REQUEST_MS = 10_000;
/** A browser that is waiting for its page may still get it for so long after the login is over. */
const LINGER_MS = 2_000;

/**
 * Makes receivers for logins in a browser: 127.0.0.1 (and ::1 where the provider knows the redirect as `localhost`), at the
 * port that the provider knows, or any.
 */
export function loopback(): CallbackFactory {
  return async (redirectUri) => {
    const wanted = new URL(redirectUri);
    if (wanted.protocol !== "http:" || !isLoopback(wanted.hostname)) {
      throw new CredpoolError("invalid", `the provider sends the browser to ${wanted.protocol}//${wanted.host}, which is not this machine: log in without callback, and paste what the browser shows`);
    }
    const receiver = new Loopback(wanted.pathname);
    const port = await receiver.open(wanted);
    wanted.port = String(port);
    return receiver.at(wanted.href);
  };
}

function isLoopback(host: string): boolean {
  return host === "127.0.0.1" || host === "localhost" || host === "[::1]";
}

class Loopback {
  readonly #path: string;
  readonly #servers: Server[] = [];
  #port = 0;
  #receive: ((url: string) => Promise<CallbackResult>) | undefined;
  /** Callbacks whose page has not been sent. */
  #waiting = 0;
  #used = false;

  constructor(path: string) {
    this.#path = path;
  }

  at(redirectUri: string): CallbackReceiver {
    return {
      redirectUri,
      listen: (receive) => void (this.#receive = receive),
      close: () => this.#close(),
    };
  }

  /** Binds; answers the port. */
  async open({ hostname, port }: URL): Promise<number> {
    const first = hostname === "[::1]" ? "::1" : "127.0.0.1";
    this.#port = await this.#bind(first, Number(port || 0));
    // A browser may take `localhost` for ::1: where somebody else sits there, the code must not go to them.
    if (hostname === "localhost") {
      try {
        await this.#bind("::1", this.#port);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") return this.#port; // There is no IPv6 here.
        this.#close();
        throw busy(this.#port);
      }
    }
    return this.#port;
  }

  #bind(host: string, port: number): Promise<number> {
    const server = createServer({ requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS, maxHeaderSize: 2 * LONGEST_URL }, (request, response) => {
      this.#serve(request, response).catch(() => response.destroy());
    });
    server.maxConnections = 32;
    return new Promise((resolve, reject) => {
      server.once("error", (error: NodeJS.ErrnoException) => reject(error.code === "EADDRINUSE" && host === "127.0.0.1" ? busy(port) : error));
      server.listen({ host, port, exclusive: true }, () => {
        this.#servers.push(server);
        server.unref(); // The login itself keeps the process alive.
        resolve((server.address() as AddressInfo).port);
      });
    });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = request.url ?? "";
    request.resume();
    // A page of somebody else's that had its name point here (DNS rebinding) names itself in Host.
    if (!this.#isOurs(request.headers.host)) return answer(response, 421, page("elsewhere"));
    if (url.split("?")[0] !== this.#path) return answer(response, 404, page("elsewhere"));
    if (request.method !== "GET") return answer(response, 405, page("elsewhere"));
    if (url.length > LONGEST_URL) return answer(response, 414, page("malformed"));
    if (this.#used || !this.#receive) return answer(response, 410, page("used"));
    this.#waiting += 1;
    try {
      const result = await this.#receive(url);
      if (result.ok || result.final) this.#used = true;
      answer(response, result.ok ? 200 : 400, page(result.ok ? "done" : result.code));
    } finally {
      this.#waiting -= 1;
    }
  }

  #isOurs(host: string | undefined): boolean {
    return host !== undefined && ["127.0.0.1", "localhost", "[::1]"].some((name) => host === `${name}:${this.#port}`);
  }

  #close(): void {
    this.#receive = undefined;
    for (const server of this.#servers.splice(0)) {
      server.close();
      if (this.#waiting === 0) server.closeIdleConnections();
      setTimeout(() => server.closeAllConnections(), LINGER_MS).unref();
    }
  }
}

function busy(port: number): CredpoolError {
  return new CredpoolError("unavailable", `port ${port} is in use, and the provider sends the browser to no other: end what uses it, or log in without callback and paste what the browser shows`);
}

function answer(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, {
    "content-type": "text/html; charset=utf-8",
    "content-length": Buffer.byteLength(body),
    "cache-control": "no-store",
    // Nothing of the page is loaded from anywhere, and the address with the code in it is told to nobody.
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    connection: "close",
  });
  response.end(body);
}
