// Requests through a credential's proxy, by what each runtime has for it.
import { CredpoolError } from "credpool";
import type { TransportFactory, TransportTarget } from "credpool";

type Fetch = typeof globalThis.fetch;
type Init = Parameters<Fetch>[1];

interface DenoHttp {
  createHttpClient(options: { proxy: { url: string; basicAuth?: { username: string; password: string } } }): unknown;
}

interface Undici {
  ProxyAgent: new (options: { uri: string; proxyTunnel: boolean }) => unknown;
  fetch: Fetch;
}

/**
 * For `host.transport`: sends the requests of a credential with a `proxyUrl` through it, and leaves all others to the host.
 * `http` and `https` everywhere, `socks5` under Deno. Node needs the package undici beside this one.
 */
export function proxyTransport(): TransportFactory {
  return (target) => (target.proxyUrl === undefined ? undefined : through(target, target.proxyUrl));
}

function through(target: TransportTarget, proxyUrl: string): Fetch {
  const deno = (globalThis as { Deno?: DenoHttp }).Deno;
  if (deno) return denoFetch(deno, proxyUrl);
  if (!/^https?:/.test(proxyUrl)) {
    throw new CredpoolError("invalid", `${target.provider}:${target.name} has a proxy that is not http or https: only Deno goes through it`);
  }
  if (process.versions.bun !== undefined) return (input, init) => fetch(input, { ...init, proxy: proxyUrl } as Init);
  // One agent for each version of a credential: its connections are used again.
  let opened: Promise<Fetch> | undefined;
  return async (input, init) => (await (opened ??= undiciFetch(proxyUrl)))(input, init);
}

function denoFetch(deno: DenoHttp, proxyUrl: string): Fetch {
  const url = new URL(proxyUrl);
  const basicAuth = url.username !== "" && { basicAuth: { username: decodeURIComponent(url.username), password: decodeURIComponent(url.password) } };
  [url.username, url.password] = ["", ""];
  let client: unknown;
  return (input, init) => fetch(input, { ...init, client: (client ??= deno.createHttpClient({ proxy: { url: url.href, ...basicAuth } })) } as Init);
}

async function undiciFetch(proxyUrl: string): Promise<Fetch> {
  // By a name that is not written out: no bundler looks for it.
  const name = "undici";
  const undici = await (import(/* @vite-ignore */ name) as Promise<Undici>).catch((cause: unknown) => {
    throw new CredpoolError("invalid", "Node goes through a proxy with the package undici: install it (npm install undici), or give a host.transport of your own", { cause });
  });
  const dispatcher = new undici.ProxyAgent({ uri: proxyUrl, proxyTunnel: true });
  // Its own fetch, not Node's: an agent of one version and a fetch of another do not understand each other.
  return (input, init) => undici.fetch(input, { ...init, dispatcher } as Init);
}
