//! What a provider says is used of an account: plain data, without secrets.

pub mod report;
