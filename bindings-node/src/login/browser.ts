// Opens the person's browser, where there is one on this machine.
import { spawn } from "node:child_process";

/** Can a browser be opened here: not over SSH, not without a screen? */
export function hasBrowser(env: Readonly<Record<string, string | undefined>> = process.env): boolean {
  if (env.SSH_CONNECTION || env.SSH_TTY || env.CI) return false;
  if (process.platform === "win32" || process.platform === "darwin") return true;
  return Boolean(env.BROWSER || env.DISPLAY || env.WAYLAND_DISPLAY);
}

/** Opens an address. Answers whether a program for it was found; whether it shows the page nobody knows. */
export function openBrowser(url: string): Promise<boolean> {
  const { protocol, href } = new URL(url);
  if (protocol !== "https:" && protocol !== "http:") return Promise.resolve(false);
  const [program, ...args] = command(href);
  if (program === undefined) return Promise.resolve(false);
  return new Promise((resolve) => {
    // Without a shell: nothing in an address is a command.
    const child = spawn(program, args, { detached: true, stdio: "ignore", windowsVerbatimArguments: false });
    child.once("error", () => resolve(false));
    child.once("spawn", () => {
      child.unref();
      resolve(true);
    });
  });
}

function command(url: string): string[] {
  if (process.platform === "darwin") return ["open", url];
  if (process.platform === "win32") return ["rundll32", "url.dll,FileProtocolHandler", url];
  return [process.env.BROWSER || "xdg-open", url];
}
