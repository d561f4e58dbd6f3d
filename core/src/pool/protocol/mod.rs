//! What crosses between a pool and its host: plain data, JSON in JavaScript. `bindings-js/ts/protocol.ts` is its twin.

mod incoming;
mod outgoing;

pub use incoming::{
    CredentialInput, LoginInput, Outcome, PoolConfig, PoolInput, RowData, SecretInput, StreamData,
};
pub use outgoing::{Answer, HostEffect, MutationData, PoolStep, SecretEntry};
