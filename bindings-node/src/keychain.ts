// The system's keychain by the system's own commands: no package. The key goes through pipes, never through arguments, which every
// process of the machine may read.
import { spawn } from "node:child_process";
import { SealError } from "credpool";

/** What is kept where. */
export interface KeychainEntry {
  readonly service: string;
  readonly account: string;
}

/** A keychain's two verbs. */
export interface KeychainCommands {
  get(): Promise<string | null>;
  set(key: string): Promise<void>;
}

/** Words that are put into a command's own language. Nothing that such a language could read as more than a word. */
const PLAIN = /^[\w.@ -]{1,128}$/;

/** The commands of a system: `security` of macOS, PowerShell with DPAPI of Windows, `secret-tool` of libsecret elsewhere. */
export function keychainCommands(entry: KeychainEntry, platform: string = process.platform): KeychainCommands {
  const { get, set } = commandsOf(entry, platform);
  return {
    get,
    set: async (key) => {
      await set(key);
      // Not every command says that it failed, and what is sealed by a key that nobody kept is lost.
      if ((await get()) !== key) throw new SealError("no_key", "the keychain has not kept the key: it may be locked, or there may be none in this session");
    },
  };
}

function commandsOf({ service, account }: KeychainEntry, platform: string): KeychainCommands {
  if (!PLAIN.test(service) || !PLAIN.test(account)) throw new SealError("no_key", "the keychain's service and account are letters, digits, spaces and . _ - @, 128 at most");
  switch (platform) {
    case "darwin":
      return {
        get: () => answer("security", ["find-generic-password", "-s", service, "-a", account, "-w"], "", [44]),
        // By its own prompt: as an argument the key would be in the list of processes.
        set: async (key) => void (await answer("security", ["-i"], `add-generic-password -U -s "${service}" -a "${account}" -w "${plain(key)}"\n`)),
      };
    case "win32":
      return {
        get: () => answer("powershell.exe", POWERSHELL, `$file = ${fileOf(service, account)}\nif (Test-Path $file) { ${OPENED} }\n`),
        set: async (key) => void (await answer("powershell.exe", POWERSHELL, `$file = ${fileOf(service, account)}\n$key = '${plain(key)}'\n${SEALED}\n`)),
      };
    default:
      return {
        get: () => answer("secret-tool", ["lookup", "service", service, "account", account], "", [1]),
        set: async (key) => void (await answer("secret-tool", ["store", "--label", `${service} ${account}`, "service", service, "account", account], plain(key))),
      };
  }
}

const POWERSHELL = ["-NoProfile", "-NonInteractive", "-Command", "-"];
/** DPAPI: only this user on this machine opens it. */
const fileOf = (service: string, account: string) => `Join-Path $env:LOCALAPPDATA 'credpool\\keys\\${service}-${account}.dpapi'`;
const ASSEMBLY = "Add-Type -AssemblyName System.Security";
const OPENED = `${ASSEMBLY}; [Text.Encoding]::UTF8.GetString([Security.Cryptography.ProtectedData]::Unprotect([IO.File]::ReadAllBytes($file), $null, 'CurrentUser'))`;
const SEALED = `${ASSEMBLY}; New-Item -ItemType Directory -Force -Path (Split-Path $file) | Out-Null; [IO.File]::WriteAllBytes($file, [Security.Cryptography.ProtectedData]::Protect([Text.Encoding]::UTF8.GetBytes($key), $null, 'CurrentUser'))`;

/** A sealing key is letters, digits and signs of base64: it needs no quoting in any language. */
function plain(key: string): string {
  if (!/^[\w+/=-]+$/.test(key)) throw new SealError("no_key", "the key is not one of newSealingKey()");
  return key;
}

/** What a command prints; `null` where it prints nothing, or ends with a code that says that there is nothing. */
function answer(program: string, args: readonly string[], input: string, nothing: readonly number[] = []): Promise<string | null> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"], windowsHide: true });
    let [said, complained] = ["", ""];
    child.stdout.on("data", (text) => (said += String(text)));
    // Read, so that it does not stand still; never shown: it may quote what it was given.
    child.stderr.on("data", (text) => (complained += String(text)));
    child.stdin.on("error", () => undefined);
    child.once("error", (error: NodeJS.ErrnoException) => reject(new SealError("no_key", error.code === "ENOENT" ? missing(program) : `${program} cannot be started (${error.code})`)));
    child.once("close", (code) => {
      if (code === 0) return resolve(said.trim() || null);
      // secret-tool says nothing where there is nothing, and why where it is something else.
      if (code !== null && nothing.includes(code) && (program !== "secret-tool" || complained.trim() === "")) return resolve(null);
      reject(new SealError("no_key", `${program} ended with code ${code}: the keychain may be locked, or there may be none in this session`));
    });
    child.stdin.end(input);
  });
}

function missing(program: string): string {
  const hint = program === "secret-tool" ? ": install it (Debian: libsecret-tools), or the package @napi-rs/keyring" : "";
  return `there is no ${program} here, which speaks to the system's keychain${hint}`;
}
