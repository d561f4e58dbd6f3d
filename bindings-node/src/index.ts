// `credpool/node`: what only Node, Bun and Deno can give.
export { sqliteStore } from "./store/sqlite.js";
export type { SqliteStoreOptions } from "./store/sqlite.js";
export { version } from "credpool";
