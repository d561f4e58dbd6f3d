// `credpool/node`: what only Node, Bun and Deno can give.
export { hasBrowser, openBrowser } from "./login/browser.js";
export { loopback } from "./login/loopback.js";
export { proxyTransport } from "./proxy.js";
export { keyFile, keyFromEnv, systemKeychain } from "./sealing.js";
export { isSqliteBusyError } from "./store/sqlite-driver.js";
export { sqliteStore } from "./store/sqlite.js";
export type { SqliteStoreOptions } from "./store/sqlite.js";
export { version } from "credpool";
