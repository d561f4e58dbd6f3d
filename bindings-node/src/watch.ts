// Folders of credentials and files of rules that are followed while a program runs: `credpool/watch`.
export { watchFolder } from "./watch/folder.js";
export { watchPolicy } from "./watch/policy.js";
export type { FolderOptions, WatchChange, Watching, WatchOptions } from "./watch/types.js";
