//! OAuth as data: requests are built here and answers read here, nothing is sent and nothing decided.

mod form;
mod identity;
mod token;

pub use crate::facts::oauth::{BodyForm, ClientAuth};
pub use form::form;
pub use identity::{identity_of_tokens, read_identity};
pub use token::{read_token_answer, refresh_request, TokenEndpoint, TokenFailure, TokenFailureKind, Tokens};
