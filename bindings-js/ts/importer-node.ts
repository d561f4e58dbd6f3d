// `credpool/import` under the condition `node`: its WebAssembly is read from its file.
import { loadImporterBy } from "./importer-files.js";
import { bytes } from "./load/file.js";

loadImporterBy(async () => {
  const [file, { detectTool, initSync, readTool, writeTool }] = await Promise.all([
    bytes(() => new URL("./wasm/importer.wasm", import.meta.url), () => import("./wasm/importer-bytes.js")),
    import("./wasm/importer-glue.js"),
  ]);
  initSync({ module: await WebAssembly.compile(file) });
  return { detectTool, readTool, writeTool };
});

export * from "./importer-api.js";
