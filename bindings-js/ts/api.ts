export { version } from "./wasm/glue.js";
