// @ts-check
// A PostgreSQL server from 15 on, whose programs tests start themselves. Debian's package is installed where it is missing.
import path from "node:path";
import { programs } from "../../tests/postgres/support/cluster.mjs";
import { Failure, ask } from "../lib/run.mjs";
import { duration } from "../lib/say.mjs";
import { installWithApt } from "./apt.mjs";

export async function ensurePostgres() {
  const started = Date.now();
  const there = programs();
  if (!there) await installWithApt("PostgreSQL (15 or newer)", ["postgresql", "postgresql-client"], "install it, so that its programs are in /usr/lib/postgresql/VERSION/bin.");
  const bin = programs();
  if (!bin) throw new Failure("PostgreSQL was installed, but it is older than 15: install a newer one.");
  const version = (await ask(path.join(bin, "postgres"), ["--version"])) ?? "there";
  return there ? version : `${version}, installed in ${duration(Date.now() - started)}`;
}
