// One request with one credential that the caller chose: prepared, or sent once, without retry and without report.
import type { Driver } from "../driver.js";
import { signalOf, template, withCredential } from "../fetch/request.js";
import type { FetchInit, FetchInput } from "../fetch/request.js";
import type { Entry } from "../table.js";

const MAX_BODY = 4 * 1024 * 1024;

/** The request with the credential in it, and every other taken out. */
export async function prepareRequest(entry: Entry, input: FetchInput, init?: FetchInit): Promise<Request> {
  const [url, parts] = await prepared(entry, input, init);
  return new Request(url, parts);
}

/** Sends it once. What comes of it is the caller's to report. */
export async function sendOnce(driver: Driver, entry: Entry, input: FetchInput, init?: FetchInit): Promise<Response> {
  return driver.transport(entry)(...(await prepared(entry, input, init)));
}

async function prepared(entry: Entry, input: FetchInput, init: FetchInit | undefined): Promise<[url: string, init: FetchInit]> {
  const signal = signalOf(input, init);
  signal?.throwIfAborted();
  return withCredential(await template(input, init, entry.view, MAX_BODY, signal), entry, signal);
}
