// @ts-check
// A Valkey or Redis server, whose program tests start themselves. Where both are missing Debian's package is installed: Valkey from
// Debian 13 on, Redis before.
import { serverProgram } from "../../tests/valkey/support/server.mjs";
import { Failure, ask } from "../lib/run.mjs";
import { duration } from "../lib/say.mjs";
import { installWithApt } from "./apt.mjs";

export async function ensureValkey() {
  const started = Date.now();
  const there = serverProgram();
  if (!there) {
    const name = (await ask("apt-cache", ["policy", "valkey-server"]))?.includes("Candidate: ") ? "valkey-server" : "redis-server";
    await installWithApt("Valkey or Redis", [name], "install one of them, so that valkey-server or redis-server is on PATH.");
  }
  const program = serverProgram();
  if (!program) throw new Failure("Valkey or Redis was installed, but neither valkey-server nor redis-server is on PATH.");
  const version = (await ask(program, ["--version"]))?.match(/v=(\S+)/)?.[1] ?? "";
  return `${program} ${version}${there ? "" : `, installed in ${duration(Date.now() - started)}`}`;
}
