// `credpool/import` under the condition `workerd`.
import { loadImporterBy } from "./importer-files.js";
import { detectTool, initSync, readTool, writeTool } from "./wasm/importer-glue.js";
import module from "./wasm/importer.wasm";

loadImporterBy(() => {
  initSync({ module });
  return { detectTool, readTool, writeTool };
});

export * from "./importer-api.js";
