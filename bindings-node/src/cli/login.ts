// credpool login: an account, by a browser or by a code that is typed in elsewhere.
import type { LoginFlow, LoginOptions, LoginPrompt } from "credpool";
import { hasBrowser, openBrowser } from "../login/browser.js";
import { loopback } from "../login/loopback.js";
import { UsageError } from "./command.js";
import type { Command, Context } from "./command.js";
import { STORE_HELP, STORE_OPTIONS, withPool } from "./store.js";

const FLOWS: readonly string[] = ["code", "device", "client_credentials"] satisfies LoginFlow[];

export const loginCommand: Command = {
  name: "login",
  summary: "log in to an account and keep it in the pool",
  help: `Usage: credpool login PROVIDER [OPTIONS]

Opens a browser, or prints the address (and, for the device flow, the code) to be
used on any other device: it works over SSH too. A login of an account that is
there already renews that one.

The OAuth client is yours: --client-id, or CREDPOOL_<PROVIDER>_CLIENT_ID in the
environment; the secret of a confidential one only as CREDPOOL_<PROVIDER>_CLIENT_SECRET.

Options:
  --client-id ID     your OAuth client
  --flow FLOW        code, device or client_credentials; else the provider's
                     preferred one
  --issuer URL       log in to any provider that describes itself (RFC 8414): it is
                     called PROVIDER from now on
  --scope SCOPE      may be given several times; else the provider's own
  --redirect URL     the redirect that is registered for your client
  --name NAME        the account's name in the pool; else its e-mail address
  --priority N       higher is tried first
  --no-browser       print the address, open nothing
  --dpop             bind the account's tokens to a key of its own (RFC 9449), where
                     the provider does that
  --timeout SECONDS  how long to wait for the person: 300
${STORE_HELP}

Exit code: 0 if the account is stored, 1 if not, 2 if the command is wrong.`,
  words: ["provider"],
  values: { flow: FLOWS },
  options: {
    ...STORE_OPTIONS,
    "client-id": { type: "string" },
    flow: { type: "string" },
    issuer: { type: "string" },
    scope: { type: "string", multiple: true },
    redirect: { type: "string" },
    name: { type: "string" },
    priority: { type: "string" },
    "no-browser": { type: "boolean" },
    dpop: { type: "boolean" },
    timeout: { type: "string" },
  },
  async run(context, values, words) {
    const [provider, more] = words;
    if (provider === undefined || more !== undefined) throw new UsageError("login: name one provider");
    const { out, err } = context;
    return withPool(values, async (pool) => {
      if (typeof values.issuer === "string") pool.providers.register({ name: provider, kinds: ["oauth"], oauth: { flows: ["code", "device", "client_credentials"], issuer: values.issuer } });
      const known = pool.providers.get(provider);
      if (!known?.logins) throw new Error(`${provider} has no login that is known: credpool can hold its keys and tokens`);
      const id = await pool.login(provider, { ...clientOf(context, known.name, values["client-id"] as string | undefined), ...optionsOf(context, values) });
      const account = pool.get(id);
      if (values.json === true) out.line(JSON.stringify({ id, provider: account?.provider, name: account?.name, identity: account?.identity, expires: account?.expires }));
      else out.line(`${out.paint("green", "logged in:")} ${account?.provider}:${account?.name}`);
      err.line(err.paint("dim", "its tokens are in the pool's file; credpool logout gives them back"));
      return 0;
    });
  },
};

/** An OAuth client of the user's: given as an option, or in the environment. Its secret only there: options can be seen by all. */
function clientOf({ env }: Context, provider: string, given: string | undefined): { clientId?: string; clientSecret?: string } {
  const name = `CREDPOOL_${provider.toUpperCase().replaceAll(/[^A-Z0-9]/g, "_")}_CLIENT`;
  const clientId = given ?? env[`${name}_ID`];
  const clientSecret = env[`${name}_SECRET`];
  return { ...(clientId && { clientId }), ...(clientId && clientSecret && { clientSecret }) };
}

function optionsOf(context: Context, values: Readonly<Record<string, unknown>>): LoginOptions {
  const { flow, name, priority, timeout, scope, redirect } = values as Record<string, string | undefined> & { scope?: string[] };
  if (flow !== undefined && !FLOWS.includes(flow)) throw new UsageError(`login: --flow is one of ${FLOWS.join(", ")}`);
  const browser = values["no-browser"] !== true && hasBrowser(context.env);
  return {
    flow: flow as LoginFlow | undefined,
    name,
    scopes: scope as readonly string[] | undefined,
    redirectUri: redirect,
    ...(values.dpop === true && { dpop: true }),
    priority: whole("priority", priority),
    timeoutMs: timeout === undefined ? undefined : Math.max(1, whole("timeout", timeout) ?? 0) * 1000,
    notice: (text) => context.err.line(`${context.err.paint("bold", "note:")} ${text}`),
    callback: callbackFor(context),
    openUrl: (url, prompt) => show(context, prompt, browser && prompt.flow === "code" ? openBrowser(url) : Promise.resolve(false)),
    ...(context.ask && { prompt: (prompt, problem, signal) => paste(context, prompt, problem, signal) }),
  };
}

/** Where the provider knows only a redirect that is not this machine's, what the browser shows is pasted. */
function callbackFor({ err, ask }: Context): LoginOptions["callback"] {
  const make = loopback();
  return async (redirectUri) => {
    try {
      return await make(redirectUri);
    } catch (error) {
      if (!ask) throw error;
      err.line(err.paint("dim", (error as Error).message));
      return { redirectUri, listen: () => undefined, close: () => undefined };
    }
  };
}

async function show({ err }: Context, { url, code, expiresAt }: LoginPrompt, opened: Promise<boolean>): Promise<void> {
  if (code !== undefined) {
    err.line(`Open ${err.paint("bold", url)}`);
    err.line(`and enter the code ${err.paint("bold", code)}`);
    if (expiresAt !== undefined) err.line(err.paint("dim", `the code is good until ${new Date(expiresAt).toLocaleTimeString()}`));
    return;
  }
  err.line((await opened) ? "A browser was opened. If it shows nothing, open:" : "Open in a browser:");
  err.line(url);
}

function paste({ ask }: Context, _prompt: LoginPrompt, problem: string | undefined, signal: AbortSignal): Promise<string | undefined> {
  const question =
    problem === undefined
      ? "If the browser is on another machine: paste the address at which it ends, or the code that it shows: "
      : "That is not the answer to this login. Paste the whole address: ";
  return ask ? ask(question, signal) : Promise.resolve(undefined);
}

function whole(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^-?[0-9]{1,9}$/.test(text)) throw new UsageError(`login: --${option} is a whole number`);
  return Number(text);
}
