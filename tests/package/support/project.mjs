// @ts-check
// A user's project: an empty folder with the packed package installed, removed at the end.
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { packageFolder } from "../../../scripts/lib/paths.mjs";
import { canary } from "../../canaries.mjs";
import { must } from "../../../scripts/lib/run.mjs";

/** The keys that every probe uses: canaries, which nothing may show. */
export const keys = [canary("api_key"), canary("other_key")];

/** The package's own package.json. */
export const manifest = JSON.parse(fs.readFileSync(path.join(packageFolder, "package.json"), "utf8"));

const npm = process.platform === "win32" ? "npm.cmd" : "npm";

export class Project {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "credpool-project-"));

  /** Packs pkg/ as it would be published and installs that; answers the packed files. */
  async install() {
    const packed = await must(npm, ["pack", "--json", "--loglevel=error", "--pack-destination", this.folder], { cwd: packageFolder });
    const [{ filename, files }] = JSON.parse(packed.slice(packed.indexOf("[")));
    this.write("package.json", JSON.stringify({ private: true, type: "module" }));
    // What is optional is tested elsewhere; here the package stands alone.
    await must(npm, ["install", "--omit=optional", "--no-audit", "--no-fund", "--loglevel=error", `./${filename}`], { cwd: this.folder });
    return /** @type {{ path: string, size: number }[]} */ (files);
  }

  /** @param {string} file @param {string | Buffer} content */
  write(file, content) {
    const target = path.join(this.folder, file);
    fs.mkdirSync(path.dirname(target), { recursive: true });
    fs.writeFileSync(target, content);
    return target;
  }

  /** A file of the repository, at the same or another name. @param {string} source @param {string} file */
  copy(source, file) {
    return this.write(file, fs.readFileSync(source));
  }

  /** @param {string} file */
  path(file) {
    return path.join(this.folder, file);
  }

  remove() {
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}
