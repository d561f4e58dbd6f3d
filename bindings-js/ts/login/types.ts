// What a login is asked for with, and what it asks of its host.

/** A way to log in: a browser, a code that is typed in on any device, or no person at all. */
export type LoginFlow = "code" | "device" | "client_credentials";

/** What the person is to do. */
export interface LoginPrompt {
  readonly provider: string;
  readonly flow: LoginFlow;
  /** To be opened in a browser: this one, or that of any other device. */
  readonly url: string;
  /** To be typed in there: the device flow. */
  readonly code?: string;
  /** Until when the code is good, in milliseconds since 1970. */
  readonly expiresAt?: number;
  /** Where the browser comes back to; absent for the device flow. */
  readonly redirectUri?: string;
}

/** What became of a callback. */
export type CallbackResult =
  /** The login is done: the account is stored. */
  | { readonly ok: true }
  /** It is over (`final`), or this was not its answer and it goes on waiting; `code` is one word. */
  | { readonly ok: false; readonly final: boolean; readonly code: string };

/** Receives the browser when it comes back. */
export interface CallbackReceiver {
  /** The redirect with its real port. */
  readonly redirectUri: string;
  /** Hands over each callback's URL; the answer comes when the login is done or over, or at once where it was not ours. */
  listen(receive: (url: string) => Promise<CallbackResult>): void;
  close(): void | Promise<void>;
}

/** Makes a receiver for the redirect that a provider knows; a port of 0, or none, is any. */
export type CallbackFactory = (redirectUri: string) => Promise<CallbackReceiver>;

/** How somebody logs in. */
export interface LoginOptions {
  /** The provider's preferred one where it is left out. */
  flow?: LoginFlow | undefined;
  /** Your OAuth client; that of the pool's `oauth` option where it is left out. */
  clientId?: string | undefined;
  clientSecret?: string | undefined;
  /** The provider's own where they are left out. */
  scopes?: readonly string[] | undefined;
  /** Where the browser is sent back to; the provider's registered address where it is left out. */
  redirectUri?: string | undefined;
  /** Receives the browser: `loopback()` of `credpool/node`, or your own. Without it the person pastes what the browser shows. */
  callback?: CallbackFactory | undefined;
  /** Opens a browser, or tells the person where to go. */
  openUrl?: ((url: string, prompt: LoginPrompt) => unknown) | undefined;
  /**
   * Asks for the address that the browser ended at, or for the code that it shows. Called besides `callback`: whichever
   * comes first counts. `problem` says why the last answer was none; `undefined` gives up asking.
   */
  prompt?: ((prompt: LoginPrompt, problem: string | undefined, signal: AbortSignal) => Promise<string | undefined>) | undefined;
  /** Is shown what the provider's terms say of such accounts, before anything else; `false` stops. */
  notice?: ((text: string) => unknown) | undefined;
  /** The account's name in the pool; its e-mail address where it is left out. */
  name?: string | undefined;
  priority?: number | undefined;
  /** The proxy that the login's requests take, and the account's from then on. Needs `host.transport`. */
  proxyUrl?: string | undefined;
  /** Binds the account's tokens to a new key (DPoP, RFC 9449): who has stolen them alone cannot use them. As the provider's definition says where it is left out. */
  dpop?: boolean | undefined;
  /** How long the person may take: 5 minutes. The device flow has the provider's own limit. */
  timeoutMs?: number | undefined;
  /** Gives up; the promise is then rejected with the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** An OAuth client of yours. */
export interface OAuthClient {
  clientId: string;
  clientSecret?: string | undefined;
}

/** How accounts of a provider log in. Endpoints are `https`, or `http` on a loopback host. */
export interface OAuthDefinition {
  /** The ways to log in, the preferred first. */
  flows?: readonly LoginFlow[] | undefined;
  /** Endpoints that are left out are discovered here (RFC 8414). */
  issuer?: string | undefined;
  authorize?: string | undefined;
  token?: string | undefined;
  device?: string | undefined;
  revoke?: string | undefined;
  introspect?: string | undefined;
  userinfo?: string | undefined;
  scopes?: readonly string[] | undefined;
  /** How token requests are written: `"form"`. */
  body?: "form" | "json" | undefined;
  /** How a client's secret is shown: `"client_secret_post"`. */
  clientAuth?: "client_secret_post" | "client_secret_basic" | undefined;
  /** The redirect that is registered; port 0 for any. */
  redirect?: string | undefined;
  /** Further parameters of the authorization URL. */
  params?: Readonly<Record<string, string>> | undefined;
  /** Further headers of requests to the token endpoint. */
  headers?: Readonly<Record<string, string>> | undefined;
  /** Where answers and tokens say whose account it is: paths, their names separated by spaces. */
  identity?: { email?: readonly string[]; accountId?: readonly string[]; orgId?: readonly string[]; projectId?: readonly string[] } | undefined;
  /** How long an access token lives where nobody says. */
  lifeMs?: number | undefined;
  /** How long after a refresh the old refresh token is still taken; less than the provider says by what a request may take. */
  graceMs?: number | undefined;
  /** Are an account's organisations accounts of their own? */
  orgScoped?: boolean | undefined;
  stateInToken?: boolean | undefined;
  devicePkce?: boolean | undefined;
  /** Are tokens bound to a key of the account's (DPoP, RFC 9449)? A login whose tokens are not is refused then. */
  dpop?: boolean | undefined;
}
