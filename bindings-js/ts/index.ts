// `credpool`: pages, extensions, and whatever has no entry of its own.
import "./load/inline.js";

export * from "./api.js";
