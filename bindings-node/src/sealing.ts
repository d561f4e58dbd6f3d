// Keys of sealed stores that only Node, Bun and Deno can get: from a file, the environment, the system's keychain.
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { keychain, newSealingKey, rawKey, SealError } from "credpool";
import type { SealingKey } from "credpool";
import { keychainCommands } from "./keychain.js";
import type { KeychainCommands } from "./keychain.js";

/** A key in a file that nobody else may read; made at the first use, where `create` is not false. */
export function keyFile(path: string, { create = true }: { create?: boolean } = {}): SealingKey {
  return rawKey(() => {
    if (!existsSync(path)) {
      if (!create) throw new SealError("no_key", `there is no key file ${path}`);
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      try {
        writeFileSync(path, `${newSealingKey()}\n`, { flag: "wx", mode: 0o600 });
        chmodSync(path, 0o600);
      } catch (error) {
        // Another process was faster.
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw new SealError("no_key", `the key file ${path} cannot be made (${(error as NodeJS.ErrnoException).code})`);
      }
    }
    if (process.platform !== "win32" && (statSync(path).mode & 0o077) !== 0) throw new SealError("no_key", `others may read the key file ${path}: chmod 600 it, and change the key if they have`);
    return readFileSync(path, "utf8");
  }, "file");
}

/** A key in a variable of the environment: 64 hexadecimal digits, or 43 characters of base64. */
export function keyFromEnv(name: string, env: Readonly<Record<string, string | undefined>> = process.env): SealingKey {
  return rawKey(() => {
    const value = env[name];
    if (value === undefined || value === "") throw new SealError("no_key", `the variable ${name} is not set`);
    return value;
  }, "environment");
}

interface Keyring {
  Entry: new (service: string, account: string) => { getPassword(): string | null; setPassword(password: string): void };
}

/**
 * A key in the system's keychain (macOS, Windows, the Secret Service of Linux): by the package `@napi-rs/keyring` where it is installed, else by
 * the system's own commands (`security`, PowerShell, `secret-tool`). Another place: `keychain()`.
 */
export function systemKeychain({ service = "credpool", account = "store" }: { service?: string; account?: string } = {}): SealingKey {
  const entry = async (): Promise<KeychainCommands> => {
    const name = "@napi-rs/keyring";
    const keyring = await (import(/* @vite-ignore */ name) as Promise<Keyring>).catch(() => undefined);
    if (!keyring) return keychainCommands({ service, account });
    const kept = new keyring.Entry(service, account);
    return { get: async () => kept.getPassword(), set: async (key) => kept.setPassword(key) };
  };
  return keychain({ get: async () => (await entry()).get(), set: async (key) => (await entry()).set(key) });
}
