// Why a login failed, in words.
import { CredpoolError } from "../errors.js";

const SAID: Readonly<Record<string, string>> = {
  access_denied: "it was refused in the browser",
  timeout: "nobody answered in time; begin again",
  expired_token: "the code was not typed in in time; begin again",
  cancelled: "it was given up",
  invalid_client: "the provider does not know this client: check clientId and clientSecret",
  unauthorized_client: "the provider does not allow this client to log in so: try another flow",
  invalid_scope: "the provider does not give this client these scopes",
  invalid_grant: "the provider did not take the code, or not from this client and redirect",
  wrong_issuer: "somebody else answered than the provider that was asked",
  malformed: "what the provider answered is no answer",
  network: "the provider did not answer",
};

export function loginError(reason: string): CredpoolError {
  const said = SAID[reason];
  return new CredpoolError("login", `the login failed: ${said === undefined ? reason : `${said} (${reason})`}`, { reason });
}
