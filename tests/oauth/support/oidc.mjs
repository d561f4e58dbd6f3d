// @ts-check
// A certified OpenID provider on this machine: rotation with reuse detection, lives of seconds, every flow that we speak.
import { randomBytes } from "node:crypto";
import http from "node:http";
import { once } from "node:events";
import { memoryAdapter } from "./adapter.mjs";

/** @typedef {{ issuer: string, clients: { publicId: string, confidential: { id: string, secret: string } }, close(): Promise<void>, grants: string[], revoked: string[], refused: string[], refreshTokenOf(person: string): Promise<string> }} Oidc */

const CONFIDENTIAL = { id: "machine", secret: "canary-secret-of-the-machine" };

/** @param {{ accessSeconds?: number, leewaySeconds?: number, dpop?: "nonce" | "clock" }} [options] `dpop`: tokens may be bound to keys; its nonces are in all proofs, or proofs are believed by their time @returns {Promise<Oidc>} */
export async function startOidc({ accessSeconds = 60, leewaySeconds = 0, dpop } = {}) {
  // It warns of being a test set-up, over and over.
  const { warn, info } = console;
  console.warn = console.info = () => undefined;
  // It has no types.
  const { Provider } = /** @type {any} */ (await import(/** @type {string} */ ("oidc-provider")));
  const server = http.createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  const issuer = `http://127.0.0.1:${port}`;
  const provider = new Provider(issuer, {
    adapter: memoryAdapter(leewaySeconds),
    clients: [
      {
        client_id: "app",
        application_type: "native",
        token_endpoint_auth_method: "none",
        grant_types: ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"],
        redirect_uris: ["http://127.0.0.1/callback"],
      },
      {
        client_id: CONFIDENTIAL.id,
        client_secret: CONFIDENTIAL.secret,
        grant_types: ["client_credentials"],
        redirect_uris: [],
        response_types: [],
        token_endpoint_auth_method: "client_secret_basic",
      },
    ],
    scopes: ["openid", "email", "offline_access", "api"],
    claims: { openid: ["sub"], email: ["email", "email_verified"] },
    conformIdTokenClaims: false,
    cookies: { keys: ["of a test"] },
    features: {
      devInteractions: { enabled: true },
      deviceFlow: { enabled: true },
      revocation: { enabled: true },
      introspection: { enabled: true },
      clientCredentials: { enabled: true },
      dPoP: { enabled: dpop !== undefined, allowReplay: false, ...(dpop === "nonce" && { nonceSecret: randomBytes(32), requireNonce: () => true }) },
    },
    pkce: { required: () => true },
    rotateRefreshToken: true,
    issueRefreshToken: () => true,
    ttl: { AccessToken: accessSeconds, ClientCredentials: accessSeconds, RefreshToken: 3600, DeviceCode: 120, AuthorizationCode: 30, IdToken: 60, Interaction: 120, Session: 120, Grant: 3600 },
    findAccount: (/** @type {unknown} */ _, /** @type {string} */ id) => ({ accountId: id, claims: () => ({ sub: id, email: `${id}@example.com`, email_verified: true }) }),
  });
  console.warn = warn;
  console.info = info;
  /** @type {string[]} */
  const grants = [];
  /** @type {string[]} */
  const revoked = [];
  provider.on("grant.success", (/** @type {any} */ ctx) => grants.push(ctx.oidc.params.grant_type));
  provider.on("refresh_token.destroyed", () => revoked.push("refresh_token"));
  provider.on("grant.revoked", () => revoked.push("grant"));
  /** @type {string[]} */
  const refused = [];
  provider.on("grant.error", (/** @type {any} */ ctx, /** @type {any} */ error) => {
    if (ctx.oidc.params?.grant_type === "refresh_token") refused.push(`${error.message}: ${error.error_detail ?? ""}`);
  });
  server.on("request", provider.callback());
  return {
    issuer,
    clients: { publicId: "app", confidential: CONFIDENTIAL },
    grants,
    revoked,
    refused,
    // As a login would leave it, without a person.
    refreshTokenOf: async (person) => {
      const client = await provider.Client.find("app");
      const grant = new provider.Grant({ accountId: person, clientId: "app" });
      const scope = "openid email offline_access";
      grant.addOIDCScope(scope);
      const grantId = await grant.save();
      return new provider.RefreshToken({ accountId: person, client, grantId, scope, gty: "authorization_code" }).save();
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
