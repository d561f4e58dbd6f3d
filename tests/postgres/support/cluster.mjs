// @ts-check
// A PostgreSQL server of its own for a test: made in a folder that is removed, by a user without rights, on a free port.
import { execFile, spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { end, freePort } from "../../servers.mjs";

const execute = promisify(execFile);

/** Where the server's programs are: of the newest version from 15. @returns {string | undefined} */
export function programs() {
  const roots = ["/usr/lib/postgresql", "/opt/homebrew/opt", "/usr/local/opt"].filter((root) => fs.existsSync(root));
  const found = roots.flatMap((root) => fs.readdirSync(root).map((name) => ({ version: Number(/(\d+)$/.exec(name)?.[1] ?? 0), bin: path.join(root, name, "bin") })));
  const usable = found.filter(({ version, bin }) => version >= 15 && fs.existsSync(path.join(bin, "initdb")));
  return usable.sort((one, other) => other.version - one.version)[0]?.bin;
}

/** The server does not run as root: then it is the package's own user, or nobody. */
async function plainUser() {
  if (process.getuid?.() !== 0) return undefined;
  const { stdout } = await execute("getent", ["passwd", "postgres", "nobody"]).catch((error) => error);
  const [, , uid, gid] = String(stdout).split("\n")[0]?.split(":") ?? [];
  if (!uid) throw new Error("there is no user postgres and no nobody to run the server as");
  return { uid: Number(uid), gid: Number(gid) };
}

/** @param {{ password?: string, tls?: boolean, settings?: Record<string, string> }} [options] */
export async function startCluster({ password = "of-a-test", tls = false, settings = {} } = {}) {
  const bin = programs();
  if (!bin) throw new Error("there is no PostgreSQL from 15 on this machine: scripts/setup installs it");
  const user = await plainUser();
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "credpool-postgres-"));
  const data = path.join(folder, "data");
  const secret = path.join(folder, "password");
  fs.writeFileSync(secret, password, { mode: 0o600 });
  if (user) for (const each of [folder, secret]) fs.chownSync(each, user.uid, user.gid);
  const env = { ...process.env, LC_ALL: "C", TZ: "UTC" };
  const plain = { cwd: folder, env, ...user };
  await execute(path.join(bin, "initdb"), ["--pgdata", data, "--username", "owner", "--auth", "scram-sha-256", "--pwfile", secret, "--encoding", "UTF8", "--no-sync"], plain);
  const port = await freePort();
  const lines = {
    listen_addresses: "'127.0.0.1'", port: String(port), unix_socket_directories: `'${folder}'`, max_connections: "120", shared_buffers: "'64MB'",
    log_min_messages: "fatal", ...(tls && { ssl: "on", ssl_cert_file: "'server.crt'", ssl_key_file: "'server.key'" }), ...settings,
  };
  fs.appendFileSync(path.join(data, "postgresql.conf"), Object.entries(lines).map(([name, value]) => `${name} = ${value}\n`).join(""));
  let ca = "";
  if (tls) {
    const args = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
    await execute("openssl", [...args, "-keyout", path.join(data, "server.key"), "-out", path.join(data, "server.crt")], plain);
    fs.chmodSync(path.join(data, "server.key"), 0o600);
    ca = fs.readFileSync(path.join(data, "server.crt"), "utf8");
  }
  /** @type {import("node:child_process").ChildProcess | undefined} */
  let server;
  const log = path.join(folder, "log");

  async function start() {
    const out = fs.openSync(log, "a");
    server = spawn(path.join(bin ?? "", "postgres"), ["-D", data], { ...plain, stdio: ["ignore", out, out] });
    fs.closeSync(out);
    for (let tries = 0; ; tries += 1) {
      const ready = await execute(path.join(bin ?? "", "pg_isready"), ["-q", "-h", "127.0.0.1", "-p", String(port)], { env }).then(() => true, () => false);
      if (ready) return;
      if (tries > 300 || server.exitCode !== null) throw new Error(`the server did not start: ${fs.readFileSync(log, "utf8").slice(-2000)}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** SIGQUIT is a crash: no connection is closed in good order, nothing is written down. @param {"SIGQUIT" | "SIGINT"} [signal] */
  async function stop(signal = "SIGQUIT") {
    const stopped = server;
    server = undefined;
    await end(stopped, signal);
  }

  await start();
  const options = { host: "127.0.0.1", port, user: "owner", password, database: "postgres" };
  return {
    options,
    url: `postgres://owner:${encodeURIComponent(password)}@127.0.0.1:${port}/postgres`,
    folder,
    ca,
    start,
    stop,
    /** A statement from outside. @param {string} sql @returns {Promise<string>} */
    psql: async (sql) => (await execute(path.join(bin ?? "", "psql"), ["-h", "127.0.0.1", "-p", String(port), "-U", "owner", "-d", "postgres", "-qAtc", sql], { env: { ...env, PGPASSWORD: password } })).stdout.trim(),
    remove: async () => {
      await stop();
      fs.rmSync(folder, { recursive: true, force: true });
    },
  };
}
