//! OAuth as data: requests are built here and answers read here, nothing is sent and nothing decided.

mod account;
mod authorize;
mod device;
mod dpop;
mod form;
mod handoff;
mod identity;
mod metadata;
mod pkce;
mod token;

pub use crate::facts::oauth::{BodyForm, ClientAuth};
pub use account::{
    identity_of_answer, introspect_request, read_introspection, read_revocation, read_userinfo,
    revoke_request, userinfo_request, Introspection,
};
pub use authorize::{
    authorization_url, client_credentials_request, code_request, read_callback, Authorization, CallbackError,
};
pub use device::{device_request, poll_request, read_device_answer, read_poll, DeviceGrant, Poll};
pub use dpop::{
    is_dpop_key, nonce_of, origin_of, private_part, refuses_proof, signing_input, thumbprint, Proof, Refused,
};
pub use form::{form, read_form};
pub use handoff::{
    as_token_answer, asked_request, own_codes, read_asked, read_start, renew_request, start_request, Asked,
    Fill,
};
pub use identity::{identity_of_tokens, read_identity};
pub use metadata::{metadata_request, read_metadata};
pub use pkce::{challenge, is_verifier, same_secret};
pub use token::{
    failure_code, read_token_answer, refresh_request, TokenEndpoint, TokenFailure, TokenFailureKind, Tokens,
};
