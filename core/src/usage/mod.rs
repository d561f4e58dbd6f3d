//! What a provider says is used of an account: plain data, without secrets.

mod accounts;
pub mod report;

pub use accounts::by_account;
