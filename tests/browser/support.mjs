// @ts-check
// Chromium by Playwright, and a server of files that says what a careful site says: no code but its own and WebAssembly.
import fs from "node:fs";
import http from "node:http";
import os from "node:os";
import path from "node:path";
import { chromium } from "playwright-core";

// As root Chromium does not start with its sandbox; the rest keeps it off the network.
const quiet = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";

/** @type {Record<string, string>} */
const types = { ".html": "text/html", ".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm", ".json": "application/json" };

/** Serves a folder on this machine only. @param {string} folder */
export async function serve(folder) {
  const server = http.createServer((request, response) => {
    const asked = decodeURIComponent(new URL(request.url ?? "/", "http://host").pathname);
    const file = path.join(folder, asked.endsWith("/") ? `${asked}index.html` : asked);
    if (!fs.existsSync(file) || !fs.statSync(file).isFile()) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, {
      "content-type": types[path.extname(file)] ?? "application/octet-stream",
      "content-security-policy": "default-src 'self'; script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval'",
    });
    response.end(fs.readFileSync(file));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  return { address: `http://127.0.0.1:${port}`, close: () => server.close() };
}

/**
 * Opens a page and waits for what it says in `document.title`; errors of the page are told instead.
 * @param {import("playwright-core").Browser} browser @param {string} address @param {number} [patience] in milliseconds
 */
export async function titleOf(browser, address, patience = 60_000) {
  const page = await browser.newPage();
  /** @type {string[]} */
  const errors = [];
  page.on("pageerror", (error) => errors.push(error.message));
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  page.on("requestfailed", (request) => errors.push(`${request.url()}: ${request.failure()?.errorText}`));
  try {
    await page.goto(address);
    await page.waitForFunction(() => document.title !== "", null, { timeout: patience });
    return await page.title();
  } catch (error) {
    throw new Error(`${errors.join("; ") || "the page said nothing"} (${/** @type {Error} */ (error).message.split("\n")[0]})`);
  } finally {
    await page.close();
  }
}

/** @template T @param {(browser: import("playwright-core").Browser) => Promise<T>} work */
export async function withChromium(work) {
  const browser = await chromium.launch({ executablePath, args: quiet });
  try {
    return await work(browser);
  } finally {
    await browser.close();
  }
}

/**
 * Chromium with an unpacked extension; the work gets its service worker.
 * @template T @param {string} folder
 * @param {(context: import("playwright-core").BrowserContext, worker: import("playwright-core").Worker) => Promise<T>} work
 */
export async function withExtension(folder, work) {
  const profile = fs.mkdtempSync(path.join(os.tmpdir(), "credpool-profile-"));
  const args = [`--disable-extensions-except=${folder}`, `--load-extension=${folder}`, ...quiet];
  const context = await chromium.launchPersistentContext(profile, { executablePath, headless: true, args });
  try {
    const worker = context.serviceWorkers()[0] ?? (await context.waitForEvent("serviceworker", { timeout: 60_000 }));
    return await work(context, worker);
  } finally {
    await context.close();
    fs.rmSync(profile, { recursive: true, force: true });
  }
}
