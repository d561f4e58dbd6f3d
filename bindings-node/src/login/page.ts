// What the browser shows at the end of a login. Fixed texts: nothing of what came is shown again.

const TEXTS: Readonly<Record<string, readonly [title: string, text: string]>> = {
  done: ["You are logged in", "You can close this window and go back to the program."],
  used: ["This login is over", "Go back to the program; if it did not succeed, begin again there."],
  access_denied: ["The login was refused", "Nothing was stored. You can close this window."],
  state_mismatch: ["This is not the answer to the login", "The program goes on waiting for the right one."],
  malformed: ["This answer cannot be read", "The program goes on waiting for one that can."],
  wrong_issuer: ["Somebody else answered", "The login was stopped, because this answer is not from the provider that was asked."],
  timeout: ["The login took too long", "Begin again in the program."],
  elsewhere: ["There is nothing here", "This address waits for one login, and for nothing else."],
};
const FAILED = ["The login failed", "The program says why. You can close this window."] as const;

export function page(code: string): string {
  const [title, text] = (Object.hasOwn(TEXTS, code) ? TEXTS[code] : undefined) ?? FAILED;
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title}</title>
<style>
  :root { color-scheme: light dark }
  body { font: 1.1rem/1.5 system-ui, sans-serif; max-width: 32rem; margin: 20vh auto; padding: 0 1.5rem }
</style>
<h1>${title}</h1>
<p>${text}</p>
</html>
`;
}
