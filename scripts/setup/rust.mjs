// @ts-check
// Rust itself is the one thing (beside Node) that a machine must bring.
import fs from "node:fs";
import { at } from "../lib/paths.mjs";
import { Failure, ask } from "../lib/run.mjs";

export async function ensureRust() {
  const version = await ask("rustc", ["--version"]);
  const cargo = await ask("cargo", ["--version"]);
  if (!version || !cargo) {
    throw new Failure("Rust is missing: install it with rustup (or your system's packages) so that `cargo` and `rustc` are on PATH.");
  }
  const floor = /^rust-version = "(\d+)\.(\d+)/m.exec(fs.readFileSync(at("Cargo.toml"), "utf8"));
  const here = /rustc (\d+)\.(\d+)/.exec(version);
  if (floor && here) {
    const older = Number(here[1]) < Number(floor[1]) || (here[1] === floor[1] && Number(here[2]) < Number(floor[2]));
    if (older) throw new Failure(`${version} is too old: this project needs Rust ${floor[1]}.${floor[2]} or newer (\`rustup update stable\`).`);
  }
  return version;
}
