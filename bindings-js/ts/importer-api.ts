// What `credpool/import` has, whichever way its WebAssembly comes.
export { isBundle, openBundle, sealBundle } from "./bundle.js";
export type { BundleOptions } from "./bundle.js";
export { CredpoolError } from "./errors.js";
export { detectTool, readToolFile, TOOLS, writeToolFiles } from "./importer-files.js";
export type { Found, FoundCredential, Loss, Note, ReadOptions, Tool, Written } from "./importer-files.js";
