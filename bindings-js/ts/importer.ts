// `credpool/import`: other tools' files, read and written; bundles for another machine. Its WebAssembly is inlined.
import { loadImporterBy } from "./importer-files.js";
import { decodeBase64 } from "./load/base64.js";
import base64 from "./wasm/importer-bytes.js";
import { detectTool, initSync, readTool, writeTool } from "./wasm/importer-glue.js";

loadImporterBy(() => {
  initSync({ module: decodeBase64(base64) });
  return { detectTool, readTool, writeTool };
});

export * from "./importer-api.js";
