// `credpool`: ready when it is imported, in every runtime.
import "./load/inline.js";

export * from "./api.js";
