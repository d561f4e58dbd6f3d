// `credpool` under the condition `workerd`.
import "./load/workerd.js";

export * from "./api.js";
