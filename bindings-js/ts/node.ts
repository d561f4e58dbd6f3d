// `credpool` under the condition `node`: Node, Bun and Deno.
import "./load/file.js";

export * from "./api.js";
