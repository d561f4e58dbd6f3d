//! OAuth as data: requests are built here and answers read here, nothing is sent and nothing decided.

mod form;
mod token;

pub use form::form;
pub use token::{
    read_token_answer, refresh_request, BodyForm, ClientAuth, TokenEndpoint, TokenFailure, TokenFailureKind,
    Tokens,
};
