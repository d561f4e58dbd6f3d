// @ts-check
// Debian's packages, for what is missing; where there is no apt-get or no right to it a sentence says what to do.
import { Failure, ask, must } from "../lib/run.mjs";

/** @param {string} what is missing @param {string[]} packages @param {string} otherwise what to do where there is no apt-get */
export async function installWithApt(what, packages, otherwise) {
  if (!(await ask("apt-get", ["--version"]))) throw new Failure(`${what} is missing and there is no apt-get: ${otherwise}`);
  const rootUser = process.getuid?.() === 0;
  if (!rootUser && !(await ask("sudo", ["-n", "true"]).then((said) => said !== undefined))) {
    throw new Failure(`${what} is missing: run \`sudo apt-get install ${packages.join(" ")}\`, then try again.`);
  }
  const apt = (/** @type {string[]} */ ...args) => {
    const all = ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300", ...args];
    const [program = "", ...rest] = rootUser ? all : ["sudo", "-n", "DEBIAN_FRONTEND=noninteractive", ...all];
    return must(program, rest, { env: { DEBIAN_FRONTEND: "noninteractive" } });
  };
  await apt("update");
  await apt("-y", "install", "--no-install-recommends", ...packages);
}
